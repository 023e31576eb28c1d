package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
)

const (
	smallPack  = 4 << 20 // bytes up to which a pack is small
	manySmalls = 64      // as many small packs are merged
)

// mergePacks makes few packs of many small ones, which many small batches
// leave. Where another process works on the store it is left for later.
func (s *Store) mergePacks(ctx context.Context) error {
	s.mu.RLock()
	enough := len(s.packs) >= manySmalls
	s.mu.RUnlock()
	if !enough || ctx.Err() != nil {
		return nil
	}
	packs, err := s.Packs()
	if err != nil {
		return err
	}
	small := packs[:0]
	for _, p := range packs {
		if p.Size <= smallPack {
			small = append(small, p)
		}
	}
	if len(small) < manySmalls {
		return nil
	}
	// A deadline that is over: take the lock when it is free, or not at all.
	now, cancel := context.WithDeadline(ctx, time.Time{})
	defer cancel()
	l, err := s.lock(now, fsx.Exclusive)
	if errs.Is(err, errs.Locked) {
		return nil
	}
	if err != nil {
		return err
	}
	err = s.replacePacks(ctx, small, func(oid.ID) bool { return true })
	return errors.Join(err, l.Unlock())
}

// replacePacks writes those objects of old packs that keep says to new packs,
// reads those back, and removes the old ones. The store is locked.
func (s *Store) replacePacks(ctx context.Context, old []PackInfo, keep func(oid.ID) bool) (err error) {
	r := &repacker{s: s, open: make(map[pack.Kind]*openPack), done: make(map[oid.ID]struct{})}
	defer func() { err = errors.Join(err, r.abort()) }()
	for _, p := range old {
		x, err := s.PackIndex(p.ID)
		if err != nil {
			return err
		}
		if err := r.copy(ctx, p.Kind, x, keep); err != nil {
			return err
		}
	}
	if err := r.finish(); err != nil {
		return err
	}
	if err := fault.At(ctx, "gc.repacked"); err != nil {
		return err
	}
	// The merged index names the old packs: it goes first.
	if err := os.Remove(filepath.Join(s.dir, packDir, multiName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errs.New(errs.Internal, "replace packs: %w", err)
	}
	for _, p := range old {
		if err := remove(p.Path, false); err != nil {
			return err
		}
	}
	if err := s.refresh(); err != nil {
		return err
	}
	return s.mergeIndex()
}

// repacker writes objects into new packs.
type repacker struct {
	s      *Store
	open   map[pack.Kind]*openPack
	done   map[oid.ID]struct{} // an object may be in several old packs
	sealed []rename
}

func (r *repacker) copy(ctx context.Context, kind pack.Kind, x *pack.Index, keep func(oid.ID) bool) error {
	for i := range x.Len() {
		e := x.At(i)
		if _, ok := r.done[e.ID]; ok || !keep(e.ID) {
			continue
		}
		data, err := r.s.Get(ctx, e.ID)
		if err != nil {
			return err
		}
		p := r.open[kind]
		if p == nil {
			if p, err = newOpenPack(filepath.Join(r.s.dir, packDir), kind); err != nil {
				return err
			}
			r.open[kind] = p
		}
		if err := p.append(e.ID, data); err != nil {
			return err
		}
		r.done[e.ID] = struct{}{}
		if p.size() >= packTarget {
			delete(r.open, kind)
			if err := r.seal(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// seal ends a pack, flushes it and reads its index back.
func (r *repacker) seal(p *openPack) error {
	id, err := p.close()
	if err != nil {
		return err
	}
	r.sealed = append(r.sealed, rename{p.path, filepath.Join(r.s.dir, packDir, id.String()+packSuffix)})
	if err := syncFile(p.path); err != nil {
		return errs.New(errs.Internal, "replace packs: %w", err)
	}
	check := &packFile{id: id, path: p.path}
	return errors.Join(check.open(), check.close())
}

// finish gives the new packs their names.
func (r *repacker) finish() error {
	for kind, p := range r.open {
		delete(r.open, kind)
		if err := r.seal(p); err != nil {
			return err
		}
	}
	for _, n := range r.sealed {
		if err := fsx.Rename(n.from, n.to); err != nil {
			return errs.New(errs.Internal, "replace packs: %w", err)
		}
	}
	r.sealed = nil
	return fsx.SyncDir(filepath.Join(r.s.dir, packDir))
}

// abort removes what has no name yet.
func (r *repacker) abort() error {
	var all error
	for _, p := range r.open {
		all = errors.Join(all, p.abort())
	}
	for _, n := range r.sealed {
		all = errors.Join(all, remove(n.from, false))
	}
	return all
}
