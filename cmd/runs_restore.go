package cmd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/trackdb"
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
	lines := make([]string, len(ids))
	for i, id := range ids {
		if lines[i], err = restoreRun(ctx, tracking, id); err != nil {
			return err
		}
	}
	return a.io.Result(ids, func(w io.Writer) error {
		_, err := io.WriteString(w, strings.Join(lines, ""))
		return err
	})
}

// restoreRun says what it did: a run that is in no bin stays as it is.
func restoreRun(ctx context.Context, tracking *trackdb.Service, id string) (string, error) {
	run, err := tracking.Run(ctx, id)
	if err != nil {
		return "", err
	}
	if !run.Deleted {
		return fmt.Sprintf("run %s (%.8s) is there already\n", run.Name, id), nil
	}
	if err := tracking.Restore(ctx, id); err != nil {
		return "", err
	}
	return fmt.Sprintf("restored run %s (%.8s)\n", run.Name, id), nil
}
