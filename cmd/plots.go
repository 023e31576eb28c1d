package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/plot/vega"
	"github.com/mlops-cli/mlops/pkg/repo"
)

func newPlotsCmd(a *app) *cobra.Command {
	return a.group("plots", "Draw plot files, and compare them between revisions",
		newPlotsShowCmd(a), newPlotsDiffCmd(a), newPlotsTemplatesCmd(a))
}

func newPlotsShowCmd(a *app) *cobra.Command {
	o := &plotsOptions{app: a}
	c := &cobra.Command{
		Use:   "show [plot or file]...",
		Short: "Draw the plots of the workspace",
		Long: `Draws the plots that stages and the top-level plots of the pipeline files declare,
or the given ones: ids, or CSV, TSV, JSON and YAML files and pictures, declared or
not. The result is one HTML file that needs no network, and with --svg and --png a
picture of each plot.`,
		Example: "  mlops plots show\n  mlops plots show loss.csv -x step -y loss --png plots\n  mlops plots show predictions.csv -t confusion -x actual -y predicted -o -\n  mlops plots show loss.csv --show-vega",
		Args:    cobra.ArbitraryArgs,
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.targets = args
			return o.run(ctx, []string{compare.Workspace})
		}),
	}
	o.flags(c)
	return c
}

func newPlotsDiffCmd(a *app) *cobra.Command {
	o := &plotsOptions{app: a}
	c := &cobra.Command{
		Use:   "diff [revision]... [A..B]",
		Short: "Draw the plots of several revisions over each other",
		Long: `Draws each plot with the data of several git revisions: pictures side by side, a
confusion matrix for each revision, curves in one chart. One revision is compared
with the workspace; without any, HEAD is.`,
		Example: "  mlops plots diff\n  mlops plots diff main\n  mlops plots diff v1.0 v1.1 v1.2 --targets loss.csv -o report.html\n  mlops plots diff main..HEAD --svg plots",
		Args:    cobra.ArbitraryArgs,
		RunE: a.run(func(ctx context.Context, args []string) error {
			names, err := o.app.plotRevisions(ctx, args)
			if err != nil {
				return err
			}
			return o.run(ctx, names)
		}),
	}
	commaListVar(c.Flags(), &o.targets, "targets", "only these plots or `FILES`")
	o.flags(c)
	return c
}

func newPlotsTemplatesCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "templates [name]",
		Short: "List the templates of plots, or print one",
		Long: `Lists the built-in templates and those of the repository, or prints the Vega-Lite
of one with its anchors: the beginning of a template of your own, which is a file
in .mlops/plots (or .dvc/plots) and is used by its name without .json.`,
		Example: "  mlops plots templates\n  mlops plots templates linear > .mlops/plots/mine.json",
		Args:    cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			r, err := a.repo(ctx)
			if err != nil && !errs.Is(err, errs.NotARepository) {
				return err
			}
			if len(args) == 0 {
				return a.listTemplates(r)
			}
			t, err := findTemplate(r, args[0])
			if err != nil {
				return err
			}
			return writeIndented(a.io.Out, t.Content())
		}),
	}
}

func writeIndented(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// templateDirs are where templates of a repository stand, the first wins.
func templateDirs(r *repo.Repo) []string {
	if r == nil {
		return nil
	}
	return []string{r.Path(".mlops/plots"), r.Path(".dvc/plots")}
}

func (a *app) listTemplates(r *repo.Repo) error {
	names := vega.Names()
	for _, dir := range templateDirs(r) {
		found, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil {
			return err
		}
		for _, f := range found {
			base := filepath.Base(f)
			names = append(names, base[:len(base)-len(".json")])
		}
	}
	return a.io.Result(names, func(w io.Writer) error {
		for _, name := range names {
			if _, err := io.WriteString(w, name+"\n"); err != nil {
				return err
			}
		}
		return nil
	})
}

// findTemplate looks in the directories of the repository, then for a file of
// that name, then among the built-in ones.
func findTemplate(r *repo.Repo, name string) (vega.Template, error) {
	if name == "" {
		name = "linear"
	}
	var places []string
	for _, dir := range templateDirs(r) {
		places = append(places, filepath.Join(dir, name), filepath.Join(dir, name+".json"))
	}
	for _, p := range append(places, name) {
		info, err := os.Stat(p)
		if err != nil || info.IsDir() {
			continue
		}
		text, err := os.ReadFile(p)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return vega.Template{}, errs.New(errs.Internal, "read template: %w", err)
		}
		return vega.NewTemplate(name, text)
	}
	return vega.BuiltinTemplate(name)
}
