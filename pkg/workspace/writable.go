package workspace

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// Writable replaces links to objects at and below paths by copies that may be
// edited. That nothing is there is no error.
func (w *Workspace) Writable(ctx context.Context, paths ...string) error {
	for _, p := range paths {
		err := filepath.WalkDir(w.repo.Path(p), func(full string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if err := ctx.Err(); err != nil || d.IsDir() {
				return err
			}
			_, err = w.unlock(full, d)
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return errs.New(errs.Internal, "make %s writable: %w", ShowPath(p), err)
		}
	}
	return nil
}
