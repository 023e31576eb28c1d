package cmd

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

func newRunsRestoreCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "restore RUN...",
		Short: "Bring removed runs back",
		Long: `Bring back runs that 'mlops runs rm' removed. They are named by their ids, or by their
names where no other run has them; 'mlops runs ls --deleted' shows them. Runs are
forgotten for good only by 'mlops gc --force --removed-runs 0'.`,
		Example: "  mlops runs restore 3fa9c1d2\n  mlops runs restore swift-otter-417",
		Args:    cobra.MinimumNArgs(1),
		RunE:    a.run(func(ctx context.Context, args []string) error { return runRunsRestore(ctx, a, args) }),
	}
}

func runRunsRestore(ctx context.Context, a *app, refs []string) error {
	tracking, err := a.tracking(ctx)
	if err != nil {
		return err
	}
	ids := make([]string, len(refs))
	for i, ref := range refs {
		if ids[i], err = tracking.ResolveRemoved(ctx, ref); err != nil {
			return err
		}
	}
	names := make(map[string]string, len(ids))
	for _, id := range ids {
		if err := tracking.Restore(ctx, id); err != nil {
			return err
		}
		run, err := tracking.Run(ctx, id)
		if err != nil {
			return err
		}
		names[id] = run.Name
	}
	return a.io.Result(ids, func(w io.Writer) error { return runLines(w, "restored", ids, names) })
}
