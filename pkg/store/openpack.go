package store

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
)

const (
	packTarget = 64 << 20 // bytes at which a pack is sealed
	packBuffer = 1 << 20
	flushStep  = 8 << 20 // bytes after which write-back is asked for
)

// openPack is a pack being written under a temporary name.
type openPack struct {
	path    string
	file    *os.File
	buf     *bufio.Writer
	w       *pack.Writer
	flushed int64 // bytes whose write-back was asked for
}

func newOpenPack(dir string, kind pack.Kind) (*openPack, error) {
	f, err := os.CreateTemp(dir, tmpPrefix+"*"+packSuffix)
	if err != nil {
		return nil, fmt.Errorf("write pack: %w", err)
	}
	p := &openPack{path: f.Name(), file: f, buf: bufio.NewWriterSize(f, packBuffer)}
	var nonce [pack.NonceSize]byte
	rand.Read(nonce[:]) // never fails: the runtime stops the program instead
	if p.w, err = pack.NewWriter(p.buf, kind, nonce); err != nil {
		return nil, errors.Join(fmt.Errorf("write pack: %w", err), p.abort())
	}
	return p, nil
}

func (p *openPack) append(id oid.ID, data []byte) error {
	if err := p.w.Append(id, data); err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	// The final flush is short when the disk has been busy all along.
	if done := p.w.Size() - int64(p.buf.Buffered()); done-p.flushed >= flushStep {
		_ = fsx.StartFlush(p.file, p.flushed, done-p.flushed) // advice only
		p.flushed = done
	}
	return nil
}

func (p *openPack) size() int64 { return p.w.Size() }

// close writes the end of the pack; it is flushed by Commit.
func (p *openPack) close() (oid.ID, error) {
	id, err := p.w.Close()
	if err == nil {
		err = p.buf.Flush()
	}
	if err == nil {
		err = p.file.Chmod(0o444)
	}
	if err != nil {
		return id, errors.Join(fmt.Errorf("write pack: %w", err), p.abort())
	}
	_ = fsx.StartFlush(p.file, p.flushed, 0) // advice only
	return id, p.file.Close()
}

func (p *openPack) abort() error {
	return errors.Join(p.file.Close(), os.Remove(p.path))
}
