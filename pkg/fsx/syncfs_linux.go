package fsx

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// SyncFS flushes the whole file system that dir is on: one flush for a batch of
// files. Elsewhere than on Linux it is errors.ErrUnsupported and the caller
// flushes each file.
func SyncFS(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("flush file system: %w", err)
	}
	return errors.Join(unix.Syncfs(int(d.Fd())), d.Close())
}

// StartFlush asks the kernel to begin writing size bytes of f from off to the
// disk, so that the flush at the end is short. It is advice: errors mean nothing.
func StartFlush(f *os.File, off, size int64) error {
	return unix.SyncFileRange(int(f.Fd()), off, size, unix.SYNC_FILE_RANGE_WRITE)
}
