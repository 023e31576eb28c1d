package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/workspace"
)

type rmOptions struct {
	app *app
	workspace.UntrackRequest
}

func newRmCmd(a *app) *cobra.Command {
	o := &rmOptions{app: a}
	c := &cobra.Command{
		Use:        "rm <path>...",
		SuggestFor: []string{"remove"},
		Short:      "Stop tracking files and directories",
		Long: `Removes pointer files and their .gitignore entries. The data stays in the
workspace, and in the store as long as any git revision names it. --data removes
it from the workspace too, unless it has changes that are not saved.`,
		Example: "  mlops rm data/old.csv\n  mlops rm --data data/old",
		Args:    cobra.MinimumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.Dir, o.Paths = ".", args
			return runRm(ctx, o)
		}),
	}
	c.Flags().BoolVar(&o.Data, "data", false, "remove the data from the workspace too")
	c.Flags().BoolVarP(&o.Force, "force", "f", false, "with --data: also changes that are not saved")
	return c
}

func runRm(ctx context.Context, o *rmOptions) error {
	w, err := o.app.workspace(ctx)
	if err != nil {
		return err
	}
	done, err := w.Untrack(ctx, o.UntrackRequest)
	if err != nil {
		return err
	}
	return o.app.io.Result(done, func(out io.Writer) error {
		for _, u := range done {
			text := "no longer tracked: " + shown(u.Path)
			if u.Data {
				text = "removed: " + shown(u.Path)
			}
			if _, err := fmt.Fprintln(out, text); err != nil {
				return err
			}
		}
		return nil
	})
}
