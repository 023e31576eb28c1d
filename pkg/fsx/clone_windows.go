package fsx

import (
	"errors"
	"os"
)

// Clone is errors.ErrUnsupported: NTFS has no reflinks.
func Clone(string, string) error { return errors.ErrUnsupported }

// CloneInto is errors.ErrUnsupported: NTFS has no reflinks.
func CloneInto(*os.File, *os.File) error { return errors.ErrUnsupported }
