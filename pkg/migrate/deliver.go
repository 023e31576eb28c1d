package migrate

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/workspace"
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
	shop, err := workspace.Workshop(filepath.Dir(q.To))
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
	if err := workspace.Deliver(ctx, st, o, made); err != nil {
		if _, system := errors.AsType[*fs.PathError](err); system {
			err = errs.New(errs.Internal, "get: %w", err)
		}
		return res, err
	}
	if err := fsx.Rename(made, q.To); err != nil {
		return res, errs.New(errs.Internal, "get: %w", err)
	}
	return GetResult{Path: q.To, Commit: e.Commit, ID: o.ID.String(), Kind: o.Kind.String(), Size: o.Size, Files: o.Files}, nil
}
