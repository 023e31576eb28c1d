package cmd

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

type runsRmOptions struct {
	app *app

	refs     []string
	children bool
	force    bool
}

func newRunsRmCmd(a *app) *cobra.Command {
	o := &runsRmOptions{app: a}
	c := &cobra.Command{
		Use:   "rm RUN...",
		Short: "Remove runs from the lists",
		Long: `Remove runs from the lists. Their records and data stay until 'mlops gc --force
--removed-runs 0'; 'mlops runs restore' brings them back.`,
		Example: "  mlops runs rm swift-otter-417\n  mlops runs rm sweep-1 --children",
		Args:    cobra.MinimumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.refs = args
			return runRunsRm(ctx, o)
		}),
	}
	c.Flags().BoolVar(&o.children, "children", false, "with the runs that belong to them")
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
	if o.children {
		if ids, err = descendants(ctx, tracking, ids); err != nil {
			return err
		}
	}
	names := make(map[string]string, len(ids))
	for chunk := range slices.Chunk(ids, 1000) {
		runs, err := tracking.Runs(ctx, track.Query{IDs: chunk, Bare: true, Deleted: true})
		if err != nil {
			return err
		}
		for _, r := range runs {
			names[r.ID] = r.Name
			if !r.Status.Over() && !o.force {
				return errs.New(errs.Conflict, "run %s (%.8s) is %s", r.Name, r.ID, r.Status).Hint("end it first, or: mlops runs rm --force %.8s", r.ID)
			}
		}
	}
	for _, id := range ids {
		if err := tracking.Delete(ctx, id); err != nil {
			return err
		}
	}
	return o.app.io.Result(ids, func(w io.Writer) error { return removedLines(w, ids, names) })
}

// descendants is ids with all runs below them.
func descendants(ctx context.Context, tracking track.Reader, ids []string) ([]string, error) {
	all := slices.Clone(ids)
	for i := 0; i < len(all); i++ {
		below, err := tracking.Runs(ctx, track.Query{Parent: all[i], Bare: true})
		if err != nil {
			return nil, err
		}
		for _, r := range below {
			if !slices.Contains(all, r.ID) {
				all = append(all, r.ID)
			}
		}
	}
	return all, nil
}

// removedLines writes a line for each removed run: its name and its id.
func removedLines(w io.Writer, ids []string, names map[string]string) error {
	var out strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&out, "removed run %s (%.8s)\n", names[id], id)
	}
	_, err := io.WriteString(w, out.String())
	return err
}
