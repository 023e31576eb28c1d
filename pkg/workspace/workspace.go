package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/ignore"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Workspace is the files of a repository. Its methods may be called by many
// goroutines.
type Workspace struct {
	repo   *repo.Repo
	report progress.Reporter
}

// New returns the workspace of a repository. Long work is told to p.
func New(r *repo.Repo, p progress.Reporter) *Workspace {
	if p == nil {
		p = progress.Nop{}
	}
	return &Workspace{repo: r, report: p}
}

// Hash returns what stands at paths: by the stat cache where it can, by reading
// where it must. Nothing is stored. A path that is missing is absent from the
// map. A path that is a link stands for what it leads to.
func (w *Workspace) Hash(ctx context.Context, paths []string) (found map[string]repo.Object, err error) {
	s := w.begin(ctx, nil, "checking")
	defer func() { err = errors.Join(err, s.close()) }()
	targets, err := s.run(paths)
	if err != nil {
		return nil, err
	}
	if found, err = objects(targets); err != nil {
		return nil, err
	}
	return found, s.remember()
}

// HashWith returns the directory dir as it would be with objs, which belong below
// it, at their paths: of those only the ids are needed. A directory that is missing
// is empty. What ignore files leave out is not in it.
func (w *Workspace) HashWith(ctx context.Context, dir string, objs []repo.Object) (_ repo.Object, err error) {
	st, err := w.repo.Store(ctx)
	if err != nil {
		return repo.Object{}, err
	}
	match, err := w.rulesAbove(dir)
	if err != nil {
		return repo.Object{}, err
	}
	s := w.begin(ctx, nil, "checking")
	defer func() { err = errors.Join(err, s.close()) }()
	targets, err := s.run([]string{dir})
	if err != nil {
		return repo.Object{}, err
	}
	t := targets[0]
	if err := problemError(t.path, t.problems); err != nil {
		return repo.Object{}, err
	}
	edits := map[string]*tree.Entry{}
	for _, o := range objs {
		if !match.Match(o.Path, o.Kind == tree.Dir) {
			edits[strings.TrimPrefix(o.Path, dir+"/")] = &tree.Entry{Kind: o.Kind, Exec: o.Exec, Size: o.Size, Files: o.Files, ID: o.ID}
		}
	}
	src := s.source(st)
	if t.entry, err = tree.Update(ctx, src, src, t.entry.ID, edits); err != nil {
		return repo.Object{}, err
	}
	return t.object(), s.remember()
}

func objects(targets []*target) (map[string]repo.Object, error) {
	found := make(map[string]repo.Object, len(targets))
	for _, t := range targets {
		if err := problemError(t.path, t.problems); err != nil {
			return nil, err
		}
		if t.found {
			found[t.path] = t.object()
		}
	}
	return found, nil
}

// Save stores what stands at paths, durably, and returns it. A path that is
// missing is errs.NotFound; then, as with every error, nothing is recorded.
func (w *Workspace) Save(ctx context.Context, paths []string) (map[string]repo.Object, error) {
	return w.SaveSeen(ctx, paths, nil)
}

// SaveSeen is Save that shows the bytes of small files, by their slash paths, to
// seen while they are at hand. It is called by many goroutines, and not for files
// that are large or known to be saved already. It must not keep the bytes.
func (w *Workspace) SaveSeen(ctx context.Context, paths []string, seen func(path string, data []byte)) (map[string]repo.Object, error) {
	targets, err := w.save(ctx, paths, "saving", seen)
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		if !t.found && len(t.problems) == 0 {
			return nil, errs.New(errs.NotFound, "%s does not exist", t.path)
		}
	}
	return objects(targets)
}

// save scans and stores paths. Objects of targets without problems are durable
// when it returns.
func (w *Workspace) save(ctx context.Context, paths []string, label string, seen func(string, []byte)) (targets []*target, err error) {
	st, err := w.repo.Store(ctx)
	if err != nil {
		return nil, err
	}
	batch, err := st.NewBatch(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, batch.Close()) }()
	s := w.begin(ctx, batch, label)
	defer func() { err = errors.Join(err, s.close()) }()
	s.store, s.seen = st, seen
	targets, err = s.run(paths)
	if err != nil {
		return nil, err
	}
	if err := batch.Commit(); err != nil {
		return nil, err
	}
	return targets, s.remember()
}

// Keep stores files that are not of the workspace, such as logs, and returns
// their ids in order.
func (w *Workspace) Keep(ctx context.Context, files []string) (ids []oid.ID, err error) {
	st, err := w.repo.Store(ctx)
	if err != nil {
		return nil, err
	}
	batch, err := st.NewBatch(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, batch.Close()) }()
	for _, name := range files {
		id, err := keep(batch, name)
		if err != nil {
			return nil, fmt.Errorf("keep %s: %w", name, err)
		}
		ids = append(ids, id)
	}
	return ids, batch.Commit()
}

func keep(batch *store.Batch, name string) (id oid.ID, err error) {
	f, err := os.Open(name)
	if err != nil {
		return id, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return id, err
	}
	return batch.PutFile(f, info.Size())
}

// Absent returns those of objs whose bytes are not all in the store.
func (w *Workspace) Absent(ctx context.Context, objs []repo.Object) ([]repo.Object, error) {
	st, err := w.repo.Store(ctx)
	if err != nil {
		return nil, err
	}
	var absent []repo.Object
	for _, o := range objs {
		whole, err := complete(ctx, st, o)
		if err != nil {
			return nil, err
		}
		if !whole {
			absent = append(absent, o)
		}
	}
	return absent, nil
}

// errAbsent ends a walk at the first object that is not in the store.
var errAbsent = errors.New("absent")

func complete(ctx context.Context, st *store.Store, o repo.Object) (bool, error) {
	if !st.Has(o.ID) {
		return false, nil
	}
	if o.Kind != tree.Dir {
		return true, nil
	}
	err := tree.Nodes(ctx, st, o.ID, func(oid.ID) bool { return false }, func(id oid.ID, node bool, _ int64) error {
		if !node && !st.Has(id) {
			return errAbsent
		}
		return nil
	})
	if errors.Is(err, errAbsent) || errs.Is(err, errs.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Remove removes what stands at paths, whether it is saved or not. A path that
// is missing is no error. Nothing is followed through a link.
func (w *Workspace) Remove(ctx context.Context, paths ...string) error {
	for _, p := range paths {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p == "." || repo.Internal(p) || strings.HasPrefix(p, "../") {
			return errs.New(errs.Usage, "%s cannot be removed", p)
		}
		if err := w.realParents(p); err != nil {
			return err
		}
		if err := os.RemoveAll(w.repo.Path(p)); err != nil {
			return errs.New(errs.Internal, "remove %s: %w", p, reason(err))
		}
	}
	return nil
}

// realParents refuses a path that leads through a symbolic link: what is
// written there would land somewhere else.
func (w *Workspace) realParents(p string) error {
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		info, err := fsx.Lstat(w.repo.Path(dir))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if info.Mode&fs.ModeSymlink != 0 {
			return errs.New(errs.Conflict, "%s: %s is a symbolic link, nothing is written through it", p, dir).
				Hint("replace the link %s with a directory", dir)
		}
	}
	return nil
}

// rulesAbove reads the ignore files of the directories above dir.
func (w *Workspace) rulesAbove(dir string) (*ignore.Matcher, error) {
	m := ignore.New()
	if filepath.IsAbs(filepath.FromSlash(dir)) || dir == "." {
		return m, nil
	}
	for at := path.Dir(dir); ; at = path.Dir(at) {
		text, err := os.ReadFile(w.repo.Path(path.Join(at, repo.IgnoreFile)))
		if err == nil {
			m.Add(at, text)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, errs.New(errs.Internal, "read %s: %w", path.Join(at, repo.IgnoreFile), reason(err))
		}
		if at == "." || at == ".." || at == "/" {
			return m, nil
		}
	}
}
