package cmd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/mlops-cli/mlops/pkg/migrate"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/term"
)

// fetchForeign brings into the store, with --pull, what the stages read and write,
// is not on disk, and only DVC's files name. What cannot be had, the stage that
// needs it says.
func (o *runOptions) fetchForeign(ctx context.Context, e *pipeline.Engine) error {
	if !o.Pull || o.dryRun {
		return nil
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	project, err := e.Project(ctx, nil)
	if err != nil {
		return err
	}
	paths, err := project.Paths(o.PlanRequest)
	if err != nil || len(paths) == 0 {
		return err
	}
	theirs, err := o.app.foreign(ctx, paths)
	if err != nil {
		return err
	}
	theirs = slices.DeleteFunc(theirs, func(p string) bool {
		_, err := os.Lstat(r.Path(p))
		return !errors.Is(err, fs.ErrNotExist)
	})
	if len(theirs) == 0 {
		return nil
	}
	origin, err := migrate.FindOrigin(r.Root)
	if err != nil {
		return err
	}
	connect := func(ctx context.Context, place string) (*remote.Conn, error) { return o.app.openToRead(ctx, place, 0) }
	res, err := migrate.Fetch(ctx, r, origin, theirs, connect, o.app.io.Progress())
	if res.Files > 0 {
		o.app.io.Note("fetched %s of DVC's data, %s", term.Plural(res.Files, "file"), term.Bytes(res.Bytes))
	}
	if err != nil && ctx.Err() == nil {
		o.app.io.Warn("not all of DVC's data could be fetched: %v", err)
		return nil
	}
	return err
}
