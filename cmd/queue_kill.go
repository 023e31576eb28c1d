package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/queue"
)

func newQueueKillCmd(a *app) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "kill JOB...",
		Short: "Stop jobs that run, and end those that wait",
		Long: `Stop jobs that run: their stages are interrupted, get ten seconds, and are killed.
Their runs are KILLED; what their stages finished stays in the cache. Jobs that
wait are ended without having run.`,
		Example: "  mlops queue kill 3 4\n  mlops queue kill --all",
		Args:    cobra.ArbitraryArgs,
		RunE: a.run(func(ctx context.Context, args []string) error {
			jobs, err := a.chooseJobs(ctx, args, all, func(s queue.State) bool { return !s.Over() })
			if err != nil {
				return err
			}
			return a.killJobs(ctx, jobs)
		}),
	}
	c.Flags().BoolVar(&all, "all", false, "every job that is not over")
	return c
}

// chooseJobs are the jobs that words mean, or all that pass.
func (a *app) chooseJobs(ctx context.Context, words []string, all bool, pass func(queue.State) bool) ([]queue.Job, error) {
	q, err := a.jobQueue(ctx)
	if err != nil {
		return nil, err
	}
	if all == (len(words) > 0) {
		return nil, errs.New(errs.Usage, "name the jobs, or say which").Hint("see the jobs: mlops queue ls")
	}
	var jobs []queue.Job
	if all {
		every, err := q.Jobs(ctx)
		for _, j := range every {
			if pass(j.State) {
				jobs = append(jobs, j)
			}
		}
		return jobs, err
	}
	for _, word := range words {
		j, err := q.Job(ctx, word)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// How long a worker may take to stop before its process is killed: the stages
// get ten seconds of it.
const (
	stopPatience = 20 * time.Second
	stopPoll     = 50 * time.Millisecond
)

// killJobs ends jobs and waits until they are over.
func (a *app) killJobs(ctx context.Context, jobs []queue.Job) error {
	q, err := a.jobQueue(ctx)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if j.State.Over() {
			return errs.New(errs.Conflict, "job %d is %s already", j.ID, j.State)
		}
	}
	for _, j := range jobs {
		over, err := q.Kill(ctx, j.ID)
		if err != nil {
			return err
		}
		if over {
			if err := a.finish(ctx, j.Run, queue.Killed); err != nil {
				return err
			}
		}
	}
	for _, j := range jobs {
		if err := a.awaitEnd(ctx, q, j); err != nil {
			return err
		}
		if err := a.closeSweep(ctx, q, j.Parent); err != nil {
			return err
		}
		if !a.io.JSON {
			if _, err := fmt.Fprintf(a.io.Out, "killed job %d, %s\n", j.ID, j.Name); err != nil {
				return err
			}
		} else if err := a.io.JSONLine(queuedLine{Type: "killed", Job: j.ID, RunID: j.Run, Name: j.Name, Params: j.Params}); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) awaitEnd(ctx context.Context, q *queue.Queue, j queue.Job) error {
	for waited := time.Duration(0); ; waited += stopPoll {
		now, err := q.State(ctx, j.ID)
		if err != nil || now.Over() {
			return err
		}
		working, err := q.Working(j.ID)
		if err != nil {
			return err
		}
		if !working && waited > time.Second { // its worker died before
			if _, err := q.End(ctx, j, queue.Killed, "its process was gone"); err != nil {
				return err
			}
			return a.finish(ctx, j.Run, queue.Killed)
		}
		if waited >= stopPatience {
			if err := q.EndWorker(j.ID); err != nil {
				return err
			}
			waited = time.Second
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(stopPoll):
		}
	}
}

func newQueueStopCmd(a *app) *cobra.Command {
	var kill bool
	c := &cobra.Command{
		Use:   "stop",
		Short: "End the supervisor after the jobs that run",
		Long: `End the supervisor: it starts no more jobs and ends when those that run are over.
Jobs that wait stay in the queue.`,
		Example: "  mlops queue stop\n  mlops queue stop --kill",
		Args:    cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			return a.stopQueue(ctx, kill)
		}),
	}
	c.Flags().BoolVar(&kill, "kill", false, "stop the jobs that run, too, and wait until the supervisor has ended")
	return c
}

func (a *app) stopQueue(ctx context.Context, kill bool) error {
	q, err := a.jobQueue(ctx)
	if err != nil {
		return err
	}
	there, err := q.Stop()
	if err != nil {
		return err
	}
	running, err := q.Jobs(ctx, queue.Running)
	if err != nil {
		return err
	}
	if !there {
		a.io.Note("no supervisor works on the queue")
	}
	if kill {
		if err := a.killJobs(ctx, running); err != nil {
			return err
		}
		for {
			h, err := q.Supervisor()
			if h == nil || err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(stopPoll):
			}
		}
	}
	if there && len(running) > 0 {
		a.io.Note("the supervisor ends when %s over; --kill stops what runs", plural(len(running), "job is", "jobs are"))
	}
	return nil
}
