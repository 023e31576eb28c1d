package fsx

import (
	"io/fs"
	"syscall"
)

// StatOf converts what os.Lstat and File.Stat return.
func StatOf(info fs.FileInfo) Stat {
	s := Stat{Size: info.Size(), Mtime: info.ModTime().UnixNano(), Mode: info.Mode()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.Ctime = sys.Ctim.Nano()
		s.Inode, s.Dev = sys.Ino, uint64(sys.Dev) //nolint:unconvert // narrower on some architectures
	}
	return s
}
