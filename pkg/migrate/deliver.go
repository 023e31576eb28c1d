package migrate

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// GetRequest says what to get from another repository.
type GetRequest struct {
	URL  string // of the git repository, or the path of its directory
	Path string // in it
	Rev  string // "" for the one that is checked out, or the default branch
	To   string // file or directory of the file system that is made
}

// GetResult is what Get made.
type GetResult struct {
	Path   string `json:"path"`
	Commit string `json:"commit"`
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Size   int64  `json:"size"`
	Files  int64  `json:"files"`
}

// Get makes a copy of what stands in another repository. It needs no repository
// here. What it makes is whole or not there.
func Get(ctx context.Context, q GetRequest, connect Connect, p progress.Reporter) (res GetResult, err error) {
	if _, err := os.Lstat(q.To); !errors.Is(err, fs.ErrNotExist) {
		return res, errs.New(errs.Conflict, "%s is there already", q.To).Hint("choose another name: -o NAME, or remove it")
	}
	shop, err := workshop(filepath.Dir(q.To))
	if err != nil {
		return res, errs.New(errs.Usage, "get: %w", err)
	}
	tmp := shop.Path
	defer func() { err = errors.Join(err, shop.Remove()) }()
	if _, err := repo.Init(ctx, tmp, repo.InitOptions{NoGit: true, Nested: true}); err != nil {
		return res, err
	}
	r, err := repo.Find(ctx, tmp)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	e, err := OpenElsewhere(ctx, q.URL, q.Rev, filepath.Join(tmp, "git"))
	if err != nil {
		return res, err
	}
	o, err := e.Bring(ctx, q.Path, Delivery{To: r, Connect: connect, Report: p})
	if err != nil {
		return res, err
	}
	st, err := r.Store(ctx)
	if err != nil {
		return res, err
	}
	made := filepath.Join(tmp, "made")
	if err := deliver(ctx, st, o, made); err != nil {
		return res, err
	}
	if err := fsx.Rename(made, q.To); err != nil {
		return res, errs.New(errs.Internal, "get: %w", err)
	}
	return GetResult{Path: q.To, Commit: e.Commit, ID: o.ID.String(), Kind: o.Kind.String(), Size: o.Size, Files: o.Files}, nil
}

// workshop makes a directory beside what is to be made, and removes those that
// killed commands left there.
func workshop(parent string) (*fsx.TempDir, error) {
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

// deliver writes an object as a file or directory that is not there yet.
func deliver(ctx context.Context, st *store.Store, o repo.Object, to string) error {
	if o.Kind != tree.Dir {
		return deliverFile(ctx, st, tree.Entry{Kind: o.Kind, Exec: o.Exec, ID: o.ID}, to)
	}
	if err := os.Mkdir(to, 0o777); err != nil {
		return errs.New(errs.Internal, "get: %w", err)
	}
	return tree.Walk(ctx, st, o.ID, func(p string, e tree.Entry) error {
		at := filepath.Join(to, filepath.FromSlash(p))
		if e.Kind == tree.Dir {
			return os.Mkdir(at, 0o777)
		}
		return deliverFile(ctx, st, e, at)
	})
}

func deliverFile(ctx context.Context, st *store.Store, e tree.Entry, to string) error {
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
		return errs.New(errs.Internal, "get: %w", err)
	}
	return errors.Join(st.Materialise(ctx, e.ID, f), f.Close())
}
