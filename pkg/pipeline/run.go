package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/pipeline/executor"
	"github.com/mlops-cli/mlops/pkg/proc"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Run carries out a plan and records it as a run. Notify hears of every stage,
// one event at a time. The error is of kind errs.StageFailed when stages
// failed, and errs.Canceled when ctx was done; what finished before is
// recorded in both cases.
func (e *Engine) Run(ctx context.Context, q RunRequest, notify func(Event)) (_ Result, err error) {
	q.defaults()
	around := e.askAround(ctx, len(q.SetParams) == 0)
	project, chosen, err := e.prepare(ctx, q)
	if err != nil {
		return Result{}, err
	}
	around.start() // with params set, git is asked after they are written
	if err := e.prefetch(ctx, project, q.PlanRequest); err != nil {
		return Result{}, err
	}
	d, err := e.decider(ctx, e.Read, project, chosen, q.PlanRequest)
	if err != nil {
		return Result{}, err
	}
	if err := e.ignoreOuts(ctx, project, chosen, d.view, around.wait); err != nil {
		return Result{}, err
	}
	limits, err := e.limits(ctx, project, chosen, q)
	if err != nil {
		return Result{}, err
	}
	j := newJournal(e, project, chosen, d)
	if err := j.begin(ctx, q, around); err != nil {
		return Result{}, err
	}
	if err := d.claims.begin(j.run.ID, j.run.Name); err != nil {
		return Result{}, err
	}
	if err := d.claims.tidy(project); err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, d.claims.pool.Close()) }()
	start := e.Clock.Now()
	notify = j.listen(notify)
	notify(Event{Type: RunStarted, Time: start, Run: &j.run, Chosen: project.stages(chosen)})
	s := newScheduler(e, project, chosen, d, q, limits, j, notify)
	if q.Group != nil {
		s.output.prefix, s.output.groups = false, &groups{mark: q.Group}
	}
	defer catchSignals(s.local)()
	runErr := s.run(ctx)
	status := track.Finished
	switch {
	case ctx.Err() != nil:
		status = track.Killed
	case runErr != nil:
		status = track.Failed
	}
	s.result.RunID, s.result.Name, s.result.Status = j.run.ID, j.run.Name, status
	s.result.Seconds = e.Clock.Now().Sub(start).Seconds()
	// What was done is recorded also when the run was interrupted.
	if err := j.end(context.WithoutCancel(ctx), status); err != nil {
		return s.result, errors.Join(runErr, err)
	}
	for _, w := range j.warnings {
		notify(Event{Type: Warning, Err: w})
	}
	if ctx.Err() != nil {
		return s.result, errs.New(errs.Canceled, "run %s stopped: %w", j.run.Name, context.Cause(ctx)).
			Hint("finished stages are recorded: type the same command to go on")
	}
	return s.result, runErr
}

// surroundings is what takes a while to find out and is not needed at first.
type surroundings struct {
	start   func() // finding out, in the background
	known   chan struct{}
	run     track.Run
	tracker track.Recorder
	err     error
}

// askAround finds out in the background, at once or when start is called.
func (e *Engine) askAround(ctx context.Context, now bool) *surroundings {
	s := &surroundings{known: make(chan struct{})}
	s.start = sync.OnceFunc(func() {
		go func() {
			defer close(s.known)
			if s.run, s.err = e.Describe(ctx); s.err == nil {
				s.tracker, s.err = e.Track(ctx)
			}
		}()
	})
	if now {
		s.start()
	}
	return s
}

// wait returns when all is known. Until then no file that git tracks may be
// written: whether the person changed any is being asked.
func (s *surroundings) wait() { <-s.known }

// prepare reads the project and writes the params that are set.
func (e *Engine) prepare(ctx context.Context, q RunRequest) (*Project, []string, error) {
	read, err := e.overlay(q.SetParams)
	if err != nil {
		return nil, nil, err
	}
	project, err := e.projectAndLocks(ctx, read)
	if err != nil {
		return nil, nil, err
	}
	chosen, err := project.choose(q.PlanRequest)
	if err != nil {
		return nil, nil, err
	}
	if len(project.Stages) == 0 {
		return nil, nil, errs.New(errs.NotFound, "run: there are no stages").
			Hint("add one: mlops stage add -n train -d train.py -o model.pkl python train.py")
	}
	if len(q.SetParams) > 0 {
		if err := e.setParams(q.SetParams); err != nil {
			return nil, nil, err
		}
	}
	return project, chosen, nil
}

// ignoreOuts has git ignore the outs that go to the store, when they are made
// for the first time. Before is called when there is something to write.
func (e *Engine) ignoreOuts(ctx context.Context, p *Project, chosen []string, v *view, before func()) error {
	var fresh []string
	for _, address := range chosen {
		s := p.byAddress[address]
		lock, err := v.lock(s.Lock())
		if err != nil {
			return err
		}
		old, _ := lock.Stage(s.Name)
		known := assetsByPath(old.Outs)
		for _, o := range s.Outs {
			if a, had := known[o.Path]; !o.NoCache && !outside(o.Path) && (!had || a.NoCache) {
				fresh = append(fresh, o.Path)
			}
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	before()
	return e.Files.Ignore(ctx, fresh...)
}

// catchSignals kills the stages at the second interrupt. The first one is the
// caller's, who ends the context. A terminal that is closed may say so twice.
func catchSignals(local *executor.Local) (stop func()) {
	signals := make(chan os.Signal, 2)
	done := make(chan struct{})
	signal.Notify(signals, proc.Endings()...)
	go func() {
		for n := 0; ; n++ {
			select {
			case sig := <-signals:
				if n > 0 && sig != syscall.SIGHUP {
					local.Kill()
				}
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// path is the name of a path of the repository for the system.
func (e *Engine) path(p string) string {
	if stagefile.IsExternal(p) {
		return filepath.FromSlash(p)
	}
	return filepath.Join(e.Root, filepath.FromSlash(p))
}

// LocalExecutor is the name of the executor that runs stages as processes of
// this machine: the one that stages have that name none.
const LocalExecutor = "local"

// checkExecutor refuses to run a stage that is for an executor that this version
// does not have. Executor takes the place of that of the stage, where it is not "".
func checkExecutor(s *stagefile.Stage, executor string) error {
	if name := cmp.Or(executor, s.Executor, LocalExecutor); name != LocalExecutor {
		return errs.New(errs.Usage, "stage %s (%s:%d) is for the executor %q: this version runs stages on this machine only", s.Address(), s.File, s.Pos.Line, name).
			Hint("run it here all the same: mlops run --executor %s", LocalExecutor)
	}
	return nil
}

// checkOuts refuses outputs that stand where nothing of ours may be written.
func checkOuts(s *stagefile.Stage) error {
	for _, o := range s.Outs {
		if outside(o.Path) {
			return errs.New(errs.Usage, "output %s of %s is outside of the repository", o.Path, where(s, o.Pos)).
				Hint("write it to a path inside the repository")
		}
	}
	return nil
}

// stageError makes the error of a run in which stages failed.
func stageError(failed []failure) error {
	if len(failed) == 0 {
		return nil
	}
	first := failed[0]
	var e *errs.Error
	if len(failed) == 1 {
		e = errs.New(errs.StageFailed, "stage %s failed: %w", first.name, first.err)
	} else {
		var all error
		for _, f := range failed {
			all = errors.Join(all, fmt.Errorf("stage %s: %w", f.name, f.err))
		}
		e = errs.New(errs.StageFailed, "%d stages failed: %w", len(failed), all)
		for _, f := range failed {
			for _, h := range errs.Hints(f.err) {
				if !slices.Contains(errs.Hints(e), h) {
					e.Hint("%s", h)
				}
			}
		}
	}
	return e
}

type failure struct {
	name string
	err  error
}

// seconds between two times, to the millisecond.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
