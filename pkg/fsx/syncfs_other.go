//go:build !linux

package fsx

import (
	"errors"
	"os"
)

// SyncFS flushes the whole file system that dir is on: one flush for a batch of
// files. Elsewhere than on Linux it is errors.ErrUnsupported and the caller
// flushes each file.
func SyncFS(string) error { return errors.ErrUnsupported }

// StartFlush does nothing here.
func StartFlush(*os.File, int64, int64) error { return nil }
