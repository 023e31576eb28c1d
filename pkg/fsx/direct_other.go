//go:build !linux

package fsx

import (
	"errors"
	"os"
)

// setDirect is not to be had here.
func setDirect(*os.File, bool) error { return errors.ErrUnsupported }
