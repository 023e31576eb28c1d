package transfer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/trackdb"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Transfer moves objects between one repository and one remote.
type Transfer struct {
	repo  *repo.Repo
	b     *remote.Conn
	name  string
	p     progress.Reporter
	clock clock.Clock
}

// New returns a Transfer with the remote behind b, which users call name.
func New(r *repo.Repo, b *remote.Conn, name string, p progress.Reporter) *Transfer {
	return &Transfer{repo: r, b: b, name: name, p: p, clock: clock.System{}}
}

// Runs is what a Transfer needs of the tracking database.
type Runs interface {
	// Exports lists the finished runs.
	Exports(ctx context.Context) ([]trackdb.Export, error)
	// Record returns the bytes of a finished run.
	Record(ctx context.Context, runID string) ([]byte, error)
	// Import takes runs in and says how many were not known.
	Import(ctx context.Context, records ...[]byte) (added int, err error)
}

// Summary says what a push or fetch moved, or would move.
type Summary struct {
	Objects  int64   `json:"objects"`
	Bytes    int64   `json:"bytes"`
	Runs     int     `json:"runs"`
	Stages   int     `json:"stages"`           // entries of the stage cache
	Models   int     `json:"models"`           // registered models and versions, new and changed
	Looked   int64   `json:"looked,omitempty"` // tree nodes that a dry run fetched, to count what is below
	Requests int64   `json:"requests"`
	Seconds  float64 `json:"seconds"`
}

// measure fills in the summary's costs when the work is over.
func (t *Transfer) measure(s *Summary) func() {
	start, before := t.clock.Now(), t.b.Requests()
	return func() {
		s.Requests = t.b.Requests() - before
		s.Seconds = t.clock.Now().Sub(start).Seconds()
	}
}

// cache is the directory of what was seen of remotes.
func (t *Transfer) cache() (string, error) {
	tmp, err := t.repo.TmpDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(tmp, "remotes")
	return dir, os.MkdirAll(dir, 0o777)
}

// Selection is what a push or fetch is about.
type Selection struct {
	Objects []repo.Object
	Parts   []PartOf // only a fetch can have them
}

// PartOf is a path inside a tracked directory.
type PartOf struct {
	Dir  repo.Object
	Path string // relative to Dir
}

// Select returns the tracked objects of the workspace, and with all those of
// every git ref and the index too. Paths, relative to the root, narrow them
// down: a path may be a tracked one, one above, or one inside a tracked
// directory.
func Select(ctx context.Context, r *repo.Repo, paths []string, all bool) (Selection, error) {
	tracked, err := r.Tracked(ctx)
	if err != nil {
		return Selection{}, err
	}
	if all {
		if tracked, err = everyRef(ctx, r, tracked); err != nil {
			return Selection{}, err
		}
	}
	var objects []repo.Object
	for _, t := range tracked {
		if t.Cached && t.Push {
			objects = append(objects, t.Object)
		}
	}
	if len(paths) == 0 {
		return Selection{Objects: objects}, nil
	}
	var s Selection
	for _, path := range paths {
		found := false
		for _, o := range objects {
			switch {
			case path == "." || o.Path == path || strings.HasPrefix(o.Path, path+"/"):
				s.Objects, found = append(s.Objects, o), true
			case o.Kind == tree.Dir && strings.HasPrefix(path, o.Path+"/"):
				s.Parts, found = append(s.Parts, PartOf{o, path[len(o.Path)+1:]}), true
			}
		}
		if !found && path != "." {
			known := make([]string, len(objects))
			for i, o := range objects {
				known[i] = o.Path
			}
			return s, errs.New(errs.NotFound, "%s is not tracked", path).DidYouMean(path, known).
				Hint("'mlops ls' lists what is tracked")
		}
	}
	return s, nil
}

func everyRef(ctx context.Context, r *repo.Repo, tracked []repo.Tracked) ([]repo.Tracked, error) {
	refs, err := r.GitRefs(ctx)
	if err != nil {
		return nil, err
	}
	staged, err := r.TrackedStaged(ctx)
	if err != nil {
		return nil, err
	}
	tracked = append(tracked, staged...)
	for _, ref := range refs {
		at, err := r.TrackedAt(ctx, ref)
		if err != nil {
			return nil, err
		}
		tracked = append(tracked, at...)
	}
	return tracked, nil
}

// lost is the error about objects that are not where they should be.
func lost(ctx context.Context, src tree.Source, roots []repo.Object, missing map[oid.ID]bool, doing, where, hint string) error {
	const shown = 10
	var paths []string
	full := errors.New("enough paths")
	for _, r := range roots {
		if missing[r.ID] {
			paths = append(paths, r.Path)
			continue
		}
		if r.Kind != tree.Dir {
			continue
		}
		// A tree that cannot be walked to its end has shown what it could.
		if err := tree.Walk(ctx, src, r.ID, func(path string, e tree.Entry) error {
			if missing[e.ID] {
				paths = append(paths, r.Path+"/"+path)
			}
			if len(paths) > shown {
				return full
			}
			return nil
		}); err != nil && len(paths) == 0 {
			paths = append(paths, r.Path)
		}
		if len(paths) > shown {
			break
		}
	}
	more := ""
	if len(paths) > shown {
		paths, more = paths[:shown], "\n  …"
	}
	list := fmt.Sprintf("%d objects are", len(missing))
	if len(missing) == 1 {
		list = "1 object is"
	}
	return errs.New(errs.NotFound, "%s: %s %s:\n  %s%s", doing, list, where, strings.Join(paths, "\n  "), more).Hint("%s", hint)
}

// batch runs fn with a batch of the store and commits what fn stored, also
// when fn failed: whole objects are worth keeping.
func batch(ctx context.Context, st *store.Store, fn func(b *store.Batch) error) (err error) {
	b, err := st.NewBatch(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	return errors.Join(fn(b), b.Commit())
}

// Resolve returns what is selected as objects with their paths. Parts are looked
// up in src, which must have the nodes on the way, as after a Fetch.
func (s Selection) Resolve(ctx context.Context, src tree.Source) ([]repo.Object, error) {
	objects := append([]repo.Object(nil), s.Objects...)
	for _, p := range s.Parts {
		e, err := tree.Lookup(ctx, src, p.Dir.ID, p.Path)
		if err != nil {
			return nil, err
		}
		objects = append(objects, repo.Object{
			Path: p.Dir.Path + "/" + p.Path, Kind: e.Kind, Exec: e.Exec, ID: e.ID, Size: e.Size, Files: e.Files,
		})
	}
	return objects, nil
}
