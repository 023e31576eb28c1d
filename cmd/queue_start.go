package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/isolate"
	"github.com/mlops-cli/mlops/pkg/queue"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/track"
)

type queueStartOptions struct {
	app        *app
	jobs       int
	foreground bool
	stay       bool
}

func newQueueStartCmd(a *app) *cobra.Command {
	o := &queueStartOptions{app: a}
	c := &cobra.Command{
		Use:   "start",
		Short: "Start the supervisor, which works off the queue",
		Long: `Start the supervisor, which works off the queue in the background and ends when it
is empty. There is one for a repository: a second one is refused.

Jobs that were running when a supervisor was killed, or the machine went down, go
on if their process still runs. Otherwise their run is KILLED and the job is
queued again; what its stages finished is in the cache and not done twice.`,
		Example: "  mlops queue start\n  mlops queue start --jobs 4 --stay\n  mlops queue start --foreground",
		Args:    cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			return runQueueStart(ctx, o)
		}),
	}
	f := c.Flags()
	f.IntVarP(&o.jobs, "jobs", "j", 1, "runs at once")
	f.BoolVar(&o.foreground, "foreground", false, "work here until the queue is empty; Ctrl-C stops what runs")
	f.BoolVar(&o.stay, "stay", false, "wait for more when the queue is empty")
	return c
}

// queueStarted is what queue start says in JSON.
type queueStarted struct {
	PID     int `json:"pid"`
	Jobs    int `json:"jobs"`    // at once
	Waiting int `json:"waiting"` // jobs in the queue
}

func runQueueStart(ctx context.Context, o *queueStartOptions) error {
	if o.jobs < 1 {
		return errs.New(errs.Usage, "--jobs %d is below 1", o.jobs)
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	jobs, err := o.app.jobQueue(ctx)
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return errs.New(errs.Internal, "start a supervisor: %w", err)
	}
	if o.foreground {
		return o.supervise(ctx, jobs, r, exe)
	}
	waiting, err := jobs.Jobs(ctx, queue.Waiting, queue.Running)
	if err != nil {
		return err
	}
	if len(waiting) == 0 && !o.stay {
		o.app.io.Note("nothing waits in the queue; --stay waits for jobs to come")
		return o.app.io.Result(queueStarted{}, func(io.Writer) error { return nil })
	}
	h, err := jobs.Supervisor()
	if err != nil {
		return err
	}
	if h != nil {
		return o.supervise(ctx, jobs, r, exe) // which says who it is
	}
	return o.background(ctx, jobs, r, exe, len(waiting))
}

// background starts a supervisor that outlives this process.
func (o *queueStartOptions) background(ctx context.Context, jobs *queue.Queue, r *repo.Repo, exe string, waiting int) (err error) {
	dir := filepath.Join(r.MetaDir(), "queue")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return errs.New(errs.Internal, "start a supervisor: %w", err)
	}
	logName := filepath.Join(dir, "supervisor.log")
	log, err := os.OpenFile(logName, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return errs.New(errs.Internal, "start a supervisor: %w", err)
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	args := []string{"queue", "start", "--foreground", "--jobs", strconv.Itoa(o.jobs)}
	if o.stay {
		args = append(args, "--stay")
	}
	c := mlopsCommand(context.WithoutCancel(ctx), exe, r.Root, args...)
	c.Stdout, c.Stderr = log, log
	queue.Detach(c)
	if err := c.Start(); err != nil {
		return errs.New(errs.Internal, "start a supervisor: %w", err)
	}
	pid := c.Process.Pid
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	for begun := time.Duration(0); ; begun += startPoll {
		h, err := jobs.Supervisor()
		if err != nil {
			return err
		}
		if h != nil && h.Process.PID == pid {
			break
		}
		select {
		case err := <-ended:
			if err == nil { // it was so fast that we never saw it
				return o.started(pid, waiting)
			}
			text, rerr := os.ReadFile(logName)
			return errors.Join(errs.New(errs.Internal, "the supervisor ended: %w\n%s", err, text), rerr)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(startPoll):
		}
		if begun > startPatience {
			return errs.New(errs.Internal, "the supervisor, process %d, does not begin", pid).Hint("see what it printed: %s", logName)
		}
	}
	return o.started(pid, waiting)
}

// How long queue start waits for the supervisor to begin.
const (
	startPoll     = 10 * time.Millisecond
	startPatience = 20 * time.Second
)

func (o *queueStartOptions) started(pid, waiting int) error {
	return o.app.io.Result(queueStarted{PID: pid, Jobs: o.jobs, Waiting: waiting}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "supervisor started: process %d works on %s, %d at once\n", pid, plural(waiting, "job", "jobs"), o.jobs)
		return err
	})
}

// mlopsCommand starts this program again, in another directory.
func mlopsCommand(ctx context.Context, exe, dir string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, exe)
	c.Args, c.Dir = append([]string{"mlops"}, args...), dir
	return c
}

// supervise works off the queue in this process.
func (o *queueStartOptions) supervise(ctx context.Context, jobs *queue.Queue, r *repo.Repo, exe string) error {
	say := func(format string, args ...any) {
		o.app.io.Raw(o.app.clock.Now().Format("2006-01-02 15:04:05 ") + fmt.Sprintf(format, args...))
	}
	err := jobs.Supervise(ctx, queue.Options{
		Jobs: o.jobs, Stay: o.stay, Say: say,
		Worker: func(ctx context.Context, j queue.Job) *exec.Cmd {
			return mlopsCommand(ctx, exe, r.Root, "queue", "work", strconv.FormatInt(j.ID, 10))
		},
		Again: func(ctx context.Context, j queue.Job) (string, error) { return o.app.again(ctx, j) },
		Ended: func(ctx context.Context, j queue.Job, state queue.State) error {
			_, err := isolate.Tidy(ctx, r)
			return errors.Join(err, o.app.finish(ctx, j.Run, state), o.app.closeSweep(ctx, jobs, j.Parent))
		},
	})
	if errors.Is(err, context.Canceled) {
		return errs.New(errs.Canceled, "the supervisor stopped: %w", context.Cause(ctx)).Hint("jobs that wait stay in the queue: mlops queue start")
	}
	return err
}

// again makes a new run for a job that was lost.
func (a *app) again(ctx context.Context, j queue.Job) (string, error) {
	var q queued
	if err := json.Unmarshal(j.Request, &q); err != nil {
		return "", errs.New(errs.Corrupt, "job %d: %w", j.ID, err)
	}
	tracker, err := a.tracking(ctx)
	if err != nil {
		return "", err
	}
	assets := q.Snapshot.Assets()
	if !q.Patch.IsZero() {
		assets = append(assets, track.Asset{Path: track.CodePatch, Role: track.Artifact, Kind: "file", ID: q.Patch, Files: 1})
	}
	old, err := tracker.Run(ctx, j.Run)
	if err != nil {
		return "", err
	}
	run, err := tracker.Create(ctx, q.scheduled(old.Parent, assets))
	return run.ID, err
}
