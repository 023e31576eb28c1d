package workspace

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/ignore"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// holder is the tracked path that p is, or is in.
func holder(tracked []repo.Tracked, p string) (repo.Tracked, bool) {
	for _, t := range tracked {
		if t.Path == p || t.Kind == tree.Dir && strings.HasPrefix(p, t.Path+"/") {
			return t, true
		}
	}
	return repo.Tracked{}, false
}

// dataPath is the path of the data when p is the name of its pointer file.
func (w *Workspace) dataPath(p string) string {
	if !repo.IsPointer(path.Base(p)) {
		return p
	}
	if info, err := os.Lstat(w.repo.Path(p)); err == nil && info.Mode().IsRegular() {
		return strings.TrimSuffix(p, repo.PointerExt)
	}
	return p
}

// rel makes paths, as typed in dir, slash paths relative to the root.
func (w *Workspace) rel(dir string, typed []string) ([]string, error) {
	out := make([]string, 0, len(typed))
	for _, p := range typed {
		r, err := w.repo.Rel(dir, p)
		if err != nil {
			return nil, err
		}
		out = append(out, w.dataPath(r))
	}
	return out, nil
}

// selected is one tracked path, or a path inside one, that a command is about.
type selected struct {
	repo.Tracked
	within string // below Tracked.Path, "" for all of it
}

func (s selected) path() string {
	if s.within == "" {
		return s.Path
	}
	return join(s.Path, s.within)
}

// choose picks what paths name out of what is tracked: tracked paths, paths
// inside them, and directories that hold some. No paths choose all.
func choose(tracked []repo.Tracked, paths []string) ([]selected, error) {
	var out []selected
	if len(paths) == 0 {
		for _, t := range tracked {
			out = append(out, selected{Tracked: t})
		}
		return out, nil
	}
	seen := map[string]bool{}
	add := func(s selected) {
		if !seen[s.path()] {
			seen[s.path()] = true
			out = append(out, s)
		}
	}
	for _, p := range paths {
		if t, ok := holder(tracked, p); ok {
			add(selected{t, strings.TrimPrefix(strings.TrimPrefix(p, t.Path), "/")})
			continue
		}
		found := false
		for _, t := range tracked {
			if p == "." || strings.HasPrefix(t.Path, p+"/") {
				add(selected{Tracked: t})
				found = true
			}
		}
		if !found && p != "." {
			return nil, notTracked(tracked, p)
		}
	}
	return out, nil
}

func notTracked(tracked []repo.Tracked, p string) error {
	known := make([]string, 0, len(tracked))
	for _, t := range tracked {
		known = append(known, t.Path)
	}
	slices.Sort(known) // DVC may track one twice
	return errs.New(errs.NotFound, "%s is not tracked", ShowPath(p)).DidYouMean(p, slices.Compact(known)).
		Hint("see what is tracked: mlops ls").Hint("track it: mlops add %s", Quote([]string{p}))
}

// expand replaces patterns by the paths that match. A path that is there is
// taken as it is, whatever characters it has.
func (w *Workspace) expand(ctx context.Context, p string) ([]string, error) {
	if _, err := os.Lstat(w.repo.Path(p)); err == nil || !ignore.HasMeta(p) {
		return []string{p}, nil
	}
	base := "."
	parts := strings.Split(p, "/")
	for len(parts) > 1 && !ignore.HasMeta(parts[0]) {
		base, parts = join(base, parts[0]), parts[1:]
	}
	var found []string
	err := filepath.WalkDir(w.repo.Path(base), func(full string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
				return nil
			}
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(w.repo.Root, full)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if repo.Internal(rel) {
			return fs.SkipDir
		}
		if !ignore.Glob(p, rel) || repo.IsPointer(d.Name()) || d.Name() == ".gitignore" || d.Name() == repo.IgnoreFile {
			return nil
		}
		found = append(found, rel)
		if d.IsDir() {
			return fs.SkipDir // all below it is in it
		}
		return nil
	})
	if err != nil {
		return nil, errs.New(errs.Internal, "expand %s: %w", p, err)
	}
	if len(found) == 0 {
		return nil, errs.New(errs.NotFound, "nothing matches %s", ShowPath(p))
	}
	return found, nil
}

// outermost drops paths that are inside another of the list, and doubles.
func outermost(paths []string) []string {
	paths = slices.Clone(paths)
	slices.SortFunc(paths, func(a, b string) int { return strings.Compare(string(key(a)), string(key(b))) })
	var out []string
	for _, p := range paths {
		if n := len(out); n > 0 && (out[n-1] == p || strings.HasPrefix(p, out[n-1]+"/")) {
			continue
		}
		out = append(out, p)
	}
	return out
}
