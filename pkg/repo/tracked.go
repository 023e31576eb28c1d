package repo

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/ignore"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Tracked is a path with the object that belongs there.
type Tracked struct {
	Object
	Source string // the pointer file, or mlops.yaml:stage
	Stage  string // "" for what a pointer names
	Cached bool   // its bytes belong into the store; false for outputs that git keeps
	Push   bool   // its bytes belong into remotes
	// Foreign means that a file of DVC names it. Its bytes need not be in the
	// store, and of what was never seen here the ID is made up of DVC's sum.
	Foreign bool
	Unknown bool // the ID is made up
	// Alias of what is Foreign is the ID made up of DVC's sum, known or not.
	Alias oid.ID
}

// Tracked lists what the pointers and locks of the workspace name, sorted by
// path. It does not look into tracked directories, .git, .mlops and what
// .mlopsignore excludes.
func (r *Repo) Tracked(ctx context.Context) ([]Tracked, error) { return r.TrackedBut(ctx) }

// TrackedBut is Tracked for a command that writes the pointers of paths anew:
// those may be broken, as after a merge of git with conflicts, and are then left
// out.
func (r *Repo) TrackedBut(ctx context.Context, paths ...string) ([]Tracked, error) {
	w := walker{repo: r, ctx: ctx, dirs: map[string]bool{}, match: ignore.New(), anew: paths}
	if err := w.walk("."); err != nil {
		return nil, err
	}
	found, err := r.withForeign(ctx, w.found, w.foreign, true)
	return settle(found), err
}

// walker gathers what is tracked.
type walker struct {
	repo  *Repo
	ctx   context.Context //nolint:containedctx // of one walk
	match *ignore.Matcher
	dirs  map[string]bool // tracked directories: not entered
	found []Tracked
	anew  []string // whose pointers may be broken

	foreign []ForeignFile
}

func (w *walker) walk(dir string) error {
	entries, err := w.repo.list(w.ctx, dir, "look for pointers")
	if err != nil {
		return err
	}
	var below []string
	hasIgnore := false
	for _, e := range entries {
		name := e.Name()
		switch {
		case e.IsDir():
			if name != Dir && name != gitDirectory && name != dvcDirectory {
				below = append(below, path.Join(dir, name))
			}
		case name == IgnoreFile:
			hasIgnore = true
		case name == stagefile.LockName:
			if err := w.readLock(dir); err != nil {
				return err
			}
		case IsPointer(name) && e.Type().IsRegular():
			if err := w.readPointer(path.Join(dir, name)); err != nil {
				return err
			}
		case w.repo.Foreign != nil && isForeign(name) && e.Type().IsRegular():
			text, err := os.ReadFile(w.repo.Path(path.Join(dir, name)))
			if err != nil {
				return errs.New(errs.Internal, "read %s: %w", path.Join(dir, name), err)
			}
			w.foreign = append(w.foreign, ForeignFile{path.Join(dir, name), text})
			w.dirs[path.Join(dir, strings.TrimSuffix(name, foreignPointerExt))] = true
		}
	}
	if hasIgnore {
		text, err := os.ReadFile(w.repo.Path(path.Join(dir, IgnoreFile)))
		if err != nil {
			return errs.New(errs.Internal, "read %s: %w", path.Join(dir, IgnoreFile), err)
		}
		w.match.Add(dir, text)
	}
	for _, sub := range below {
		if w.dirs[sub] || w.match.Match(sub, true) {
			continue
		}
		if err := w.walk(sub); err != nil {
			return err
		}
	}
	return nil
}

// list reads a directory of the workspace. One below the root that we may not
// read, or that went away, has nothing.
func (r *Repo) list(ctx context.Context, dir, what string) ([]fs.DirEntry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(r.Path(dir))
	switch {
	case err == nil:
		return entries, nil
	case dir != "." && (errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)):
		return nil, nil
	}
	return nil, errs.New(errs.Internal, "%s: %w", what, err)
}

// IsPointer reports whether a base name is that of a pointer file.
func IsPointer(name string) bool {
	return strings.HasSuffix(name, PointerExt) && name != PointerExt
}

func (w *walker) readPointer(pointer string) error {
	o, err := w.repo.ReadPointer(pointer)
	if data := strings.TrimSuffix(pointer, PointerExt); errs.Is(err, errs.Usage) && slices.Contains(w.anew, data) {
		w.dirs[data] = true
		return nil
	}
	if err != nil {
		return err
	}
	w.add(Tracked{Object: o, Source: pointer, Cached: true, Push: true})
	return nil
}

func (w *walker) readLock(dir string) error {
	lock, err := w.repo.ReadLock(dir)
	if err != nil {
		return err
	}
	for _, t := range lockOuts(dir, lock) {
		w.add(t)
	}
	return nil
}

func (w *walker) add(t Tracked) {
	if t.Kind == tree.Dir {
		w.dirs[t.Path] = true
	}
	w.found = append(w.found, t)
}

func lockOuts(dir string, lock *stagefile.Lock) []Tracked {
	var found []Tracked
	for _, rec := range lock.Records() {
		for _, a := range rec.Outs {
			if stagefile.IsExternal(a.Path) {
				continue
			}
			found = append(found, Tracked{
				Object: FromAsset(a), Source: path.Join(dir, stagefile.FileName) + ":" + rec.Stage, Stage: rec.Stage,
				Cached: !a.NoCache, Push: !a.NoCache && !a.NoPush,
			})
		}
	}
	return found
}

// settle sorts by path and drops what stands inside a tracked directory, whose
// tree says it already.
func settle(found []Tracked) []Tracked {
	slices.SortStableFunc(found, func(a, b Tracked) int { return compareSlash(a.Path, b.Path) })
	out := found[:0]
	last := ""
	for _, t := range found {
		if last != "" && strings.HasPrefix(t.Path, last+"/") {
			continue
		}
		out = append(out, t)
		if t.Kind == tree.Dir {
			last = t.Path
		}
	}
	return out
}

// compareSlash orders paths so that a directory stands before what is in it
// and nothing stands between.
func compareSlash(a, b string) int {
	return strings.Compare(strings.ReplaceAll(a, "/", "\x00"), strings.ReplaceAll(b, "/", "\x00"))
}

// TrackedAt lists what the pointers and locks of a git revision name, sorted
// by path.
func (r *Repo) TrackedAt(ctx context.Context, rev string) ([]Tracked, error) {
	commit, err := r.git.Commit(ctx, rev)
	if err != nil {
		return nil, err
	}
	found, err := r.trackedInTree(ctx, commit)
	if err != nil {
		return nil, errs.New(errs.KindOf(err), "at %s: %w", rev, err)
	}
	return found, nil
}

// trackedInTree is TrackedAt for the id of a commit or of a git tree.
func (r *Repo) trackedInTree(ctx context.Context, id string) ([]Tracked, error) {
	var found []Tracked
	wanted := func(name string) bool {
		base := path.Base(name)
		return (base == stagefile.LockName || IsPointer(base) || r.Foreign != nil && isForeign(base)) && !Internal(path.Dir(name))
	}
	var foreign []ForeignFile
	err := r.git.blobs(ctx, id, wanted, func(name string, text []byte) error {
		if isForeign(name) {
			foreign = append(foreign, ForeignFile{name, text})
			return nil
		}
		if path.Base(name) != stagefile.LockName {
			o, err := ParsePointer(name, text)
			if err != nil {
				return err
			}
			found = append(found, Tracked{Object: o, Source: name, Cached: true, Push: true})
			return nil
		}
		lock, err := stagefile.ParseLock(name, text)
		if err != nil {
			return err
		}
		found = append(found, lockOuts(path.Dir(name), lock)...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	found, err = r.withForeign(ctx, found, foreign, false)
	return settle(found), err
}
