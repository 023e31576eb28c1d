package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
)

// ErrChanged is in the chain when a file has another size than its caller saw.
var ErrChanged = errors.New("the file changed while it was read")

// buffers holds *[]byte of at least LooseSize.
var buffers = sync.Pool{New: func() any { b := fsx.AlignedBlock(LooseSize); return &b }} //nolint:gochecknoglobals // a pool is shared to be of use

// Batch takes objects in. Its Put methods may be called by many goroutines;
// Commit and Close by one, when they have returned.
type Batch struct {
	s    *Store
	ctx  context.Context //nolint:containedctx // a batch lives within one call of its owner
	lock *fsx.Lock

	mu     sync.Mutex
	seen   oid.Set
	found  map[string]struct{} // files of objects that were here already
	data   *openPack
	trees  *openPack
	sealed []rename // packs that are written whole
	loose  []rename
	next   int   // fan-out directory of the next temporary file
	failed error // the first object that could not be stored: others may have counted on it
}

// rename is a file that Commit gives its name.
type rename struct{ from, to string }

// NewBatch begins a batch. Close must be called, also after Commit.
func (s *Store) NewBatch(ctx context.Context) (*Batch, error) {
	l, err := s.lock(ctx, fsx.Shared)
	if err != nil {
		return nil, err
	}
	// Until the lock was ours a sweep may have removed packs that were listed
	// here: an object in them would be taken for known, and be lost.
	fresh, err := s.changed()
	if err == nil && fresh {
		err = s.refresh()
	}
	if err != nil {
		return nil, errors.Join(err, l.Unlock())
	}
	return &Batch{s: s, ctx: ctx, lock: l, found: make(map[string]struct{})}, nil
}

// known reports whether an object is in the store or in this batch already,
// and takes note of it.
func (b *Batch) known(id oid.ID, loose bool) bool {
	b.mu.Lock()
	isNew := b.seen.Add(id)
	b.mu.Unlock()
	if !isNew {
		return true
	}
	var path string
	if p, packed := b.s.packed(id); packed {
		path = p.pack.path
	} else if loosePath, there := b.s.LoosePath(id); loose && there {
		path = loosePath
	} else {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.found[path] = struct{}{}
	return true
}

// fail makes the batch one that cannot be committed. It returns err.
func (b *Batch) fail(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed == nil {
		b.failed = err
	}
	return err
}

// PutBytes stores an object.
func (b *Batch) PutBytes(data []byte) (oid.ID, error) {
	id := oid.Sum(data)
	if len(data) >= LooseSize {
		return id, b.putLoose(id, data)
	}
	return id, b.putPacked(pack.Data, id, data)
}

// PutTree stores a tree node.
func (b *Batch) PutTree(node []byte) (oid.ID, error) {
	id := oid.Sum(node)
	return id, b.putPacked(pack.Tree, id, node)
}

func (b *Batch) putPacked(kind pack.Kind, id oid.ID, data []byte) error {
	if err := b.ctx.Err(); err != nil {
		return err
	}
	if b.known(id, false) {
		return nil
	}
	if err := b.pack(kind, id, data); err != nil {
		return b.fail(err)
	}
	return nil
}

func (b *Batch) pack(kind pack.Kind, id oid.ID, data []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	open := &b.data
	if kind == pack.Tree {
		open = &b.trees
	}
	if *open == nil {
		p, err := newOpenPack(filepath.Join(b.s.dir, packDir), kind)
		if err != nil {
			return err
		}
		*open = p
	}
	if err := (*open).append(id, data); err != nil {
		return err
	}
	if (*open).size() < packTarget {
		return nil
	}
	p := *open
	*open = nil
	return b.seal(p)
}

func (b *Batch) seal(p *openPack) error {
	id, err := p.close()
	if err != nil {
		return err
	}
	b.sealed = append(b.sealed, rename{p.path, filepath.Join(b.s.dir, packDir, id.String()+packSuffix)})
	return nil
}

// PutFile stores the content of f, which has size bytes. It reads f once, from
// where it stands. ErrChanged is in the chain of its error when f is longer or
// shorter.
func (b *Batch) PutFile(f *os.File, size int64) (oid.ID, error) {
	if err := b.ctx.Err(); err != nil {
		return oid.ID{}, err
	}
	if size > wholeSize {
		return b.putStream(f, size)
	}
	buf := buffers.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	defer buffers.Put(buf)
	if int64(len(*buf)) <= size {
		*buf = fsx.AlignedBlock(int(size + 1))
	}
	// One byte more than there should be shows a file that grew.
	n, err := io.ReadFull(f, (*buf)[:size+1])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return oid.ID{}, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	if int64(n) != size {
		return oid.ID{}, fmt.Errorf("read %s: %w", f.Name(), ErrChanged)
	}
	return b.PutBytes((*buf)[:n])
}

// AdoptPack takes a pack that was written to the store's tmp directory and
// whose objects were verified.
func (b *Batch) AdoptPack(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("adopt pack: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("adopt pack: %w", err)
	}
	x, err := pack.ReadIndex(f, info.Size())
	if err != nil {
		return damaged(path, err)
	}
	if err := f.Chmod(0o444); err != nil {
		return fmt.Errorf("adopt pack: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sealed = append(b.sealed, rename{path, filepath.Join(b.s.dir, packDir, x.Pack().String()+packSuffix)})
	return nil
}

// Commit makes the batch's objects durable and then visible, all or none of
// those of one pack.
func (b *Batch) Commit() error {
	if b.failed != nil {
		return b.failed
	}
	for _, p := range []**openPack{&b.data, &b.trees} {
		if *p == nil {
			continue
		}
		open := *p
		*p = nil
		if err := b.seal(open); err != nil {
			return err
		}
	}
	b.seen = oid.Set{} // the memory is wanted for the index
	b.s.Forget()
	if err := b.freshen(); err != nil {
		return err
	}
	if len(b.sealed)+len(b.loose) == 0 {
		return nil
	}
	if err := fault.At(b.ctx, "add.pack.written"); err != nil {
		return err
	}
	if err := b.flush(); err != nil {
		return fmt.Errorf("flush store: %w", err)
	}
	if err := fault.At(b.ctx, "add.flushed"); err != nil {
		return err
	}
	if err := b.rename(); err != nil {
		return err
	}
	if err := fault.At(b.ctx, "add.renamed"); err != nil {
		return err
	}
	if err := b.s.refresh(); err != nil {
		return err
	}
	if err := b.s.mergeIndex(); err != nil {
		return err
	}
	return fault.At(b.ctx, "add.index.written")
}

// freshen renews the times of files whose objects this batch relies on, as git
// does: until the caller has written what names them, only their age keeps
// them from a sweep.
func (b *Batch) freshen() error {
	if len(b.found) == 0 {
		return nil
	}
	now, err := fsx.Now(filepath.Join(b.s.dir, tmpDir))
	if err != nil {
		return errs.New(errs.Internal, "use store: %w", err)
	}
	for path := range b.found {
		if err := os.Chtimes(path, time.Time{}, time.Unix(0, now)); err != nil {
			return errs.New(errs.Internal, "use store: %w", err)
		}
	}
	return nil
}

// manyFiles is from how many files on one flush of the whole file system is
// cheaper than one for each file.
const manyFiles = 16

func (b *Batch) flush() error {
	if len(b.loose) > manyFiles {
		if err := fsx.SyncFS(b.s.dir); !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	for _, list := range [][]rename{b.sealed, b.loose} {
		for _, r := range list {
			if err := syncFile(r.from); err != nil {
				return err
			}
		}
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// rename makes the files visible, large objects first, and flushes the names.
func (b *Batch) rename() error {
	dirs := make(map[string]struct{})
	for _, list := range [][]rename{b.loose, b.sealed} {
		for _, r := range list {
			dir := filepath.Dir(r.to)
			if _, ok := dirs[dir]; !ok {
				if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
					return fmt.Errorf("store object: %w", err)
				}
				dirs[dir] = struct{}{}
			}
			if err := fsx.Rename(r.from, r.to); err != nil {
				return fmt.Errorf("store object: %w", err)
			}
		}
	}
	b.loose, b.sealed = nil, nil
	dirs[filepath.Join(b.s.dir, objectDir)] = struct{}{}
	if len(dirs) > manyFiles {
		if err := fsx.SyncFS(b.s.dir); !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	for dir := range dirs {
		if err := fsx.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the batch. What was not committed is removed.
func (b *Batch) Close() error {
	var all error
	for _, p := range []*openPack{b.data, b.trees} {
		if p != nil {
			all = errors.Join(all, p.abort())
		}
	}
	for _, list := range [][]rename{b.sealed, b.loose} {
		for _, r := range list {
			if err := os.Remove(r.from); err != nil && !errors.Is(err, fs.ErrNotExist) {
				all = errors.Join(all, err)
			}
		}
	}
	b.data, b.trees, b.sealed, b.loose = nil, nil, nil, nil
	if b.lock == nil {
		return all
	}
	all = errors.Join(all, b.lock.Unlock())
	b.lock = nil
	if all != nil {
		return errs.New(errs.Internal, "end of batch: %w", all)
	}
	return b.s.mergePacks(b.ctx)
}
