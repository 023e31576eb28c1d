package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
)

// wholeSize is the size up to which an object is read at once.
const wholeSize = 4 << 20

// Get returns an object's bytes, verified. It is for objects that fit memory.
func (s *Store) Get(ctx context.Context, id oid.ID) ([]byte, error) {
	return s.get(ctx, id, nil)
}

// get reads into buf when it is large enough.
func (s *Store) get(ctx context.Context, id oid.ID, buf []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, path, err := s.read(id, buf)
	if err == nil && oid.Sum(data) == id {
		return data, nil
	}
	// Another process may have merged the pack into a new one, or the merged
	// index may have led to the wrong bytes: look again.
	if errors.Is(err, fs.ErrNotExist) || err == nil && s.dropBadMulti() {
		if err := s.refresh(); err != nil {
			return nil, err
		}
		data, path, err = s.read(id, buf)
	}
	if err != nil {
		return nil, err
	}
	if got := oid.Sum(data); got != id {
		return nil, damaged(path, fmt.Errorf("object %s has the content of %s", id, got))
	}
	return data, nil
}

// read reads an object without verifying it and says from which file.
func (s *Store) read(id oid.ID, buf []byte) (data []byte, path string, err error) {
	p, err := s.find(id)
	if err != nil {
		return nil, "", err
	}
	// The mapped index may have been damaged since it was checked: its numbers
	// must not be a size to allocate.
	if p.pack != nil && (p.entry.Stored != p.info.Size || !p.pack.holds(p.entry)) {
		return nil, "", damaged(p.pack.path, fmt.Errorf("object %s lies outside the pack", id))
	}
	if int64(cap(buf)) < p.info.Size {
		buf = make([]byte, p.info.Size)
	}
	buf = buf[:p.info.Size]
	path, err = s.readInto(id, p, buf)
	return buf, path, err
}

func (s *Store) readInto(id oid.ID, p place, buf []byte) (path string, err error) {
	if p.pack != nil {
		f, err := p.pack.handle()
		if err != nil {
			return "", err
		}
		if _, err := f.ReadAt(buf, p.entry.Offset); err != nil {
			return "", damaged(p.pack.path, fmt.Errorf("read object %s: %w", id, err))
		}
		return p.pack.path, nil
	}
	path = s.loosePath(id)
	f, err := os.Open(path)
	if err != nil {
		return "", errs.New(errs.Internal, "read object: %w", err)
	}
	_, err = io.ReadFull(f, buf)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", damaged(path, err)
	}
	return path, nil
}

// Open returns a reader of an object's bytes. When they are not what the id
// says, the last Read fails with errs.Corrupt.
func (s *Store) Open(ctx context.Context, id oid.ID) (io.ReadCloser, error) {
	p, err := s.find(id)
	if err != nil {
		return nil, err
	}
	if p.info.Size <= wholeSize {
		data, err := s.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		return io.NopCloser(bytes.NewReader(data)), nil
	}
	if p.pack != nil {
		f, err := p.pack.handle()
		if err != nil {
			return nil, err
		}
		body := io.NewSectionReader(f, p.entry.Offset, p.entry.Stored)
		return &verifier{r: body, h: oid.NewHash(), id: id, path: p.pack.path}, nil
	}
	f, err := os.Open(s.loosePath(id))
	if err != nil {
		return nil, errs.New(errs.Internal, "read object: %w", err)
	}
	return &verifier{r: f, c: f, h: oid.NewHash(), id: id, path: f.Name()}, nil
}

// verifier hashes what is read and compares at the end.
type verifier struct {
	r    io.Reader
	c    io.Closer
	h    hash.Hash
	id   oid.ID
	path string
}

func (v *verifier) Read(b []byte) (int, error) {
	n, err := v.r.Read(b)
	v.h.Write(b[:n])
	if errors.Is(err, io.EOF) {
		if got := oid.FromHash(v.h); got != v.id {
			return 0, damaged(v.path, fmt.Errorf("object %s has the content of %s", v.id, got))
		}
	}
	return n, err
}

func (v *verifier) Close() error {
	if v.c == nil {
		return nil
	}
	return v.c.Close()
}

// Materialise writes an object's bytes, verified, to w, an empty file. On file
// systems that can, a large object shares its blocks with w and is not read.
func (s *Store) Materialise(ctx context.Context, id oid.ID, w *os.File) error {
	p, err := s.find(id)
	if err != nil {
		return err
	}
	if p.info.Size <= wholeSize {
		buf := buffers.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
		defer buffers.Put(buf)
		data, err := s.get(ctx, id, *buf)
		if err != nil {
			return err
		}
		*buf = data[:cap(data)]
		_, err = w.Write(data)
		return err
	}
	if path, ok := s.LoosePath(id); ok {
		src, err := os.Open(path)
		if err != nil {
			return err
		}
		err = fsx.CloneInto(w, src)
		if err = errors.Join(err, src.Close()); !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	r, err := s.Open(ctx, id)
	if err != nil {
		return err
	}
	return errors.Join(copyAhead(ctx, w, r), r.Close())
}

// copyAhead copies while the next block is read and hashed.
func copyAhead(ctx context.Context, w io.Writer, r io.Reader) error {
	type block struct {
		data []byte
		err  error
	}
	blocks := make(chan block, 2)
	free := make(chan []byte, 3)
	for range cap(free) {
		free <- make([]byte, 1<<20)
	}
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer close(blocks)
		for {
			select {
			case buf := <-free:
				n, err := io.ReadFull(r, buf[:1<<20])
				if errors.Is(err, io.ErrUnexpectedEOF) {
					err = io.EOF
				}
				blocks <- block{buf[:n], err}
				if err != nil {
					return
				}
			case <-stop:
				return
			}
		}
	}()
	for b := range blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if b.err != nil && !errors.Is(b.err, io.EOF) {
			return b.err
		}
		if _, err := w.Write(b.data); err != nil {
			return err
		}
		free <- b.data
	}
	return nil
}

// Tree returns the verified bytes of a tree node, which the caller must not
// change. It remembers some of them.
func (s *Store) Tree(ctx context.Context, id oid.ID) ([]byte, error) {
	if data, ok := s.nodes.get(id); ok {
		return data, nil
	}
	data, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	s.nodes.put(id, data)
	return data, nil
}

// nodeCache remembers tree nodes up to a number of bytes. When it is full it
// begins anew: commands walk trees once.
type nodeCache struct {
	mu    sync.Mutex
	nodes map[oid.ID][]byte
	bytes int
}

const nodeCacheSize = 16 << 20

func (c *nodeCache) get(id oid.ID) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	data, ok := c.nodes[id]
	return data, ok
}

func (c *nodeCache) put(id oid.ID, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nodes == nil || c.bytes+len(data) > nodeCacheSize {
		c.nodes, c.bytes = make(map[oid.ID][]byte), 0
	}
	c.nodes[id] = data
	c.bytes += len(data)
}
