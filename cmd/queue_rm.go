package cmd

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/queue"
)

func newQueueRmCmd(a *app) *cobra.Command {
	var all, done bool
	c := &cobra.Command{
		Use:   "rm JOB...",
		Short: "Take jobs out of the queue, with their logs",
		Long: `Take jobs out of the queue, with their logs. The runs of those that ran stay; runs
that never began go to the bin.`,
		Example: "  mlops queue rm 3\n  mlops queue rm --done\n  mlops queue rm --all",
		Args:    cobra.ArbitraryArgs,
		RunE: a.run(func(ctx context.Context, args []string) error {
			jobs, err := a.chooseJobs(ctx, args, all || done, func(s queue.State) bool { return s.Over() || all && s == queue.Waiting })
			if err != nil {
				return err
			}
			return a.removeJobs(ctx, jobs)
		}),
	}
	f := c.Flags()
	f.BoolVar(&all, "all", false, "every job but those that run")
	f.BoolVar(&done, "done", false, "every job that is over")
	c.MarkFlagsMutuallyExclusive("all", "done")
	return c
}

func (a *app) removeJobs(ctx context.Context, jobs []queue.Job) error {
	q, err := a.jobQueue(ctx)
	if err != nil {
		return err
	}
	tracker, err := a.tracking(ctx)
	if err != nil {
		return err
	}
	ids := make([]int64, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ID
	}
	if err := q.Remove(ctx, ids...); err != nil {
		return err
	}
	var parents []string
	for _, j := range jobs {
		if j.State == queue.Waiting {
			if err := a.finish(ctx, j.Run, queue.Killed); err != nil {
				return err
			}
			if err := tracker.Delete(ctx, j.Run); err != nil && !errs.Is(err, errs.NotFound) {
				return err
			}
			if j.Parent != "" && !slices.Contains(parents, j.Parent) {
				parents = append(parents, j.Parent)
			}
		}
		if a.io.JSON {
			err = a.io.JSONLine(queuedLine{Type: "removed", Job: j.ID, RunID: j.Run, Name: j.Name, Params: j.Params})
		} else {
			_, err = fmt.Fprintf(a.io.Out, "removed job %d, %s\n", j.ID, j.Name)
		}
		if err != nil {
			return err
		}
	}
	for _, parent := range parents {
		if err := a.closeSweep(ctx, q, parent); err != nil {
			return err
		}
	}
	return nil
}
