package workspace

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/ignore"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Problem is a path that could not be read, and why.
type Problem struct {
	Path string // slash path relative to the root
	Err  error
}

// maxProblems is how many paths of one target are listed.
const maxProblems = 100

// target is a path that a scan was asked about, and what it found.
type target struct {
	path  string
	found bool
	isDir bool     // or a link to one
	stat  fsx.Stat // how the path itself looks, be it a link that leads nowhere
	entry tree.Entry
	match *ignore.Matcher // of the directories above
	rules string          // its digest

	mu       sync.Mutex
	problems []Problem
}

func (t *target) fail(path string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.problems) < maxProblems {
		t.problems = append(t.problems, Problem{path, err})
	}
}

// object is what stands at the target's path.
func (t *target) object() repo.Object {
	return repo.Object{Path: t.path, Kind: t.entry.Kind, Exec: t.entry.Exec, ID: t.entry.ID, Size: t.entry.Size, Files: t.entry.Files}
}

// scan finds the ids of what stands at paths, and stores it where it has a
// batch.
type scan struct {
	w     *Workspace
	ctx   context.Context //nolint:containedctx // a scan lives within one call
	pool  *pool
	batch *store.Batch                   // nil: only ids are wanted
	store *store.Store                   // set together with batch
	seen  func(path string, data []byte) // nil: nobody wants to see what is read
	cache *db.DB                         // nil: there is none that can be used
	task  progress.Task
	total *forecast // of the task

	started int64 // the file system's clock before anything was looked at
	steady  bool  // times of directories can be trusted

	rows    map[string]*row // of whole directories, as they were read
	partial bool            // rows holds not all: ask for each
	mu      sync.Mutex
	fresh   newRows                // whole directories, to be written
	loose   map[string]*looseFiles // to be written
	dirs    map[oid.ID]string
	spoiled []string // objects that were changed through a hard link
}

// begin makes a scan. Without a cache that can be used everything is read.
func (w *Workspace) begin(ctx context.Context, batch *store.Batch, label string) *scan {
	s := &scan{
		w: w, ctx: ctx, pool: newPool(ctx), batch: batch,
		rows: map[string]*row{}, loose: map[string]*looseFiles{}, dirs: map[oid.ID]string{},
		steady: steadyDirs(w.repo.Root),
	}
	s.task = w.report.Task(label, progress.Unknown, progress.Unknown)
	s.total = &forecast{task: s.task}
	tmp, err := w.repo.TmpDir()
	if err != nil {
		return s
	}
	s.fresh.tmp = tmp
	if s.started, err = fsx.Now(tmp); err != nil {
		return s // read-only: nothing can be remembered
	}
	if cache, err := w.repo.Cache(ctx); err == nil {
		s.cache = cache
	}
	return s
}

// run scans paths and returns what was found, in their order. The rows that
// changed are not written yet: see remember.
func (s *scan) run(paths []string) ([]*target, error) {
	defer s.task.Done()
	targets := s.w.lookAll(paths)
	singles := map[string][]*target{}
	for _, t := range targets {
		switch {
		case !t.found:
		case t.isDir:
			if err := s.whole(t, s.w.full(t.path)); err != nil {
				return nil, err
			}
		default:
			dir := path.Dir(t.path)
			singles[dir] = append(singles[dir], t)
		}
	}
	for dir, list := range singles {
		s.singles(dir, list)
	}
	defer s.total.start(s.ctx, s.w, targets)()
	return targets, s.pool.run(max(4, 4*runtime.GOMAXPROCS(0)))
}

// lookAll looks at paths side by side.
func (w *Workspace) lookAll(paths []string) []*target {
	const chunk = 256
	all := make([]target, len(paths))
	targets := make([]*target, len(paths))
	var wg sync.WaitGroup
	for from := 0; from < len(paths); from += chunk {
		look := func() {
			for i := from; i < min(from+chunk, len(paths)); i++ {
				all[i].path, targets[i] = paths[i], &all[i]
				w.look(&all[i])
			}
		}
		if len(paths) <= chunk {
			look()
		} else {
			wg.Go(look)
		}
	}
	wg.Wait()
	return targets
}

// look tells what stands at the path of a target. The last name may be a link,
// which is followed: what counts is the content that a reader finds.
func (w *Workspace) look(t *target) {
	full := w.full(t.path)
	st, err := fsx.Lstat(full)
	mode := st.Mode
	t.stat = st
	if err == nil && mode&fs.ModeSymlink != 0 {
		var info fs.FileInfo
		if info, err = os.Stat(full); err == nil {
			mode = info.Mode()
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		t.fail(t.path, err)
		return
	}
	t.found, t.isDir = true, mode.IsDir()
}

// full is the path of the file system; absolute paths stay as they are.
func (w *Workspace) full(p string) string {
	if filepath.IsAbs(filepath.FromSlash(p)) {
		return filepath.FromSlash(p)
	}
	return w.repo.Path(p)
}

// whole plans the scan of a directory and all below it.
func (s *scan) whole(t *target, full string) error {
	if err := s.preload(t.path); err != nil {
		return err
	}
	match, err := s.w.rulesAbove(t.path)
	if err != nil {
		return err
	}
	t.match = match
	if !match.Empty() {
		t.rules = match.Digest()
	}
	d := &dirScan{s: s, t: t, path: t.path, full: full, top: true}
	s.pool.add(d.enter)
	return nil
}

func (s *scan) preload(dir string) error {
	if s.cache == nil {
		return nil
	}
	rows, ok, err := loadRows(s.ctx, s.cache, dir)
	if err != nil {
		s.cache = nil // unreadable is as good as none
		return s.ctx.Err()
	}
	if !ok {
		s.partial = true
	}
	maps.Copy(s.rows, rows)
	return nil
}

// row is what the cache knows of a directory, nil when nothing.
func (s *scan) row(dir string) *row {
	if !s.partial || s.cache == nil {
		return s.rows[dir]
	}
	if r := s.rows[dir]; r != nil {
		return r
	}
	r, err := loadRow(s.ctx, s.cache, wholeRow, dir)
	if err != nil {
		return nil
	}
	return r
}

// remember writes the rows that changed. What a batch stored must be
// committed before.
func (s *scan) remember() error {
	if s.cache == nil {
		return nil
	}
	if err := s.fresh.store(s.ctx, s.cache); err != nil {
		return s.forgive(err)
	}
	return s.forgive(s.mergeLoose())
}

// close ends the use of what the scan found.
func (s *scan) close() error { return s.fresh.close() }

// forgive makes a cache that cannot be written no error when nothing was to be
// stored: a read-only repository can still be looked at.
func (s *scan) forgive(err error) error {
	if s.batch == nil && s.ctx.Err() == nil {
		return nil
	}
	return err
}

// kindOf is the kind and executable bit that a file mode stands for; the kind
// is 0 for what cannot be tracked.
func kindOf(mode fs.FileMode) (tree.Kind, bool) {
	switch {
	case mode.IsRegular():
		return tree.File, mode&0o100 != 0
	case mode.IsDir():
		return tree.Dir, false
	case mode&fs.ModeSymlink != 0:
		return tree.Symlink, false
	}
	return 0, false
}

// sortedNames lists a directory.
func sortedNames(h *handle) ([]string, error) {
	names, err := h.names()
	slices.Sort(names)
	return names, err
}
