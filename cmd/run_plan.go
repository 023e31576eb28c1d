package cmd

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/term"
)

// planFlags are the flags of run that say how decisions are made and shown.
func (o *runOptions) planFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.AllowMissing, "allow-missing", false, "take data that is absent, but named by a pointer or lock, for unchanged")
	f.BoolVarP(&o.watch, "watch", "w", false, "run again whenever what the stages read is saved, until Ctrl-C")
	f.BoolVar(&o.exitCode, "exit-code", false, "with --dry-run: end with 4 when a stage would run or be restored")
}

// checkPlan refuses what only makes sense of a dry run.
func (o *runOptions) checkPlan() error {
	if o.junit != "" && o.dryRun {
		return errs.New(errs.Usage, "--junit reports a run, and --dry-run is none")
	}
	if o.watch && o.dryRun {
		return errs.New(errs.Usage, "--watch runs, and --dry-run does not")
	}
	if o.exitCode && !o.dryRun {
		return errs.New(errs.Usage, "--exit-code is about a plan").Hint("mlops run --dry-run --exit-code")
	}
	return nil
}

// plan says what a run would do.
func (o *runOptions) plan(ctx context.Context, e *pipeline.Engine) error {
	if err := o.learn(ctx); err != nil {
		return err
	}
	steps, err := e.Plan(ctx, o.PlanRequest)
	if err != nil {
		return err
	}
	if err := showPlan(o.app.io, steps); err != nil {
		return err
	}
	if stale := countStale(steps); o.exitCode && stale > 0 {
		return errs.New(errs.Differs, "%s out of date", stagesAre(stale))
	}
	return nil
}

// learn takes in the results of others' stages, with --pull.
func (o *runOptions) learn(ctx context.Context) error {
	if !o.Pull {
		return nil
	}
	return o.app.learnStages(ctx)
}

func stagesAre(n int) string {
	if n == 1 {
		return "1 stage is"
	}
	return term.Plural(int64(n), "stage") + " are"
}
