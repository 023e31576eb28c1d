package reproduce

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// wholeCode is the directory with all code that a run kept, nil where its
// commit and its patch say what the code was, or it kept none.
func wholeCode(run *track.Run) *track.Asset {
	i := slices.IndexFunc(run.Assets, func(a track.Asset) bool { return a.Role == track.Artifact && a.Path == track.CodeTree })
	if i < 0 || run.Git.Commit != "" && (!run.Git.Dirty || hasPatch(run)) {
		return nil
	}
	return &run.Assets[i]
}

func codeObject(a *track.Asset) repo.Object {
	return repo.Object{Path: a.Path, Kind: tree.Dir, ID: a.ID, Size: a.Size, Files: a.Files}
}

// codeStore returns the store when all code that a run kept is there.
func (p *Reproducer) codeStore(ctx context.Context, run *track.Run, code *track.Asset) (*store.Store, error) {
	absent, err := p.work.Absent(ctx, []repo.Object{codeObject(code)})
	if err != nil {
		return nil, err
	}
	if len(absent) > 0 && p.Fetch != nil {
		if err := p.Fetch(ctx, absent); err != nil {
			return nil, err
		}
		if absent, err = p.work.Absent(ctx, absent); err != nil {
			return nil, err
		}
	}
	if len(absent) > 0 {
		return nil, notHere(run, code.Path)
	}
	st, err := p.repo.Store(ctx)
	if err != nil {
		return nil, err
	}
	return st, tree.Walk(ctx, st, code.ID, func(name string, _ tree.Entry) error {
		if repo.Internal(name) {
			return errs.New(errs.Corrupt, "run %s keeps a file at %q, which is outside of a workspace", run.Name, name)
		}
		return nil
	})
}

func notHere(run *track.Run, artifact string) error {
	return errs.New(errs.NotFound, "%s of run %s is not on this machine", artifact, run.Name).
		Hint("fetch it from the default remote: --pull; where the run was made: mlops push")
}

// planCode adds to a plan without git the files of the code that a run kept
// whole, and returns those of them that stand here with another content.
func (p *Reproducer) planCode(ctx context.Context, run *track.Run, k kept, q ApplyRequest, todo *plan) (differ []string, err error) {
	code := wholeCode(run)
	if code == nil || !q.Code {
		return nil, nil
	}
	st, err := p.codeStore(ctx, run, code)
	if err != nil {
		return nil, err
	}
	todo.entries = map[string]tree.Entry{}
	var names []string
	if err := tree.Walk(ctx, st, code.ID, func(name string, e tree.Entry) error {
		if e.Kind != tree.Dir && k.files[name] == nil && q.wants(name, k) {
			todo.entries[name] = e
			names = append(names, name)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	here, err := p.work.Hash(ctx, names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		e := todo.entries[name]
		o, there := here[name]
		if link, err := os.Readlink(p.repo.Path(name)); err == nil { // Hash looks at what it leads to
			o, there = repo.Object{Kind: tree.Symlink, ID: oid.Sum([]byte(link))}, true
		}
		if there && o.ID == e.ID && o.Kind == e.Kind && o.Exec == e.Exec {
			continue
		}
		todo.write = append(todo.write, name)
		if there {
			differ = append(differ, name)
		}
	}
	return differ, nil
}

// writeCode writes a file of the code, at once.
func (p *Reproducer) writeCode(ctx context.Context, name string, e tree.Entry) error {
	st, err := p.repo.Store(ctx)
	if err != nil {
		return err
	}
	tmp, err := p.repo.TmpDir()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(tmp, "code-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary; the next gc removes it
	from := filepath.Join(dir, "file")
	if err := workspace.Deliver(ctx, st, repo.Object{Kind: e.Kind, Exec: e.Exec, ID: e.ID}, from); err != nil {
		return err
	}
	to := p.repo.Path(name)
	if err := fsx.SyncFS(dir); err != nil {
		return err
	}
	if err := fsx.Rename(from, to); err != nil {
		return err
	}
	return fsx.SyncDir(filepath.Dir(to))
}

// recentRuns are so many of the newest runs that are asked for what they kept.
const recentRuns = 20

// recentCode is the directories with all code that recent runs kept.
func (p *Reproducer) recentCode(ctx context.Context) ([]oid.ID, error) {
	newest, err := p.runs.Runs(ctx, track.Query{Limit: recentRuns, Bare: true})
	if err != nil {
		return nil, err
	}
	var roots []oid.ID
	for _, r := range newest {
		run, err := p.runs.Run(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		if code := wholeCode(&run); code != nil && !slices.Contains(roots, code.ID) {
			roots = append(roots, code.ID)
		}
	}
	return roots, nil
}

// inCode reports whether one of roots has a content at a path, and the store
// has that.
func (p *Reproducer) inCode(ctx context.Context, roots []oid.ID, name string, id oid.ID) (bool, error) {
	if len(roots) == 0 {
		return false, nil
	}
	st, err := p.repo.Store(ctx)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(roots, func(root oid.ID) bool {
		e, err := tree.Lookup(ctx, st, root, name) // a directory that is not here keeps nothing
		return err == nil && e.ID == id && st.Has(id)
	}), nil
}
