package workspace

import (
	"context"
	"errors"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/ignore"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// DiffRequest says between what.
type DiffRequest struct {
	Dir   string   // where the paths were typed
	From  string   // git revision; "" is HEAD, or the pointers where there is none
	To    string   // git revision; "" is the workspace
	Paths []string // none: all that is tracked on either side
}

// DiffResult is what differs.
type DiffResult struct {
	From    string   `json:"from"`
	To      string   `json:"to"`
	Changes []Change `json:"changes"`
	Summary Summary  `json:"summary"`
}

// Summary counts changes.
type Summary struct {
	Added    int   `json:"added"`
	Modified int   `json:"modified"`
	Deleted  int   `json:"deleted"`
	Renamed  int   `json:"renamed"`
	Bytes    int64 `json:"bytes"` // the new size less the old
}

// Diff lists, file by file, what differs between two git revisions, or between
// one and the workspace.
func (w *Workspace) Diff(ctx context.Context, req DiffRequest) (res DiffResult, err error) {
	res = DiffResult{From: req.From, To: req.To, Changes: []Change{}}
	olds, err := w.oldSide(ctx, &res)
	if err != nil {
		return res, err
	}
	st, err := w.repo.Store(ctx)
	if err != nil {
		return res, err
	}
	var src tree.Source = st
	var news []repo.Tracked
	rules := map[string]*ignore.Matcher{} // that leave out files of the workspace
	if req.To != "" {
		news, err = w.repo.TrackedAt(ctx, req.To)
	} else {
		s := w.begin(ctx, nil, "checking")
		defer func() { err = errors.Join(err, s.close()) }()
		news, err = w.newSide(s, olds, rules)
		src = s.source(st)
		res.To = "workspace"
	}
	if err != nil {
		return res, err
	}
	paths, err := w.rel(req.Dir, req.Paths)
	if err != nil {
		return res, err
	}
	if err := diffSides(ctx, src, cached(olds), cached(news), rules, &res); err != nil {
		return res, err
	}
	return res, res.limit(paths, append(olds, news...))
}

func (w *Workspace) oldSide(ctx context.Context, res *DiffResult) ([]repo.Tracked, error) {
	if res.From == "" {
		head, err := w.repo.Git().Head(ctx)
		if err != nil {
			return nil, err
		}
		if head == "" {
			res.From = "pointers"
			return w.repo.Tracked(ctx)
		}
		res.From = "HEAD"
	}
	return w.repo.TrackedAt(ctx, res.From)
}

// newSide is what stands in the workspace at paths that are tracked there or
// were on the old side. It puts the rules of each into rules.
func (w *Workspace) newSide(s *scan, olds []repo.Tracked, rules map[string]*ignore.Matcher) ([]repo.Tracked, error) {
	tracked, err := w.repo.Tracked(s.ctx)
	if err != nil {
		return nil, err
	}
	var paths []string
	seen := map[string]bool{}
	for _, list := range [][]repo.Tracked{cached(tracked), cached(olds)} {
		for _, t := range list {
			if _, inside := holder(tracked, t.Path); !seen[t.Path] && inside {
				seen[t.Path] = true
				paths = append(paths, t.Path)
			}
		}
	}
	targets, err := s.run(outermost(paths))
	if err != nil {
		return nil, err
	}
	var news []repo.Tracked
	for _, t := range targets {
		if err := problemError(t.path, t.problems); err != nil {
			return nil, err
		}
		if t.found {
			news = append(news, repo.Tracked{Object: t.object(), Cached: true})
			rules[t.path] = t.match
		}
	}
	return news, s.remember()
}

func diffSides(ctx context.Context, src tree.Source, olds, news []repo.Tracked, rules map[string]*ignore.Matcher, res *DiffResult) error {
	now := map[string]*repo.Object{}
	for i := range news {
		now[news[i].Path] = &news[i].Object
	}
	for i := range olds {
		o := &olds[i].Object
		changes, err := compareTarget(ctx, src, o.Path, o, now[o.Path], rules[o.Path])
		if err != nil {
			return err
		}
		delete(now, o.Path)
		res.Changes = append(res.Changes, changes...)
	}
	for p, n := range now {
		changes, err := compareTarget(ctx, src, p, nil, n, nil)
		if err != nil {
			return err
		}
		res.Changes = append(res.Changes, changes...)
	}
	res.Changes = findRenames(res.Changes)
	sortChanges(res.Changes)
	return nil
}

// limit keeps what is at or below paths, and counts it.
func (res *DiffResult) limit(paths []string, tracked []repo.Tracked) error {
	if len(paths) > 0 {
		if _, err := choose(tracked, paths); err != nil {
			return err
		}
		kept := []Change{}
		for _, c := range res.Changes {
			for _, p := range paths {
				if p == "." || under(string(c.Path), p) {
					kept = append(kept, c)
					break
				}
			}
		}
		res.Changes = kept
	}
	for _, c := range res.Changes {
		switch c.Kind {
		case ChangeAdded:
			res.Summary.Added++
		case ChangeModified:
			res.Summary.Modified++
		case ChangeDeleted:
			res.Summary.Deleted++
		case ChangeRenamed:
			res.Summary.Renamed++
		}
		if c.New != nil {
			res.Summary.Bytes += c.New.Size
		}
		if c.Old != nil {
			res.Summary.Bytes -= c.Old.Size
		}
	}
	return nil
}

// CheckoutRequest says what to restore.
type CheckoutRequest struct {
	Dir   string   // where the paths were typed
	Rev   string   // git revision; "" is what the pointers and locks of the workspace say
	Paths []string // none: all that is tracked
	Force bool     // overwrite and remove what is not saved
}

// Checkout restores tracked paths. What is not in the store is left as it is and
// listed: errs.NotFound, or errs.Partial when others were restored.
func (w *Workspace) Checkout(ctx context.Context, req CheckoutRequest) (RestoreResult, error) {
	none := RestoreResult{Changed: []string{}}
	tracked, err := w.trackedAt(ctx, req.Rev)
	if err != nil {
		return none, err
	}
	paths, err := w.rel(req.Dir, req.Paths)
	if err != nil {
		return none, err
	}
	chosen, err := choose(cached(tracked), paths)
	if err != nil {
		return none, err
	}
	st, err := w.repo.Store(ctx)
	if err != nil {
		return none, err
	}
	var objs []repo.Object
	var failed []error
	for _, c := range chosen {
		o := c.Object
		if c.within != "" {
			e, err := tree.Lookup(ctx, st, c.ID, c.within)
			if err != nil {
				failed = append(failed, errs.New(errs.KindOf(err), "%s: %w", ShowPath(c.path()), err))
				continue
			}
			o = repo.Object{Path: c.path(), Kind: e.Kind, Exec: e.Exec, ID: e.ID, Size: e.Size, Files: e.Files}
		}
		if !st.Has(o.ID) {
			failed = append(failed, errs.New(errs.NotFound, "%s is not in the store", ShowPath(o.Path)).Hint("fetch it: mlops pull"))
			continue
		}
		objs = append(objs, o)
	}
	res, err := w.Restore(ctx, objs, RestoreOptions{Force: req.Force})
	if err != nil {
		return res, err
	}
	return res, partial("checkout", len(objs), failed)
}

func (w *Workspace) trackedAt(ctx context.Context, rev string) ([]repo.Tracked, error) {
	if rev == "" {
		return w.repo.Tracked(ctx)
	}
	return w.repo.TrackedAt(ctx, rev)
}
