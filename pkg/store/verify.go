package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
	"github.com/mlops-cli/mlops/pkg/progress"
)

// Objects calls fn once for each object in the store, in no order; an object
// that is in two places, for each of them.
func (s *Store) Objects(fn func(oid.ID, Info) error) error {
	packs, err := s.Packs()
	if err != nil {
		return err
	}
	for _, p := range packs {
		x, err := s.PackIndex(p.ID)
		if err != nil {
			return err
		}
		for i := range x.Len() {
			e := x.At(i)
			if err := fn(e.ID, Info{Size: e.Size, Kind: p.Kind, Pack: p.ID}); err != nil {
				return err
			}
		}
	}
	return s.looseObjects(func(id oid.ID, _ string, info fs.FileInfo) error {
		return fn(id, Info{Size: info.Size(), Kind: pack.Data, Loose: true})
	})
}

// looseObjects calls fn for each loose object. Temporary files are passed over.
func (s *Store) looseObjects(fn func(oid.ID, string, fs.FileInfo) error) error {
	root := filepath.Join(s.dir, objectDir)
	fans, err := os.ReadDir(root)
	if err != nil {
		return errs.New(errs.Internal, "list store: %w", err)
	}
	for _, fan := range fans {
		names, err := os.ReadDir(filepath.Join(root, fan.Name()))
		if err != nil {
			return errs.New(errs.Internal, "list store: %w", err)
		}
		for _, d := range names {
			id, err := oid.Parse(fan.Name() + d.Name())
			if err != nil {
				continue
			}
			info, err := d.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return errs.New(errs.Internal, "list store: %w", err)
			}
			if err := fn(id, filepath.Join(root, fan.Name(), d.Name()), info); err != nil {
				return err
			}
		}
	}
	return nil
}

// Problem is something wrong with the store's files.
type Problem struct {
	Path   string // the file
	Object oid.ID // the object that is lost by it; zero: the file as a whole
	Err    error
}

// Verify reads everything and calls fn for each problem. Its own error is for
// what kept it from reading on.
func (s *Store) Verify(ctx context.Context, report progress.Reporter, fn func(Problem)) error {
	task := report.Task("verifying", progress.Unknown, progress.Unknown)
	defer task.Done()
	dir := filepath.Join(s.dir, packDir)
	names, err := os.ReadDir(dir)
	if err != nil {
		return errs.New(errs.Internal, "list store: %w", err)
	}
	for _, d := range names {
		path := filepath.Join(dir, d.Name())
		switch {
		case d.Name() == multiName:
			if err := verifyMulti(path); err != nil {
				fn(Problem{Path: path, Err: err})
			}
		case strings.HasPrefix(d.Name(), tmpPrefix) || !strings.HasSuffix(d.Name(), packSuffix):
		default:
			if err := verifyPack(ctx, path, strings.TrimSuffix(d.Name(), packSuffix), task, fn); err != nil {
				return err
			}
		}
	}
	buf := make([]byte, streamBlock)
	return s.looseObjects(func(id oid.ID, path string, info fs.FileInfo) error {
		err := verifyLoose(ctx, id, path, buf)
		task.Add(1, info.Size())
		if errs.Is(err, errs.Canceled) {
			return err
		}
		if err != nil {
			fn(Problem{Path: path, Object: id, Err: err})
		}
		return nil
	})
}

func verifyMulti(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return pack.VerifyMulti(b)
}

func verifyPack(ctx context.Context, path, name string, task progress.Task, fn func(Problem)) (err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		fn(Problem{Path: path, Err: err})
		return nil
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	x, err := pack.ReadIndex(f, info.Size())
	if err == nil && x.Pack().String() != name {
		err = fmt.Errorf("it holds pack %s", x.Pack())
	}
	if err != nil {
		fn(Problem{Path: path, Err: err})
		return nil
	}
	var buf []byte
	for i := range x.Len() {
		if err := ctx.Err(); err != nil {
			return err
		}
		e := x.At(i)
		if int64(cap(buf)) < e.Stored {
			buf = make([]byte, e.Stored)
		}
		data := buf[:e.Stored]
		if _, err := f.ReadAt(data, e.Offset); err != nil {
			fn(Problem{Path: path, Object: e.ID, Err: err})
			continue
		}
		if got := oid.Sum(data); got != e.ID {
			fn(Problem{Path: path, Object: e.ID, Err: fmt.Errorf("object %s has the content of %s", e.ID, got)})
		}
		task.Add(1, e.Size)
	}
	return nil
}

func verifyLoose(ctx context.Context, id oid.ID, path string, buf []byte) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := oid.NewHash()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.Read(buf)
		h.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if got := oid.FromHash(h); got != id {
		return fmt.Errorf("object %s has the content of %s", id, got)
	}
	return nil
}
