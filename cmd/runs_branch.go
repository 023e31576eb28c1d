package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

type runsBranchOptions struct {
	app *app

	ref, name string
	pull      bool
}

func newRunsBranchCmd(a *app) *cobra.Command {
	o := &runsBranchOptions{app: a}
	c := &cobra.Command{
		Use:   "branch RUN [NAME]",
		Short: "Make a git branch of a run",
		Long: `Make a git branch that holds what a run used and made: the commit that it began with
and, on top, one with its code, params, pointers and locks. The branch is called as
the run is unless NAME is given. The workspace and the branch that is checked out stay
as they are; after git checkout of the branch, 'mlops checkout' brings the data.`,
		Example: "  mlops runs branch swift-otter-417\n  mlops runs branch 3fa9c1 best-so-far && git checkout best-so-far && mlops checkout",
		Args:    cobra.RangeArgs(1, 2),
		RunE: a.run(func(ctx context.Context, args []string) error {
			if o.ref = args[0]; len(args) > 1 {
				o.name = args[1]
			}
			return runRunsBranch(ctx, o)
		}),
	}
	c.Flags().BoolVar(&o.pull, "pull", false, "fetch what is missing from the default remote")
	return c
}

func runRunsBranch(ctx context.Context, o *runsBranchOptions) error {
	p, run, err := o.app.reproducer(ctx, o.ref, o.pull)
	if err != nil {
		return err
	}
	res, err := p.Branch(ctx, &run, o.name)
	if err != nil {
		return err
	}
	if err := o.app.io.Result(res, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "branch %s is at %.12s, on top of %.12s\n", res.Branch, res.Commit, res.Parent)
		return err
	}); err != nil {
		return err
	}
	if res.Incomplete {
		o.app.io.Warn("run %s had uncommitted changes that were not kept: the branch does not have them", run.Name)
	}
	return nil
}
