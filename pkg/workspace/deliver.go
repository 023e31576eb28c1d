package workspace

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Workshop makes a directory in parent, to make there what is then renamed to
// its place in parent, and removes those that killed commands left.
func Workshop(parent string) (*fsx.TempDir, error) {
	const name, lease = ".mlops-get-", ".lease"
	left, err := filepath.Glob(filepath.Join(parent, name+"*"+lease))
	if err != nil {
		return nil, err
	}
	for _, file := range left {
		if held, _, err := fsx.LeaseHeld(file); err != nil || held {
			continue
		}
		if err := errors.Join(os.RemoveAll(strings.TrimSuffix(file, lease)), os.Remove(file)); err != nil {
			return nil, err
		}
	}
	return fsx.MakeTempDir(parent, name)
}

// Deliver writes a stored object as a file or directory that is not there yet,
// and need not be tracked. What is written when it fails is left.
func Deliver(ctx context.Context, st *store.Store, o repo.Object, to string) error {
	if o.Kind != tree.Dir {
		return deliverOne(ctx, st, tree.Entry{Kind: o.Kind, Exec: o.Exec, ID: o.ID}, to)
	}
	if err := os.Mkdir(to, 0o777); err != nil {
		return err
	}
	return tree.Walk(ctx, st, o.ID, func(name string, e tree.Entry) error {
		at := filepath.Join(to, filepath.FromSlash(name))
		if e.Kind == tree.Dir {
			return os.Mkdir(at, 0o777)
		}
		return deliverOne(ctx, st, e, at)
	})
}

func deliverOne(ctx context.Context, st *store.Store, e tree.Entry, to string) error {
	if e.Kind == tree.Symlink {
		text, err := st.Get(ctx, e.ID)
		if err != nil {
			return err
		}
		return os.Symlink(string(text), to)
	}
	perm := fs.FileMode(0o666)
	if e.Exec {
		perm = 0o777
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, perm)
	if err != nil {
		return err
	}
	return errors.Join(st.Materialise(ctx, e.ID, f), f.Close())
}
