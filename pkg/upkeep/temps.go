package upkeep

import (
	"context"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/fsx"
)

// tempAge is the age from which on a temporary file without a lease is nobody's.
const tempAge = 24 * time.Hour

// leftTemps counts what commands that were killed left in .mlops/tmp.
type leftTemps struct{ Count, Bytes int64 }

// deadTemps removes, or with a dry run counts, what processes that are gone
// left in the repository's directory for temporary files.
func (u *Upkeep) deadTemps(ctx context.Context, q GCRequest) (left leftTemps, err error) {
	dir, err := u.repo.TmpDir()
	if err != nil {
		return left, err
	}
	// The clock of the file system: that of this machine may be another one.
	now, err := fsx.Now(dir)
	if err != nil {
		return left, errs.New(errs.Internal, "gc: %w", err)
	}
	err = fsx.DeadTemps(dir, time.Unix(0, now).Add(-tempAge), func(d fsx.DeadTemp) error {
		left.Count++
		left.Bytes += d.Bytes
		if !q.Force {
			return ctx.Err()
		}
		if err := d.Remove(); err != nil {
			return err
		}
		return fault.At(ctx, "gc.temp.removed")
	})
	if err != nil {
		return left, errs.New(errs.KindOf(err), "gc: %w", err)
	}
	return left, nil
}
