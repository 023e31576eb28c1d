package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
)

// SweepOptions say how Sweep works.
type SweepOptions struct {
	DryRun bool
	// Before spares files that are not older than this.
	Before time.Time
}

// SweepResult is what Sweep removed, or would remove.
type SweepResult struct {
	Objects int64
	Bytes   int64
	Packs   int64 // packs removed or written anew
	Temps   int64 // left-over temporary files
}

// Sweep removes the objects that are not live. It waits until it has the store
// alone, then has mark say what is live: an object that a batch found here
// while it waited has its file's time renewed, so Before spares it. A pack that
// is partly live is written anew without the rest.
func (s *Store) Sweep(ctx context.Context, mark func(context.Context) (live func(oid.ID) bool, err error), o SweepOptions) (res SweepResult, err error) {
	l, err := s.lock(ctx, fsx.Exclusive)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, l.Unlock()) }()
	if err := s.refresh(); err != nil {
		return res, err
	}
	live, err := mark(ctx)
	if err != nil {
		return res, err
	}
	if err := fault.At(ctx, "gc.marked"); err != nil {
		return res, err
	}
	if err := s.sweepPacks(ctx, live, o, &res); err != nil {
		return res, err
	}
	err = s.looseObjects(func(id oid.ID, path string, info fs.FileInfo) error {
		if live(id) || !info.ModTime().Before(o.Before) {
			return ctx.Err()
		}
		res.Objects++
		res.Bytes += info.Size()
		return remove(path, o.DryRun)
	})
	if err != nil {
		return res, err
	}
	if err := s.sweepTemps(o, &res); err != nil {
		return res, err
	}
	return res, fault.At(ctx, "gc.swept")
}

// sweepPacks first writes the live objects of dying packs to new packs, then
// removes the dying ones: a crash between leaves objects twice, never none.
func (s *Store) sweepPacks(ctx context.Context, live func(oid.ID) bool, o SweepOptions, res *SweepResult) error {
	packs, err := s.Packs()
	if err != nil {
		return err
	}
	var dying []PackInfo
	var kept []*openPack
	writers := make(map[pack.Kind]*openPack)
	defer func() {
		for _, p := range kept {
			if p != nil {
				err = errors.Join(err, p.abort())
			}
		}
	}()
	for _, p := range packs {
		info, err := os.Stat(p.Path)
		if err != nil {
			return errs.New(errs.Internal, "sweep: %w", err)
		}
		if !info.ModTime().Before(o.Before) {
			continue
		}
		x, err := s.PackIndex(p.ID)
		if err != nil {
			return err
		}
		var dead, bytes int64
		for i := range x.Len() {
			if e := x.At(i); !live(e.ID) {
				dead++
				bytes += e.Stored
			}
		}
		if dead == 0 {
			continue
		}
		res.Objects += dead
		res.Bytes += bytes
		res.Packs++
		dying = append(dying, p)
		if o.DryRun || dead == int64(x.Len()) {
			continue
		}
		w := writers[p.Kind]
		if w == nil {
			if w, err = newOpenPack(filepath.Join(s.dir, packDir), p.Kind); err != nil {
				return err
			}
			writers[p.Kind] = w
			kept = append(kept, w)
		}
		if err := s.copyLive(ctx, w, x, live); err != nil {
			return err
		}
	}
	if o.DryRun || len(dying) == 0 {
		return nil
	}
	for i, w := range kept {
		id, err := w.close()
		kept[i] = nil
		if err != nil {
			return err
		}
		if err := syncFile(w.path); err != nil {
			return err
		}
		if err := fsx.Rename(w.path, filepath.Join(s.dir, packDir, id.String()+packSuffix)); err != nil {
			return err
		}
	}
	if err := fsx.SyncDir(filepath.Join(s.dir, packDir)); err != nil {
		return err
	}
	if err := fault.At(ctx, "gc.repacked"); err != nil {
		return err
	}
	// The merged index names dying packs: it goes first.
	if err := os.Remove(filepath.Join(s.dir, packDir, multiName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, p := range dying {
		if err := remove(p.Path, false); err != nil {
			return err
		}
	}
	if err := s.refresh(); err != nil {
		return err
	}
	return s.mergeIndex()
}

func (s *Store) copyLive(ctx context.Context, w *openPack, x *pack.Index, live func(oid.ID) bool) error {
	for i := range x.Len() {
		e := x.At(i)
		if !live(e.ID) {
			continue
		}
		data, err := s.Get(ctx, e.ID)
		if err != nil {
			return err
		}
		if err := w.append(e.ID, data); err != nil {
			return err
		}
	}
	return nil
}

// sweepTemps removes temporary files: with the store to itself, no batch that
// could want them is alive.
func (s *Store) sweepTemps(o SweepOptions, res *SweepResult) error {
	for _, sub := range []string{packDir, objectDir} {
		err := filepath.WalkDir(filepath.Join(s.dir, sub), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasPrefix(d.Name(), tmpPrefix) {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			res.Temps++
			res.Bytes += info.Size()
			return remove(path, o.DryRun)
		})
		if err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
	}
	return nil
}

func remove(path string, dryRun bool) error {
	if dryRun {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}
