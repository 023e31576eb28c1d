//go:build !windows

package fsx

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// SyncDir flushes the names in dir. File systems that cannot flush a directory
// are taken at their word.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("flush directory: %w", err)
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
