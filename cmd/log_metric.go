package cmd

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

type logMetricOptions struct {
	logTarget

	step int64
}

func newLogMetricCmd(a *app) *cobra.Command {
	o := &logMetricOptions{logTarget: logTarget{app: a}}
	c := &cobra.Command{
		Use:     "metric KEY VALUE | KEY=VALUE...",
		Short:   "Log numbers that are measured, once or step by step",
		Long:    "Log numbers. Without --step each goes to the step after the last of its series.\nValues may be nan, inf and -inf; write a negative number as KEY=-1.",
		Example: "  mlops log metric loss 0.3 --step 4\n  mlops log metric loss=0.3 acc=0.91 --step 4",
		Args:    cobra.MinimumNArgs(1),
		RunE:    a.run(func(ctx context.Context, args []string) error { return runLogMetric(ctx, o, args) }),
	}
	c.Flags().Int64Var(&o.step, "step", track.NextStep, "the step at which it was measured (default the one after the last)")
	c.Flags().Lookup("step").DefValue = "0" // the help shows no default of its own
	o.flags(c)
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if strings.HasPrefix(err.Error(), "unknown shorthand flag") {
			return errs.New(errs.Usage, "%w", err).Hint("write a negative number as KEY=-1")
		}
		return flagError(c, err)
	})
	return c
}

func runLogMetric(ctx context.Context, o *logMetricOptions, args []string) error {
	pairs, err := parsePairs("metric", args)
	if err != nil {
		return err
	}
	now := o.app.clock.Now().UnixMilli()
	var b track.Batch
	for _, p := range pairs {
		v, err := track.ParseValue(p.value)
		if err != nil {
			return errs.New(errs.Usage, "metric %s: %w", p.key, err)
		}
		b.Metrics = append(b.Metrics, track.Metric{Key: p.key, Value: float64(v), Timestamp: now, Step: o.step})
	}
	return o.log(ctx, b)
}
