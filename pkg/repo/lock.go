package repo

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path"

	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// ReadLock reads the mlops.lock in the directory dir; an empty one where there
// is none.
func (r *Repo) ReadLock(dir string) (*stagefile.Lock, error) {
	lock, _, err := r.readLock(dir)
	return lock, err
}

func (r *Repo) readLock(dir string) (*stagefile.Lock, []byte, error) {
	name := path.Join(dir, stagefile.LockName)
	text, err := os.ReadFile(r.Path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return stagefile.NewLock(), nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	lock, err := stagefile.ParseLock(name, text)
	return lock, text, err
}

// UpdateLock reads the mlops.lock in the directory dir, lets edit change it and
// writes it, durably, while no other process does.
func (r *Repo) UpdateLock(ctx context.Context, dir string, edit func(*stagefile.Lock)) error {
	return r.Locked(ctx, "lockfile.lock", "write "+stagefile.LockName, func() error {
		lock, old, err := r.readLock(dir)
		if err != nil {
			return err
		}
		edit(lock)
		text := lock.Encode()
		if bytes.Equal(text, old) {
			return nil
		}
		return fsx.WriteFile(r.Path(path.Join(dir, stagefile.LockName)), text, filePerm)
	})
}

// FromAsset converts what a lock holds.
func FromAsset(a stagefile.Asset) Object {
	o := Object{Path: a.Path, Kind: tree.File, ID: a.ID, Size: a.Size, Files: a.Files}
	switch a.Kind {
	case stagefile.KindExec:
		o.Exec = true
	case stagefile.KindDir:
		o.Kind = tree.Dir
	case stagefile.KindSymlink:
		o.Kind = tree.Symlink
	case stagefile.KindFile:
	}
	return o
}
