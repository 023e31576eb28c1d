package cmd

import (
	"context"
	"os"

	"github.com/spf13/pflag"

	"github.com/mlops-cli/mlops/pkg/track"
)

func (o *runOptions) parentFlag(f *pflag.FlagSet) {
	f.StringVar(&o.parent, "parent", "", "the `RUN` that this one belongs to (default $"+runIDVariable+", where that is open)")
}

// nest finds the run that this one belongs to: the one that is named, or the
// open one in whose stage or script the command runs.
func (o *runOptions) nest(ctx context.Context) error {
	inside := os.Getenv(runIDVariable)
	if o.parent == "" && inside == "" {
		return nil
	}
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	if o.parent != "" {
		o.Parent, err = tracking.Resolve(ctx, o.parent)
		return err
	}
	open, err := tracking.Runs(ctx, track.Query{IDs: []string{inside}, Statuses: []track.Status{track.Running}, Bare: true})
	if len(open) > 0 {
		o.Parent = inside
	}
	return err
}
