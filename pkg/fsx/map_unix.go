//go:build !windows

package fsx

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Mapping is the content of a file as memory, read-only.
type Mapping struct {
	// Data is the content. It must not be used after Close.
	Data []byte
}

// Map maps the whole of f. The file may be closed, and removed, afterwards; it
// must not be made shorter.
func Map(f *os.File) (*Mapping, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 {
		return &Mapping{}, nil
	}
	if int64(int(info.Size())) != info.Size() {
		return nil, fmt.Errorf("map %s: %d bytes are too many for this system", f.Name(), info.Size())
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, &os.PathError{Op: "map", Path: f.Name(), Err: err}
	}
	return &Mapping{Data: data}, nil
}

// Forget takes what was read out of this program's memory; it is read again
// when it is wanted.
func (m *Mapping) Forget() {
	if m.Data != nil {
		_ = unix.Madvise(m.Data, unix.MADV_DONTNEED) // advice only
	}
}

// Close ends the mapping.
func (m *Mapping) Close() error {
	if m.Data == nil {
		return nil
	}
	data := m.Data
	m.Data = nil
	return unix.Munmap(data)
}
