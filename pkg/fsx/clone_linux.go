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
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return errors.Join(err, in.Close())
	}
	err = CloneInto(out, in)
	if cerr := errors.Join(out.Close(), in.Close()); err == nil {
		err = cerr
	}
	if err != nil {
		return errors.Join(err, os.Remove(dst))
	}
	return nil
}

// CloneInto makes dst share the blocks of src, or is errors.ErrUnsupported.
func CloneInto(dst, src *os.File) error {
	err := unix.IoctlFileClone(int(dst.Fd()), int(src.Fd()))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EXDEV), errors.Is(err, unix.EINVAL),
		errors.Is(err, unix.ENOTTY), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
		return errors.ErrUnsupported
	}
	return &os.PathError{Op: "clone", Path: dst.Name(), Err: err}
}
