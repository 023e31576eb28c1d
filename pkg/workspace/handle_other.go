//go:build !linux

package workspace

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/mlops-cli/mlops/pkg/fsx"
)

// handle is a directory.
type handle struct{ path string }

// openDir looks at a directory and tells how it looks. It follows a link only
// when told to.
func openDir(path string, follow bool) (*handle, fsx.Stat, error) {
	look := os.Lstat
	if follow {
		look = os.Stat
	}
	info, err := look(path)
	if err != nil {
		return nil, fsx.Stat{}, err
	}
	if !info.IsDir() {
		return nil, fsx.Stat{}, &os.PathError{Op: "open", Path: path, Err: errors.New("not a directory")}
	}
	return &handle{path}, fsx.StatOf(info), nil
}

func (h *handle) close() error { return nil }

// names lists the directory, in no order.
func (h *handle) names() ([]string, error) {
	f, err := os.Open(h.path)
	if err != nil {
		return nil, err
	}
	names, err := f.Readdirnames(-1)
	return names, errors.Join(err, f.Close())
}

// lstat tells how name looks, itself and not what it links to.
func (h *handle) lstat(name string) (fsx.Stat, error) { return fsx.Lstat(filepath.Join(h.path, name)) }

func (h *handle) readlink(name string) (string, error) {
	return os.Readlink(filepath.Join(h.path, name))
}

// createFile makes a new file to be written.
func createFile(name string, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
}

// source is a file open for reading.
type source struct{ f *os.File }

// open opens a file that was seen to be a regular one.
func (h *handle) open(name string) (source, error) {
	f, err := os.Open(filepath.Join(h.path, name))
	return source{f}, err
}

func (s source) stat() (fsx.Stat, error) { return fsx.FileStat(s.f) }

// fill reads until b is full or the file ends.
func (s source) fill(b []byte) (int, error) {
	n, err := io.ReadFull(s.f, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

// file turns the source into an os.File, which must be closed instead of it.
func (s source) file() *os.File { return s.f }

func (s source) close() error { return s.f.Close() }

// steadyDirs reports whether the times of a directory tell for sure whether
// names came or went. Windows writes them late.
func steadyDirs(string) bool { return runtime.GOOS == "darwin" }
