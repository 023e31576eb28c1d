package upkeep

import (
	"context"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// GCRequest says what GC may remove.
type GCRequest struct {
	// Force removes; without it GC only says what would go.
	Force bool
	// Before spares files of the store that are not older.
	Before time.Time
}

// GCResult is what GC removed, or would remove.
type GCResult struct {
	Removed bool  `json:"removed"` // false: nothing was touched
	Live    int64 `json:"live"`    // objects that something names
	Objects int64 `json:"objects"` // objects that go
	Bytes   int64 `json:"bytes"`
	Packs   int64 `json:"packs"` // packs removed or written anew
	Temps   int64 `json:"temporary_files"`
}

// GC removes the objects that no pointer, lock, commit, index entry or run
// names. It waits until no other command writes to the store.
func (u *Upkeep) GC(ctx context.Context, q GCRequest, report progress.Reporter) (GCResult, error) {
	if u.repo.IsCopy() {
		return GCResult{}, errs.New(errs.Usage, "this is a copy of the workspace of %s", u.repo.Home()).Hint("mlops -C %s gc", u.repo.Home())
	}
	s, err := u.repo.Store(ctx)
	if err != nil {
		return GCResult{}, err
	}
	var live *oid.Set
	mark := func(ctx context.Context) (func(oid.ID) bool, error) {
		if live, err = u.mark(ctx, s, report); err != nil {
			return nil, err
		}
		if q.Force {
			// The stat cache says of files that they are in the store.
			if err := u.repo.ForgetSaved(ctx); err != nil {
				return nil, err
			}
		}
		return live.Has, nil
	}
	temps, err := u.deadTemps(ctx, q)
	if err != nil {
		return GCResult{}, err
	}
	swept, err := s.Sweep(ctx, mark, store.SweepOptions{DryRun: !q.Force, Before: q.Before})
	if err != nil {
		return GCResult{}, err
	}
	return GCResult{
		Removed: q.Force, Live: int64(live.Len()),
		Objects: swept.Objects, Bytes: swept.Bytes + temps.Bytes, Packs: swept.Packs, Temps: swept.Temps + temps.Count,
	}, nil
}

// mark gathers the live objects. A tree that cannot be read stops it: what is
// below it could be lost.
func (u *Upkeep) mark(ctx context.Context, s *store.Store, report progress.Reporter) (*oid.Set, error) {
	task := report.Task("marking", progress.Unknown, progress.Unknown)
	defer task.Done()
	live := &oid.Set{}
	note := func(id oid.ID, size int64) {
		live.Add(id)
		task.Add(1, size)
	}
	err := u.allRoots(ctx, func(r Root) error {
		if live.Has(r.ID) {
			return nil
		}
		if r.Kind != tree.Dir {
			note(r.ID, 0)
			return nil
		}
		if !s.Has(r.ID) {
			return nil // known by name only: nothing of it is here through this root
		}
		err := tree.Nodes(ctx, &lenient{s}, r.ID, live.Has, func(id oid.ID, _ bool, size int64) error {
			note(id, size)
			return nil
		})
		if errs.Is(err, errs.Corrupt) {
			return errs.New(errs.Corrupt, "mark what %s (%s) needs: %w", r.Path, r.By, err).
				Hint("nothing was removed; type 'mlops fsck'")
		}
		return err
	})
	return live, err
}

// lenient takes a tree node that is not in the store for an empty directory:
// a tree may be here in part.
type lenient struct{ s *store.Store }

func (l *lenient) Tree(ctx context.Context, id oid.ID) ([]byte, error) {
	data, err := l.s.Tree(ctx, id)
	if errs.Is(err, errs.NotFound) {
		return tree.Empty(), nil
	}
	return data, err
}
