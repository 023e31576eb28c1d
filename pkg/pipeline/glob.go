package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/ignore"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// matchOuts adds, for each pattern among the dependencies, the outputs of
// other stages that match it, so that those stages come first. A pattern
// within one output is refused: what will match is known too late.
func (p *Project) matchOuts() error {
	for _, s := range p.Stages {
		for _, d := range slices.Clone(s.Deps) {
			if !d.Glob {
				continue
			}
			if made, ok := p.Producer(globBase(d.Path)); ok {
				return errs.New(errs.Usage, "dependency %s of %s looks into an output of stage %s", d.Path, where(s, d.Pos), made).
					Hint("depend on %s as a whole", globBase(d.Path))
			}
			for _, out := range sortedKeys(p.producer) {
				had := slices.ContainsFunc(s.Deps, func(k stagefile.Dep) bool { return k.Path == out })
				if !had && ignore.Glob(d.Path, out) && p.producer[out] != s.Address() {
					s.Deps = append(s.Deps, stagefile.Dep{Path: out, Pos: d.Pos})
				}
			}
		}
	}
	return nil
}

// globBase is the directory that everything which matches stands below.
func globBase(pattern string) string {
	var base []string
	for part := range strings.SplitSeq(pattern, "/") {
		if ignore.HasMeta(part) {
			break
		}
		base = append(base, part)
	}
	return path.Join(append([]string{"."}, base...)...)
}

// expandGlobs puts what matches in the place of patterns: files on disk, those
// that are tracked, and those recorded where the directory itself is not here.
func (v *view) expandGlobs(ctx context.Context, stages []*stagefile.Stage) error {
	for _, s := range stages {
		var deps []stagefile.Dep
		for _, d := range s.Deps {
			if !d.Glob {
				continue
			}
			found, err := v.glob(ctx, s, d.Path)
			if err != nil {
				return err
			}
			for _, p := range found {
				deps = append(deps, stagefile.Dep{Path: p, Pos: d.Pos})
			}
		}
		if deps == nil {
			continue
		}
		matched := func(pattern string) bool {
			return slices.ContainsFunc(deps, func(d stagefile.Dep) bool { return ignore.Glob(pattern, d.Path) })
		}
		kept := slices.DeleteFunc(slices.Clone(s.Deps), func(d stagefile.Dep) bool { return d.Glob && matched(d.Path) })
		for _, d := range deps {
			if !slices.ContainsFunc(kept, func(k stagefile.Dep) bool { return k.Path == d.Path }) {
				kept = append(kept, d)
			}
		}
		s.Deps = kept
	}
	return nil
}

func (v *view) glob(ctx context.Context, s *stagefile.Stage, pattern string) ([]string, error) {
	base := globBase(pattern)
	var found []string
	root := os.DirFS(v.root)
	err := fs.WalkDir(root, base, func(p string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return fmt.Errorf("look for %s: %w", pattern, err)
		case ctx.Err() != nil:
			return ctx.Err()
		case e.IsDir() && (e.Name() == ".git" || e.Name() == ".mlops" || e.Name() == ".dvc"):
			return fs.SkipDir
		case p != base && ignore.Glob(pattern, p) && !stagefile.IsPointer(p):
			found = append(found, p)
			if e.IsDir() {
				return fs.SkipDir
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if _, _, err := v.trackedAt(ctx, base); err != nil {
		return nil, err
	}
	for p := range v.tracked {
		if ignore.Glob(pattern, p) {
			found = append(found, p)
		}
	}
	if _, err := fs.Stat(root, base); err != nil {
		lock, err := v.lock(s.Lock())
		if err != nil {
			return nil, err
		}
		old, _ := lock.Stage(s.Name)
		for _, a := range old.Deps {
			if ignore.Glob(pattern, a.Path) {
				found = append(found, a.Path)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}
