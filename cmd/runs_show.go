package cmd

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/plot"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/track"
)

type runsShowOptions struct {
	app *app

	ref string
	log bool
}

func newRunsShowCmd(a *app) *cobra.Command {
	o := &runsShowOptions{app: a}
	c := &cobra.Command{
		Use:     "show [RUN]",
		Short:   "Show everything of one run",
		Long:    "Show everything of one run; without a name, of the newest.",
		Example: "  mlops runs show\n  mlops runs show 3fa9c1 --log",
		Args:    cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.ref = strings.Join(args, "")
			return runRunsShow(ctx, o)
		}),
	}
	c.Flags().BoolVar(&o.log, "log", false, "print what its stages printed")
	return c
}

func runRunsShow(ctx context.Context, o *runsShowOptions) error {
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	id, err := resolveRun(ctx, tracking, o.ref)
	if err != nil {
		return err
	}
	r, err := tracking.Run(ctx, id)
	if err != nil {
		return err
	}
	if o.log {
		return o.showLog(ctx, &r)
	}
	children, err := o.children(ctx, tracking, &r)
	if err != nil {
		return err
	}
	shown := shownRun{Run: r, Children: make([]childRun, len(children))}
	for i, child := range children {
		shown.Children[i] = childRun{child.ID, child.Name, child.Status}
	}
	return o.app.io.Result(shown, func(w io.Writer) error {
		if err := o.app.showRun(w, &r); err != nil || len(children) == 0 {
			return err
		}
		return o.app.showChildren(w, &r, children)
	})
}

// children are the runs that belong to r, the first begun first, and how many
// there are is noted in r. A table needs only the first of them.
func (o *runsShowOptions) children(ctx context.Context, tracking track.Reader, r *track.Run) ([]track.Run, error) {
	counted, err := tracking.Runs(ctx, track.Query{IDs: []string{r.ID}, Bare: true, Counts: true, Deleted: true})
	if err != nil || len(counted) == 0 {
		return nil, err
	}
	r.Children = counted[0].Children
	q := track.Query{Parent: r.ID, Bare: true, Order: []track.Order{{Entity: track.Attributes, Key: "start_time"}}}
	if !o.app.io.JSON {
		q.Limit = runsShown
	}
	return tracking.Runs(ctx, q)
}

// shownRun is a run in the JSON of runs show; docs/json.md is its contract.
type shownRun struct {
	track.Run
	Children []childRun `json:"children"`
}

type childRun struct {
	RunID  string       `json:"run_id"`
	Name   string       `json:"name"`
	Status track.Status `json:"status"`
}

// showChildren lists the first of the runs that belong to another one.
func (a *app) showChildren(w io.Writer, r *track.Run, children []track.Run) error {
	if _, err := fmt.Fprintf(w, "\n%s\n", a.io.Paint(term.Bold, "children")); err != nil {
		return err
	}
	now := a.io.Clock.Now()
	t := a.io.Table()
	for i := range children[:min(len(children), runsShown)] {
		c := &children[i]
		t.Row(c.ID[:8], c.Name, a.paintStatus(c.Status), took(c, now))
	}
	if err := t.Write(w); err != nil {
		return err
	}
	if r.Children > runsShown {
		a.io.Note("and %s more: mlops runs ls --parent %.8s", term.Count(r.Children-runsShown), r.ID)
	}
	return nil
}

// resolveRun finds the run that ref names; without one the newest that is no child of
// another: stages and trials have runs of their own.
func resolveRun(ctx context.Context, tracking track.Reader, ref string) (string, error) {
	if ref != "" {
		return tracking.Resolve(ctx, ref)
	}
	newest, err := tracking.Runs(ctx, track.Query{Limit: 1, Bare: true, Top: true})
	if err != nil {
		return "", err
	}
	if len(newest) == 0 {
		return "", errs.New(errs.NotFound, "no run is recorded yet").Hint("mlops run records one")
	}
	return newest[0].ID, nil
}

// showLog prints the logs of the stages one after the other.
func (o *runsShowOptions) showLog(ctx context.Context, r *track.Run) error {
	repo, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	store, err := repo.Store(ctx)
	if err != nil {
		return err
	}
	printed := 0
	for _, stage := range r.Stages {
		if stage.Log.IsZero() {
			continue
		}
		log, err := store.Open(ctx, stage.Log)
		if errs.Is(err, errs.NotFound) {
			o.app.io.Warn("the log of stage %s is not on this machine", stage.Name)
			continue
		}
		if err != nil {
			return err
		}
		if len(r.Stages) > 1 {
			o.app.io.Note("--- %s", stage.Name)
		}
		_, err = io.Copy(o.app.io.Out, log)
		if cerr := log.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return fmt.Errorf("print log of stage %s: %w", stage.Name, err)
		}
		printed++
	}
	if printed == 0 {
		o.app.io.Note("run %s has no logs", r.Name)
	}
	return nil
}

// showRun writes a run for people.
func (a *app) showRun(w io.Writer, r *track.Run) error {
	now := a.io.Clock.Now()
	about := a.io.Table()
	row := func(key, value string) {
		if value != "" {
			about.Row(a.io.Paint(term.Dim, key), value)
		}
	}
	row("run", r.ID)
	row("name", a.io.Paint(term.Bold, r.Name))
	row("experiment", r.Experiment)
	row("kind", string(r.Kind))
	status := a.paintStatus(r.Status)
	if r.Deleted {
		status += " (removed)"
	}
	row("status", status)
	started := time.UnixMilli(r.StartTime)
	row("started", started.Format("2006-01-02 15:04:05")+" ("+term.Ago(now, started)+"), took "+took(r, now))
	row("user", r.User)
	row("command", strings.Join(r.Command, " "))
	row("source", r.Source)
	commit := r.Git.Commit
	if commit == "" && r.Git.Branch != "" {
		commit = "none yet"
	}
	if r.Git.Branch != "" {
		commit += " (" + r.Git.Branch + ")"
	}
	if r.Git.Dirty {
		commit += " with uncommitted changes"
	}
	row("commit", commit)
	row("remote", r.Git.Remote)
	row("parent", r.Parent)
	row("note", r.Note)
	if err := about.Write(w); err != nil {
		return err
	}
	params := a.io.Table()
	for _, p := range r.Params {
		params.Row(p.Key, p.Value)
	}
	metrics := a.io.Table("", "LAST", "STEP", "MIN", "MAX", "POINTS").Right(1, 2, 3, 4, 5)
	for _, m := range r.Metrics {
		metrics.Row(m.Key, plot.Number(float64(m.Value)), fmt.Sprint(m.Step), plot.Number(float64(m.Min)), plot.Number(float64(m.Max)), term.Count(m.Count))
	}
	tags := a.io.Table()
	for _, t := range r.Tags {
		tags.Row(t.Key, t.Value)
	}
	stages := a.io.Table()
	for _, s := range r.Stages {
		stages.Row(s.Name, s.Action, term.Duration(time.Duration(s.Seconds*float64(time.Second))), strings.Join(s.Reasons, "; "))
	}
	assets := a.io.Table()
	for _, x := range r.Assets {
		assets.Row(string(x.Role), x.Path, x.ID.Short(), term.Bytes(x.Size))
	}
	datasets := a.io.Table()
	for _, d := range r.Datasets {
		use := ""
		for _, t := range d.Tags {
			if t.Key == track.ContextTag {
				use = t.Value
			}
		}
		datasets.Row(use, d.Name, d.Digest, d.SourceType)
	}
	models := a.io.Table()
	for _, id := range r.ModelInputs {
		models.Row("input", id)
	}
	for _, m := range r.ModelOutputs {
		models.Row("output", m.Model)
	}
	environment := a.io.Table()
	for _, key := range slices.Sorted(maps.Keys(r.Environment)) {
		environment.Row(key, r.Environment[key])
	}
	for _, part := range []struct {
		title string
		table *term.Table
	}{{"params", params}, {"metrics", metrics}, {"tags", tags}, {"stages", stages}, {"data", assets}, {"datasets", datasets}, {"models", models}, {"environment", environment}} {
		if part.table.Len() == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n%s\n", a.io.Paint(term.Bold, part.title)); err != nil {
			return err
		}
		if err := part.table.Write(w); err != nil {
			return err
		}
	}
	return nil
}
