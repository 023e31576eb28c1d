package cmd

import (
	"context"
	"os"
	"path/filepath"

	"github.com/mlops-cli/mlops/pkg/pipeline"
)

// engine opens the pipeline of the repository. Dir is the working directory
// relative to its root, as the names of stages are.
func (a *app) engine(ctx context.Context) (e *pipeline.Engine, dir string, err error) {
	r, err := a.repo(ctx)
	if err != nil {
		return nil, "", err
	}
	if dir, err = r.Rel(".", "."); err != nil {
		return nil, "", err
	}
	return pipeline.New(pipeline.Config{
		Root:  r.Root,
		Read:  func(p string) ([]byte, error) { return os.ReadFile(filepath.Join(r.Root, filepath.FromSlash(p))) },
		Files: pipeline.NewRepoFiles(r),
		Index: r.Index,
		Clock: a.clock,
	}), dir, nil
}
