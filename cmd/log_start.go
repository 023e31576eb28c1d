package cmd

import (
	"context"

	"github.com/spf13/cobra"
)

func newLogStartCmd(a *app) *cobra.Command {
	o := &logTarget{app: a}
	c := &cobra.Command{
		Use:     "start",
		Short:   "Begin a run and print its id",
		Example: "  export MLOPS_RUN_ID=$(mlops log start --name nightly --experiment digits)",
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return runLogStart(ctx, o) }),
	}
	o.newRunFlags(c)
	return c
}

func runLogStart(ctx context.Context, o *logTarget) error {
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	r, err := o.start(ctx, tracking)
	if err != nil {
		return err
	}
	return o.app.printRunID(r.ID)
}
