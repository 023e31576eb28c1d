package queue

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/proc"
)

// Holder is the process that holds a lease of the queue.
type Holder struct {
	Process proc.ID `json:"process"`
	Host    string  `json:"host"`
	Since   int64   `json:"since"`          // ms since 1970
	Jobs    int     `json:"jobs,omitempty"` // of a supervisor: at once
}

func (q *Queue) supervisorFile() string { return filepath.Join(q.dir, "supervisor.lease") }

func (q *Queue) workerFile(id int64) string {
	return filepath.Join(q.dir, strconv.FormatInt(id, 10)+".lease")
}

// stopFile is there when the supervisor is to take no more jobs.
func (q *Queue) stopFile() string { return filepath.Join(q.dir, "stop") }

// How often, and after what pause, a lease is tried again.
const (
	leaseTries = 10
	leasePause = 5 * time.Millisecond
)

// lease takes a lease for this process; nil when another has it.
func (q *Queue) lease(file string, jobs int) (*fsx.Lease, error) {
	if err := q.makeDir(); err != nil {
		return nil, err
	}
	l, _, err := fsx.TryLease(file)
	for tries := 0; l == nil && err == nil && tries < leaseTries; tries++ {
		// Who only looks at a lease holds it for a moment, too.
		time.Sleep(leasePause)
		l, _, err = fsx.TryLease(file)
	}
	if l == nil || err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	text, err := json.Marshal(Holder{Process: proc.Self(), Host: host, Since: q.now(), Jobs: jobs})
	if err = errors.Join(err, l.Write(text)); err != nil {
		return nil, errors.Join(err, l.Release())
	}
	return l, nil
}

// holder is who has a lease now, nil for nobody.
func (q *Queue) holder(file string) (*Holder, error) {
	held, text, err := fsx.LeaseHeld(file)
	if err != nil || !held {
		return nil, err
	}
	var h Holder
	if err := json.Unmarshal(text, &h); err != nil {
		return &Holder{}, nil //nolint:nilerr // it has just taken the lease and will write
	}
	return &h, nil
}

// Supervisor is the process that works on the queue, nil for none.
func (q *Queue) Supervisor() (*Holder, error) { return q.holder(q.supervisorFile()) }

// Work makes this process the worker of a job, and calls fn with a context that
// ends when the job is to be stopped.
func (q *Queue) Work(ctx context.Context, id int64, fn func(ctx context.Context, j Job) error) (err error) {
	l, err := q.lease(q.workerFile(id), 0)
	if err != nil {
		return err
	}
	if l == nil {
		return errs.New(errs.Conflict, "another process works on job %d", id)
	}
	defer func() { err = errors.Join(err, l.Release()) }()
	j, err := q.byID(ctx, id)
	if err != nil {
		return err
	}
	if j.State != Running {
		return errs.New(errs.Conflict, "job %d is %s", id, j.State).Hint("the supervisor starts jobs: mlops queue start")
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go q.heed(inner, id, cancel)
	return fn(inner, *j)
}

// heedEvery is how often a worker looks whether it is to stop.
const heedEvery = 250 * time.Millisecond

// errKilled is why a job is stopped.
var errKilled = errors.New("killed by mlops queue")

// heed ends the context when the job is to be stopped, or was removed.
func (q *Queue) heed(ctx context.Context, id int64, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(heedEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		j, err := q.byID(ctx, id)
		if errs.Is(err, errs.NotFound) || err == nil && j.Stopping {
			cancel(errKilled)
			return
		}
	}
}

// Stop has the supervisor take no more jobs and end after those that run. It
// reports whether there is one.
func (q *Queue) Stop() (bool, error) {
	h, err := q.Supervisor()
	if h == nil || err != nil {
		return false, err
	}
	return true, fsx.WriteFile(q.stopFile(), nil, 0o666)
}

func (q *Queue) stopping() bool {
	_, err := os.Stat(q.stopFile())
	return err == nil
}

func (q *Queue) clearStop() error {
	if err := os.Remove(q.stopFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// EndWorker kills a worker that did not stop when it was asked to.
func (q *Queue) EndWorker(id int64) error {
	h, err := q.holder(q.workerFile(id))
	if h == nil || err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil || host != h.Host || h.Process.PID == 0 || !h.Process.Alive() {
		return errs.New(errs.Conflict, "the worker of job %d, process %d on %s, does not stop", id, h.Process.PID, h.Host)
	}
	p, err := os.FindProcess(h.Process.PID)
	if err != nil {
		return err
	}
	return p.Kill()
}

// State is how far a job has come.
func (q *Queue) State(ctx context.Context, id int64) (State, error) {
	j, err := q.byID(ctx, id)
	if err != nil {
		return "", err
	}
	return j.State, nil
}

// Working reports whether a job has a worker now.
func (q *Queue) Working(id int64) (bool, error) {
	h, err := q.holder(q.workerFile(id))
	return h != nil, err
}
