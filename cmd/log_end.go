package cmd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

type logEndOptions struct {
	logTarget

	status string
}

func newLogEndCmd(a *app) *cobra.Command {
	o := &logEndOptions{logTarget: logTarget{app: a}}
	c := &cobra.Command{
		Use:     "end",
		Short:   "End a run that was begun with log",
		Example: "  mlops log end\n  mlops log end --run 3fa9c1 --status FAILED",
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return runLogEnd(ctx, o) }),
	}
	c.Flags().StringVar(&o.ref, "run", "", "the run to end (default $"+runIDVariable+")")
	c.Flags().StringVar(&o.status, "status", string(track.Finished), "FINISHED, FAILED or KILLED")
	return c
}

func runLogEnd(ctx context.Context, o *logEndOptions) error {
	status := track.Status(strings.ToUpper(o.status))
	if !status.Over() {
		return errs.New(errs.Usage, "a run cannot end as %q", o.status).Hint("use FINISHED, FAILED or KILLED")
	}
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	id, err := o.named(ctx, tracking)
	if err != nil {
		return err
	}
	if id == "" {
		return errs.New(errs.Usage, "no run is named").Hint("mlops log end --run RUN, or set %s", runIDVariable)
	}
	r, err := tracking.Run(ctx, id)
	if err != nil {
		return err
	}
	if r.Kind != track.Script {
		return errs.New(errs.Conflict, "run %s (%.8s) is of 'mlops run', which ends it itself", r.Name, r.ID)
	}
	if err := tracking.Finish(ctx, id, status, track.Batch{}); err != nil {
		return err
	}
	return o.app.io.Result(map[string]string{"run_id": id, "status": string(status)}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s %s\n", id, status)
		return err
	})
}
