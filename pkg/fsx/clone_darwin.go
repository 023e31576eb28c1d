package fsx

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Clone makes dst, which must not exist, share the blocks of src (a reflink).
// It is errors.ErrUnsupported, and dst is not there, where the file system
// cannot.
func Clone(dst, src string) error {
	err := unix.Clonefile(src, dst, unix.CLONE_NOFOLLOW)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EXDEV) {
		return errors.ErrUnsupported
	}
	return err
}

// CloneInto is errors.ErrUnsupported: APFS clones by name only.
func CloneInto(*os.File, *os.File) error { return errors.ErrUnsupported }
