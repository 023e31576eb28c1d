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
		dead := int64(0)
		for i := range x.Len() {
			if e := x.At(i); !live(e.ID) {
				dead++
				res.Bytes += e.Stored
			}
		}
		if dead > 0 {
			res.Objects += dead
			res.Packs++
			dying = append(dying, p)
		}
	}
	if o.DryRun || len(dying) == 0 {
		return nil
	}
	return s.replacePacks(ctx, dying, live)
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
	// Objects on their way in, as fetch makes them.
	list, err := filepath.Glob(filepath.Join(s.dir, tmpDir, IncomingPrefix+"*"))
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	for _, path := range list {
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		res.Temps++
		res.Bytes += info.Size()
		if err := remove(path, o.DryRun); err != nil {
			return err
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
