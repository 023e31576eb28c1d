package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

type stageRmOptions struct {
	app    *app
	stages []string
}

func newStageRmCmd(a *app) *cobra.Command {
	o := &stageRmOptions{app: a}
	return &cobra.Command{
		Use:   "rm STAGE...",
		Short: "Take stages out of their pipeline files",
		Long: `Take stages, or foreach, matrix and map groups as a whole, out of their
pipeline files and locks. Comments and order of what stays are kept. What the
stages made stays in the workspace, in the store and in .gitignore.`,
		Example: "  mlops stage rm evaluate\n  mlops stage rm sub/dvc.yaml:train",
		Args:    cobra.MinimumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.stages = args
			return runStageRm(ctx, o)
		}),
		ValidArgsFunction: completeStages(a),
	}
}

func runStageRm(ctx context.Context, o *stageRmOptions) error {
	e, dir, err := o.app.engine(ctx)
	if err != nil {
		return err
	}
	done, err := e.RemoveStages(ctx, o.stages, dir)
	if err != nil {
		return err
	}
	return o.app.io.Result(done, func(w io.Writer) error {
		for _, s := range done {
			if _, err := fmt.Fprintf(w, "removed stage %s from %s\n", s.Name, s.File); err != nil {
				return err
			}
		}
		return nil
	})
}
