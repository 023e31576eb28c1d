package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/pipeline/executor"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
)

// scheduler carries out the chosen stages. Its fields belong to the goroutine
// of run; workers get a job and send it back done.
type scheduler struct {
	engine  *Engine
	project *Project
	decider *decider
	request RunRequest
	journal *journal
	notify  func(Event)
	local   *executor.Local
	saver   *saver
	output  *output

	chosen  map[string]bool
	waiting map[string]int // dependencies not done yet
	ready   []string
	working int           // stages with a place among the jobs
	saving  int           // stages whose outputs are being saved
	freed   chan struct{} // a stage gives its place back and saves
	done    chan *job
	stopped bool // no more stages start
	blocked map[string]string
	failed  []failure
	result  Result
}

// maxSaving bounds the stages whose outputs wait to be saved.
const maxSaving = 256

// job is a stage at work.
type job struct {
	step   Step
	start  time.Time
	result executor.Result
	err    error
	log    string // file with what it printed, "" when it printed nothing
	tail   string // the end of what it printed
	ended  time.Time
	saving bool // it gave its place back
}

func newScheduler(e *Engine, p *Project, chosen []string, d *decider, q RunRequest, j *journal, notify func(Event)) *scheduler {
	s := &scheduler{
		engine: e, project: p, decider: d, request: q, journal: j, notify: notify,
		local: executor.NewLocal(q.Grace), freed: make(chan struct{}), done: make(chan *job),
		chosen: map[string]bool{}, waiting: map[string]int{}, blocked: map[string]string{},
	}
	s.saver = newSaver(e.Data)
	s.output = newOutput(q.Output, q.Jobs > 1 && len(chosen) > 1)
	for _, a := range chosen {
		s.chosen[a] = true
	}
	for _, a := range chosen {
		for _, on := range p.Graph.Deps(a) {
			if s.chosen[on] {
				s.waiting[a]++
			}
		}
		if s.waiting[a] == 0 {
			s.ready = append(s.ready, a)
		}
	}
	return s
}

// run works until nothing is left or may start. Its error is that of failed
// stages; an error of the engine itself stops everything.
func (s *scheduler) run(ctx context.Context) error {
	defer s.saver.close()
	var broken error
	for {
		for len(s.ready) > 0 && s.working < s.request.Jobs && s.saving < maxSaving && !s.stopped && ctx.Err() == nil {
			next := s.ready[0]
			s.ready = s.ready[1:]
			if err := s.start(ctx, next); err != nil {
				broken, s.stopped = err, true
			}
		}
		if s.working+s.saving == 0 {
			break
		}
		select {
		case <-s.freed:
			s.working--
			s.saving++
		case j := <-s.done:
			if j.saving {
				s.saving--
			} else {
				s.working--
			}
			if err := s.finish(ctx, j); err != nil && broken == nil {
				broken, s.stopped = err, true
			}
		}
	}
	if broken != nil {
		return broken
	}
	return stageError(s.failed)
}

// start decides on a stage, and sets it to work where it needs work.
func (s *scheduler) start(ctx context.Context, name string) error {
	stage := s.project.byAddress[name]
	if by, ok := s.blocked[name]; ok {
		s.skip(Step{Name: name, stage: stage, Action: Skip, Reasons: []string{fmt.Sprintf("stage %s (upstream) failed", by)}}, by)
		return nil
	}
	if err := s.refresh(ctx, stage); err != nil {
		return err
	}
	step, err := s.decider.decide(ctx, stage)
	if err != nil {
		return err
	}
	if step.Action == Skip {
		s.skip(step, "")
		return nil
	}
	s.working++
	j := &job{step: step, start: s.engine.Clock.Now()}
	if step.Action == Run && step.err == nil {
		s.notify(Event{Type: StageStarted, Name: name, Time: j.start, Stage: stage, Reasons: step.Reasons, Record: &j.step.record})
	}
	go func() {
		s.work(ctx, j)
		j.ended = s.engine.Clock.Now()
		if j.err == nil && j.step.Action == Run {
			j.saving = true
			s.freed <- struct{}{}
			j.err = s.save(ctx, j)
		}
		s.done <- j
	}()
	return nil
}

// refresh hashes inputs that an upstream stage changed in part: files inside
// an output, or directories around one.
func (s *scheduler) refresh(ctx context.Context, stage *stagefile.Stage) error {
	v := s.decider.view
	if len(v.changed) == 0 {
		return nil
	}
	var paths []string
	for _, in := range inputPaths(stage) {
		if _, exact := v.changed[in]; exact || upstream(v.changed, in) == "" || outside(in) {
			continue
		}
		paths = append(paths, in)
	}
	if len(paths) == 0 {
		return nil
	}
	found, err := v.data.Hash(ctx, paths)
	if err != nil {
		return err
	}
	for _, p := range paths {
		delete(v.assets, p)
		if a, ok := found[p]; ok {
			v.assets[p] = a
		}
	}
	return nil
}

// skip ends a stage without work. By names the stage that failed before it.
func (s *scheduler) skip(step Step, by string) {
	s.result.Skipped++
	e := entry{record: track.StageRecord{Name: step.Name, Action: string(Skipped), Reasons: step.Reasons, Fingerprint: step.Fingerprint}, stage: step.stage}
	if len(step.record.Outs)+len(step.record.Deps) > 0 {
		e.assets = &step.record
	}
	s.journal.stage(e)
	s.notify(Event{Type: StageEnded, Name: step.Name, Time: s.engine.Clock.Now(), Stage: step.stage, Action: Skipped, Reasons: step.Reasons, Record: &step.record})
	s.release(step.Name, by)
}

// release lets the stages go on that waited for this one.
func (s *scheduler) release(name, failed string) {
	for _, user := range s.project.Graph.Users(name) {
		if !s.chosen[user] {
			continue
		}
		if failed != "" {
			s.blocked[user] = failed
		}
		if s.waiting[user]--; s.waiting[user] == 0 {
			s.ready = append(s.ready, user)
		}
	}
}

// finish records a job that came back.
func (s *scheduler) finish(ctx context.Context, j *job) error {
	name := j.step.Name
	rec := track.StageRecord{
		Name: name, Reasons: j.step.Reasons, Fingerprint: j.step.Fingerprint, Seconds: seconds(j.ended.Sub(j.start)),
		CPUSeconds: seconds(j.result.CPU), MaxRSS: j.result.MaxRSS, ExitCode: j.result.ExitCode,
	}
	event := Event{
		Type: StageEnded, Name: name, Time: j.ended, Stage: j.step.stage, Reasons: j.step.Reasons, Seconds: rec.Seconds,
		ExitCode: rec.ExitCode, Record: &j.step.record, Tail: j.tail,
	}
	if j.err != nil {
		rec.Action, event.Action, event.Err = string(Failed), Failed, j.err
		s.journal.stage(entry{record: rec, stage: j.step.stage, log: j.log})
		s.result.Failed++
		s.notify(event)
		if ctx.Err() == nil {
			s.failed = append(s.failed, failure{name, j.err})
		}
		s.stopped = s.stopped || !s.request.KeepGoing
		if s.request.KeepGoing {
			s.release(name, name)
		}
		return nil
	}
	event.Action = Ran
	s.result.Ran++
	if j.step.Action == Restore {
		s.result.Ran--
		s.result.Restored++
		event.Action = Restored
	}
	rec.Action = string(event.Action)
	s.decider.view.restored(&j.step)
	s.journal.stage(entry{record: rec, stage: j.step.stage, assets: &j.step.record, changed: true, log: j.log})
	s.notify(event)
	s.release(name, "")
	return s.journal.err()
}

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
		if j.err = s.bring(ctx, j.step.needed); j.err == nil || ctx.Err() != nil {
			return
		}
		// What was promised could not be had: run the stage instead.
		j.step.Action = Run
		j.step.record.Outs = nil
		j.step.Reasons = append(j.step.Reasons, "cannot be restored: "+j.err.Error())
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
	outs, err := s.saver.save(ctx, j.step.stage)
	if err != nil {
		return err
	}
	j.step.record.Outs = outs
	return fault.At(ctx, "run.outs.saved")
}
