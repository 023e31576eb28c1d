package workspace

import (
	"context"
	"errors"
	"strings"

	"github.com/mlops-cli/mlops/pkg/repo"
)

// StatusRequest says what to look at.
type StatusRequest struct {
	Dir   string   // where the paths were typed
	Paths []string // none: all that is tracked
}

// StatusResult is how the workspace differs from its pointers and locks.
type StatusResult struct {
	Changes []Change
	Tracked int      // paths that were looked at
	Spoiled []string // objects that were changed through a hard link, and moved away
}

// Status compares what is there with what pointers and locks name. It reads
// only files that look different from when they were last read, and starts no
// other program.
func (w *Workspace) Status(ctx context.Context, req StatusRequest) (StatusResult, error) {
	res := StatusResult{Changes: []Change{}}
	tracked, err := w.repo.Tracked(ctx)
	if err != nil {
		return res, err
	}
	paths, err := w.rel(req.Dir, req.Paths)
	if err != nil {
		return res, err
	}
	chosen, err := choose(cached(tracked), paths)
	if err != nil {
		return res, err
	}
	res.Tracked = len(chosen)
	if len(chosen) == 0 {
		return res, nil
	}
	return res, w.status(ctx, chosen, &res)
}

// cached drops what git keeps itself.
func cached(tracked []repo.Tracked) []repo.Tracked {
	var out []repo.Tracked
	for _, t := range tracked {
		if t.Cached {
			out = append(out, t)
		}
	}
	return out
}

func (w *Workspace) status(ctx context.Context, chosen []selected, res *StatusResult) (err error) {
	paths := make([]string, len(chosen))
	for i, c := range chosen {
		paths[i] = c.Path
	}
	s := w.begin(ctx, nil, "checking")
	defer func() { err = errors.Join(err, s.close()) }()
	targets, err := s.run(paths)
	if err != nil {
		return err
	}
	if err := s.remember(); err != nil {
		return err
	}
	st, err := w.repo.Store(ctx)
	if err != nil {
		return err
	}
	src := s.source(st)
	for i, t := range targets {
		changes := []Change{}
		for _, p := range t.problems {
			changes = append(changes, Change{Path: repo.Text(p.Path), Kind: ChangeUnreadable, Target: repo.Text(t.path)})
		}
		stored := st.Has(chosen[i].ID) || chosen[i].Foreign && t.found
		if !stored {
			changes = append(changes, Change{Path: repo.Text(t.path), Kind: ChangeMissing, Target: repo.Text(t.path)})
		}
		switch {
		case len(t.problems) > 0:
		case !t.found && stored: // one line, however many files it has
			changes = append(changes, Change{Path: repo.Text(t.path), Kind: ChangeDeleted, Target: repo.Text(t.path), Old: sideOf(entryOf(chosen[i].Object))})
		case t.found:
			now := t.object()
			differ, err := compareTarget(ctx, src, t.path, &chosen[i].Object, &now, t.match)
			if err != nil {
				return err
			}
			changes = append(changes, differ...)
		}
		for _, c := range changes {
			if under(string(c.Path), chosen[i].path()) {
				res.Changes = append(res.Changes, c)
			}
		}
	}
	res.Changes = findRenames(res.Changes)
	for i := range res.Changes {
		res.Changes[i].Old, res.Changes[i].New = nil, nil
	}
	sortChanges(res.Changes)
	res.Spoiled = s.spoiled
	return nil
}

// under reports whether p is dir, is below it, or holds it.
func under(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, dir+"/") || strings.HasPrefix(dir, p+"/")
}
