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
	app    *app
	force  bool
	minAge time.Duration
}

func newGCCmd(a *app) *cobra.Command {
	o := &gcOptions{app: a}
	c := &cobra.Command{
		Use:   "gc",
		Short: "Free what nothing names any more",
		Long: `Shows what would be freed in the store of this machine; --force frees it. Kept is
everything that a pointer or lock in the workspace, in git's index, or in any
branch, tag or stash names, everything a run read, wrote or logged, and what
stages made in the last days. Files younger than --min-age are always kept, so
that work in other terminals is safe. Remotes are not touched.`,
		Example: "  mlops gc\n  mlops gc --force\n  mlops gc --force --min-age 1h",
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return runGC(ctx, o) }),
	}
	c.Flags().BoolVarP(&o.force, "force", "f", false, "remove, not only show")
	c.Flags().DurationVar(&o.minAge, "min-age", 14*24*time.Hour, "keep what is younger, such as 336h; 0 keeps only what is named")
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
	before := o.app.clock.Now().Add(-o.minAge)
	u := upkeep.New(r, runRoots{o.app, r}, stageRoots{r, before.UnixMilli()})
	res, err := u.GC(ctx, upkeep.GCRequest{Force: o.force, Before: before}, o.app.io.Progress())
	if err != nil {
		return err
	}
	if err := o.app.io.Result(res, func(w io.Writer) error { return printGC(w, res) }); err != nil {
		return err
	}
	if !res.Removed && res.Objects+res.Temps > 0 {
		o.app.io.Hint("to free it: mlops gc --force")
	}
	return nil
}

func printGC(w io.Writer, res upkeep.GCResult) error {
	verb := "would free"
	if res.Removed {
		verb = "freed"
	}
	_, err := fmt.Fprintf(w, "%s %s, %s; %s kept\n", verb, term.Plural(res.Objects, "object"), term.Bytes(res.Bytes), term.Plural(res.Live, "object"))
	if err == nil && res.Temps > 0 {
		_, err = fmt.Fprintf(w, "%s %s\n", verb, term.Plural(res.Temps, "left-over temporary file"))
	}
	return err
}
