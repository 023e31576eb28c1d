package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// lookUp finds an entry below the directory dir that is an object.
type lookUp func(ctx context.Context, dir stagefile.Asset, below string) (tree.Entry, error)

// insideTracked is the asset at p when it is in a directory that is tracked but
// not on disk. What it is then, the listing of the directory says.
func (v *view) insideTracked(ctx context.Context, p string) (stagefile.Asset, bool, error) {
	for dir := path.Dir(p); dir != "." && v.lookUp != nil; dir = path.Dir(dir) {
		d, ok := v.tracked[dir]
		if !ok || d.Kind != stagefile.KindDir {
			continue
		}
		if _, err := os.Lstat(filepath.Join(v.root, filepath.FromSlash(dir))); !errors.Is(err, fs.ErrNotExist) && !v.bringing[dir] {
			return stagefile.Asset{}, false, err // it was removed from the directory
		}
		e, err := v.lookUp(ctx, d, p[len(dir)+1:])
		if errs.Is(err, errs.NotFound) {
			return stagefile.Asset{}, false, errs.New(errs.NotFound, "dependency %s is missing, and what is in %s is not known here", p, dir).
				Hint("fetch it: mlops run --pull, or mlops pull")
		}
		if err != nil {
			return stagefile.Asset{}, false, err
		}
		return asset(repo.Object{Path: p, Kind: e.Kind, Exec: e.Exec, ID: e.ID, Size: e.Size, Files: e.Files}), true, nil
	}
	return stagefile.Asset{}, false, nil
}

// bring adds to what a stage needs brought. Of a tracked directory that is all of
// it: with a part of it alone on disk, it would be another one than was tracked.
func (v *view) bring(away []stagefile.Asset, a stagefile.Asset) []stagefile.Asset {
	for at := a.Path; at != "." && at != "/"; at = path.Dir(at) {
		if whole, ok := v.tracked[at]; ok {
			if at != a.Path && whole.Kind == stagefile.KindDir {
				a = whole
			}
			break
		}
	}
	if a.Kind == stagefile.KindDir {
		v.bringing[a.Path] = true
	}
	if slices.ContainsFunc(away, func(had stagefile.Asset) bool { return had.Path == a.Path }) {
		return away
	}
	return append(away, a)
}
