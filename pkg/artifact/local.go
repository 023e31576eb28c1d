package artifact

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/store"
)

// Local is the store of a repository. Small objects of uploads at the same time
// share a pack and its flush.
type Local struct {
	st    *store.Store
	spool *Spool

	mu      sync.Mutex
	waiting []*small
	busy    bool // somebody commits
}

// small is an object that waits for its commit.
type small struct {
	data []byte
	done chan error
}

// NewLocal keeps objects in st, which stays open until after Close.
func NewLocal(st *store.Store) *Local {
	return &Local{st: st, spool: NewSpool(filepath.Join(st.Dir(), "tmp"))}
}

// Put implements Blobs.
func (l *Local) Put(ctx context.Context, r io.Reader, named func(Object) error) (err error) {
	u, err := l.spool.receive(ctx, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, u.remove()) }()
	// A sweep that comes now waits until the object has its name. It did not wait
	// for the upload, which may take hours.
	release, err := l.st.Hold(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if err := l.keep(ctx, u); err != nil {
		return err
	}
	if err := fault.At(ctx, "artifact.kept"); err != nil {
		return err
	}
	return named(u.Object)
}

func (l *Local) keep(ctx context.Context, u *spooled) error {
	if missing, err := l.st.Missing([]oid.ID{u.ID}); err != nil || len(missing) == 0 {
		return err
	}
	if u.path == "" {
		return l.keepSmall(ctx, u.data)
	}
	b, err := l.st.NewBatch(ctx)
	if err != nil {
		return err
	}
	err = b.AdoptObject(u.path, u.ID)
	if err == nil {
		err = b.Commit()
	}
	return errors.Join(err, b.Close())
}

// keepSmall waits until the commit after the one that runs now, or makes it.
func (l *Local) keepSmall(ctx context.Context, data []byte) error {
	s := &small{data: data, done: make(chan error, 1)}
	l.mu.Lock()
	l.waiting = append(l.waiting, s)
	first := !l.busy
	l.busy = true
	l.mu.Unlock()
	if first {
		// Who comes first commits for others too: their requests must not fail
		// with this one.
		go l.commit(context.WithoutCancel(ctx))
	}
	select {
	case err := <-s.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// commit commits what waits until nothing does.
func (l *Local) commit(ctx context.Context) {
	for {
		l.mu.Lock()
		group := l.waiting
		l.waiting = nil
		l.busy = len(group) > 0
		l.mu.Unlock()
		if len(group) == 0 {
			return
		}
		err := l.commitGroup(ctx, group)
		for _, s := range group {
			s.done <- err
		}
	}
}

func (l *Local) commitGroup(ctx context.Context, group []*small) error {
	b, err := l.st.NewBatch(ctx)
	if err != nil {
		return err
	}
	for _, s := range group {
		if _, err := b.PutBytes(s.data); err != nil {
			return errors.Join(err, b.Close())
		}
	}
	return errors.Join(b.Commit(), b.Close())
}

// Open implements Blobs. Large objects are files of the store, which go to a
// client without passing through this program; fsck checks them.
func (l *Local) Open(ctx context.Context, o Object) (io.ReadSeekCloser, error) {
	if path, ok := l.st.LoosePath(o.ID); ok {
		f, err := os.Open(path)
		if err == nil {
			return checkSize(f, o)
		}
		if !errors.Is(err, os.ErrNotExist) {
			return nil, errs.New(errs.Internal, "open artifact: %w", err)
		}
	}
	info, err := l.st.Stat(o.ID)
	if err != nil {
		return nil, err
	}
	if info.Size > store.LooseSize {
		return l.unpack(ctx, o)
	}
	data, err := l.st.Get(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	return nopCloser{bytes.NewReader(data)}, nil
}

func (l *Local) has(id oid.ID) bool {
	missing, err := l.st.Missing([]oid.ID{id})
	return err == nil && len(missing) == 0
}

func checkSize(f *os.File, o Object) (io.ReadSeekCloser, error) {
	info, err := f.Stat()
	if err == nil && info.Size() == o.Size {
		return f, nil
	}
	if err == nil {
		err = errs.New(errs.Corrupt, "object %s has %d bytes, not %d", o.ID, info.Size(), o.Size).
			Hint("'mlops fsck' says what else is damaged; 'mlops fetch' brings a good copy where a remote has it")
	}
	return nil, errors.Join(err, f.Close())
}

// unpack writes a large object that came in a pack to the spool. It has no name
// there: it is gone when it is closed.
func (l *Local) unpack(ctx context.Context, o Object) (_ io.ReadSeekCloser, err error) {
	dir, err := l.spool.Dir()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "read-*")
	if err != nil {
		return nil, errs.New(errs.Internal, "open artifact: %w", err)
	}
	err = l.st.Materialise(ctx, o.ID, f)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return &tempFile{f}, nil
}

type tempFile struct{ *os.File }

// Close removes the file.
func (f *tempFile) Close() error { return errors.Join(f.File.Close(), os.Remove(f.Name())) }

type nopCloser struct{ io.ReadSeeker }

// Close does nothing.
func (nopCloser) Close() error { return nil }

// Spool implements Blobs.
func (l *Local) Spool() *Spool { return l.spool }

// Tree gives the nodes of directories that were kept whole.
func (l *Local) Tree(ctx context.Context, id oid.ID) ([]byte, error) { return l.st.Tree(ctx, id) }

// Close implements Blobs.
func (l *Local) Close() error { return l.spool.Close() }
