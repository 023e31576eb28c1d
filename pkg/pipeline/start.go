package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mlops-cli/mlops/pkg/fsx"
)

// queue holds jobs that lack something, by what they lack.
type queue struct {
	keys []string // in the order in which they were first missed
	jobs map[string][]*job
	by   map[string]*claimText // who has it, when that is another run
}

func (q *queue) len() int {
	n := 0
	for _, jobs := range q.jobs {
		n += len(jobs)
	}
	return n
}

// foreign reports whether a job waits for another run.
func (q *queue) foreign() bool { return len(q.by) > 0 }

func (q *queue) add(j *job, b *busy) {
	if q.jobs == nil {
		q.jobs, q.by = map[string][]*job{}, map[string]*claimText{}
	}
	if len(q.jobs[b.key]) == 0 {
		q.keys = append(q.keys, b.key)
	}
	q.jobs[b.key] = append(q.jobs[b.key], j)
	if b.by != nil {
		q.by[b.key] = b.by
	}
}

// take removes and returns all jobs that lack key.
func (q *queue) take(key string) []*job {
	jobs := q.jobs[key]
	delete(q.jobs, key)
	delete(q.by, key)
	q.keys = slices.DeleteFunc(q.keys, func(k string) bool { return k == key })
	return jobs
}

// room reports whether a place among the jobs is free.
func (s *scheduler) room(ctx context.Context) bool {
	return s.working < s.request.Jobs && s.saving < maxSaving && !s.ending(ctx)
}

// ending reports whether no more stages start.
func (s *scheduler) ending(ctx context.Context) bool { return s.stopped || ctx.Err() != nil }

// startAll starts all that can start: first what was held up, unless another
// run still does and it is not time to ask again.
func (s *scheduler) startAll(ctx context.Context, polled bool) error {
	if s.ending(ctx) {
		return s.drop(ctx)
	}
	for _, key := range slices.Clone(s.held.keys) {
		if !s.room(ctx) {
			break
		}
		if s.held.by[key] != nil && !polled {
			continue
		}
		if err := s.tryHeld(ctx, key); err != nil {
			return err
		}
	}
	for len(s.ready) > 0 && s.room(ctx) {
		next := s.ready[0]
		s.ready = s.ready[1:]
		s.begun[next] = true
		if err := s.start(ctx, next); err != nil {
			return err
		}
	}
	return nil
}

// tryHeld tries the jobs that lack key, one after the other, up to the first
// that still lacks it.
func (s *scheduler) tryHeld(ctx context.Context, key string) error {
	jobs := s.held.take(key)
	for i, j := range jobs {
		b, err := s.try(ctx, j)
		if err != nil {
			return err
		}
		if b != nil {
			s.held.add(j, b)
		}
		if b != nil && b.key == key || !s.room(ctx) {
			for _, rest := range jobs[i+1:] {
				s.held.add(rest, &busy{key: key})
			}
			return nil
		}
	}
	return nil
}

// drop ends what waits: nothing starts any more.
func (s *scheduler) drop(ctx context.Context) error {
	for _, key := range slices.Clone(s.held.keys) {
		for _, j := range s.held.take(key) {
			if err := s.giveUp(ctx, j); err != nil {
				return err
			}
		}
	}
	for j, timer := range s.asleep {
		if timer.Stop() {
			delete(s.asleep, j)
			if err := s.giveUp(ctx, j); err != nil {
				return err
			}
		}
	}
	return nil
}

// giveUp ends a job that waits. One that was attempted has failed.
func (s *scheduler) giveUp(ctx context.Context, j *job) error {
	if j.attempt > 0 {
		return s.finish(ctx, j)
	}
	return j.fail()
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
	step, err := s.decide(ctx, stage)
	if err != nil {
		return err
	}
	if stage.Map != "" {
		return s.expand(ctx, step)
	}
	if step.Action == Skip {
		s.skip(step, "")
		return nil
	}
	return s.admit(ctx, &job{step: step})
}

// admit sets a job to work, or holds it until it has what it needs.
func (s *scheduler) admit(ctx context.Context, j *job) error {
	if s.ending(ctx) {
		return s.giveUp(ctx, j)
	}
	b, err := s.try(ctx, j)
	if b != nil {
		s.held.add(j, b)
	}
	return err
}

// try sets a job to work when all that it needs can be had at once: a place,
// processors and memory, the claim on the stage, and slots. It takes all or
// nothing, so that no two stages wait for one another.
func (s *scheduler) try(ctx context.Context, j *job) (*busy, error) {
	if j.step.err != nil { // it only has to be said
		s.launch(ctx, j)
		return nil, nil //nolint:nilerr // the job carries it
	}
	if !s.room(ctx) {
		return &busy{key: "jobs"}, nil
	}
	stage := j.step.stage
	if key := s.budget.lacks(stage, s.limits); key != "" && j.step.Action == Run {
		return &busy{key: key}, nil
	}
	fresh := j.claim == nil
	if fresh {
		b, err := s.claim(j)
		if b != nil || err != nil {
			return b, err
		}
		goes, err := s.settle(ctx, j)
		if err != nil || !goes {
			return nil, err
		}
	}
	if j.step.Action == Run {
		got, b, err := s.claims.takeSlots(stage, s.limits)
		if (b != nil || err != nil) && fresh {
			err = errors.Join(err, j.claim.restore())
			j.claim = nil
		}
		if b != nil || err != nil {
			return s.wait(j, b), err
		}
		j.slots = got
	}
	s.launch(ctx, j)
	return nil, nil
}

// claim takes the claim on a stage, unless another run works on it, or on what
// it reads.
func (s *scheduler) claim(j *job) (*busy, error) {
	step := &j.step
	if step.Action == Run && !s.request.Force {
		for _, in := range inputPaths(step.stage) {
			by, made := s.project.Producer(in)
			if !made || s.chosen[by] {
				continue
			}
			file := s.claims.place(by)
			held, text, err := fsx.LeaseHeld(file)
			if err != nil {
				return nil, err
			}
			if held {
				return s.wait(j, &busy{key: file, by: parseClaim(text)}), nil
			}
		}
	}
	print := ""
	if step.Action == Run && shared(step, s.request.Force) {
		print = step.Fingerprint
	}
	c, b, err := s.claims.take(step.Name, print)
	if c == nil {
		return s.wait(j, b), err
	}
	j.claim = c
	return nil, nil
}

// shared reports whether another copy of the workspace could use what the
// stage makes.
func shared(step *Step, force bool) bool {
	if force || step.stage.AlwaysChanged || len(step.stage.Outs) == 0 {
		return false
	}
	for _, o := range step.stage.Outs {
		if o.Persist {
			return false
		}
	}
	return true
}

// patience is how long a stage waits for another run before it says so.
const patience = time.Second

// wait notes that a job waits, and says so when it is for another run and
// takes long.
func (s *scheduler) wait(j *job, b *busy) *busy {
	if b == nil || b.by == nil {
		return b
	}
	now := s.engine.Clock.Now()
	if j.since.IsZero() {
		j.since = now
	}
	j.by = b.by.Run
	if !j.told && now.Sub(j.since) >= patience {
		j.told = true
		s.notify(Event{Type: StageWaiting, Name: j.step.Name, Time: now, Stage: j.step.stage, Reasons: []string{waitsFor(b.by)}})
	}
	return b
}

func waitsFor(by *claimText) string {
	who := "another run"
	if by.Run != "" {
		who = "run " + by.Run
	}
	if by.Stage == "" {
		return "waits for " + who
	}
	return fmt.Sprintf("waits for %s, which works on %s", who, by.Stage)
}

// launch sets a job to work.
func (s *scheduler) launch(ctx context.Context, j *job) {
	if j.saving = j.step.Action == Restore; j.saving {
		s.saving++
	} else {
		s.budget.take(j.step.stage)
		s.working++
	}
	j.attempt++
	if j.attempt == 1 {
		j.start = s.engine.Clock.Now()
		if j.step.Action == Run && j.step.err == nil {
			s.notify(Event{Type: StageStarted, Name: j.step.Name, Time: j.start, Stage: j.step.stage, Reasons: j.step.Reasons, Record: &j.step.record})
		}
	}
	go func() {
		s.work(ctx, j)
		j.ended = s.engine.Clock.Now()
		if j.err == nil && j.step.Action == Run {
			j.saving = true
			s.freed <- j
			j.err = s.save(ctx, j)
		}
		s.done <- j
	}()
}

// giveBack gives back what a stage held while its commands ran.
func (s *scheduler) giveBack(j *job) error {
	s.budget.give(j.step.stage)
	return j.slots.release()
}

// sleep has the job tried again after a pause, in which it holds no slot.
func (s *scheduler) sleep(j *job) {
	r := j.step.stage.Retries
	s.notify(Event{
		Type: StageRetried, Name: j.step.Name, Time: j.ended, Stage: j.step.stage, Record: &j.step.record,
		Attempt: j.attempt, Seconds: seconds(j.ended.Sub(j.start)), ExitCode: j.result.ExitCode, Err: j.err,
		Reasons: []string{fmt.Sprintf("%s failed: %s; again in %s", attempts(r, j.attempt), j.err, pause(r, j.attempt))},
	})
	s.asleep[j] = time.AfterFunc(pause(r, j.attempt), func() {
		select {
		case s.woken <- j:
		case <-s.quit:
		}
	})
}
