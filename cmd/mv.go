package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/workspace"
)

type mvOptions struct {
	app *app
	workspace.MoveRequest
}

func newMvCmd(a *app) *cobra.Command {
	o := &mvOptions{app: a}
	return &cobra.Command{
		Use:        "mv <path> <new path>",
		SuggestFor: []string{"move", "rename"},
		Short:      "Rename tracked data",
		Long: `Renames a tracked file or directory together with its pointer and its .gitignore
entry. The data need not be there. When the new path is a directory the data is
moved into it.`,
		Example: "  mlops mv data/train data/train-2025\n  mlops mv model.pkl models/",
		Args:    cobra.ExactArgs(2),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.Dir, o.From, o.To = ".", args[0], args[1]
			return runMv(ctx, o)
		}),
	}
}

func runMv(ctx context.Context, o *mvOptions) error {
	w, err := o.app.workspace(ctx)
	if err != nil {
		return err
	}
	m, err := w.Move(ctx, o.MoveRequest)
	if err != nil {
		return err
	}
	return o.app.io.Result(m, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, "%s → %s\n", shown(m.From), shown(m.To))
		return err
	})
}
