package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// work restores or runs a stage; it runs beside others.
func (s *scheduler) work(ctx context.Context, j *job) {
	if j.step.err != nil {
		j.err = s.explainMissing(j.step.err)
		return
	}
	if j.err = s.keepStale(ctx, &j.step); j.err != nil {
		return
	}
	if j.step.Action == Restore {
		if j.err = s.restorer.restore(ctx, j.step.needed); j.err != nil && ctx.Err() == nil {
			j.rerun = true
		}
		return
	}
	j.err = s.execute(ctx, j)
}

func (s *scheduler) explainMissing(err error) error {
	if errs.Is(err, errs.NotFound) {
		return errs.New(errs.NotFound, "%w", err).Hint("bring it with 'mlops pull' or 'mlops checkout', or run the stage that makes it")
	}
	return err
}

// bring fetches what is not in the store, where it may, and restores.
func (s *scheduler) bring(ctx context.Context, assets []stagefile.Asset) error {
	if len(assets) == 0 {
		return nil
	}
	if s.decider.fetch {
		absent, err := s.engine.Data.Absent(ctx, assets)
		if err != nil {
			return err
		}
		if len(absent) > 0 {
			if err := s.engine.Fetch(ctx, absent); err != nil {
				return err
			}
		}
	}
	return s.engine.Data.Restore(ctx, assets)
}

func outPaths(s *stagefile.Stage) []string {
	paths := make([]string, len(s.Outs))
	for i, o := range s.Outs {
		paths[i] = o.Path
	}
	return paths
}

// execute runs the commands of a stage.
func (s *scheduler) execute(ctx context.Context, j *job) error {
	if err := s.bringInputs(ctx, &j.step); err != nil {
		return err
	}
	if err := s.clearOuts(ctx, j.step.stage); err != nil {
		return err
	}
	if err := fault.At(ctx, "run.stage.started"); err != nil {
		return err
	}
	if err := s.command(ctx, j); err != nil {
		return err
	}
	for _, o := range j.step.stage.Outs {
		if _, err := os.Lstat(s.engine.path(o.Path)); errors.Is(err, fs.ErrNotExist) {
			return missingOut(o)
		}
	}
	return fault.At(ctx, "run.stage.finished")
}

// save stores what a stage made. It has given its place among the jobs to
// another by then.
func (s *scheduler) save(ctx context.Context, j *job) error {
	outs, found, err := s.saver.save(ctx, j.step.stage, watched(&j.step))
	if err != nil {
		return err
	}
	j.step.record.Outs = outs
	if j.disturbed = s.disturbed(&j.step, found); len(j.disturbed) > 0 {
		j.step.record.Fingerprint, j.step.Fingerprint = disturbedPrint, ""
		j.step.Reasons = append(slices.Clip(j.step.Reasons), j.disturbed...)
	}
	if err := j.claim.saved(j.step.record); err != nil {
		return err
	}
	return fault.At(ctx, "run.outs.saved")
}
