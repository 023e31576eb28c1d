package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/mlops-cli/mlops/pkg/pipeline/executor"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
)

// scheduler carries out the chosen stages. Its fields belong to the goroutine
// of run; workers get a job and send it back done.
type scheduler struct {
	engine   *Engine
	project  *Project
	decider  *decider
	request  RunRequest
	journal  *journal
	notify   func(Event)
	local    *executor.Local
	saver    *saver
	restorer *restorer
	output   *output
	params   paramFiles
	claims   *claims
	limits   limits

	chosen  map[string]bool
	begun   map[string]bool   // were ready and left that list
	over    map[string]bool   // came to their end
	lost    map[string]string // those that did not end well → the stage that failed
	waiting map[string]int    // dependencies not done yet
	ready   []string
	held    queue                // lack something that others have
	budget  budget               // of the machine, left over by the stages at work
	working int                  // stages with a place among the jobs
	saving  int                  // stages whose outputs are being saved
	asleep  map[*job]*time.Timer // wait for their next attempt
	freed   chan *job
	done    chan *job
	woken   chan *job
	quit    chan struct{}
	stopped bool // no more stages start
	blocked map[string]string
	failed  []failure
	result  Result
}

// maxSaving bounds the stages whose outputs wait to be saved.
const maxSaving = 256

// job is a stage at work.
type job struct {
	step    Step
	start   time.Time
	result  executor.Result
	err     error
	log     *stageLog
	ended   time.Time
	saving  bool // it has no place among the jobs: it only saves or restores
	rerun   bool // it could not be restored
	claim   *claim
	slots   slots
	attempt int           // from 1
	cpu     time.Duration // of all attempts
	rss     int64         // bytes, the most of all attempts

	disturbed []string // what it reads and changed while it ran

	since time.Time // when it began to wait for another run
	by    string    // that run
	told  bool      // that it waits
}

func newScheduler(e *Engine, p *Project, chosen []string, d *decider, q RunRequest, l limits, j *journal, notify func(Event)) *scheduler {
	s := &scheduler{
		engine: e, project: p, decider: d, request: q, journal: j, notify: notify, claims: d.claims, limits: l,
		local: executor.NewLocal(q.Grace), freed: make(chan *job), done: make(chan *job), woken: make(chan *job), quit: make(chan struct{}),
		chosen: map[string]bool{}, begun: map[string]bool{}, asleep: map[*job]*time.Timer{}, over: map[string]bool{}, lost: map[string]string{}, blocked: map[string]string{},
		budget: budget{cpus: l.CPUs, memory: l.Memory},
	}
	s.saver, s.restorer = newSaver(e.Data, e.Clock), newRestorer(s.bring)
	s.params.engine = e
	s.output = newOutput(q.Output, q.Jobs > 1 && len(chosen) > 1)
	s.count(chosen)
	return s
}

// count notes what each chosen stage waits for, of those that are not over.
func (s *scheduler) count(chosen []string) {
	s.waiting, s.ready, s.chosen = map[string]int{}, nil, map[string]bool{}
	for _, a := range chosen {
		s.chosen[a] = true
	}
	for _, a := range chosen {
		if s.begun[a] {
			continue
		}
		for _, on := range s.project.waits.Deps(a) {
			switch {
			case !s.chosen[on]:
			case !s.over[on]:
				s.waiting[a]++
			case s.lost[on] != "":
				s.blocked[a] = s.lost[on]
			}
		}
		if s.waiting[a] == 0 {
			s.ready = append(s.ready, a)
		}
	}
}

// poll is how often stages are tried that another run holds up.
const poll = 50 * time.Millisecond

// run works until nothing is left or may start. Its error is that of failed
// stages; an error of the engine itself stops everything.
func (s *scheduler) run(ctx context.Context) error {
	defer s.saver.close()
	defer s.restorer.close()
	defer close(s.quit)
	var broken error
	stop := func(err error) {
		if err != nil {
			s.stopped = true
			if broken == nil {
				broken = err
			}
		}
	}
	polled := false
	for {
		stop(s.startAll(ctx, polled))
		if s.working+s.saving+len(s.asleep)+s.held.len() == 0 {
			break
		}
		if s.working < s.request.Jobs && s.saving > 0 {
			s.saver.flush() // a place is free, and what could take it may wait for what is saved
		}
		var tick <-chan time.Time
		if s.held.foreign() || s.working+s.saving+len(s.asleep) == 0 {
			tick = time.After(poll)
		}
		interrupt := ctx.Done()
		if len(s.asleep)+s.held.len() == 0 {
			interrupt = nil
		}
		polled = false
		select {
		case <-tick:
			polled = true
		case <-interrupt:
		case j := <-s.woken:
			delete(s.asleep, j)
			stop(s.admit(ctx, j))
		case j := <-s.freed:
			s.working--
			s.saving++
			stop(s.giveBack(j))
		case j := <-s.done:
			if j.saving {
				s.saving--
			} else {
				s.working--
				stop(s.giveBack(j))
			}
			stop(s.finish(ctx, j))
		}
	}
	if broken != nil {
		return broken
	}
	return stageError(s.failed)
}

// refresh hashes inputs that an upstream stage changed in part: files inside
// an output, or directories around one.
func (s *scheduler) refresh(ctx context.Context, stage *stagefile.Stage) error {
	v := s.decider.view
	if v.rewritten[recordKey{stage.Lock(), stage.Name}] {
		return s.look(ctx, stage)
	}
	if v.changed.empty() {
		return nil
	}
	var paths []string
	for _, in := range inputPaths(stage) {
		if v.changed.of(in) != "" || v.changed.around(in) == "" || outside(in) {
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
	s.begun[step.Name] = true
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
	s.over[name] = true
	if failed != "" {
		s.lost[name] = failed
	}
	for _, user := range s.project.waits.Users(name) {
		if !s.chosen[user] || s.begun[user] {
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

// finish records a job that came back, or has it tried again.
func (s *scheduler) finish(ctx context.Context, j *job) error {
	if j.rerun {
		// What was promised could not be had: run the stage instead.
		j.step.Action, j.step.record.Outs, j.rerun, j.saving = Run, nil, false, false
		j.step.Reasons = append(j.step.Reasons, "cannot be restored: "+j.err.Error())
		j.attempt, j.err = 0, nil
		return s.admit(ctx, j)
	}
	if j.err != nil && !s.ending(ctx) && again(j.step.stage.Retries, j.attempt, j.result) {
		s.sleep(j)
		return nil
	}
	name := j.step.Name
	rec := track.StageRecord{
		Name: name, Reasons: j.step.Reasons, Fingerprint: j.step.Fingerprint, Seconds: seconds(j.ended.Sub(j.start)),
		CPUSeconds: seconds(j.cpu), MaxRSS: j.rss, ExitCode: j.result.ExitCode, Attempts: j.attempt,
	}
	event := Event{
		Type: StageEnded, Name: name, Time: j.ended, Stage: j.step.stage, Reasons: j.step.Reasons, Seconds: rec.Seconds,
		ExitCode: rec.ExitCode, Record: &j.step.record, Attempt: j.attempt,
	}
	log := ""
	if j.log != nil {
		var err error
		if log, err = j.log.close(); err != nil && j.err == nil {
			j.err = err
		}
		event.Tail = string(j.log.tail)
	}
	if j.err != nil {
		rec.Action, event.Action, event.Err = string(Failed), Failed, j.err
		s.journal.stage(entry{record: rec, stage: j.step.stage, log: log})
		s.result.Failed++
		s.notify(event)
		if ctx.Err() == nil {
			s.failed = append(s.failed, failure{name, j.err})
		}
		s.stopped = s.stopped || !s.request.KeepGoing
		if s.request.KeepGoing {
			s.release(name, name)
		}
		return j.fail()
	}
	event.Action = Ran
	s.result.Ran++
	if j.step.Action == Restore {
		s.result.Ran--
		s.result.Restored++
		event.Action = Restored
	}
	if rec.Action = string(event.Action); event.Action == Restored {
		rec.Attempts = 0
	}
	s.decider.view.restored(&j.step)
	s.journal.stage(entry{record: rec, stage: j.step.stage, assets: &j.step.record, changed: true, log: log, claim: j.claim})
	s.notify(event)
	for _, d := range j.disturbed {
		s.notify(Event{Type: Warning, Err: fmt.Errorf("stage %s: %s", name, d)})
	}
	s.release(name, "")
	return s.journal.err()
}

// fail gives up the claim on a stage that failed.
func (j *job) fail() error {
	if j.claim == nil {
		return nil
	}
	return j.claim.fail()
}
