package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// RestoreOptions say what Restore may do.
type RestoreOptions struct {
	Force bool // overwrite and remove what is not saved
}

// RestoreResult counts what Restore did.
type RestoreResult struct {
	Written   int64    `json:"written"` // files and links
	Removed   int64    `json:"removed"`
	Unchanged int64    `json:"unchanged"`
	Bytes     int64    `json:"bytes"`
	Changed   []string `json:"changed"` // targets that were not as they should be
}

// edit is one path to be made as it should be.
type edit struct {
	path string      // slash path relative to the root
	old  *tree.Entry // what stands there, nil: nothing
	want *tree.Entry // what should, nil: nothing
}

// Restore makes the workspace hold objs. Where a path has bytes that are not in
// the store nothing at all is changed without Force: errs.Conflict lists each
// such path. Objects that are missing are errs.NotFound, and change nothing
// either. A file is at every moment its whole old or its whole new content.
func (w *Workspace) Restore(ctx context.Context, objs []repo.Object, o RestoreOptions) (res RestoreResult, err error) {
	res = RestoreResult{Changed: []string{}}
	st, err := w.repo.Store(ctx)
	if err != nil {
		return res, err
	}
	r := &restorer{w: w, ctx: ctx, store: st, res: &res, scan: w.begin(ctx, nil, "checking")}
	defer func() { err = errors.Join(err, r.scan.close()) }()
	if err := r.plan(objs, o.Force); err != nil {
		return res, err
	}
	if err := r.check(o.Force); err != nil {
		return res, err
	}
	return res, r.apply()
}

// restorer is one call of Restore.
type restorer struct {
	w     *Workspace
	ctx   context.Context //nolint:containedctx // it lives within one call
	store *store.Store
	res   *RestoreResult
	task  *counter

	whole []edit // paths where nothing stands: made beside, then moved there
	edits []edit // changes of single files
	wants []edit // every target
	scan  *scan
	dir   *fsx.TempDir
	temp  string // its path: where new files are made, on the file system of the workspace
}

// plan compares what is there with what should be.
func (r *restorer) plan(objs []repo.Object, force bool) error {
	paths := make([]string, len(objs))
	real := map[string]bool{}
	for i, o := range objs {
		paths[i] = o.Path
		if dir := path.Dir(o.Path); !real[dir] {
			if err := r.w.realParents(o.Path); err != nil {
				return err
			}
			real[dir] = true
		}
	}
	targets, err := r.scan.run(paths)
	if err != nil {
		return err
	}
	if err := r.scan.remember(); err != nil {
		return err
	}
	for i, t := range targets {
		if err := problemError(t.path, t.problems); err != nil && !force {
			return err
		}
		want := tree.Entry{Kind: objs[i].Kind, Exec: objs[i].Exec, Size: objs[i].Size, Files: objs[i].Files, ID: objs[i].ID}
		r.wants = append(r.wants, edit{path: t.path, want: &want})
		if err := r.compare(t, want); err != nil {
			return err
		}
	}
	return nil
}

func same(a, b *tree.Entry) bool {
	return a != nil && b != nil && a.ID == b.ID && a.Kind == b.Kind && (a.Exec == b.Exec || !hasExecBit)
}

// compare plans the edits of one target.
func (r *restorer) compare(t *target, want tree.Entry) error {
	there := t.entry
	link := t.stat.Mode&fs.ModeSymlink != 0 && !r.w.isOwnLink(r.w.full(t.path))
	if link { // the scan follows a link at the path itself; what stands there is the link
		t.found = true
	}
	if link {
		text, err := os.Readlink(r.w.full(t.path))
		if err != nil {
			return err
		}
		there = tree.Entry{Kind: tree.Symlink, Size: int64(len(text)), Files: 1, ID: oid.Sum([]byte(text))}
		if want.Kind != tree.Symlink && t.entry.ID == want.ID && t.entry.Kind == want.Kind {
			there = t.entry // a link to the right content is the user's choice
		}
	}
	switch {
	case t.found && same(&there, &want):
		r.res.Unchanged += want.Files
		return nil
	case !t.found:
		r.whole = append(r.whole, edit{path: t.path, want: &want})
	case there.Kind == tree.Dir && want.Kind == tree.Dir:
		before := len(r.edits)
		err := tree.Diff(r.ctx, r.scan.source(r.store), there.ID, want.ID, func(c tree.Change) error {
			p := join(t.path, c.Path)
			if same(c.Old, c.New) || c.Old == nil && r.leftOut(t, p, c.New) {
				return nil
			}
			r.edits = append(r.edits, edit{path: p, old: c.Old, want: c.New})
			return nil
		})
		if err != nil {
			return r.explain(t.path, err)
		}
		if len(r.edits) == before {
			r.res.Unchanged += want.Files
			return nil
		}
	case there.Kind == tree.Dir:
		if err := r.removeAll(t.path, there); err != nil {
			return err
		}
		r.edits = append(r.edits, edit{path: t.path, want: &want})
	default:
		if want.Kind == tree.Dir {
			r.edits = append(r.edits, edit{path: t.path, old: &there})
			r.whole = append(r.whole, edit{path: t.path, want: &want})
		} else {
			r.edits = append(r.edits, edit{path: t.path, old: &there, want: &want})
		}
	}
	r.res.Changed = append(r.res.Changed, t.path)
	return nil
}

// leftOut reports whether a path is there that the scan did not look at, because
// rules leave it out: it is nobody's but the user's.
func (r *restorer) leftOut(t *target, p string, e *tree.Entry) bool {
	if !t.match.Match(p, e.Kind == tree.Dir) {
		return false
	}
	_, err := os.Lstat(r.w.repo.Path(p))
	return err == nil
}

// removeAll plans the removal of a directory, file by file.
func (r *restorer) removeAll(p string, dir tree.Entry) error {
	src := r.scan.source(r.store)
	return tree.Walk(r.ctx, src, dir.ID, func(below string, e tree.Entry) error {
		if e.Kind != tree.Dir || e.Files == 0 {
			r.edits = append(r.edits, edit{path: join(p, below), old: &e})
		}
		return nil
	})
}

func (r *restorer) explain(p string, err error) error {
	if errs.Is(err, errs.NotFound) {
		return errs.New(errs.NotFound, "restore %s: %w", p, err)
	}
	return err
}

// check refuses to lose what is not saved and to begin what cannot be finished.
func (r *restorer) check(force bool) error {
	var unsaved, missing []string
	for _, e := range r.edits {
		if e.old != nil && e.old.Kind != tree.Dir && !r.store.Has(e.old.ID) {
			unsaved = append(unsaved, e.path)
		}
		if e.want != nil && (e.want.Kind != tree.Dir || e.want.Files > 0) && !r.store.Has(e.want.ID) {
			missing = append(missing, e.path)
		}
	}
	for _, e := range r.whole {
		if !r.store.Has(e.want.ID) {
			missing = append(missing, e.path)
		}
	}
	if len(missing) > 0 {
		return errs.New(errs.NotFound, "not in the store:\n  %s", strings.Join(shorten(missing), "\n  ")).
			Hint("fetch what is missing: mlops pull")
	}
	if len(unsaved) > 0 && !force {
		return errs.New(errs.Conflict, "these changes are not saved and would be lost:\n  %s", strings.Join(shorten(unsaved), "\n  ")).
			Hint("save them first: mlops add %s", Quote(commonTargets(unsaved, r.res.Changed))).
			Hint("or throw them away: the same command with --force")
	}
	return nil
}

// maxListed is how many paths an error lists.
const maxListed = 50

func shorten(paths []string) []string {
	out := make([]string, 0, min(len(paths), maxListed+1))
	for i, p := range paths {
		if i == maxListed {
			return append(out, fmt.Sprintf("and %d more", len(paths)-i))
		}
		out = append(out, ShowPath(p))
	}
	return out
}

// commonTargets are the targets that paths are in, at most three.
func commonTargets(paths, targets []string) []string {
	var in []string
	for _, t := range targets {
		if slices.ContainsFunc(paths, func(p string) bool { return p == t || strings.HasPrefix(p, t+"/") }) && len(in) < 3 {
			in = append(in, t)
		}
	}
	return in
}

// Quote writes paths as a shell takes them.
func Quote(paths []string) string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = p
		if strings.ContainsAny(p, " '\"\\$*?[]();&|<>`!\n\t") {
			out[i] = "'" + strings.ReplaceAll(p, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}

// apply does what was planned: removals, then changes of files, then what is
// new as a whole.
func (r *restorer) apply() (err error) {
	if len(r.edits)+len(r.whole) == 0 {
		return nil
	}
	files, bytes := r.totals()
	task := r.w.report.Task("checkout", files, bytes)
	defer task.Done()
	r.task = &counter{task: task}
	defer func() { r.res.Written, r.res.Bytes = r.task.files.Load(), r.task.bytes.Load() }()
	if err := r.makeTemp(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.dir.Remove()) }()
	if err := r.remove(); err != nil {
		return err
	}
	if err := fault.At(r.ctx, "checkout.removed"); err != nil {
		return err
	}
	if err := r.replace(); err != nil {
		return err
	}
	if err := r.fresh(r.whole); err != nil {
		return err
	}
	return fault.At(r.ctx, "checkout.cached")
}

func (r *restorer) totals() (files, bytes int64) {
	for _, list := range [][]edit{r.edits, r.whole} {
		for _, e := range list {
			if e.want != nil {
				files, bytes = files+e.want.Files, bytes+e.want.Size
			}
		}
	}
	return files, bytes
}

// remove removes what should not be there, then the directories that this
// leaves empty and that should not be there either.
func (r *restorer) remove() error {
	parents := map[string]bool{}
	for _, e := range r.edits {
		if e.want != nil || e.old == nil {
			continue
		}
		full := r.w.repo.Path(e.path)
		if err := os.Remove(full); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return errs.New(errs.Internal, "remove %s: %w", e.path, reason(err))
		}
		if e.old.Kind != tree.Dir {
			r.res.Removed++
		}
		for dir := path.Dir(e.path); dir != "." && r.inTarget(dir); dir = path.Dir(dir) {
			parents[dir] = true
		}
	}
	wanted, err := r.wantedDirs(parents)
	if err != nil {
		return err
	}
	dirs := make([]string, 0, len(parents))
	for dir := range parents {
		if !wanted[dir] {
			dirs = append(dirs, dir)
		}
	}
	slices.SortFunc(dirs, func(a, b string) int { return len(b) - len(a) }) // the deepest first
	for _, dir := range dirs {
		if err := os.Remove(r.w.repo.Path(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) && !notEmpty(r.w.repo.Path(dir)) {
			return errs.New(errs.Internal, "remove %s: %w", dir, reason(err))
		}
	}
	return nil
}

func notEmpty(dir string) bool {
	names, err := os.ReadDir(dir)
	return err == nil && len(names) > 0
}

// inTarget reports whether a directory is a target or inside one.
func (r *restorer) inTarget(dir string) bool {
	return slices.ContainsFunc(r.res.Changed, func(t string) bool { return dir == t || strings.HasPrefix(dir, t+"/") })
}

// wantedDirs are those of dirs that should be there, though they may be empty.
func (r *restorer) wantedDirs(dirs map[string]bool) (map[string]bool, error) {
	wanted := map[string]bool{}
	for dir := range dirs {
		for _, t := range r.wants {
			below, ok := strings.CutPrefix(dir, t.path+"/")
			switch {
			case t.path == dir:
				wanted[dir] = t.want.Kind == tree.Dir
			case ok && t.want.Kind == tree.Dir:
				e, err := tree.Lookup(r.ctx, r.store, t.want.ID, below)
				if err != nil && !errs.Is(err, errs.NotFound) {
					return nil, err
				}
				wanted[dir] = err == nil && e.Kind == tree.Dir
			}
		}
	}
	return wanted, nil
}

// counter counts what is written, and tells who watches.
type counter struct {
	task  progress.Task
	files atomic.Int64
	bytes atomic.Int64
}

func (c *counter) add(bytes int64) {
	c.files.Add(1)
	c.bytes.Add(bytes)
	c.task.Add(1, bytes)
}

// realDir makes sure that a directory, inside a target, is one and no link.
func (r *restorer) realDir(dir string, seen map[string]bool) error {
	if dir == "." || seen[dir] {
		return nil
	}
	if err := r.realDir(path.Dir(dir), seen); err != nil {
		return err
	}
	full := r.w.repo.Path(dir)
	st, err := fsx.Lstat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.Mkdir(full, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return errs.New(errs.Internal, "make directory %s: %w", dir, reason(err))
		}
	case err != nil:
		return err
	case !st.Mode.IsDir():
		return errs.New(errs.Conflict, "%s is no directory", dir).Hint("move it away, then type the same command again")
	}
	seen[dir] = true
	return nil
}
