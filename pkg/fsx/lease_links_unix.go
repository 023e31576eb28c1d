//go:build unix

package fsx

import (
	"io/fs"
	"syscall"
)

// oneName reports whether a file has one name only.
func oneName(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 1
}
