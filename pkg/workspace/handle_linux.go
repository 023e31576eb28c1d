package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/mlops-cli/mlops/pkg/fsx"
)

// handle is an open directory. Names are looked up in it without walking its
// path again.
type handle struct {
	fd   int
	path string
}

// openDir opens a directory and tells how it looks. It follows a link only
// when told to.
func openDir(path string, follow bool) (*handle, fsx.Stat, error) {
	flags := unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC
	if !follow {
		flags |= unix.O_NOFOLLOW
	}
	fd, err := retry(func() (int, error) { return unix.Open(path, flags, 0) })
	if err != nil {
		return nil, fsx.Stat{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	h := &handle{fd: fd, path: path}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fsx.Stat{}, errors.Join(&fs.PathError{Op: "stat", Path: path, Err: err}, h.close())
	}
	return h, convert(&st), nil
}

func retry[T any](call func() (T, error)) (T, error) {
	for {
		v, err := call()
		if !errors.Is(err, unix.EINTR) {
			return v, err
		}
	}
}

func (h *handle) close() error { return unix.Close(h.fd) }

// names lists the directory, in no order.
func (h *handle) names() ([]string, error) {
	fd, err := retry(func() (int, error) { return unix.Openat(h.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: h.path, Err: err}
	}
	f := os.NewFile(uintptr(fd), h.path)
	names, err := f.Readdirnames(-1)
	return names, errors.Join(err, f.Close())
}

// lstat tells how name looks, itself and not what it links to.
func (h *handle) lstat(name string) (fsx.Stat, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(h.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fsx.Stat{}, &fs.PathError{Op: "stat", Path: filepath.Join(h.path, name), Err: err}
	}
	return convert(&st), nil
}

func (h *handle) readlink(name string) (string, error) {
	return os.Readlink(filepath.Join(h.path, name))
}

// createFile makes a new file to be written. The system's poller is not asked:
// it takes no files, and says so with five calls for each.
func createFile(name string, perm fs.FileMode) (*os.File, error) {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_CLOEXEC
	fd, err := retry(func() (int, error) { return unix.Open(name, flags, uint32(perm)) })
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// source is a file open for reading.
type source struct {
	fd   int
	path string
}

// open opens a regular file; it never waits for a fifo or follows a link.
func (h *handle) open(name string) (source, error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(h.fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	})
	path := filepath.Join(h.path, name)
	if err != nil {
		return source{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return source{fd, path}, nil
}

func (s source) stat() (fsx.Stat, error) {
	var st unix.Stat_t
	if err := unix.Fstat(s.fd, &st); err != nil {
		return fsx.Stat{}, &fs.PathError{Op: "stat", Path: s.path, Err: err}
	}
	return convert(&st), nil
}

// fill reads until b is full or the file ends.
func (s source) fill(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		m, err := retry(func() (int, error) { return unix.Read(s.fd, b[n:]) })
		if err != nil {
			return n, &fs.PathError{Op: "read", Path: s.path, Err: err}
		}
		if m == 0 {
			break
		}
		n += m
	}
	return n, nil
}

// file turns the source into an os.File, which must be closed instead of it.
func (s source) file() *os.File { return os.NewFile(uintptr(s.fd), s.path) }

func (s source) close() error { return unix.Close(s.fd) }

func convert(st *unix.Stat_t) fsx.Stat {
	s := fsx.Stat{
		Size: st.Size, Mtime: st.Mtim.Nano(), Ctime: st.Ctim.Nano(), Inode: st.Ino, Dev: st.Dev,
		Mode: fs.FileMode(st.Mode & 0o777),
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		s.Mode |= fs.ModeDir
	case unix.S_IFLNK:
		s.Mode |= fs.ModeSymlink
	case unix.S_IFIFO:
		s.Mode |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		s.Mode |= fs.ModeSocket
	default:
		s.Mode |= fs.ModeDevice
	}
	return s
}

// steadyDirs reports whether the times of a directory tell for sure whether
// names came or went. On network and FAT file systems they do not.
func steadyDirs(path string) bool {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return false
	}
	switch uint32(st.Type) {
	case unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC,
		unix.MSDOS_SUPER_MAGIC, unix.V9FS_MAGIC, unix.AFS_SUPER_MAGIC, unix.CODA_SUPER_MAGIC:
		return false
	}
	return true
}
