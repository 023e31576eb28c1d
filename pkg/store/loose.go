package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
)

const (
	streamBlock  = 1 << 20 // bytes
	streamBlocks = 8
)

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

// putStream stores a file too large for memory: one pass that reads, hashes and
// writes side by side.
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

// block is a piece of a stream that is hashed and written at the same time.
type block struct {
	data []byte
	busy atomic.Int32 // how many have yet to use it
}

// done gives the block back when nobody uses it any more.
func (k *block) done(free chan<- *block) {
	if k.busy.Add(-1) == 0 {
		free <- k
	}
}

func (b *Batch) stream(dst, src *os.File, size int64) (oid.ID, error) {
	free := make(chan *block, streamBlocks)
	for range streamBlocks {
		free <- &block{data: fsx.AlignedBlock(streamBlock)}
	}
	// Wide enough for all blocks: only waiting for a free one ever blocks the reader.
	toHash, toWrite := make(chan *block, streamBlocks), make(chan *block, streamBlocks)
	h := oid.NewHash()
	g, ctx := errgroup.WithContext(b.ctx)
	g.Go(func() error {
		defer close(toHash)
		defer close(toWrite)
		return readBlocks(ctx, src, size, free, toHash, toWrite)
	})
	g.Go(func() error {
		for k := range toHash {
			h.Write(k.data)
			k.done(free)
		}
		return nil
	})
	g.Go(func() error {
		for k := range toWrite {
			if err := fsx.WriteDirect(dst, k.data); err != nil {
				return fmt.Errorf("store object: %w", err)
			}
			k.done(free)
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return oid.ID{}, err
	}
	return oid.FromHash(h), nil
}

// readBlocks hands each block of src, of which there must be size bytes, to both.
func readBlocks(ctx context.Context, src *os.File, size int64, free <-chan *block, toHash, toWrite chan<- *block) error {
	var done int64
	for {
		var k *block
		select {
		case <-ctx.Done():
			return ctx.Err()
		case k = <-free:
		}
		n, err := io.ReadFull(src, k.data[:streamBlock])
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !ended {
			return fmt.Errorf("read %s: %w", src.Name(), err)
		}
		done += int64(n)
		if done > size || ended && done < size {
			return fmt.Errorf("read %s: %w", src.Name(), ErrChanged)
		}
		k.data = k.data[:n]
		k.busy.Store(2)
		toHash <- k
		toWrite <- k
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
