package cmd

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/queue"
	"github.com/mlops-cli/mlops/pkg/term"
)

func newQueueLsCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "ls",
		Aliases: []string{"status"},
		Short:   "List the jobs of the queue",
		Example: "  mlops queue ls\n  mlops queue status --json",
		Args:    cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			return runQueueLs(ctx, a)
		}),
	}
}

// queueStatus is the queue in JSON.
type queueStatus struct {
	Supervisor *queueSupervisor `json:"supervisor"` // null: none works
	Jobs       []queue.Job      `json:"jobs"`
}

type queueSupervisor struct {
	PID   int    `json:"pid"`
	Host  string `json:"host"`
	Since int64  `json:"since"` // ms since 1970
	Jobs  int    `json:"jobs"`  // at once
}

func runQueueLs(ctx context.Context, a *app) error {
	q, err := a.jobQueue(ctx)
	if err != nil {
		return err
	}
	h, err := q.Supervisor()
	if err != nil {
		return err
	}
	jobs, err := q.Jobs(ctx)
	if err != nil {
		return err
	}
	if h == nil {
		if err := noteLost(q, jobs); err != nil {
			return err
		}
	}
	status := queueStatus{Jobs: jobs}
	if h != nil {
		status.Supervisor = &queueSupervisor{PID: h.Process.PID, Host: h.Host, Since: h.Since, Jobs: h.Jobs}
	}
	if err := a.io.Result(status, func(w io.Writer) error { return a.queueTable(w, jobs) }); err != nil || a.io.JSON {
		return err
	}
	waits := 0
	for _, j := range jobs {
		if !j.State.Over() {
			waits++
		}
	}
	switch {
	case h != nil:
		a.io.Note("the supervisor is process %d on %s, %d at once", h.Process.PID, h.Host, h.Jobs)
	case len(jobs) == 0:
		a.io.Note("the queue is empty; 'mlops run --queue' puts runs into it")
	case waits > 0:
		a.io.Note("no supervisor works on the queue: mlops queue start")
	}
	return nil
}

// noteLost says of jobs that were running when supervisor and worker went that
// nothing works on them.
func noteLost(q *queue.Queue, jobs []queue.Job) error {
	for i := range jobs {
		if jobs[i].State != queue.Running {
			continue
		}
		works, err := q.Working(jobs[i].ID)
		if err != nil {
			return err
		}
		if !works {
			jobs[i].Error = "its process is gone; queue start sees to it"
		}
	}
	return nil
}

func (a *app) queueTable(w io.Writer, jobs []queue.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	t := a.io.Table("JOB", "RUN", "NAME", "STATE", "QUEUED", "TOOK", "PARAMS", "NOTE")
	now := a.clock.Now()
	for _, j := range jobs {
		state := string(j.State)
		if j.Stopping {
			state = "stopping"
		}
		took := ""
		if j.Started > 0 {
			end := now.UnixMilli()
			if j.Ended > 0 {
				end = j.Ended
			}
			took = term.Duration(time.Duration(end-j.Started) * time.Millisecond)
		}
		params := ""
		if len(j.Params) > 0 {
			params = paramsText(sortedParams(j.Params))
		}
		short, _, _ := strings.Cut(j.Error, "\n")
		t.Row(strconv.FormatInt(j.ID, 10), j.Run[:8], j.Name, state, term.Ago(now, time.UnixMilli(j.Queued)), took, params, short)
	}
	return t.Write(w)
}
