package fsx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFile makes path hold data, durably: readers see the whole old or the
// whole new content, also after a crash. The temporary file stands beside path
// and is removed when anything fails.
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	return Replace(path, perm, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Replace is WriteFile for content that fill writes, which need not fit memory.
func Replace(path string, perm fs.FileMode, fill func(io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".mlops-*.tmp")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	err = fill(tmp)
	if err == nil {
		err = tmp.Chmod(perm)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, os.Remove(tmp.Name())))
	}
	return SyncDir(filepath.Dir(path))
}

// Output is Replace for a name that a user typed: what a symbolic link leads to
// is replaced, not the link, and a device or pipe is written into.
func Output(path string, perm fs.FileMode, fill func(io.Writer) error) error {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return Replace(path, perm, fill)
	}
	if info.Mode().IsRegular() {
		target, err := filepath.EvalSymlinks(path)
		if err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		return Replace(target, perm, fill)
	}
	out, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := errors.Join(fill(out), out.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// Rename gives from the name to, replacing what is there. It does not flush
// the directory: call SyncDir after a batch of renames.
func Rename(from, to string) error { return os.Rename(from, to) }
