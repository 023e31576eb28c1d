package cmd

import (
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/sweep"
)

// parseParams reads --set-param: one trial, or those of a sweep.
func (o *runOptions) parseParams() error {
	overrides, err := sweep.ParseAll(o.setParams, paramfile.DefaultName)
	if err != nil {
		return err
	}
	trials, err := sweep.Trials(overrides)
	if err != nil {
		return err
	}
	if len(trials) > 1 {
		return errs.New(errs.Usage, "sweep")
	}
	o.SetParams = trials[0].Edits
	return nil
}
