package cmd

import (
	"context"

	"github.com/spf13/cobra"
)

type logStartOptions struct {
	logTarget

	parent string
}

func newLogStartCmd(a *app) *cobra.Command {
	o := &logStartOptions{logTarget: logTarget{app: a}}
	c := &cobra.Command{
		Use:     "start",
		Short:   "Begin a run and print its id",
		Example: "  export MLOPS_RUN_ID=$(mlops log start --name nightly --experiment digits)\n  mlops log start --parent nightly --name fold-1",
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return runLogStart(ctx, o) }),
	}
	o.newRunFlags(c)
	c.Flags().StringVar(&o.parent, "parent", "", "the run that the new one belongs to")
	return c
}

func runLogStart(ctx context.Context, o *logStartOptions) error {
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	parent := ""
	if o.parent != "" {
		if parent, err = tracking.Resolve(ctx, o.parent); err != nil {
			return err
		}
	}
	r, err := o.start(ctx, tracking, parent)
	if err != nil {
		return err
	}
	return o.app.printRunID(r.ID)
}
