package pipeline

import (
	"context"
	"os"
	"path"
	"path/filepath"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// pointed is what another tool's file names that a path is, or is in.
func (v *view) pointed(p string) (stagefile.Asset, bool) {
	for at := p; at != "." && at != "/"; at = path.Dir(at) {
		if a, ok := v.tracked[at]; ok {
			return a, !a.Alias.IsZero() && (at == p || a.Kind == stagefile.KindDir)
		}
	}
	return stagefile.Asset{}, false
}

// calledSame returns the dependency of a stage as it was recorded, and what is
// to be brought for it, when it is not on disk and the other tool still calls
// it as it did then: so a clone without data can tell that it is unchanged.
func (v *view) calledSame(s *stagefile.Stage, p string) (was, bring stagefile.Asset, same bool) {
	bring, ok := v.pointed(p)
	if !ok || !bring.Unknown {
		return v.sameWithin(s, p)
	}
	if _, err := os.Lstat(filepath.Join(v.root, filepath.FromSlash(bring.Path))); err == nil && !v.bringing[bring.Path] {
		return was, bring, false
	}
	was, _, err := v.recorded(s, p)
	return was, bring, err == nil && was.Alias == bring.Alias
}

// standsAs reports whether a directory is on disk as it is tracked.
func (v *view) standsAs(ctx context.Context, dir stagefile.Asset) bool {
	on, known := v.dirs[dir.Path]
	if !known {
		found, err := v.data.Hash(ctx, []string{dir.Path})
		if err != nil {
			return false
		}
		on = found[dir.Path].ID
		v.dirs[dir.Path] = on
	}
	return on == dir.ID
}

// nameAliases notes what another tool calls dependencies, for their record. What
// cannot be found out is left open.
func (v *view) nameAliases(ctx context.Context, deps []stagefile.Asset) {
	for i := range deps {
		d := &deps[i]
		if !d.Alias.IsZero() || outside(d.Path) {
			continue
		}
		if v.tracked == nil {
			tracked, err := v.files.Tracked(ctx)
			if err != nil {
				return
			}
			v.tracked = tracked
		}
		a, ok := v.pointed(d.Path)
		if !ok || a.Unknown {
			continue
		}
		if a.Path == d.Path {
			if a.ID == d.ID {
				d.Alias = a.Alias
			}
			continue
		}
		if v.standsAs(ctx, a) {
			d.Alias = a.Alias
		}
	}
}
