package pipeline

import (
	"context"
	"fmt"
	"os"
	"path"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// RepoFiles is Files over a repository.
type RepoFiles struct{ repo *repo.Repo }

// NewRepoFiles returns the Files of r.
func NewRepoFiles(r *repo.Repo) *RepoFiles { return &RepoFiles{r} }

// Tracked returns what pointers and locks name.
func (f *RepoFiles) Tracked(ctx context.Context) (map[string]stagefile.Asset, error) {
	found, err := f.repo.Tracked(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]stagefile.Asset, len(found))
	for _, t := range found {
		a := asset(t.Object)
		a.Unknown, a.Alias = t.Unknown, t.Alias
		out[t.Path] = a
	}
	return out, nil
}

func asset(o repo.Object) stagefile.Asset {
	a := stagefile.Asset{Path: o.Path, Kind: stagefile.KindFile, ID: o.ID, Size: o.Size, Files: o.Files}
	switch {
	case o.Kind == tree.Dir:
		a.Kind = stagefile.KindDir
	case o.Kind == tree.Symlink:
		a.Kind = stagefile.KindSymlink
	case o.Exec:
		a.Kind = stagefile.KindExec
	}
	return a
}

// PipelineFiles returns the paths of all pipeline files and pointers.
func (f *RepoFiles) PipelineFiles(ctx context.Context) ([]string, error) {
	return f.repo.PipelineFiles(ctx)
}

// Ignore adds paths to .gitignore. Paths that git tracks already are refused:
// git would go on to store them.
func (f *RepoFiles) Ignore(ctx context.Context, paths ...string) error {
	inGit, err := f.repo.Git().Tracks(ctx, paths...)
	if err != nil {
		return err
	}
	if len(inGit) > 0 {
		return errs.New(errs.Conflict, "output %s is in git", inGit[0]).
			Hint("take it out of git: git rm -r --cached %s", inGit[0]).
			Hint("or leave it there: declare it with cache: false")
	}
	for _, p := range paths {
		if err := os.MkdirAll(f.repo.Path(path.Dir(p)), 0o777); err != nil {
			return fmt.Errorf("output %s: %w", p, err)
		}
	}
	return f.repo.Ignore(ctx, paths...)
}

// UpdateLock edits the lock in a directory.
func (f *RepoFiles) UpdateLock(ctx context.Context, dir string, edit func(*stagefile.Lock)) error {
	return f.repo.UpdateLock(ctx, dir, edit)
}
