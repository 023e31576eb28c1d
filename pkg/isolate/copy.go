package isolate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// leaseExt follows the name of a copy in that of its lease.
const leaseExt = ".lease"

// How often, and after what pause, a lease is tried again.
const (
	leaseTries = 10
	leasePause = 5 * time.Millisecond
)

// Copy is a copy of the workspace that this process works in.
type Copy struct {
	Repo *repo.Repo // whose root is the copy

	lease *fsx.Lease
}

// dir is where the copies of a repository are.
func dir(r *repo.Repo) string { return filepath.Join(r.MetaDir(), repo.IsolatedName) }

// Make makes a copy called name, which nobody has.
func Make(ctx context.Context, r *repo.Repo, s Snapshot, name string) (*Copy, error) {
	if err := os.MkdirAll(dir(r), 0o777); err != nil {
		return nil, errs.New(errs.Internal, "copy the workspace: %w", err)
	}
	root := filepath.Join(dir(r), name)
	lease, _, err := fsx.TryLease(root + leaseExt)
	for tries := 0; lease == nil && err == nil && tries < leaseTries; tries++ {
		time.Sleep(leasePause) // Tidy may be looking at it
		lease, _, err = fsx.TryLease(root + leaseExt)
	}
	if err != nil {
		return nil, errs.New(errs.Internal, "copy the workspace: %w", err)
	}
	if lease == nil {
		return nil, errs.New(errs.Conflict, "the copy %s is in use", root)
	}
	// From here on Tidy finds what a crash leaves.
	c := &Copy{lease: lease}
	if err := c.fill(ctx, r, s, root); err != nil {
		return nil, errors.Join(errs.New(errs.KindOf(err), "copy the workspace: %w", err), c.discard(root))
	}
	return c, nil
}

// fill makes the copy in root.
func (c *Copy) fill(ctx context.Context, r *repo.Repo, s Snapshot, root string) error {
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	if err := fault.At(ctx, "isolate.leased"); err != nil {
		return err
	}
	st, err := r.Store(ctx)
	if err != nil {
		return err
	}
	if err := os.Mkdir(root, 0o777); err != nil {
		return err
	}
	if err := writeTree(ctx, st, s.Code, root); err != nil {
		return err
	}
	if err := r.MakeCopy(root); err != nil {
		return err
	}
	if err := fault.At(ctx, "isolate.code"); err != nil {
		return err
	}
	if c.Repo, err = r.OpenCopy(root); err != nil {
		return err
	}
	if len(c.Repo.Config.Cache.Link) == 0 {
		c.Repo.Config.Cache.Link = []string{"reflink", "hardlink", "copy"}
	}
	if len(s.Data) > 0 {
		if _, err := workspace.New(c.Repo, progress.Nop{}).Restore(ctx, s.Data, workspace.RestoreOptions{}); err != nil {
			return err
		}
	}
	return fault.At(ctx, "isolate.data")
}

// writeTree writes the files of a directory in the store to root, which is
// empty.
func writeTree(ctx context.Context, st *store.Store, code tree.Entry, root string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(4, 2*runtime.GOMAXPROCS(0)))
	err := tree.Walk(ctx, st, code.ID, func(name string, e tree.Entry) error {
		full := filepath.Join(root, filepath.FromSlash(name))
		if e.Kind == tree.Dir {
			return os.Mkdir(full, 0o777)
		}
		g.Go(func() error { return writeFile(ctx, st, e, full) })
		return nil
	})
	return errors.Join(err, g.Wait())
}

func writeFile(ctx context.Context, st *store.Store, e tree.Entry, full string) error {
	if e.Kind == tree.Symlink {
		text, err := st.Get(ctx, e.ID)
		if err != nil {
			return err
		}
		return os.Symlink(string(text), full)
	}
	perm := fs.FileMode(0o666)
	if e.Exec {
		perm = 0o777
	}
	f, err := os.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	return errors.Join(st.Materialise(ctx, e.ID, f), f.Close())
}

// Remove removes the copy. What was made in it is in the store.
func (c *Copy) Remove(ctx context.Context) error {
	root := c.Repo.Root
	if err := errors.Join(c.Repo.Close(), fault.At(ctx, "isolate.ran")); err != nil {
		return err
	}
	if err := os.RemoveAll(root); err != nil {
		return errs.New(errs.Internal, "remove the copy of the workspace: %w", err).Hint("rm -r %s", root)
	}
	if err := fault.At(ctx, "isolate.removed"); err != nil {
		return err
	}
	return c.lease.Release()
}

// Keep leaves the copy to the user, who removes it. It returns where it is.
func (c *Copy) Keep() (string, error) {
	return c.Repo.Root, errors.Join(c.Repo.Close(), c.lease.Release())
}

// discard removes what was made of a copy that could not be made.
func (c *Copy) discard(root string) error {
	var err error
	if c.Repo != nil {
		err = c.Repo.Close()
	}
	return errors.Join(err, os.RemoveAll(root), c.lease.Release())
}

// Tidy removes the copies whose processes died, and returns how many.
func Tidy(_ context.Context, r *repo.Repo) (removed int, err error) {
	entries, err := os.ReadDir(dir(r))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, errs.New(errs.Internal, "look for copies of the workspace: %w", err)
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), leaseExt)
		if !ok {
			continue
		}
		lease, _, err := fsx.TryLease(filepath.Join(dir(r), e.Name()))
		if err != nil {
			return removed, err
		}
		if lease == nil {
			continue // at work
		}
		if err := os.RemoveAll(filepath.Join(dir(r), name)); err != nil {
			return removed, errors.Join(fmt.Errorf("remove a copy of the workspace: %w", err), lease.Abandon())
		}
		if err := lease.Release(); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}
