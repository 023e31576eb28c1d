package workspace

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// UntrackRequest says what not to track any more.
type UntrackRequest struct {
	Dir   string
	Paths []string
	Data  bool // remove the data from the workspace too
	Force bool // also data that is not saved
}

// Untracked is one path that is not tracked any more.
type Untracked struct {
	Path    repo.Text `json:"path"`
	Pointer repo.Text `json:"pointer"`
	Data    bool      `json:"data"` // its data was removed
}

// Untrack removes pointers and ignore entries. The data stays where it is
// unless Data is set. Nothing is done when one path cannot be.
func (w *Workspace) Untrack(ctx context.Context, req UntrackRequest) ([]Untracked, error) {
	tracked, err := w.repo.Tracked(ctx)
	if err != nil {
		return nil, err
	}
	paths, err := w.rel(req.Dir, req.Paths)
	if err != nil {
		return nil, err
	}
	paths = outermost(paths)
	for _, p := range paths {
		if err := mayUntrack(tracked, p); err != nil {
			return nil, err
		}
	}
	if req.Data && !req.Force {
		if err := w.unsaved(ctx, paths); err != nil {
			return nil, err
		}
	}
	done := []Untracked{}
	for _, p := range paths {
		if req.Data {
			if err := w.Remove(ctx, p); err != nil {
				return done, err
			}
		}
		if err := w.repo.RemovePointer(repo.PointerPath(p)); err != nil {
			return done, err
		}
		done = append(done, Untracked{Path: repo.Text(p), Pointer: repo.Text(repo.PointerPath(p)), Data: req.Data})
	}
	return done, w.repo.Unignore(ctx, paths...)
}

func mayUntrack(tracked []repo.Tracked, p string) error {
	t, ok := holder(tracked, p)
	switch {
	case !ok:
		return notTracked(tracked, p)
	case t.Stage != "":
		return errs.New(errs.Conflict, "%s is an output of stage %s", ShowPath(p), t.Stage).
			Hint("take it out of %s", strings.TrimSuffix(t.Source, ":"+t.Stage))
	case t.Path != p:
		return errs.New(errs.Usage, "%s is inside %s, which is tracked as a whole", ShowPath(p), ShowPath(t.Path)).
			Hint("delete the file and type: mlops add %s", Quote([]string{p}))
	}
	return nil
}

// unsaved is errs.Conflict when the store has not all that stands at paths.
func (w *Workspace) unsaved(ctx context.Context, paths []string) error {
	st, err := w.repo.Store(ctx)
	if err != nil {
		return err
	}
	found, err := w.Hash(ctx, paths)
	if err != nil {
		return err
	}
	var lost []string
	for _, p := range paths {
		o, ok := found[p]
		if !ok {
			continue
		}
		whole, err := complete(ctx, st, o)
		if err != nil {
			return err
		}
		if !whole {
			lost = append(lost, p)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return errs.New(errs.Conflict, "these have changes that are not saved:\n  %s", strings.Join(shorten(lost), "\n  ")).
		Hint("save them first: mlops add %s", Quote(lost)).Hint("or throw them away: the same command with --force")
}

// MoveRequest says what to call a tracked path from now on.
type MoveRequest struct {
	Dir      string
	From, To string // To may be a directory, to move into
}

// Moved is what Move did.
type Moved struct {
	From repo.Text `json:"from"`
	To   repo.Text `json:"to"`
}

// Move gives a tracked path, its pointer and its ignore entry another name.
// The data need not be there. A move that was cut off is finished by the same
// command.
func (w *Workspace) Move(ctx context.Context, req MoveRequest) (Moved, error) {
	tracked, err := w.repo.Tracked(ctx)
	if err != nil {
		return Moved{}, err
	}
	both, err := w.rel(req.Dir, []string{req.From, req.To})
	if err != nil {
		return Moved{}, err
	}
	from, to := both[0], both[1]
	if err := mayUntrack(tracked, from); err != nil {
		return Moved{}, err
	}
	isDir := strings.HasSuffix(filepath.ToSlash(req.To), "/")
	if info, err := os.Lstat(w.repo.Path(to)); err == nil {
		isDir = info.IsDir()
	}
	if _, inside := holder(tracked, to); isDir && !inside {
		to = join(to, path.Base(from))
	}
	moved := Moved{From: repo.Text(from), To: repo.Text(to)}
	old, err := w.repo.ReadPointer(repo.PointerPath(from))
	if err != nil {
		return moved, err
	}
	if err := w.mayMove(tracked, old, to); err != nil {
		return moved, err
	}
	return moved, w.move(ctx, old, to)
}

func (w *Workspace) mayMove(tracked []repo.Tracked, old repo.Object, to string) error {
	switch {
	case to == "." || repo.Internal(to) || repo.IsPointer(path.Base(to)):
		return errs.New(errs.Usage, "%s cannot be the name of data", ShowPath(to))
	case to == old.Path || strings.HasPrefix(to, old.Path+"/"):
		return errs.New(errs.Usage, "%s cannot be moved to %s", ShowPath(old.Path), ShowPath(to))
	}
	if err := w.realParents(to); err != nil {
		return err
	}
	if t, ok := holder(tracked, to); ok {
		cutOff := t.Path == to && t.Stage == "" && t.Same(old)
		if !cutOff {
			e := errs.New(errs.Conflict, "%s is tracked already", ShowPath(t.Path))
			if t.Kind == tree.Dir && t.Stage == "" {
				e.Hint("to move files into it, move them yourself, then: mlops rm %s; mlops add %s", Quote([]string{old.Path}), Quote([]string{t.Path}))
			}
			return e
		}
		if _, err := os.Lstat(w.repo.Path(old.Path)); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	if _, err := os.Lstat(w.repo.Path(to)); err == nil {
		return errs.New(errs.Conflict, "%s exists", ShowPath(to)).Hint("remove it first, or choose another name")
	}
	return nil
}

func (w *Workspace) move(ctx context.Context, old repo.Object, to string) error {
	dir := w.repo.Path(path.Dir(to))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return errs.New(errs.Internal, "move: %w", err)
	}
	if err := w.repo.Ignore(ctx, to); err != nil {
		return err
	}
	renamed := old
	renamed.Path = to
	if err := w.repo.WritePointer(renamed); err != nil {
		return err
	}
	err := fsx.Rename(w.repo.Path(old.Path), w.repo.Path(to))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errs.New(errs.Internal, "move %s to %s: %w", old.Path, to, reason(err))
	}
	if err := fsx.SyncDir(dir); err != nil {
		return err
	}
	if err := w.repo.RemovePointer(repo.PointerPath(old.Path)); err != nil {
		return err
	}
	if err := w.moveRows(ctx, old.Path, to); err != nil {
		return err
	}
	return w.repo.Unignore(ctx, old.Path)
}

// moveRows lets the stat cache follow, so that nothing is read again.
func (w *Workspace) moveRows(ctx context.Context, from, to string) error {
	cache, err := w.repo.Cache(ctx)
	if err != nil {
		return err
	}
	if err := dropRows(ctx, cache, to); err != nil {
		return err
	}
	_, err = cache.ExecContext(ctx, "UPDATE stat SET path = CAST(? || substr(path, ?) AS BLOB) WHERE kind = ? AND path >= ? AND path < ?",
		key(to), len(from)+1, wholeRow, key(from), append(key(from), 1))
	return err
}

// UnlockRequest says what to make writable.
type UnlockRequest struct {
	Dir   string
	Paths []string
}

// Unlock replaces links to objects, which are read-only, by copies that may be
// edited. It returns the files that it replaced.
func (w *Workspace) Unlock(ctx context.Context, req UnlockRequest) ([]repo.Text, error) {
	tracked, err := w.repo.Tracked(ctx)
	if err != nil {
		return nil, err
	}
	paths, err := w.rel(req.Dir, req.Paths)
	if err != nil {
		return nil, err
	}
	chosen, err := choose(cached(tracked), paths)
	if err != nil {
		return nil, err
	}
	done := []repo.Text{}
	for _, c := range chosen {
		err := filepath.WalkDir(w.repo.Path(c.path()), func(full string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if err := ctx.Err(); err != nil || d.IsDir() {
				return err
			}
			did, err := w.unlock(full, d)
			if err != nil {
				return err
			}
			if did {
				rel, err := filepath.Rel(w.repo.Root, full)
				if err != nil {
					return err
				}
				done = append(done, repo.Text(filepath.ToSlash(rel)))
			}
			return nil
		})
		if errors.Is(err, fs.ErrNotExist) {
			return done, errs.New(errs.NotFound, "%s is not in the workspace", ShowPath(c.path())).
				Hint("bring it back: mlops checkout %s", Quote([]string{c.path()}))
		}
		if err != nil {
			return done, errs.New(errs.Internal, "unlock %s: %w", ShowPath(c.path()), err)
		}
	}
	return done, nil
}

// unlock replaces one file, when it is a link to an object or read-only.
func (w *Workspace) unlock(full string, d fs.DirEntry) (bool, error) {
	if d.Type()&fs.ModeSymlink != 0 {
		if !w.isOwnLink(full) {
			return false, nil
		}
		return true, w.replaceByCopy(full)
	}
	info, err := d.Info()
	if err != nil || !info.Mode().IsRegular() || info.Mode()&0o222 != 0 || info.Size() < store.LooseSize {
		return false, err
	}
	return true, w.replaceByCopy(full)
}

func (w *Workspace) replaceByCopy(full string) (err error) {
	tmp, err := w.repo.TmpDir()
	if err != nil {
		return err
	}
	dir, err := fsx.MakeTempDir(tmp, "unlock-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Remove()) }()
	copied := filepath.Join(dir.Path, "copy")
	if err := copyFile(full, copied); err != nil {
		return err
	}
	info, err := os.Stat(copied)
	if err != nil {
		return err
	}
	if err := os.Chmod(copied, info.Mode().Perm()|0o200); err != nil {
		return err
	}
	f, err := os.Open(copied)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := fsx.Rename(copied, full); err != nil {
		return err
	}
	return fsx.SyncDir(filepath.Dir(full))
}
