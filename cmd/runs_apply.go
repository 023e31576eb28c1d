package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/reproduce"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/transfer"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

type runsApplyOptions struct {
	app *app

	ref   string
	only  []string
	pull  bool
	force bool
}

func newRunsApplyCmd(a *app) *cobra.Command {
	o := &runsApplyOptions{app: a}
	c := &cobra.Command{
		Use:   "apply RUN",
		Short: "Bring a run's code, params and data into the workspace",
		Long: `Make the workspace what it was in a run: its code (the commit with the changes that
were not committed), its params, and the data that it read and made. The commit that
is checked out stays: what differs from it shows up as changes. Files with changes
that neither git nor a run has are never overwritten without --force.`,
		Example: "  mlops runs apply swift-otter-417\n  mlops runs apply 3fa9c1 --only params\n  mlops runs apply 3fa9c1 --only data --force",
		Args:    cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.ref = args[0]
			return runRunsApply(ctx, o)
		}),
	}
	commaListVar(c.Flags(), &o.only, "only", "only some of it: code, params, data")
	c.Flags().BoolVar(&o.pull, "pull", false, "fetch what is missing from the default remote")
	c.Flags().BoolVarP(&o.force, "force", "f", false, "overwrite changes that are not saved")
	return c
}

func runRunsApply(ctx context.Context, o *runsApplyOptions) error {
	q := reproduce.ApplyRequest{Force: o.force}
	for _, part := range o.only {
		switch part {
		case "code":
			q.Code = true
		case "params":
			q.Params = true
		case "data":
			q.Data = true
		default:
			return errs.New(errs.Usage, "--only %s: it is code, params or data", part).DidYouMean(part, []string{"code", "params", "data"})
		}
	}
	if len(o.only) == 0 {
		q.Code, q.Params, q.Data = true, true, true
	}
	p, run, err := o.app.reproducer(ctx, o.ref, o.pull)
	if err != nil {
		return err
	}
	res, err := p.Apply(ctx, &run, q)
	if err != nil && !errs.Is(err, errs.Partial) {
		return err
	}
	if werr := o.app.io.Result(res, func(w io.Writer) error { return printApplied(w, res) }); werr != nil {
		return werr
	}
	if res.Incomplete && q.Code {
		o.app.io.Warn("run %s had uncommitted changes that were not kept: its code is that of its commit %.12s", run.Name, run.Git.Commit)
	}
	return err
}

func printApplied(w io.Writer, res reproduce.Applied) error {
	for _, name := range res.Written {
		if _, err := fmt.Fprintf(w, "wrote    %s\n", workspace.ShowPath(name)); err != nil {
			return err
		}
	}
	for _, name := range res.Removed {
		if _, err := fmt.Fprintf(w, "removed  %s\n", workspace.ShowPath(name)); err != nil {
			return err
		}
	}
	for _, name := range res.Data.Changed {
		if _, err := fmt.Fprintf(w, "restored %s\n", workspace.ShowPath(name)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "applied run %s (%s)\n", res.Name, term.Plural(int64(len(res.Written)+len(res.Removed)+len(res.Data.Changed)), "change"))
	return err
}

// reproducer opens what brings runs back, and the run that ref names. With pull
// it may ask the default remote for what is missing.
func (a *app) reproducer(ctx context.Context, ref string, pull bool) (*reproduce.Reproducer, track.Run, error) {
	r, err := a.repo(ctx)
	if err != nil {
		return nil, track.Run{}, err
	}
	w, err := a.workspace(ctx)
	if err != nil {
		return nil, track.Run{}, err
	}
	tracking, err := a.tracking(ctx)
	if err != nil {
		return nil, track.Run{}, err
	}
	id, err := resolveRun(ctx, tracking, ref)
	if err != nil {
		return nil, track.Run{}, err
	}
	run, err := tracking.Run(ctx, id)
	p := reproduce.New(r, w, tracking)
	if pull {
		p.Fetch = func(ctx context.Context, objects []repo.Object) error {
			t, _, err := a.transfer(ctx, "", 0)
			if err == nil {
				_, err = t.Fetch(ctx, transfer.FetchRequest{Selection: transfer.Selection{Objects: objects}})
			}
			return err
		}
	}
	return p, run, err
}
