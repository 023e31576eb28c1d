package fsx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// Lease is a lock file that says what its holder is doing. It is gone when the
// lease is given up. When the holder dies the lease ends, but the file stays:
// who takes the lease next, reads in Left what the dead holder wrote.
type Lease struct {
	Left []byte // nil when the last holder gave the lease up

	f    *os.File
	name string
	size int // of what was written
}

// TryLease takes the lease path without waiting. The lease is nil when another
// has it, even another part of this process; held is then what that one wrote.
func TryLease(path string) (l *Lease, held []byte, err error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, nil, fmt.Errorf("take lease: %w", err)
		}
		err = tryLock(f, Exclusive)
		if err != nil && !errors.Is(err, errBusy) {
			return nil, nil, errors.Join(fmt.Errorf("take lease %s: %w", path, err), f.Close())
		}
		text, readErr := io.ReadAll(f)
		if err != nil || readErr != nil {
			return nil, text, errors.Join(readErr, f.Close())
		}
		ours, err := stands(f, path)
		if err == nil && ours {
			if len(text) == 0 {
				text = nil
			}
			return &Lease{Left: text, f: f, name: path, size: len(text)}, nil, nil
		}
		// Its holder removed it between our opening and our locking it.
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, nil, fmt.Errorf("take lease %s: %w", path, err)
		}
	}
}

// stands reports whether f is the file that has the name path.
func stands(f *os.File, path string) (bool, error) {
	opened, err := f.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(opened, named), err
}

// LeaseHeld reports whether somebody has the lease path now, and what is
// written in it: by its holder, or by the last one, who died.
func LeaseHeld(path string) (held bool, text []byte, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil
	}
	if err != nil {
		return false, nil, fmt.Errorf("look at lease: %w", err)
	}
	text, err = io.ReadAll(f)
	switch lock := tryLock(f, Shared); {
	case errors.Is(lock, errBusy):
		held = true
	case lock != nil:
		err = errors.Join(err, lock)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return false, nil, fmt.Errorf("look at lease %s: %w", path, err)
	}
	return held, text, nil
}

// Write puts text in the place of what the lease says.
func (l *Lease) Write(text []byte) error {
	var err error
	if len(text) < l.size {
		err = l.f.Truncate(int64(len(text)))
	}
	if err == nil && len(text) > 0 {
		_, err = l.f.WriteAt(text, 0)
	}
	if err != nil {
		return fmt.Errorf("write lease %s: %w", l.name, err)
	}
	l.size = len(text)
	return nil
}

// Release gives the lease up and removes its file.
func (l *Lease) Release() error {
	if runtime.GOOS == "windows" { // cannot remove what is open
		err := errors.Join(l.f.Truncate(0), l.f.Close())
		os.Remove(l.name) //nolint:errcheck // somebody else has it already, or it stays behind empty
		return err
	}
	return errors.Join(os.Remove(l.name), l.f.Close())
}

// Abandon gives the lease up and leaves its file, as if the holder had died.
func (l *Lease) Abandon() error { return l.f.Close() }

// spareName begins the names of files that a pool keeps.
const spareName = "spare-"

// LeasePool takes and releases many leases of one directory: their files are
// used again, also by later pools, because a file system is slow to make files
// where many were just removed. It is for many goroutines.
type LeasePool struct {
	dir  string
	most int

	mu     sync.Mutex
	spare  []*Lease
	looked bool
	found  []string // files that other pools left
	made   int
	id     string
}

// NewLeasePool returns a pool for leases in dir, which leaves up to most empty
// files there when it is closed.
func NewLeasePool(dir string, most int) *LeasePool {
	return &LeasePool{dir: dir, most: most, id: strconv.FormatUint(rand.Uint64(), 36)} //nolint:gosec // a name, no secret
}

// IsSpare reports whether a file is no lease but kept by a pool.
func IsSpare(path string) bool { return strings.HasPrefix(filepath.Base(path), spareName) }

// TryLease is TryLease for a path in the directory of the pool.
func (p *LeasePool) TryLease(path string) (l *Lease, held []byte, err error) {
	if l = p.take(); l == nil {
		return TryLease(path)
	}
	// The file is locked already when it takes the name.
	if err := os.Link(l.name, path); err != nil {
		p.keep(l)
		return TryLease(path)
	}
	spare := l.name
	l.name = path
	if err := os.Remove(spare); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("take lease: %w", err), l.Release())
	}
	return l, nil, nil
}

// take returns a file that is not used, nil when there is none.
func (p *LeasePool) take() *Lease {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.spare); n > 0 {
		l := p.spare[n-1]
		p.spare = p.spare[:n-1]
		return l
	}
	if !p.looked {
		p.looked = true
		entries, err := os.ReadDir(p.dir)
		if err != nil {
			return nil
		}
		for _, e := range entries {
			if IsSpare(e.Name()) {
				p.found = append(p.found, filepath.Join(p.dir, e.Name()))
			}
		}
	}
	for n := len(p.found); n > 0; n = len(p.found) {
		name := p.found[n-1]
		p.found = p.found[:n-1]
		if l := adopt(name); l != nil {
			return l
		}
	}
	return nil
}

// adopt takes a file that another pool left; nil when it cannot be had. One with
// a second name belongs to a pool that was killed while it made that a lease.
func adopt(name string) *Lease {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	if tryLock(f, Exclusive) == nil {
		ours, err := stands(f, name)
		info, serr := f.Stat()
		if err == nil && ours && serr == nil && oneName(info) && f.Truncate(0) == nil {
			return &Lease{f: f, name: name}
		}
	}
	_ = f.Close() // somebody else's
	return nil
}

// Release gives a lease up and removes the file of that name.
func (p *LeasePool) Release(l *Lease) error {
	if runtime.GOOS == "windows" {
		return l.Release()
	}
	p.mu.Lock()
	p.made++
	name := filepath.Join(p.dir, spareName+p.id+"-"+strconv.Itoa(p.made))
	p.mu.Unlock()
	if err := l.Write(nil); err != nil {
		return errors.Join(err, l.Release())
	}
	if err := os.Rename(l.name, name); err != nil {
		return errors.Join(fmt.Errorf("give lease up: %w", err), l.Release())
	}
	l.name, l.Left = name, nil
	p.keep(l)
	return nil
}

func (p *LeasePool) keep(l *Lease) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spare = append(p.spare, l)
}

// Close leaves some of the files that the pool kept, and removes the others.
func (p *LeasePool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []error
	for i, l := range p.spare {
		if i+len(p.found) < p.most {
			all = append(all, l.Abandon())
		} else {
			all = append(all, l.Release())
		}
	}
	p.spare = nil
	return errors.Join(all...)
}
