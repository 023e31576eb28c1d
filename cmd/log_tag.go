package cmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/track"
)

func newLogTagCmd(a *app) *cobra.Command {
	o := &logTarget{app: a}
	c := &cobra.Command{
		Use:     "tag KEY VALUE | KEY=VALUE...",
		Short:   "Label the run",
		Example: "  mlops log tag owner ada\n  mlops log tag owner=ada node=gpu-3",
		Args:    cobra.MinimumNArgs(1),
		RunE:    a.run(func(ctx context.Context, args []string) error { return runLogTag(ctx, o, args) }),
	}
	o.flags(c)
	return c
}

func runLogTag(ctx context.Context, o *logTarget, args []string) error {
	pairs, err := parsePairs("tag", args)
	if err != nil {
		return err
	}
	var b track.Batch
	for _, p := range pairs {
		b.Tags = append(b.Tags, track.Tag{Key: p.key, Value: p.value})
	}
	return o.log(ctx, b)
}
