package repo

import (
	"context"
	"maps"
	"os"
	"path"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/ignore"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// The files and directories of others that say where pipelines are not.
const (
	gitIgnoreName = ".gitignore"
	dvcIgnoreName = ".dvcignore"
	dvcDirectory  = ".dvc"
)

// PipelineFiles lists what the graph of the workspace is made of: the pipeline
// files, one a directory, and the pointers, ours and those of DVC. Files that
// git, DVC or .mlopsignore leaves out do not count, nor those in data or in a
// repository of its own.
func (r *Repo) PipelineFiles(ctx context.Context) ([]string, error) {
	w, err := r.findPipelines(ctx)
	if err != nil {
		return nil, err
	}
	return append(choosePipelines(w.found), w.pointers...), nil
}

func (r *Repo) findPipelines(ctx context.Context) (*pipelineWalker, error) {
	w := &pipelineWalker{repo: r, ctx: ctx, ignored: map[string]*ignore.Matcher{IgnoreFile: ignore.New(), dvcIgnoreName: ignore.New()}}
	if r.git.Exists() {
		git := ignore.New()
		if text, err := os.ReadFile(r.Path(".git/info/exclude")); err == nil {
			git.Add(".", text)
		}
		w.ignored[gitIgnoreName] = git
	}
	return w, w.walk(".")
}

type pipelineWalker struct {
	repo    *Repo
	ctx     context.Context            //nolint:containedctx // of one walk
	ignored map[string]*ignore.Matcher // by the name of the files its rules are from
	found   []string
	// pointers are found too, ours and those of DVC.
	pointers []string
}

func (w *pipelineWalker) walk(dir string) error {
	entries, err := w.repo.list(w.ctx, dir, "look for pipelines")
	if err != nil {
		return err
	}
	names := make(map[string]bool, len(entries))
	for _, e := range entries {
		names[e.Name()] = true
		if m := w.ignored[e.Name()]; m != nil && !e.IsDir() {
			text, err := os.ReadFile(w.repo.Path(path.Join(dir, e.Name())))
			if err != nil {
				return errs.New(errs.Internal, "read %s: %w", path.Join(dir, e.Name()), err)
			}
			m.Add(dir, text)
		}
	}
	if dir != "." && (names[Dir] || names[dvcDirectory]) {
		return nil // a repository of its own
	}
	for _, e := range entries {
		name, at := e.Name(), path.Join(dir, e.Name())
		switch {
		case e.IsDir():
			data := names[name+PointerExt] || names[name+dvcDirectory] // x.dvc is DVC's pointer to x
			if name == Dir || name == gitDirectory || name == dvcDirectory || data || w.excludes(at, true) {
				continue
			}
			if err := w.walk(at); err != nil {
				return err
			}
		case stagefile.IsPointer(name) && e.Type().IsRegular() && !w.excludes(at, false):
			w.pointers = append(w.pointers, at)
		case (name == stagefile.FileName || name == stagefile.DVCFileName) && !w.excludes(at, false):
			w.found = append(w.found, at)
		}
	}
	return nil
}

func (w *pipelineWalker) excludes(at string, isDir bool) bool {
	for _, m := range w.ignored {
		if m.MatchChild(at, isDir) {
			return true
		}
	}
	return false
}

func sortedValues(m map[string]string) []string { return slices.Sorted(maps.Values(m)) }
