package store

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
)

const streamBlock = 1 << 20

// putLoose stores an object that is in memory: hashed before a file is made.
func (b *Batch) putLoose(id oid.ID, data []byte) error {
	if err := b.ctx.Err(); err != nil {
		return err
	}
	if b.known(id, true) {
		return nil
	}
	f, err := b.tempObject()
	if err == nil {
		err = b.keep(f, id, fsx.WriteDirect(f, data))
	}
	if err != nil {
		return b.fail(fmt.Errorf("store object: %w", err))
	}
	return nil
}

// keep closes a written temporary file and lists it for Commit, or removes it.
func (b *Batch) keep(f *os.File, id oid.ID, err error) error {
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loose = append(b.loose, rename{f.Name(), b.s.loosePath(id)})
	return nil
}

// tempObject makes a temporary file in one of the fan-out directories: files
// made by many writers in one directory wait for each other.
func (b *Batch) tempObject() (*os.File, error) {
	b.mu.Lock()
	dir := filepath.Join(b.s.dir, objectDir, fmt.Sprintf("%02x", b.next%256))
	first := b.next < 256
	b.next++
	b.mu.Unlock()
	if first {
		if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	for range 100 {
		f, err := os.OpenFile(filepath.Join(dir, tmpPrefix+randomName()), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o444)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, fmt.Errorf("no free temporary name in %s", dir)
}

// putStream stores a file too large for memory: one pass that reads and writes
// while another goroutine hashes.
func (b *Batch) putStream(f *os.File, size int64) (id oid.ID, err error) {
	tmp, err := b.tempObject()
	if err != nil {
		return id, fmt.Errorf("store object: %w", err)
	}
	id, err = b.stream(tmp, f, size)
	if err != nil {
		return id, errors.Join(err, tmp.Close(), os.Remove(tmp.Name()))
	}
	if b.known(id, true) {
		return id, errors.Join(tmp.Close(), os.Remove(tmp.Name()))
	}
	if err := b.keep(tmp, id, nil); err != nil {
		return id, b.fail(fmt.Errorf("store object: %w", err))
	}
	return id, nil
}

func (b *Batch) stream(dst, src *os.File, size int64) (oid.ID, error) {
	free := make(chan []byte, 4)
	for range cap(free) {
		free <- fsx.AlignedBlock(streamBlock)
	}
	full := make(chan []byte, cap(free))
	hashed := make(chan oid.ID, 1)
	go func() {
		h := oid.NewHash()
		for block := range full {
			h.Write(block)
			free <- block[:streamBlock]
		}
		hashed <- oid.FromHash(h)
	}()
	err := pump(b, dst, src, size, free, full)
	close(full)
	id := <-hashed
	return id, err
}

// pump reads src, hands each block to the hash and writes it meanwhile.
func pump(b *Batch, dst, src *os.File, size int64, free, full chan []byte) error {
	var done int64
	for {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		block := <-free
		n, err := io.ReadFull(src, block)
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !ended {
			return fmt.Errorf("read %s: %w", src.Name(), err)
		}
		done += int64(n)
		if done > size || ended && done < size {
			return fmt.Errorf("read %s: %w", src.Name(), ErrChanged)
		}
		if err := fsx.WriteDirect(dst, block[:n]); err != nil {
			return fmt.Errorf("store object: %w", err)
		}
		full <- block[:n] // hashed while the next block is read and written
		if ended {
			return nil
		}
	}
}

func randomName() string {
	var b [8]byte
	rand.Read(b[:]) // never fails: the runtime stops the program instead
	return hex.EncodeToString(b[:])
}
