package file

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/remote"
)

// tempPrefix begins the names of files that are not objects.
const tempPrefix = ".mlops-"

// Driver opens file:///path and plain paths.
func Driver() remote.Driver {
	return remote.Driver{Schemes: []string{"file"}, Open: func(_ context.Context, u *url.URL) (remote.Bucket, error) {
		if u.Host != "" && u.Host != "localhost" {
			return nil, errs.New(errs.Usage, "remote %s: a directory has three slashes: file:///path", u)
		}
		if u.RawQuery != "" {
			return nil, errs.New(errs.Usage, "remote %s: a directory has no parameters", u)
		}
		return Open(fromURL(u.Path))
	}}
}

func fromURL(path string) string {
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, "/")
	}
	return filepath.FromSlash(path)
}

// Bucket is a directory.
type Bucket struct{ root string }

// Open returns the bucket in the directory root. The first Put makes the
// directory, not those above it: they would hide that a disk is not mounted.
func Open(root string) (*Bucket, error) {
	info, err := os.Stat(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(root)); err != nil {
			return nil, errs.New(errs.Remote, "open remote %s: %w", root, err).
				Hint("mount the disk it is on, or make the directory: mkdir -p %s", root)
		}
	case err != nil:
		return nil, errs.New(errs.Remote, "open remote %s: %w", root, err)
	case !info.IsDir():
		return nil, errs.New(errs.Remote, "open remote %s: not a directory", root)
	}
	return &Bucket{root: root}, nil
}

// Close does nothing: no file stays open.
func (*Bucket) Close() error { return nil }

func (b *Bucket) path(key string) (string, error) {
	if !fs.ValidPath(key) || key == "." || strings.HasPrefix(filepath.Base(key), tempPrefix) || !filepath.IsLocal(filepath.FromSlash(key)) {
		return "", errs.New(errs.Usage, "remote key %q is not valid", key)
	}
	return filepath.Join(b.root, filepath.FromSlash(key)), nil
}

func explain(err error, doing, path string) error {
	if err == nil {
		return nil
	}
	kind := errs.Remote
	switch {
	case errors.Is(err, fs.ErrNotExist):
		kind = errs.NotFound
	case errors.Is(err, context.Canceled):
		kind = errs.Canceled
	}
	e := errs.New(kind, "%s %s: %w", doing, path, err)
	if errors.Is(err, fs.ErrPermission) {
		e.Hint("check who may write there: ls -ld %s", filepath.Dir(path))
	}
	return e
}

// Get reads a part of an object.
func (b *Bucket) Get(_ context.Context, key string, off, n int64) (io.ReadCloser, error) {
	path, err := b.path(key)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, explain(err, "read", path)
	}
	if off > 0 {
		if _, err := f.Seek(off, io.SeekStart); err != nil {
			return nil, errors.Join(explain(err, "read", path), f.Close())
		}
	}
	if n < 0 {
		return f, nil
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(f, n), f}, nil
}

// Stat returns the size of an object.
func (b *Bucket) Stat(_ context.Context, key string) (int64, error) {
	path, err := b.path(key)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, explain(err, "look up", path)
	}
	if !info.Mode().IsRegular() {
		return 0, errs.New(errs.NotFound, "look up %s: not a file", path)
	}
	return info.Size(), nil
}

// Delete removes an object.
func (b *Bucket) Delete(_ context.Context, key string) error {
	path, err := b.path(key)
	if err != nil {
		return err
	}
	return explain(os.Remove(path), "delete", path)
}

// Put writes an object beside its place, flushes it and gives it its name.
func (b *Bucket) Put(ctx context.Context, key string, size int64, body remote.Body, o remote.PutOptions) error {
	path, err := b.path(key)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := b.mkdir(dir); err != nil {
		return explain(err, "write", path)
	}
	// Made with the rights that the umask leaves, so that a group can share it.
	tmp, err := os.OpenFile(filepath.Join(dir, tempPrefix+rand.Text()+".tmp"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return explain(err, "write", path)
	}
	if err := fill(ctx, tmp, size, body); err != nil {
		return explain(errors.Join(err, os.Remove(tmp.Name())), "write", path)
	}
	if err := b.name(ctx, tmp.Name(), path, o); err != nil {
		return err
	}
	return explain(fsx.SyncDir(dir), "write", path)
}

// name moves the finished file tmp to path.
func (b *Bucket) name(ctx context.Context, tmp, path string, o remote.PutOptions) error {
	if !o.IfAbsent {
		if err := fsx.Rename(tmp, path); err != nil {
			return explain(errors.Join(err, os.Remove(tmp)), "write", path)
		}
		return nil
	}
	err := os.Link(tmp, path)
	if err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
		// A file system without links: writers take turns instead.
		return b.nameLocked(ctx, tmp, path)
	}
	rerr := os.Remove(tmp)
	if errors.Is(err, fs.ErrExist) {
		return errors.Join(errs.New(errs.Conflict, "write %s: it exists", path), rerr)
	}
	return explain(errors.Join(err, rerr), "write", path)
}

func (b *Bucket) nameLocked(ctx context.Context, tmp, path string) (err error) {
	lock, err := fsx.LockFile(ctx, filepath.Join(b.root, tempPrefix+"lock"), fsx.Exclusive, "mlops push")
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	switch _, err := os.Lstat(path); {
	case err == nil:
		return errors.Join(errs.New(errs.Conflict, "write %s: it exists", path), os.Remove(tmp))
	case !errors.Is(err, fs.ErrNotExist):
		return explain(errors.Join(err, os.Remove(tmp)), "write", path)
	}
	return explain(fsx.Rename(tmp, path), "write", path)
}

// mkdir makes dir and those between it and the root, durably.
func (b *Bucket) mkdir(dir string) error {
	err := os.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) && dir != b.root {
		if err = b.mkdir(filepath.Dir(dir)); err == nil {
			err = os.Mkdir(dir, 0o777)
		}
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
	}
	if err != nil {
		return err
	}
	return fsx.SyncDir(filepath.Dir(dir))
}

// fill writes the body to f, flushes and closes it.
func fill(ctx context.Context, f *os.File, size int64, body remote.Body) (err error) {
	defer func() { err = errors.Join(err, f.Close()) }()
	src, err := body()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	if file, ok := src.(*os.File); ok {
		err = fsx.CopyInto(f, file, size)
	} else {
		err = copyAll(ctx, f, src, size)
	}
	if err == nil {
		err = f.Sync()
	}
	return err
}

func copyAll(ctx context.Context, f *os.File, src io.Reader, size int64) error {
	buf := make([]byte, min(size+1, 1<<20))
	var done, flushed int64
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := src.Read(buf)
		if done += int64(n); done > size {
			return fmt.Errorf("the body is longer than its %d bytes", size)
		}
		if _, werr := f.Write(buf[:n]); werr != nil {
			return werr
		}
		// The flush at the end is short when the disk starts early.
		if done-flushed >= 16<<20 {
			_ = fsx.StartFlush(f, flushed, done-flushed) // advice only
			flushed = done
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if done < size {
		return fmt.Errorf("the body has %d of %d bytes", done, size)
	}
	return nil
}
