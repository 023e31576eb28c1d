package cmd

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/repo"
)

// patchLimit is up to how many bytes of changes of the code are kept with a run.
const patchLimit = 4 << 20

// codeState asks git, side by side, what the code of a run is.
func codeState(ctx context.Context, r *repo.Repo, files []string) (s pipeline.CodeState, err error) {
	git := r.Git()
	if s.Commit, err = git.Head(ctx); err != nil || s.Commit == "" {
		return s, err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { s.Patch, _, err = r.Patch(ctx, s.Commit, patchLimit); return err })
	g.Go(func() (err error) { s.Blobs, err = git.Blobs(ctx, s.Commit, files); return err })
	return s, g.Wait()
}
