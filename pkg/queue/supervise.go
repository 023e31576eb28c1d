package queue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/fsx"
)

// maxAttempts is how often a job is begun that takes its worker down each time.
const maxAttempts = 3

// Options say how a supervisor works.
type Options struct {
	Jobs int  // workers at once, at least one
	Stay bool // wait for more when the queue is empty
	// Worker makes the command that does a job.
	Worker func(ctx context.Context, j Job) *exec.Cmd
	// Ended is called when a job was ended by the supervisor, as its worker
	// could not: it died.
	Ended func(ctx context.Context, j Job, state State) error
	// Again returns the id of a new run for a job that is queued again.
	Again func(ctx context.Context, j Job) (string, error)
	// Say tells the user what happened.
	Say func(format string, args ...any)
}

// supervisor works on a queue.
type supervisor struct {
	*Queue
	o       Options
	working map[int64]Job
	adopted map[int64]bool // workers that an earlier supervisor started
	ended   chan exit
}

type exit struct {
	id  int64
	err error
}

// tick is how often the supervisor looks for what changed.
const tick = 200 * time.Millisecond

// Supervise makes this process the supervisor until the queue is empty, Stop is
// called, or ctx is done; then running jobs are stopped. Where there is one
// already it is errs.Locked.
func (q *Queue) Supervise(ctx context.Context, o Options) (err error) {
	l, err := q.lease(q.supervisorFile(), o.Jobs)
	if err != nil {
		return err
	}
	if l == nil {
		return q.occupied()
	}
	defer func() { err = errors.Join(err, l.Release()) }()
	if err := q.clearStop(); err != nil {
		return err
	}
	s := &supervisor{Queue: q, o: o, working: map[int64]Job{}, adopted: map[int64]bool{}, ended: make(chan exit)}
	if err := s.recover(ctx); err != nil {
		return err
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	after := context.WithoutCancel(ctx)
	interrupted := false
	for {
		stop := interrupted || q.stopping()
		for !stop && len(s.working) < o.Jobs {
			more, err := s.start(after)
			if err != nil {
				return err
			}
			if !more {
				break
			}
		}
		if len(s.working) == 0 && (stop || !o.Stay) {
			return errors.Join(q.clearStop(), ctx.Err())
		}
		done := ctx.Done()
		if interrupted {
			done = nil
		}
		select {
		case <-done:
			interrupted = true
			s.o.Say("stopping %d running jobs", len(s.working))
			for id := range s.working {
				if _, err := q.Kill(after, id); err != nil {
					return err
				}
			}
		case e := <-s.ended:
			err = s.exited(after, e)
		case <-ticker.C:
			err = s.look(after)
		}
		if err != nil {
			return err
		}
	}
}

func (q *Queue) occupied() error {
	h, err := q.Supervisor()
	if err != nil {
		return err
	}
	e := errs.New(errs.Locked, "a supervisor works on the queue already")
	if h != nil && h.Process.PID > 0 {
		e = errs.New(errs.Locked, "a supervisor works on the queue already: process %d on %s, since %s, %d at once",
			h.Process.PID, h.Host, time.UnixMilli(h.Since).Format("15:04:05"), h.Jobs)
	}
	return e.Hint("to change how many run at once: mlops queue stop, then mlops queue start --jobs N")
}

// recover sees to the jobs that an earlier supervisor left running.
func (s *supervisor) recover(ctx context.Context) error {
	jobs, err := s.Jobs(ctx, Running)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		h, err := s.awaitWorker(ctx, j)
		if err != nil {
			return err
		}
		if h != nil {
			s.o.Say("job %d, %s, went on without a supervisor", j.ID, j.Name)
			s.working[j.ID], s.adopted[j.ID] = j, true
			continue
		}
		if err := s.lost(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

// beginning is how long after it was started a worker may be without its lease.
const beginning = 3 * time.Second

// awaitWorker is the worker of a running job, nil when there is none.
func (s *supervisor) awaitWorker(ctx context.Context, j Job) (*Holder, error) {
	for {
		h, err := s.holder(s.workerFile(j.ID))
		if h != nil || err != nil {
			return h, err
		}
		if now, err := s.State(ctx, j.ID); err != nil || now != Running || s.now()-j.Started > beginning.Milliseconds() {
			return nil, err
		}
		time.Sleep(tick / 4)
	}
}

// lost sees to a job whose worker and supervisor both died.
func (s *supervisor) lost(ctx context.Context, j Job) error {
	if now, err := s.State(ctx, j.ID); err != nil || now != Running {
		return err // it has just ended
	}
	if err := s.o.Ended(ctx, j, Killed); err != nil {
		return err
	}
	if j.Stopping || j.Attempts >= maxAttempts {
		why := "its process was killed"
		if j.Attempts >= maxAttempts {
			why = fmt.Sprintf("its process was killed %d times", j.Attempts)
		}
		s.o.Say("job %d, %s: %s", j.ID, j.Name, why)
		return s.end(ctx, j, Killed, why)
	}
	run, err := s.o.Again(ctx, j)
	if err != nil {
		return err
	}
	if err := fault.At(ctx, "queue.again"); err != nil {
		return err
	}
	s.o.Say("job %d, %s, was running when the supervisor died: run %.8s is killed, it waits again as run %.8s", j.ID, j.Name, j.Run, run)
	return s.again(ctx, j.ID, run, "began again: its process was killed")
}

// end ends a job and forgets the lease that its dead worker left.
func (s *supervisor) end(ctx context.Context, j Job, state State, why string) error {
	if _, err := s.End(ctx, j, state, why); err != nil {
		return err
	}
	return s.o.Ended(ctx, j, state)
}

// start starts the worker of the next job, and reports whether there was one.
func (s *supervisor) start(ctx context.Context) (bool, error) {
	j, err := s.take(ctx)
	if j == nil || err != nil {
		return false, err
	}
	if err := fault.At(ctx, "queue.taken"); err != nil {
		return false, err
	}
	log, err := os.OpenFile(s.LogFile(j.ID), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return false, errs.New(errs.Internal, "queue: %w", err)
	}
	c := s.o.Worker(ctx, *j)
	c.Stdout, c.Stderr = log, log
	Detach(c)
	err = c.Start()
	if cerr := log.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return false, errors.Join(errs.New(errs.Internal, "start job %d: %w", j.ID, err), s.end(ctx, *j, Failed, err.Error()))
	}
	s.working[j.ID] = *j
	go func() { s.ended <- exit{j.ID, c.Wait()} }()
	s.o.Say("job %d, %s, started", j.ID, j.Name)
	return true, fault.At(ctx, "queue.started")
}

// exited sees to a worker whose process ended.
func (s *supervisor) exited(ctx context.Context, e exit) error {
	j, err := s.byID(ctx, e.id)
	old := s.working[e.id]
	delete(s.working, e.id)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if h, err := s.holder(s.workerFile(e.id)); h != nil || err != nil { // one that an earlier supervisor started was faster
		s.working[e.id], s.adopted[e.id] = *j, true
		return err
	}
	if j.State == Running { // it could not say how it ended
		why := "its process ended without a word"
		if e.err != nil {
			why = "its process ended: " + e.err.Error()
		}
		state := Failed
		if j.Stopping {
			state = Killed
		}
		if err := s.end(ctx, old, state, why); err != nil {
			return err
		}
		j.State, j.Error = state, why
	}
	text := ""
	if j.Error != "" {
		text = ": " + j.Error
	}
	s.o.Say("job %d, %s, %s%s", j.ID, j.Name, j.State, text)
	return s.tidy(j.ID)
}

// tidy removes the lease that a dead worker left.
func (s *supervisor) tidy(id int64) error {
	l, _, err := fsx.TryLease(s.workerFile(id))
	if l == nil || err != nil {
		return err
	}
	return l.Release()
}

// look sees to workers that an earlier supervisor started.
func (s *supervisor) look(ctx context.Context) error {
	for id := range s.adopted {
		h, err := s.holder(s.workerFile(id))
		if err != nil {
			return err
		}
		if h != nil {
			continue
		}
		delete(s.adopted, id)
		if err := s.exited(ctx, exit{id: id}); err != nil {
			return err
		}
	}
	return nil
}
