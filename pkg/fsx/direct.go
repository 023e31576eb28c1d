package fsx

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

// directAlign is what the address, length and offset of a write past the page
// cache must be a multiple of, on every disk we know.
const directAlign = 4096

// AlignedBlock returns n bytes that WriteDirect can write past the page cache.
func AlignedBlock(n int) []byte {
	b := make([]byte, n+directAlign)
	skip := misaligned(b)
	if skip > 0 {
		skip = directAlign - skip
	}
	return b[skip : skip+n : skip+n]
}

func misaligned(b []byte) int { return int(uintptr(unsafe.Pointer(unsafe.SliceData(b))) % directAlign) } //nolint:gosec // the address is only looked at

// WriteDirect appends data to f, at whose aligned end it stands, past the page
// cache as far as data is aligned and the file system can: for large files that
// nobody reads soon, since it saves a copy and leaves little to flush.
func WriteDirect(f *os.File, data []byte) error {
	n := len(data) &^ (directAlign - 1)
	if n > 0 && misaligned(data) == 0 && setDirect(f, true) == nil {
		done, err := f.Write(data[:n])
		if off := setDirect(f, false); off != nil {
			return errors.Join(err, off)
		}
		// Some disks want more alignment than ours, and refuse at once.
		if err != nil && (done > 0 || !errors.Is(err, syscall.EINVAL)) {
			return err
		}
		data = data[done:]
	}
	_, err := f.Write(data)
	return err
}
