package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/pipeline/executor"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// bringInputs restores dependencies that are tracked but not on disk.
func (s *scheduler) bringInputs(ctx context.Context, step *Step) error {
	err := s.bring(ctx, step.away)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return errs.New(errs.KindOf(err), "dependency %s: %w", step.away[0].Path, err).Hint("fetch it: mlops run --pull")
}

// keepStale saves outs on disk whose bytes are nowhere else: they are about to
// be replaced.
func (s *scheduler) keepStale(ctx context.Context, step *Step) error {
	unsaved, err := s.engine.Data.Absent(ctx, step.stale)
	if err != nil || len(unsaved) == 0 {
		return err
	}
	paths := make([]string, len(unsaved))
	for i, a := range unsaved {
		paths[i] = a.Path
	}
	_, err = s.engine.Data.Save(ctx, paths)
	return err
}

// clearOuts removes the outs of the stage's last run, but those that persist,
// and makes the directories that outs go to.
func (s *scheduler) clearOuts(ctx context.Context, stage *stagefile.Stage) error {
	var gone, kept []string
	for _, o := range stage.Outs {
		if o.Persist {
			kept = append(kept, o.Path)
		} else {
			gone = append(gone, o.Path)
		}
	}
	if err := s.engine.Data.Writable(ctx, kept...); err != nil {
		return err
	}
	if err := s.engine.Data.Remove(ctx, gone...); err != nil {
		return err
	}
	for _, o := range stage.Outs {
		if err := os.MkdirAll(filepath.Dir(s.engine.path(o.Path)), 0o777); err != nil {
			return fmt.Errorf("output %s: %w", o.Path, err)
		}
	}
	return nil
}

// command runs the stage's commands.
func (s *scheduler) command(ctx context.Context, j *job) error {
	stage := j.step.stage
	shell := executor.DefaultShell()
	if words := strings.Fields(stage.Shell); len(words) > 0 {
		shell = slices.Concat(words, []string{"-c"})
	}
	wdir := s.engine.path(stage.Wdir)
	if err := os.MkdirAll(wdir, 0o777); err != nil {
		return fmt.Errorf("working directory %s: %w", stage.Wdir, err)
	}
	if j.log == nil {
		j.log = newStageLog(s.output, j.step.Name, j.claim.text.Log)
	}
	if j.attempt > 1 {
		j.log.note(attempts(stage.Retries, j.attempt))
	}
	env, err := s.environment(ctx, j)
	if err != nil {
		return err
	}
	var noted error
	j.result = s.local.Run(ctx, executor.Task{
		Commands: commands(stage), Shell: shell, Dir: wdir, Env: env, Timeout: stage.Timeout, Output: j.log,
		Started: func(pid int) { noted = errors.Join(noted, j.claim.started(pid)) },
	})
	j.cpu += j.result.CPU
	j.rss = max(j.rss, j.result.MaxRSS)
	switch err := failureOf(stage, j.result); {
	case err == nil:
		return noted
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: %w", ctx.Err())
	default:
		if j.attempt > 1 || stage.Retries.Count > 0 {
			j.log.note(attempts(stage.Retries, j.attempt) + ": " + err.Error())
		}
		return err
	}
}

// environment is that of the stage's processes.
func (s *scheduler) environment(ctx context.Context, j *job) ([]string, error) {
	stage := j.step.stage
	own := map[string]string{
		"MLOPS_RUN_ID": s.journal.run.ID, "MLOPS_ROOT": s.engine.Root, "MLOPS_STAGE": stage.Address(),
		"DVC_ROOT": s.engine.Root, "DVC_STAGE": stage.Address(),
	}
	if len(j.slots.gpus) > 0 {
		own["CUDA_VISIBLE_DEVICES"] = strings.Join(j.slots.gpus, ",")
	}
	if s.request.Environ != nil {
		more, err := s.request.Environ(ctx, &s.journal.run, stage)
		if err != nil {
			return nil, err
		}
		maps.Copy(own, more)
	}
	maps.Copy(own, stage.Env)
	env := slices.Clip(s.journal.environ)
	for _, name := range sortedKeys(own) {
		env = append(env, name+"="+own[name])
	}
	return env, nil
}
