package pipeline

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// prefetch brings what a run is known to need in one go, rather than stage by
// stage. It is an attempt: what cannot be had now, the stage that needs it asks
// for again, and says so.
func (e *Engine) prefetch(ctx context.Context, p *Project, q PlanRequest) error {
	if !q.Pull || e.Fetch == nil {
		return nil
	}
	steps, err := e.plan(ctx, p, e.Read, q)
	if err != nil {
		return err
	}
	var wanted []stagefile.Asset
	for _, s := range steps {
		switch s.Action {
		case Restore:
			wanted = append(wanted, s.needed...)
		case Run:
			wanted = append(wanted, s.away...)
		default:
		}
	}
	absent, err := e.Data.Absent(ctx, wanted)
	if err != nil || len(absent) == 0 {
		return err
	}
	if err := e.Fetch(ctx, absent); err != nil {
		return ctx.Err()
	}
	return nil
}
