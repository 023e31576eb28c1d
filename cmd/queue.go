package cmd

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
)

func newQueueCmd(a *app) *cobra.Command {
	c := a.group("queue", "Work off runs that wait",
		newQueueStartCmd(a), newQueueStopCmd(a), newQueueLsCmd(a), newQueueLogsCmd(a), newQueueKillCmd(a), newQueueRmCmd(a), newQueueWorkCmd(a))
	c.Long = `Work off runs that 'mlops run --queue' put into the queue. One supervisor starts
them, so many at once, each in a copy of the workspace as it was when the run was
queued. Jobs and logs are kept until they are removed; a supervisor that was
killed goes on where it was when it is started again.`
	c.Example = "  mlops run --queue --set-param train.lr=0.1,0.01\n  mlops queue start --jobs 2\n  mlops queue status\n  mlops queue logs 2 --follow"
	return c
}

// newQueueWorkCmd is what the supervisor starts for each job.
func newQueueWorkCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "work JOB",
		Short:   "Do one job: the supervisor's workers",
		Example: "  mlops queue work 3",
		Hidden:  true,
		Args:    cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			number, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return errs.New(errs.Usage, "%q is not the number of a job", args[0])
			}
			return a.workOn(ctx, number)
		}),
	}
}
