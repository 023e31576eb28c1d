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

	step      int64
	stepGiven func() bool
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
	c.Flags().Int64Var(&o.step, "step", 0, "the step at which it was measured (default the one after the last)")
	o.stepGiven = func() bool { return c.Flags().Changed("step") }
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
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	steps := map[string]int64{}
	if !o.stepGiven() {
		if steps, err = o.nextSteps(ctx, tracking); err != nil {
			return err
		}
	}
	now := o.app.clock.Now().UnixMilli()
	var b track.Batch
	for _, p := range pairs {
		v, err := track.ParseValue(p.value)
		if err != nil {
			return errs.New(errs.Usage, "metric %s: %w", p.key, err)
		}
		step := o.step
		if !o.stepGiven() {
			step = steps[p.key]
			steps[p.key]++
		}
		b.Metrics = append(b.Metrics, track.Metric{Key: p.key, Value: float64(v), Timestamp: now, Step: step})
	}
	return o.log(ctx, b)
}

// nextSteps returns the step after the last of each series of the run.
func (o *logMetricOptions) nextSteps(ctx context.Context, tracking track.Reader) (map[string]int64, error) {
	id, err := o.named(ctx, tracking)
	if err != nil || id == "" {
		return map[string]int64{}, err
	}
	runs, err := tracking.Runs(ctx, track.Query{IDs: []string{id}, Deleted: true})
	if err != nil {
		return nil, err
	}
	next := map[string]int64{}
	for _, r := range runs {
		for _, m := range r.Metrics {
			next[m.Key] = m.Step + 1
		}
	}
	return next, nil
}
