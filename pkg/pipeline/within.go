package pipeline

import (
	"context"
	"os"
	"path"
	"path/filepath"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// nameWithin notes of dependencies that are in a directory which a stage makes or
// a pointer names, as they are now, what that directory is: with it the lock
// alone tells, without any listing, that they are unchanged.
func (d *decider) nameWithin(ctx context.Context, deps []stagefile.Asset) {
	for i := range deps {
		dep := &deps[i]
		if !dep.Alias.IsZero() || outside(dep.Path) {
			continue
		}
		for at := path.Dir(dep.Path); at != "." && at != "/"; at = path.Dir(at) {
			if _, made := d.project.Producer(at); made {
				if on, ok := d.view.assets[at]; ok && on.Kind == stagefile.KindDir {
					dep.Alias = on.ID
					break
				}
			}
			if a, ok := d.view.tracked[at]; ok {
				if a.Alias.IsZero() && !a.Unknown && a.Kind == stagefile.KindDir && d.view.lookUp != nil {
					if e, err := d.view.lookUp(ctx, a, dep.Path[len(at)+1:]); err == nil && e.ID == dep.ID {
						dep.Alias = a.ID
					}
				}
				break
			}
		}
	}
}

// sameWithin is calledSame for a dependency in a directory of ours that is not
// on disk and of which no listing is here.
func (v *view) sameWithin(s *stagefile.Stage, p string) (was, bring stagefile.Asset, same bool) {
	for at := path.Dir(p); at != "." && at != "/"; at = path.Dir(at) {
		dir, ok := v.tracked[at]
		if !ok {
			continue
		}
		if _, err := os.Lstat(filepath.Join(v.root, filepath.FromSlash(at))); err == nil || dir.Unknown || dir.Kind != stagefile.KindDir {
			return was, dir, false
		}
		was, _, err := v.recorded(s, p)
		return was, dir, err == nil && was.Alias == dir.ID
	}
	return was, bring, false
}
