package cmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/track"
)

func newLogParamCmd(a *app) *cobra.Command {
	o := &logTarget{app: a}
	c := &cobra.Command{
		Use:     "param KEY VALUE | KEY=VALUE...",
		Short:   "Log inputs that do not change during the run",
		Example: "  mlops log param lr 0.1\n  mlops log param lr=0.1 epochs=20",
		Args:    cobra.MinimumNArgs(1),
		RunE:    a.run(func(ctx context.Context, args []string) error { return runLogParam(ctx, o, args) }),
	}
	o.flags(c)
	return c
}

func runLogParam(ctx context.Context, o *logTarget, args []string) error {
	pairs, err := parsePairs("param", args)
	if err != nil {
		return err
	}
	var b track.Batch
	for _, p := range pairs {
		b.Params = append(b.Params, track.Param{Key: p.key, Value: p.value})
	}
	return o.log(ctx, b)
}
