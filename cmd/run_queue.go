package cmd

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/errs"
)

func (o *runOptions) enqueue(_ context.Context, _ *isolation) error {
	return errs.New(errs.Usage, "queue")
}
