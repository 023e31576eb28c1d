package fsx

import (
	"io/fs"
	"os"
	"time"
)

// Stat is what tells one state of a file from another. Times are nanoseconds
// since 1970; Ctime, Inode and Dev are 0 on systems that have none.
type Stat struct {
	Size, Mtime, Ctime int64
	Inode, Dev         uint64
	Mode               fs.FileMode
}

// Lstat reads the Stat of path itself, not of what a symbolic link names.
func Lstat(path string) (Stat, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return Stat{}, err
	}
	return StatOf(info), nil
}

// FileStat reads the Stat of an open file.
func FileStat(f *os.File) (Stat, error) {
	info, err := f.Stat()
	if err != nil {
		return Stat{}, err
	}
	return StatOf(info), nil
}

// Now is the time that the file system of dir gives to a file written now, in
// nanoseconds: on network file systems not the clock of this machine.
func Now(dir string) (int64, error) {
	f, err := os.CreateTemp(dir, ".clock-*.tmp")
	if err != nil {
		return 0, err
	}
	s, err := FileStat(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if rerr := os.Remove(f.Name()); err == nil {
		err = rerr
	}
	return s.Mtime, err
}

// Recent reports whether t, a time of a file, is less than window ago, or in
// the future, by the clock of this machine.
func Recent(t time.Time, window time.Duration) bool { return time.Since(t) < window }
