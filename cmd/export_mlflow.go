package cmd

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/mlruns"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/track"
)

type exportMLflowOptions struct {
	app *app
	mlruns.ExportRequest
}

func newExportMLflowCmd(a *app) *cobra.Command {
	o := &exportMLflowOptions{app: a}
	c := &cobra.Command{
		Use:   "mlflow <url> [RUN | EXPERIMENT]...",
		Short: "Copy runs and models to an MLflow server",
		Long: `Copies runs to an MLflow server (ours, or the reference's): params, tags, notes, the
whole history of their metrics, datasets, files and logged models; of an EXPERIMENT
all its runs, of a RUN its children, too. Without either, everything, registered models
included.

A server gives ids of its own; the tag mlops.origin says which run it was. The command
may be repeated: what is there already and did not change is left as it is, and what
was interrupted is finished. To a server that asks who you are, the variables
MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, say it.`,
		Example: `  mlops export mlflow http://mlflow.example.com:5000 --dry-run
  mlops export mlflow http://mlflow.example.com:5000 swift-otter-417
  mlops export mlflow http://127.0.0.1:5000 wine --outputs`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error { return runExportMLflow(ctx, o, args[0], args[1:]) }),
	}
	f := c.Flags()
	f.BoolVar(&o.Outputs, "outputs", false, "also what stages made, as files below outputs/")
	f.BoolVarP(&o.DryRun, "dry-run", "n", false, "only say what would be copied")
	return c
}

func runExportMLflow(ctx context.Context, o *exportMLflowOptions, url string, words []string) error {
	a := o.app
	r, err := a.repo(ctx)
	if err != nil {
		return err
	}
	tracking, err := a.tracking(ctx)
	if err != nil {
		return err
	}
	origin := mlruns.Origin{Tracking: tracking}
	if origin.Registry, err = a.registry(ctx); err != nil {
		return err
	}
	if origin.Objects, err = r.Store(ctx); err != nil {
		return err
	}
	if o.Runs, err = runsNamed(ctx, tracking, words); err != nil {
		return err
	}
	o.Models = len(words) == 0
	x, err := mlruns.NewExporter(url, origin, mlruns.OpenOptions{
		Login: mlflowLogin(),
		Bucket: func(ctx context.Context, url string) (remote.Bucket, error) {
			return a.connect(ctx, url, remote.Options{})
		},
	}, a.io.Progress())
	if err != nil {
		return err
	}
	a.atEnd(x.Close)
	res, err := x.Export(ctx, o.ExportRequest)
	if err != nil {
		return err
	}
	if err := a.io.Result(res, func(w io.Writer) error { return printExported(w, res) }); err != nil {
		return err
	}
	a.warnProblems(res.Problems)
	if len(res.Problems) > 0 {
		return errs.New(errs.Partial, "export mlflow: %s not copied whole", plural(len(res.Problems), "thing was", "things were"))
	}
	return nil
}

// runsNamed are the ids of the runs that words mean, those of experiments among
// them; without words of all.
func runsNamed(ctx context.Context, tracking track.Reader, words []string) ([]string, error) {
	experiments, err := tracking.Experiments(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	add := func(q track.Query) error {
		q.Bare = true
		runs, err := tracking.Runs(ctx, q)
		for _, r := range slices.Backward(runs) { // the oldest first
			if !slices.Contains(ids, r.ID) {
				ids = append(ids, r.ID)
			}
		}
		return err
	}
	if len(words) == 0 {
		return ids, add(track.Query{})
	}
	for _, word := range words {
		if slices.ContainsFunc(experiments, func(e track.Experiment) bool { return e.Name == word }) {
			if err := add(track.Query{Experiment: word}); err != nil {
				return nil, err
			}
			continue
		}
		id, err := tracking.Resolve(ctx, word)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func printExported(w io.Writer, res mlruns.ExportResult) error {
	var b strings.Builder
	printCounts(&b, []countRow{{"runs", res.Runs}, {"logged models", res.Models}, {"model versions", res.Versions}}, "there already")
	if res.Points > 0 {
		fmt.Fprintf(&b, "%-18s %d\n", "metric points", res.Points)
	}
	if res.Files > 0 {
		fmt.Fprintf(&b, "%-18s %d, %s\n", "files", res.Files, term.Bytes(res.Bytes))
	}
	text := b.String()
	if text == "" {
		text = "there is nothing to copy\n"
	}
	if res.DryRun {
		text = "would copy to " + res.Server + ":\n" + text
	}
	_, err := io.WriteString(w, text)
	return err
}
