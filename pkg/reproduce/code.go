package reproduce

import (
	"context"
	"path"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// Runs is what this package reads of runs.
type Runs interface {
	Runs(ctx context.Context, q track.Query) ([]track.Run, error)
	Run(ctx context.Context, id string) (track.Run, error)
	// HasAsset reports whether a run has an artifact with this content at a path.
	HasAsset(ctx context.Context, path string, id oid.ID) (bool, error)
}

// Reproducer works on one repository.
type Reproducer struct {
	repo *repo.Repo
	work *workspace.Workspace
	runs Runs

	// Fetch brings objects from a remote into the store; nil: there is none, or
	// it is not to be asked.
	Fetch func(ctx context.Context, objects []repo.Object) error
}

// New returns the reproducer of a repository.
func New(r *repo.Repo, w *workspace.Workspace, runs Runs) *Reproducer {
	return &Reproducer{repo: r, work: w, runs: runs}
}

// kept is what a run kept of its code.
type kept struct {
	patch  []byte
	files  map[string][]byte // path in the repository → content
	params map[string]bool   // which of them are params files
}

// kept reads what a run kept. It is errs.NotFound when that is not here.
func (p *Reproducer) kept(ctx context.Context, run *track.Run) (kept, error) {
	k := kept{files: map[string][]byte{}, params: map[string]bool{}}
	st, err := p.repo.Store(ctx)
	if err != nil {
		return k, err
	}
	sources := slices.DeleteFunc(slices.Clone(run.Assets), func(a track.Asset) bool { return !a.Source() || a.Path == track.CodeTree })
	var away []repo.Object
	for _, a := range sources {
		if !st.Has(a.ID) {
			away = append(away, repo.Object{Path: a.Path, Kind: tree.File, ID: a.ID, Size: a.Size, Files: 1})
		}
	}
	if len(away) > 0 && p.Fetch != nil {
		if err := p.Fetch(ctx, away); err != nil {
			return k, err
		}
	}
	for _, a := range sources {
		file, isFile := track.SourceFile(a.Path)
		text, err := st.Get(ctx, a.ID)
		if errs.Is(err, errs.NotFound) {
			return k, notHere(run, a.Path)
		}
		if err != nil {
			return k, err
		}
		if !isFile {
			k.patch = text
			continue
		}
		if repo.Internal(file) || path.IsAbs(file) || path.Clean(file) != file || file == ".." || len(file) > 2 && file[:3] == "../" {
			return k, errs.New(errs.Corrupt, "run %s keeps a file at %q, which is outside of a workspace", run.Name, file)
		}
		k.files[file] = text
		k.params[file] = a.Path == track.ParamsPrefix+file
	}
	return k, nil
}

// tree makes the code tree of a run.
func (p *Reproducer) tree(ctx context.Context, run *track.Run, k kept) (string, error) {
	code := wholeCode(run)
	if run.Git.Commit == "" && code == nil {
		return "", errs.New(errs.NotFound, "run %s knows no commit of git, and kept no code", run.Name).Hint("it ran before the first commit, or without git")
	}
	if run.Git.Commit != "" {
		if err := p.hasCommit(ctx, run); err != nil {
			return "", err
		}
	}
	if code == nil {
		return p.repo.CodeTree(ctx, run.Git.Commit, k.patch, k.files)
	}
	st, err := p.codeStore(ctx, run, code)
	if err != nil {
		return "", err
	}
	return p.repo.CodeTreeOf(ctx, run.Git.Commit, func(dir string) error {
		return workspace.Deliver(ctx, st, codeObject(code), dir)
	}, k.files)
}

func (p *Reproducer) hasCommit(ctx context.Context, run *track.Run) error {
	_, err := p.repo.Commit(ctx, run.Git.Commit)
	if !errs.Is(err, errs.NotFound) {
		return err
	}
	e := errs.New(errs.NotFound, "the commit %.12s of run %s is not in this clone", run.Git.Commit, run.Name)
	if run.Git.Remote != "" {
		return e.Hint("git fetch %s", run.Git.Remote)
	}
	return e.Hint("git fetch --all")
}

// isDataFile reports whether a file of the code says which data there is.
func isDataFile(name string) bool {
	return path.Base(name) == stagefile.LockName || repo.IsPointer(path.Base(name))
}

// lacksChanges reports whether a run had uncommitted changes that it did not keep.
func lacksChanges(run *track.Run) bool {
	return run.Git.Dirty && !hasPatch(run) && wholeCode(run) == nil
}

func hasPatch(run *track.Run) bool {
	return slices.ContainsFunc(run.Assets, func(a track.Asset) bool { return a.Path == track.CodePatch })
}
