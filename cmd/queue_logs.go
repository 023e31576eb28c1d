package cmd

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"
)

type queueLogsOptions struct {
	app    *app
	job    string
	follow bool
}

func newQueueLogsCmd(a *app) *cobra.Command {
	o := &queueLogsOptions{app: a}
	c := &cobra.Command{
		Use:   "logs JOB",
		Short: "Show what a job prints",
		Long: `Show what a job printed, from its first attempt on. A JOB is its number, the name
of its run, or the first digits of the run's id.`,
		Example: "  mlops queue logs 3\n  mlops queue logs swift-otter-417 --follow",
		Args:    cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.job = args[0]
			return runQueueLogs(ctx, o)
		}),
	}
	c.Flags().BoolVarP(&o.follow, "follow", "f", false, "go on until the job is over")
	return c
}

func runQueueLogs(ctx context.Context, o *queueLogsOptions) (err error) {
	q, err := o.app.jobQueue(ctx)
	if err != nil {
		return err
	}
	j, err := q.Job(ctx, o.job)
	if err != nil {
		return err
	}
	var f *os.File
	defer func() {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		// What is printed before the job is over is read after that was seen.
		over := j.State.Over()
		if f == nil {
			if f, err = os.Open(q.LogFile(j.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if f != nil {
			if _, err := io.Copy(o.app.io.Out, f); err != nil {
				return err
			}
		}
		if over || !o.follow {
			break
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if j, err = q.Job(ctx, o.job); err != nil {
			return err
		}
	}
	if f == nil {
		o.app.io.Note("job %d is %s and has printed nothing", j.ID, j.State)
	}
	return nil
}
