package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/migrate"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

func newUpdateCmd(a *app) *cobra.Command {
	o := &importOptions{getOptions: getOptions{app: a}}
	c := &cobra.Command{
		Use:   "update [path]...",
		Short: "Move imported data on to what its repository has now",
		Long: `Looks at the branch or tag that imported data follows, and brings what is there
now. With --rev, another branch, tag or commit is followed from now on. Without
paths, all that 'mlops import' brought is updated.`,
		Example: "  mlops update\n  mlops update models/best.pt --rev v2.0",
		Args:    cobra.ArbitraryArgs,
		RunE:    a.run(func(ctx context.Context, args []string) error { return runUpdate(ctx, o, args) }),
	}
	f := c.Flags()
	f.StringVar(&o.rev, "rev", "", "branch, tag or commit to follow from now on")
	f.IntVarP(&o.jobs, "jobs", "j", 0, "requests in flight")
	f.BoolVarP(&o.force, "force", "f", false, "overwrite what is not saved")
	return c
}

func runUpdate(ctx context.Context, o *importOptions, typed []string) error {
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	paths, err := rels(r, typed)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		if paths, err = migrate.Imports(ctx, r); err != nil {
			return err
		}
	}
	if len(paths) == 0 {
		return errs.New(errs.NotFound, "nothing here was imported").Hint("mlops import REPOSITORY PATH")
	}
	all := []migrate.Taken{}
	var pointers []string
	for _, p := range paths {
		src, err := migrate.SourceAt(r, p)
		if err != nil {
			return err
		}
		if o.rev != "" {
			src.Rev = o.rev
		}
		got, err := o.take(ctx, r, migrate.TakeRequest{Source: src, To: p, Force: o.force})
		if err != nil {
			return err
		}
		all = append(all, got)
		if got.Changed || got.Source != src {
			pointers = append(pointers, string(got.Pointer))
		}
	}
	err = o.app.io.Result(all, func(w io.Writer) error {
		for _, got := range all {
			state := "unchanged"
			if got.Changed {
				state = "updated"
			}
			if _, err := fmt.Fprintf(w, "%-9s  %s at %s\n", state, got.Path, short(got.Source.Commit)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && len(pointers) > 0 {
		o.app.io.Hint("git %sadd %s", toRoot(r.Root), workspace.Quote(pointers))
	}
	return err
}
