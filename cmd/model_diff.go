package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/release"
	"github.com/mlops-cli/mlops/pkg/reproduce"
	"github.com/mlops-cli/mlops/pkg/term"
)

type modelDiffOptions struct {
	app *app

	refs  []string
	patch bool
	md    bool
	pull  bool
}

func newModelDiffCmd(a *app) *cobra.Command {
	o := &modelDiffOptions{app: a}
	c := &cobra.Command{
		Use:   "diff OLD [NEW]",
		Short: "Show what differs between two versions",
		Long: `Show what differs between two versions of a model: params, metrics, code and data of
their runs, signature, and the files of the model. NEW may be a number or an @alias
of the same model; without it OLD is compared with the newest version.`,
		Example: "  mlops model diff churn@production churn@candidate\n  mlops model diff churn/2 3\n  mlops model diff churn@production --md",
		Args:    cobra.RangeArgs(1, 2),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.refs = args
			return runModelDiff(ctx, o)
		}),
	}
	c.Flags().BoolVarP(&o.patch, "patch", "p", false, "print the changes of the code")
	c.Flags().BoolVar(&o.md, "md", false, "print Markdown, for pull requests")
	c.Flags().BoolVar(&o.pull, "pull", false, "fetch what is missing from the default remote")
	return c
}

// modelDifference is the JSON of model diff; docs/json.md is its contract.
type modelDifference struct {
	Old       modelSide              `json:"old"`
	New       modelSide              `json:"new"`
	Params    []reproduce.ParamDiff  `json:"params"`
	Metrics   []reproduce.MetricDiff `json:"metrics"`
	Code      reproduce.CodeDiff     `json:"code"`
	Data      []reproduce.FileDiff   `json:"data"`
	Signature []string               `json:"signature"`
	Breaking  []string               `json:"breaking"`
	Facts     []release.Fact         `json:"facts"`
	Files     []release.File         `json:"files"`
	Known     bool                   `json:"files_known"`
}

type modelSide struct {
	Name    string   `json:"name"`
	Version int      `json:"version"`
	Aliases []string `json:"aliases"`
	RunID   string   `json:"run_id"`
}

func sideOf(v *registry.Version) modelSide { return modelSide{v.Model, v.Number, v.Aliases, v.RunID} }

// parse reads the two names; the second may leave out the model.
func (o *modelDiffOptions) parse() (older, newer registry.Ref, err error) {
	if older, err = registry.ParseRef(o.refs[0]); err != nil {
		return older, newer, err
	}
	if len(o.refs) == 1 {
		if older.Number == 0 && older.Alias == "" {
			return older, newer, errs.New(errs.Usage, "%s names no version to compare with", older).Hint("mlops model diff %s/1 %s/2", older, older)
		}
		return older, registry.Ref{Name: older.Name}, nil
	}
	second := o.refs[1]
	var number int
	if _, err := fmt.Sscanf(second, "%d", &number); err == nil && fmt.Sprint(number) == second {
		return older, registry.Ref{Name: older.Name, Number: number}, nil
	}
	if second != "" && second[0] == '@' {
		second = older.Name + second
	}
	newer, err = registry.ParseRef(second)
	return older, newer, err
}

func runModelDiff(ctx context.Context, o *modelDiffOptions) error {
	older, newer, err := o.parse()
	if err != nil {
		return err
	}
	p, err := o.app.releaser(ctx, o.pull)
	if err != nil {
		return err
	}
	d, err := p.Diff(ctx, older, newer)
	if err != nil {
		return err
	}
	a, b, err := p.RunsOf(ctx, &d.Old, &d.New)
	if err != nil {
		return err
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	w, err := o.app.workspace(ctx)
	if err != nil {
		return err
	}
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	work := reproduce.New(r, w, tracking)
	work.Fetch = p.Fetch
	runs, err := work.Diff(ctx, &a, &b, o.patch)
	if err != nil {
		return err
	}
	runs.Old.Name, runs.New.Name = d.Old.Ref().String(), d.New.Ref().String()
	res := modelDifference{
		Old: sideOf(&d.Old), New: sideOf(&d.New), Params: runs.Params, Metrics: runs.Metrics, Code: runs.Code, Data: runs.Data,
		Signature: d.Signature, Breaking: d.Breaking, Facts: d.Facts, Files: d.Files, Known: d.Known,
	}
	show := &diffShown{app: o.app, d: runs, md: o.md}
	if err := o.app.io.Result(res, func(w io.Writer) error { return o.write(w, show, &d) }); err != nil {
		return err
	}
	if !d.Known {
		o.app.io.Warn("files of one of the versions are not on this machine: --pull fetches them")
	}
	return nil
}

// write shows what the versions say for themselves below what their runs say.
func (o *modelDiffOptions) write(w io.Writer, show *diffShown, d *release.Difference) error {
	var facts, signature, files [][]string
	for _, f := range d.Facts {
		facts = append(facts, []string{f.Name, orDash(f.Old), orDash(f.New)})
	}
	for _, s := range d.Signature {
		signature = append(signature, []string{s})
	}
	for _, f := range d.Files {
		files = append(files, []string{f.Change, f.Path, sizeOr(f.OldSize, f.Change == "added"), sizeOr(f.NewSize, f.Change == "deleted")})
	}
	show.more = []diffPart{
		{"model", []string{"", show.d.Old.Name, show.d.New.Name}, facts, nil},
		{"signature", []string{"CHANGE"}, signature, nil},
		{"files", []string{"", "PATH", "OLD", "NEW"}, files, []int{2, 3}},
	}
	show.heading = fmt.Sprintf("%s → %s", show.d.Old.Name, show.d.New.Name)
	if err := show.write(w); err != nil {
		return err
	}
	if len(d.Breaking) > 0 {
		_, err := fmt.Fprintf(w, "\n%s\n", show.style(term.Yellow, "callers of the old version cannot call the new one"))
		return err
	}
	return nil
}

func orDash(text string) string {
	if text == "" {
		return compare.Missing
	}
	return text
}

func sizeOr(size int64, missing bool) string {
	if missing {
		return compare.Missing
	}
	return term.Bytes(size)
}
