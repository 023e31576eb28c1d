package transfer

import (
	"context"
	"errors"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// LookUp finds the entry at a slash path below the directory dir, fetching the
// nodes on the way and nothing else. It is errs.NotFound when there is none.
func (t *Transfer) LookUp(ctx context.Context, dir oid.ID, path string) (e tree.Entry, err error) {
	st, err := t.repo.Store(ctx)
	if err != nil {
		return e, err
	}
	cache, err := t.cache()
	if err != nil {
		return e, err
	}
	f := &fetcher{t: t, st: st, missing: map[oid.ID]bool{}, seen: map[oid.ID]struct{}{}, cache: cache}
	defer func() { err = errors.Join(err, f.close()) }()
	return tree.Lookup(ctx, source{f}, dir, path)
}
