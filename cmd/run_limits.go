package cmd

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/pipeline"
)

// limitFlags are the flags of run that say where and how many stages run.
func (o *runOptions) limitFlags(f *pflag.FlagSet) {
	f.IntVarP(&o.Jobs, "jobs", "j", 0, "stages at once (default: run.jobs, else one for each processor)")
	f.StringVar(&o.Executor, "executor", "", "run every stage by this `executor`, whatever it names itself: local")
}

// limits checks those flags and takes what they leave open from the settings.
func (o *runOptions) limits(ctx context.Context) error {
	if o.Executor != "" && o.Executor != pipeline.LocalExecutor {
		return errs.New(errs.Usage, "--executor %q: this version runs stages on this machine only", o.Executor).
			Hint("mlops run --executor %s", pipeline.LocalExecutor)
	}
	if o.Jobs < 0 {
		return errs.New(errs.Usage, "--jobs %d is below 0", o.Jobs)
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	if o.Jobs == 0 {
		o.Jobs = r.Config.Run.Jobs
	}
	o.GPUs = r.Config.Run.GPUs
	return nil
}
