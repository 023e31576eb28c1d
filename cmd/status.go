package cmd

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

type statusOptions struct {
	app *app
	workspace.StatusRequest
	exitCode     bool
	allowMissing bool
}

// statusReport is the contract of status --json.
type statusReport struct {
	Clean   bool               `json:"clean"`
	Changes []workspace.Change `json:"changes"`
	Stages  []staleStage       `json:"stages"`
}

// staleStage is a stage that a run would not skip.
type staleStage struct {
	Name    string   `json:"name"`
	Reasons []string `json:"reasons"`
}

func newStatusCmd(a *app) *cobra.Command {
	o := &statusOptions{app: a}
	c := &cobra.Command{
		Use:   "status [path]...",
		Short: "Show what changed and which stages are out of date",
		Long: `Compares tracked files and directories with their pointers and locks, and every
stage with what it last read and wrote. Only files that look changed are read.`,
		Example: "  mlops status\n  mlops status data/train\n  mlops status --exit-code   (ends with 4 when anything is out of date)",
		Args:    cobra.ArbitraryArgs,
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.Dir, o.Paths = ".", args
			return runStatus(ctx, o)
		}),
	}
	f := c.Flags()
	f.BoolVar(&o.exitCode, "exit-code", false, "end with 4 when there are changes or stages out of date")
	f.BoolVar(&o.allowMissing, "allow-missing", false, "take data that is absent, but named by a pointer or lock, for unchanged")
	return c
}

func runStatus(ctx context.Context, o *statusOptions) error {
	w, err := o.app.workspace(ctx)
	if err != nil {
		return err
	}
	res, err := w.Status(ctx, o.StatusRequest)
	if err != nil {
		return err
	}
	view := statusReport{Changes: res.Changes, Stages: []staleStage{}}
	if o.allowMissing {
		view.Changes = slices.DeleteFunc(view.Changes, absent)
	}
	if len(o.Paths) == 0 {
		if view.Stages, err = o.app.staleStages(ctx, o.allowMissing); err != nil {
			return err
		}
	}
	view.Clean = len(view.Changes) == 0 && len(view.Stages) == 0
	if err := o.app.io.Result(view, func(out io.Writer) error { return o.print(out, view) }); err != nil {
		return err
	}
	for _, id := range res.Spoiled {
		o.app.io.Warn("object %s was changed in place through a hard link; it was moved to .mlops/quarantine", id)
	}
	o.hints(view)
	if o.exitCode && !view.Clean {
		return errs.New(errs.Differs, "there are changes")
	}
	return nil
}

// staleStages lists the stages that are out of date. Without pipeline files
// nothing of the pipeline is opened.
func (a *app) staleStages(ctx context.Context, allowMissing bool) ([]staleStage, error) {
	stale := []staleStage{}
	r, err := a.repo(ctx)
	if err != nil {
		return nil, err
	}
	files, err := r.Pipelines(ctx, "")
	if err != nil || len(files) == 0 {
		return stale, err
	}
	e, dir, err := a.engine(ctx)
	if err != nil {
		return nil, err
	}
	steps, err := e.Plan(ctx, pipeline.PlanRequest{Dir: dir, AllowMissing: allowMissing})
	if err != nil {
		return nil, err
	}
	for _, s := range steps {
		if s.Action != pipeline.Skip {
			stale = append(stale, staleStage{Name: s.Name, Reasons: s.Reasons})
		}
	}
	return stale, nil
}

// absent reports whether a change is only that a tracked path is not there.
func absent(c workspace.Change) bool {
	return c.Kind == workspace.ChangeMissing || c.Kind == workspace.ChangeDeleted && c.Path == c.Target
}

func (o *statusOptions) print(w io.Writer, v statusReport) error {
	if v.Clean {
		_, err := fmt.Fprintln(w, "nothing changed, everything is up to date")
		return err
	}
	if len(v.Changes) > 0 {
		if _, err := fmt.Fprintln(w, "Changes in tracked data:"); err != nil {
			return err
		}
		for _, c := range v.Changes {
			if _, err := fmt.Fprintf(w, "  %-11s %s\n", c.Kind+":", changeName(c)); err != nil {
				return err
			}
		}
	}
	if len(v.Stages) == 0 {
		return nil
	}
	if len(v.Changes) > 0 {
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(w, "Stages out of date:"); err != nil {
		return err
	}
	for _, s := range v.Stages {
		if _, err := fmt.Fprintf(w, "  %s\n", s.Name); err != nil {
			return err
		}
		for _, reason := range s.Reasons {
			if _, err := fmt.Fprintf(w, "      %s\n", reason); err != nil {
				return err
			}
		}
	}
	return nil
}

// hints say what to type, once for each kind of change.
func (o *statusOptions) hints(v statusReport) {
	kinds := map[string]bool{}
	for _, c := range v.Changes {
		kinds[c.Kind] = true
	}
	switch {
	case kinds[workspace.ChangeMissing]:
		o.app.io.Hint("missing data is fetched by: mlops pull")
	case kinds[workspace.ChangeUnreadable]:
		o.app.io.Hint("what cannot be read cannot be saved: change its permissions, or remove it")
	case len(kinds) > 0:
		o.app.io.Hint("save changes: mlops add PATH; undo them: mlops checkout PATH")
	}
	if len(v.Stages) > 0 {
		o.app.io.Hint("bring stages up to date: mlops run")
	}
}
