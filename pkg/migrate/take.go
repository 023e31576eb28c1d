package migrate

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// TakeRequest says what to import, and under which name.
type TakeRequest struct {
	Source        // Repo, Path and Rev
	To     string // slash path relative to the root
	Force  bool   // overwrite what is not saved
}

// Taken is an import as it is now.
type Taken struct {
	Path    repo.Text `json:"path"`
	Pointer repo.Text `json:"pointer"`
	Source  Source    `json:"source"`
	ID      string    `json:"id"`
	Size    int64     `json:"size"`
	Files   int64     `json:"files"`
	Changed bool      `json:"changed"`
}

// Taker imports data of other repositories into one.
type Taker struct {
	Repo    *repo.Repo
	Connect Connect
	Report  progress.Reporter
}

// Take imports a path: the data is tracked here, and its pointer says where it is
// from.
func (t Taker) Take(ctx context.Context, q TakeRequest) (got Taken, err error) {
	inGit, err := t.Repo.Git().Tracks(ctx, q.To)
	if err != nil {
		return got, err
	}
	if len(inGit) > 0 {
		return got, errs.New(errs.Conflict, "%s is tracked by git", inGit[0]).Hint("choose another name: -o NAME")
	}
	pointer := repo.PointerPath(q.To)
	old, err := t.Repo.ReadPointer(pointer)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return got, err
	}
	had := err == nil
	st, err := t.Repo.Store(ctx)
	if err != nil {
		return got, err
	}
	release, err := st.Hold(ctx)
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, release()) }()
	o, commit, err := bringFrom(ctx, Source{Repo: t.url(q.Repo), Path: q.Path, Rev: q.Rev}, Delivery{To: t.Repo, Connect: t.Connect, Report: t.Report})
	if err != nil {
		return got, err
	}
	o.Path = q.To
	if err := fault.At(ctx, "import.brought"); err != nil {
		return got, err
	}
	if _, err := workspace.New(t.Repo, t.Report).Restore(ctx, []repo.Object{o}, workspace.RestoreOptions{Force: q.Force}); err != nil {
		return got, err
	}
	src := q.Source
	src.Commit = commit
	if err := os.MkdirAll(filepath.Dir(t.Repo.Path(pointer)), 0o777); err != nil {
		return got, err
	}
	if err := t.Repo.WritePointer(o, repo.Note{Key: noteSource, Value: src}, repo.Note{Key: noteDVC}); err != nil {
		return got, err
	}
	if err := fault.At(ctx, "import.pointer"); err != nil {
		return got, err
	}
	return Taken{
		Path: repo.Text(o.Path), Pointer: repo.Text(pointer), Source: src, ID: o.ID.String(), Size: o.Size, Files: o.Files, Changed: !had || !old.Same(o),
	}, t.Repo.Ignore(ctx, q.To)
}

// url resolves the path of a repository that a pointer names relative to ours.
func (t Taker) url(repoURL string) string {
	if strings.Contains(repoURL, "://") || filepath.IsAbs(repoURL) || strings.Contains(repoURL, "@") {
		return repoURL
	}
	if at := filepath.Join(t.Repo.Root, filepath.FromSlash(repoURL)); isDir(at) {
		return at
	}
	return repoURL
}

func isDir(p string) bool {
	info, err := os.Stat(p)
	return err == nil && info.IsDir()
}

// SourceAt is where the data at a path was imported from; errs.NotFound when it
// was not.
func SourceAt(r *repo.Repo, p string) (s Source, err error) {
	text, err := os.ReadFile(r.Path(repo.PointerPath(p)))
	if errors.Is(err, fs.ErrNotExist) {
		return s, errs.New(errs.NotFound, "%s is not tracked", p).Hint("'mlops ls' lists what is tracked")
	}
	if err != nil {
		return s, err
	}
	var notes struct {
		Source Source `yaml:"source"`
	}
	if err := repo.Notes(text, &notes); err != nil {
		return s, errs.New(errs.Usage, "read pointer %s: %w", repo.PointerPath(p), err)
	}
	if s = notes.Source; s.Repo == "" {
		return s, errs.New(errs.NotFound, "%s was not imported from a repository", p)
	}
	return s, nil
}

// Imports are the paths whose data was imported from other repositories.
func Imports(ctx context.Context, r *repo.Repo) ([]string, error) {
	tracked, err := r.Tracked(ctx)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, t := range tracked {
		if !repo.IsPointer(path.Base(t.Source)) {
			continue
		}
		switch _, err := SourceAt(r, t.Path); {
		case err == nil:
			paths = append(paths, t.Path)
		case !errs.Is(err, errs.NotFound):
			return nil, err
		}
	}
	return paths, nil
}
