package cmd

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/upkeep"
)

type gcOptions struct {
	app     *app
	force   bool
	minAge  time.Duration
	removed time.Duration // -1: no runs are forgotten
}

func newGCCmd(a *app) *cobra.Command {
	o := &gcOptions{app: a}
	c := &cobra.Command{
		Use:   "gc",
		Short: "Free what nothing names any more",
		Long: `Shows what would be freed in the store of this machine; --force frees it. Kept is
everything that a pointer or lock in the workspace, in git's index, or in any
branch, tag or stash names, everything a run read, wrote or logged, the files of
registered models, and what stages made in the last days. Files younger than --min-age are always kept, so
that work in other terminals is safe. Remotes are not touched.

Runs that were removed count as long as they can be restored. --removed-runs forgets
those that were removed that long ago, with what only they name.`,
		Example: "  mlops gc\n  mlops gc --force\n  mlops gc --force --min-age 1h\n  mlops gc --force --removed-runs 720h",
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return runGC(ctx, o) }),
	}
	c.Flags().BoolVarP(&o.force, "force", "f", false, "remove, not only show")
	c.Flags().DurationVar(&o.minAge, "min-age", 14*24*time.Hour, "keep what is younger, such as 336h; 0 keeps only what is named")
	c.Flags().DurationVar(&o.removed, "removed-runs", -1, "forget runs that were removed longer ago, such as 720h; 0 forgets all that are")
	c.Flags().Lookup("removed-runs").DefValue = "0s" // so that help shows none
	return c
}

func runGC(ctx context.Context, o *gcOptions) error {
	if o.minAge < 0 {
		return errs.New(errs.Usage, "--min-age %s is negative", o.minAge).Hint("mlops gc --min-age 24h")
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	forgotten, removed, err := o.forget(ctx)
	if err != nil {
		return err
	}
	before := o.app.clock.Now().Add(-o.minAge)
	u := upkeep.New(r, runRoots{o.app, r, removed}, stageRoots{r, before.UnixMilli()}, modelRoots{o.app, r})
	res, err := u.GC(ctx, upkeep.GCRequest{Force: o.force, Before: before}, o.app.io.Progress())
	if err != nil {
		return err
	}
	shown := struct {
		upkeep.GCResult
		Forgotten int `json:"forgotten_runs"`
	}{res, forgotten}
	if err := o.app.io.Result(shown, func(w io.Writer) error { return printGC(w, res, forgotten) }); err != nil {
		return err
	}
	if !res.Removed && res.Objects+res.Temps+int64(forgotten) > 0 {
		o.app.io.Hint("to free it: mlops gc --force")
	}
	return nil
}

// forget forgets runs, or says how many it would. Removed is the time up to
// which they were removed, 0 for none.
func (o *gcOptions) forget(ctx context.Context) (count int, removed int64, err error) {
	if o.removed < 0 {
		return 0, 0, nil
	}
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return 0, 0, err
	}
	removed = o.app.clock.Now().Add(-o.removed).UnixMilli()
	if o.force {
		ids, err := tracking.Forget(ctx, removed)
		return len(ids), removed, err
	}
	count, err = tracking.Removed(ctx, removed)
	return count, removed, err
}

func printGC(w io.Writer, res upkeep.GCResult, forgotten int) error {
	verb, forget := "would free", "would forget"
	if res.Removed {
		verb, forget = "freed", "forgot"
	}
	if forgotten > 0 {
		if _, err := fmt.Fprintf(w, "%s %s\n", forget, term.Plural(int64(forgotten), "removed run")); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s %s, %s; %s kept\n", verb, term.Plural(res.Objects, "object"), term.Bytes(res.Bytes), term.Plural(res.Live, "object"))
	if err == nil && res.Temps > 0 {
		_, err = fmt.Fprintf(w, "%s %s\n", verb, term.Plural(res.Temps, "left-over temporary file"))
	}
	return err
}
