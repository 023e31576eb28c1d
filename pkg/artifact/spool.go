package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
)

const (
	smallSize   = 64 << 10 // bytes; up to here an upload needs no temporary file
	spoolBlock  = 1 << 20  // bytes
	spoolBlocks = 4        // of an upload in flight
)

// Spool is where uploads stand until they are whole: a directory in parent that
// is made when it is first needed. When the process dies, gc finds it by its
// lease.
type Spool struct {
	parent string

	mu  sync.Mutex
	dir *fsx.TempDir
}

// NewSpool returns a spool in the directory parent, which exists.
func NewSpool(parent string) *Spool { return &Spool{parent: parent} }

// Dir is the directory of the spool.
func (s *Spool) Dir() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == nil {
		dir, err := fsx.MakeTempDir(s.parent, "upload-")
		if err != nil {
			return "", errs.New(errs.Internal, "receive artifact: %w", err)
		}
		s.dir = dir
	}
	return s.dir.Path, nil
}

// Close removes the directory.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == nil {
		return nil
	}
	dir := s.dir
	s.dir = nil
	return dir.Remove()
}

// spooled is a whole upload: its bytes when it is small, else a file.
type spooled struct {
	Object

	data []byte
	path string
}

// remove removes the file, unless somebody took it.
func (u *spooled) remove() error {
	if u.path == "" {
		return nil
	}
	if err := os.Remove(u.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// receive reads r to its end, hashing what it reads.
func (s *Spool) receive(ctx context.Context, r io.Reader) (*spooled, error) {
	head := fsx.AlignedBlock(smallSize)
	n, err := fill(r, head)
	switch {
	case errors.Is(err, io.EOF):
		return &spooled{Object: Object{ID: oid.Sum(head[:n]), Size: int64(n)}, data: head[:n]}, nil
	case err != nil:
		return nil, fmt.Errorf("receive artifact: %w", err)
	}
	dir, err := s.Dir()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "file-*")
	if err != nil {
		return nil, errs.New(errs.Internal, "receive artifact: %w", err)
	}
	u := &spooled{path: f.Name()}
	u.ID, u.Size, err = stream(ctx, f, head, r)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(err, u.remove())
	}
	return u, nil
}

// stream writes head and the rest of r to f: reading, hashing and writing side
// by side.
func stream(ctx context.Context, f *os.File, head []byte, r io.Reader) (id oid.ID, size int64, err error) {
	free := make(chan []byte, spoolBlocks)
	toHash, toWrite := make(chan []byte, spoolBlocks), make(chan []byte, spoolBlocks)
	for range spoolBlocks {
		free <- fsx.AlignedBlock(spoolBlock)
	}
	h := oid.NewHash()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(toHash)
		h.Write(head)
		size = int64(len(head))
		for {
			var block []byte
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case block = <-free:
			}
			n, err := fill(r, block[:spoolBlock])
			if n > 0 {
				size += int64(n)
				toHash <- block[:n]
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("receive artifact: %w", err)
			}
		}
	})
	g.Go(func() error {
		defer close(toWrite)
		for block := range toHash {
			h.Write(block)
			toWrite <- block
		}
		return nil
	})
	g.Go(func() error {
		err := fsx.WriteDirect(f, head)
		for block := range toWrite {
			if err == nil {
				err = fsx.WriteDirect(f, block)
			}
			free <- block
		}
		if err != nil {
			return errs.New(errs.Internal, "receive artifact: %w", err)
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return id, size, err
	}
	return oid.FromHash(h), size, nil
}

// fill reads until block is full. The error is the reader's own, so that an end
// is told from a body that broke off.
func fill(r io.Reader, block []byte) (n int, err error) {
	for n < len(block) && err == nil {
		var m int
		m, err = r.Read(block[n:])
		n += m
	}
	return n, err
}
