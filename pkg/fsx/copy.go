package fsx

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Copy writes size bytes of src, from its start, to the new file dst. It shares
// blocks or lets the kernel copy where it can. dst is removed when it fails.
func Copy(dst string, src *os.File, size int64) error {
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	err = CopyInto(out, src, size)
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return errors.Join(fmt.Errorf("copy to %s: %w", dst, err), os.Remove(dst))
	}
	return nil
}

// CopyInto writes size bytes of src, from its start, to dst's start.
func CopyInto(dst, src *os.File, size int64) error {
	err := CloneInto(dst, src)
	if err == nil || !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return err
	}
	// os.File's ReadFrom uses copy_file_range behind io.CopyN.
	_, err = io.CopyN(dst, src, size)
	return err
}
