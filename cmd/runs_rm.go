package cmd

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

type runsRmOptions struct {
	app *app

	refs  []string
	undo  bool
	force bool
}

func newRunsRmCmd(a *app) *cobra.Command {
	o := &runsRmOptions{app: a}
	c := &cobra.Command{
		Use:     "rm RUN...",
		Short:   "Remove runs from the lists",
		Long:    "Remove runs from the lists. Their records and data stay, and --undo brings them back.",
		Example: "  mlops runs rm swift-otter-417\n  mlops runs rm --undo 3fa9c1d2",
		Args:    cobra.MinimumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.refs = args
			return runRunsRm(ctx, o)
		}),
	}
	c.Flags().BoolVar(&o.undo, "undo", false, "bring removed runs back (give their ids)")
	c.Flags().BoolVarP(&o.force, "force", "f", false, "remove also runs that are at work")
	return c
}

func runRunsRm(ctx context.Context, o *runsRmOptions) error {
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	ids := make([]string, len(o.refs))
	for i, ref := range o.refs {
		if ids[i], err = tracking.Resolve(ctx, ref); err != nil {
			return err
		}
	}
	if o.undo {
		for _, id := range ids {
			if err := tracking.Restore(ctx, id); err != nil {
				return err
			}
		}
		return o.app.io.Result(ids, func(w io.Writer) error { return lines(w, "restored ", ids) })
	}
	runs, err := tracking.Runs(ctx, track.Query{IDs: ids, Bare: true, Deleted: true})
	if err != nil {
		return err
	}
	for _, r := range runs {
		if !r.Status.Over() && !o.force {
			return errs.New(errs.Conflict, "run %s (%.8s) is %s", r.Name, r.ID, r.Status).Hint("end it first, or: mlops runs rm --force %.8s", r.ID)
		}
	}
	for _, id := range ids {
		if err := tracking.Delete(ctx, id); err != nil {
			return err
		}
	}
	return o.app.io.Result(ids, func(w io.Writer) error { return lines(w, "removed ", ids) })
}

func lines(w io.Writer, prefix string, items []string) error {
	var out strings.Builder
	for _, item := range items {
		out.WriteString(prefix + item + "\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}
