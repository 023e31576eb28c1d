package workspace

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// ListRequest says what to list.
type ListRequest struct {
	Dir       string   // where the paths were typed
	Paths     []string // none: all that is tracked
	Rev       string   // git revision; "" is the workspace's pointers and locks
	Recursive bool     // all files below directories
}

// Listed is one tracked path, or one inside a tracked directory.
type Listed struct {
	Path   repo.Text `json:"path"`
	Kind   string    `json:"kind"` // file, dir, symlink
	Exec   bool      `json:"exec"`
	Size   int64     `json:"size"`
	Files  int64     `json:"files"`
	ID     oid.ID    `json:"id"`
	Target repo.Text `json:"target"` // the tracked path that it is, or is in
	Source repo.Text `json:"source"` // the pointer file, or mlops.yaml:stage
}

// List calls fn for what is tracked. A tracked directory that is named by its
// path is opened: its content is listed. It reads only trees, never data.
func (w *Workspace) List(ctx context.Context, req ListRequest, fn func(Listed) error) error {
	tracked, err := w.trackedAt(ctx, req.Rev)
	if err != nil {
		return err
	}
	paths, err := w.rel(req.Dir, req.Paths)
	if err != nil {
		return err
	}
	chosen, err := choose(tracked, paths)
	if err != nil {
		return err
	}
	for _, c := range chosen {
		named := false
		for _, p := range paths {
			named = named || p == c.path()
		}
		if err := w.listOne(ctx, c, named, req.Recursive, fn); err != nil {
			return err
		}
	}
	return nil
}

func (w *Workspace) listOne(ctx context.Context, c selected, named, recursive bool, fn func(Listed) error) error {
	show := func(p string, e tree.Entry) error {
		return fn(Listed{
			Path: repo.Text(p), Kind: e.Kind.String(), Exec: e.Exec, Size: e.Size, Files: e.Files, ID: e.ID,
			Target: repo.Text(c.Path), Source: repo.Text(c.Source),
		})
	}
	e := tree.Entry{Kind: c.Kind, Exec: c.Exec, Size: c.Size, Files: c.Files, ID: c.ID}
	if !c.Cached || c.within == "" && (e.Kind != tree.Dir || !named && !recursive) {
		return show(c.path(), e)
	}
	st, err := w.repo.Store(ctx)
	if err != nil {
		return err
	}
	if c.within != "" {
		if e, err = tree.Lookup(ctx, st, c.ID, c.within); err != nil {
			return err
		}
	}
	if e.Kind != tree.Dir {
		return show(c.path(), e)
	}
	if recursive {
		return tree.Walk(ctx, st, e.ID, func(p string, e tree.Entry) error {
			if e.Kind == tree.Dir && e.Files > 0 {
				return nil
			}
			return show(join(c.path(), p), e)
		})
	}
	return tree.List(ctx, st, e.ID, func(e tree.Entry) error { return show(join(c.path(), e.Name), e) })
}
