package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/workspace"
)

type unlockOptions struct {
	app *app
	workspace.UnlockRequest
}

func newUnlockCmd(a *app) *cobra.Command {
	o := &unlockOptions{app: a}
	return &cobra.Command{
		Use:        "unlock <path>...",
		SuggestFor: []string{"unprotect"},
		Short:      "Make linked data writable",
		Long: `Replaces files that are read-only links to objects of the store by copies that
may be edited in place. Only needed where cache.link is hardlink or symlink:
copies and reflinks are writable already.`,
		Example: "  mlops unlock data/train.csv\n  mlops unlock data",
		Args:    cobra.MinimumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.Dir, o.Paths = ".", args
			return runUnlock(ctx, o)
		}),
	}
}

func runUnlock(ctx context.Context, o *unlockOptions) error {
	w, err := o.app.workspace(ctx)
	if err != nil {
		return err
	}
	done, err := w.Unlock(ctx, o.UnlockRequest)
	if err != nil {
		return err
	}
	return o.app.io.Result(done, func(out io.Writer) error {
		for _, p := range done {
			if _, err := fmt.Fprintln(out, "writable now:", shown(p)); err != nil {
				return err
			}
		}
		return nil
	})
}
