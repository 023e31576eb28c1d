package fsx

import (
	"io"
	"os"
)

// Mapping is the content of a file as memory, read-only.
type Mapping struct {
	// Data is the content. It must not be used after Close.
	Data []byte
}

// Map reads the whole of f: a mapped file cannot be renamed or removed on
// Windows.
func Map(f *os.File) (*Mapping, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return &Mapping{Data: data}, nil
}

// Forget does nothing here: the content is no mapping.
func (m *Mapping) Forget() {}

// Close forgets the content.
func (m *Mapping) Close() error {
	m.Data = nil
	return nil
}
