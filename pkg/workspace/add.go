package workspace

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// AddRequest says what to track.
type AddRequest struct {
	Dir   string   // where the paths were typed, of the file system
	Paths []string // files, directories, patterns
}

// Added is one path that Add tracks.
type Added struct {
	Path    repo.Text `json:"path"`
	Kind    string    `json:"kind"` // file or dir
	ID      oid.ID    `json:"id"`
	Size    int64     `json:"size"`
	Files   int64     `json:"files"`
	Pointer repo.Text `json:"pointer"` // the file to give to git
	Changed bool      `json:"changed"` // it was not tracked, or not with this content
}

// AddResult is what Add did.
type AddResult struct {
	Added []Added `json:"added"`
}

// Add stores paths durably and makes their pointers name them. Each path
// succeeds or fails for itself: what fails is not recorded, and when others
// succeed the error is of kind errs.Partial. A path inside a tracked directory
// updates that directory, of which nothing else needs to be there.
func (w *Workspace) Add(ctx context.Context, req AddRequest) (res AddResult, err error) {
	res = AddResult{Added: []Added{}}
	st, err := w.repo.Store(ctx)
	if err != nil {
		return res, err
	}
	// Until pointers name them, a gc must not come by the new objects.
	release, err := st.Hold(ctx)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, release()) }()
	a := &adder{w: w, ctx: ctx}
	paths := a.collect(req)
	if a.tracked, err = w.repo.TrackedBut(ctx, paths...); err != nil {
		return res, err
	}
	todo := a.allowed(paths)
	if len(todo) > 0 {
		targets, err := w.save(ctx, todo, "adding", nil)
		if err != nil {
			return res, err
		}
		if err := fault.At(ctx, "add.saved"); err != nil {
			return res, err
		}
		if res.Added, err = a.record(targets); err != nil {
			return res, err
		}
	}
	return res, a.verdict(len(res.Added))
}

// adder is one call of Add.
type adder struct {
	w       *Workspace
	ctx     context.Context //nolint:containedctx // it lives within one call
	tracked []repo.Tracked
	outs    map[string]string // output → stage, of the pipeline files
	failed  []error
}

func (a *adder) fail(err error) { a.failed = append(a.failed, err) }

// collect turns what was typed into paths.
func (a *adder) collect(req AddRequest) []string {
	var paths []string
	for _, typed := range req.Paths {
		p, err := a.w.repo.Rel(req.Dir, typed)
		if err != nil {
			a.fail(err)
			continue
		}
		found, err := a.w.expand(a.ctx, p)
		if err != nil {
			a.fail(err)
			continue
		}
		paths = append(paths, found...)
	}
	return outermost(paths)
}

// allowed keeps the paths that may be tracked.
func (a *adder) allowed(paths []string) []string {
	var todo, ask []string
	for _, p := range paths {
		isNew, err := a.check(p)
		if err != nil {
			a.fail(err)
			continue
		}
		if isNew {
			ask = append(ask, p)
		}
		todo = append(todo, p)
	}
	inGit, err := a.w.repo.Git().Tracks(a.ctx, ask...)
	if err != nil {
		a.fail(err)
		return nil
	}
	kept := todo[:0]
	for _, p := range todo {
		if file := firstIn(inGit, p); file != "" {
			a.fail(errs.New(errs.Conflict, "%s is tracked by git", ShowPath(file)).
				Hint("git rm -r --cached %s", Quote([]string{p})).Hint("then type the same command again"))
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

func firstIn(files []string, p string) string {
	for _, f := range files {
		if f == p || strings.HasPrefix(f, p+"/") {
			return f
		}
	}
	return ""
}

// check says why p may not be tracked. New means that no pointer names it yet.
func (a *adder) check(p string) (isNew bool, err error) {
	base := path.Base(p)
	switch {
	case p == ".":
		return false, errs.New(errs.Usage, "the whole repository cannot be tracked").Hint("name the files or directories with data: mlops add data")
	case repo.Internal(p):
		return false, errs.New(errs.Usage, "%s is inside a .git or .mlops directory", ShowPath(p))
	case repo.IsPointer(base):
		return false, errs.New(errs.Usage, "%s is a pointer file: it belongs into git", ShowPath(p)).
			Hint("mlops add %s", Quote([]string{strings.TrimSuffix(p, repo.PointerExt)}))
	case base == ".gitignore" || base == ".gitattributes" || base == repo.IgnoreFile || p == stagefile.FileName || base == stagefile.LockName:
		return false, errs.New(errs.Usage, "%s belongs into git", ShowPath(p)).Hint("git add %s", Quote([]string{p}))
	}
	if err := a.w.realParents(p); err != nil {
		return false, err
	}
	t, inside := holder(a.tracked, p)
	if inside && t.Stage != "" {
		return false, madeByStage(p, t.Stage)
	}
	info, err := fsx.Lstat(a.w.repo.Path(p))
	if errors.Is(err, fs.ErrNotExist) {
		if inside && t.Path != p {
			return false, nil // to be taken out of the directory
		}
		return false, a.missing(p, inside)
	}
	if err != nil {
		return false, err
	}
	if info.Mode&fs.ModeSymlink != 0 && !inside && !a.w.isOwnLink(a.w.repo.Path(p)) {
		return false, errs.New(errs.Usage, "%s is a symbolic link", ShowPath(p)).
			Hint("add what it leads to, or copy that here; links inside a directory that is added are kept")
	}
	for _, other := range a.tracked {
		if strings.HasPrefix(other.Path, p+"/") {
			return false, errs.New(errs.Conflict, "%s is tracked already, inside %s", ShowPath(other.Path), ShowPath(p)).
				Hint("to track all of %s instead: mlops rm %s", p, Quote([]string{other.Path}))
		}
	}
	if inside {
		return false, nil
	}
	stage, err := a.stageOf(p)
	if err == nil && stage != "" {
		err = madeByStage(p, stage)
	}
	return true, err
}

func madeByStage(p, stage string) error {
	return errs.New(errs.Conflict, "%s is an output of stage %s, which tracks it", ShowPath(p), stage).
		Hint("mlops run %s", Quote([]string{stage}))
}

func (a *adder) missing(p string, inside bool) error {
	e := errs.New(errs.NotFound, "%s does not exist", ShowPath(p))
	if inside {
		return e.Hint("bring it back: mlops checkout %s", Quote([]string{p}))
	}
	var names []string
	if list, err := os.ReadDir(a.w.repo.Path(path.Dir(p))); err == nil {
		for _, d := range list {
			names = append(names, join(path.Dir(p), d.Name()))
		}
	}
	return e.DidYouMean(p, names)
}

// stageOf names the stage that declares p, or something in or around p, as an
// output. Pipeline files that cannot be read declare nothing: run says why.
func (a *adder) stageOf(p string) (string, error) {
	if a.outs == nil {
		a.outs = map[string]string{}
		files, err := a.w.repo.Pipelines(a.ctx, "")
		if err != nil {
			return "", err
		}
		for _, name := range files {
			f, err := stagefile.Load(func(file string) ([]byte, error) { return os.ReadFile(a.w.repo.Path(file)) }, name)
			if err != nil {
				continue
			}
			for i := range f.Stages {
				for _, o := range f.Stages[i].Outs {
					a.outs[o.Path] = f.Stages[i].Address()
				}
			}
		}
	}
	for out, stage := range a.outs {
		if out == p || strings.HasPrefix(p, out+"/") || strings.HasPrefix(out, p+"/") {
			return stage, nil
		}
	}
	return "", nil
}

// record makes the pointers name what was saved.
func (a *adder) record(targets []*target) ([]Added, error) {
	added := []Added{}
	var ignored []string
	inside := map[string][]*target{}
	var order []repo.Tracked
	for _, t := range targets {
		if err := problemError(t.path, t.problems); err != nil {
			a.fail(err)
			continue
		}
		if dir, ok := holder(a.tracked, t.path); ok && dir.Path != t.path {
			if inside[dir.Path] == nil {
				order = append(order, dir)
			}
			inside[dir.Path] = append(inside[dir.Path], t)
			continue
		}
		if !t.found {
			a.fail(errs.New(errs.NotFound, "%s does not exist", ShowPath(t.path)))
			continue
		}
		got, err := a.point(t.object())
		if err != nil {
			return added, err
		}
		added = append(added, got)
		ignored = append(ignored, t.path)
	}
	for _, dir := range order {
		got, err := a.update(dir, inside[dir.Path])
		if err != nil {
			a.fail(err)
			continue
		}
		added = append(added, got)
		ignored = append(ignored, dir.Path)
	}
	if err := fault.At(a.ctx, "add.pointer.written"); err != nil {
		return added, err
	}
	if err := a.w.repo.Ignore(a.ctx, ignored...); err != nil {
		return added, err
	}
	return added, fault.At(a.ctx, "add.ignored")
}

func (a *adder) point(o repo.Object) (Added, error) {
	pointer := repo.PointerPath(o.Path)
	old, err := a.w.repo.ReadPointer(pointer)
	got := Added{
		Path: repo.Text(o.Path), Kind: o.Kind.String(), ID: o.ID, Size: o.Size, Files: o.Files,
		Pointer: repo.Text(pointer), Changed: err != nil || !old.Same(o),
	}
	return got, a.w.repo.WritePointer(o)
}

// update puts paths into the tree of a tracked directory, or takes those out
// that are gone.
func (a *adder) update(dir repo.Tracked, targets []*target) (got Added, err error) {
	err = a.w.repo.Locked(a.ctx, "pointer.lock", "mlops add", func() error {
		old, err := a.w.repo.ReadPointer(repo.PointerPath(dir.Path))
		if err != nil {
			return err
		}
		edits := map[string]*tree.Entry{}
		var texts [][]byte // of links, which the scan followed
		for _, t := range targets {
			below := strings.TrimPrefix(t.path, dir.Path+"/")
			edits[below] = nil
			if text, err := os.Readlink(a.w.repo.Path(t.path)); err == nil && !a.w.isOwnLink(a.w.repo.Path(t.path)) {
				edits[below] = &tree.Entry{Kind: tree.Symlink, Size: int64(len(text)), Files: 1, ID: oid.Sum([]byte(text))}
				texts = append(texts, []byte(text))
			} else if t.found {
				e := t.entry
				edits[below] = &e
			}
		}
		total, err := a.w.updateTree(a.ctx, old.ID, edits, texts)
		if err != nil {
			return err
		}
		got, err = a.point(repo.Object{Path: dir.Path, Kind: tree.Dir, ID: total.ID, Size: total.Size, Files: total.Files})
		return err
	})
	if errs.Is(err, errs.NotFound) {
		err = errs.New(errs.NotFound, "%s: %w", dir.Path, err)
	}
	return got, err
}

func (w *Workspace) updateTree(ctx context.Context, dir oid.ID, edits map[string]*tree.Entry, texts [][]byte) (total tree.Entry, err error) {
	st, err := w.repo.Store(ctx)
	if err != nil {
		return total, err
	}
	batch, err := st.NewBatch(ctx)
	if err != nil {
		return total, err
	}
	defer func() { err = errors.Join(err, batch.Close()) }()
	for below, e := range edits {
		if e == nil {
			if _, err := tree.Lookup(ctx, st, dir, below); err != nil {
				return total, errs.New(errs.KindOf(err), "%s is neither there nor tracked", ShowPath(below))
			}
		}
	}
	for _, text := range texts {
		if _, err := batch.PutBytes(text); err != nil {
			return total, err
		}
	}
	total, err = tree.Update(ctx, st, batch, dir, edits)
	if err != nil {
		return total, err
	}
	return total, batch.Commit()
}

// verdict is the error of the whole command.
func (a *adder) verdict(added int) error { return partial("add", added, a.failed) }

// partial joins the errors of single items.
func partial(what string, done int, failed []error) error {
	switch {
	case len(failed) == 0:
		return nil
	case len(failed) == 1 && done == 0:
		return failed[0]
	}
	var text strings.Builder
	var hints []string
	for _, err := range failed {
		text.WriteString("\n  " + strings.ReplaceAll(err.Error(), "\n", "\n  "))
		for _, h := range errs.Hints(err) {
			hints = appendOnce(hints, h)
		}
	}
	e := errs.New(errs.Partial, "%s: %d failed, %d done:%s", what, len(failed), done, text.String())
	for i, h := range hints {
		if i < 5 {
			e.Hint("%s", h)
		}
	}
	return e
}

func appendOnce(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
