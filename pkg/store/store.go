package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
)

// LooseSize is the size in bytes from which on an object is loose.
const LooseSize = 64 << 10

const (
	packDir    = "packs"
	objectDir  = "objects"
	tmpDir     = "tmp"
	multiName  = "multi.idx"
	packSuffix = ".pack"
	tmpPrefix  = "tmp-"
	lockName   = "store.lock"

	// raceWindow is more than the step of any file system's clock that we know.
	raceWindow = 2 * time.Second
)

// IncomingPrefix begins the names of files in the directory tmp that are written
// by who has a batch open, to be put or adopted. Sweep removes what is left.
const IncomingPrefix = "incoming-"

// Options say how a store is opened.
type Options struct {
	// What names the command, for the message that others see while they wait.
	What string
}

// Store is an open store. Its methods may be called by many goroutines.
type Store struct {
	dir  string
	what string

	mu      sync.RWMutex
	multi   *pack.Multi
	mapping *fsx.Mapping // of the multi index
	covered map[oid.ID]bool
	packs   map[oid.ID]*packFile
	outside []*packFile // packs that multi does not cover
	retired []*packFile // packs that another process removed
	broken  error       // a pack that cannot be read
	listed  time.Time   // the packs directory's time when it was listed
	racy    bool        // it was listed so soon after a change that a later one may have the same time
	multiAt fsx.Stat    // what tells the file of multi from another that replaces it
	checked bool        // this file was verified
	noMulti bool        // it is damaged and not used

	nodes nodeCache
}

// Open opens the store in the directory dir (a repository's .mlops), making
// what is missing of it.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := &Store{dir: dir, what: o.What, packs: make(map[oid.ID]*packFile)}
	for _, sub := range []string{packDir, objectDir, tmpDir} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, errs.New(errs.Internal, "open store: %w", err)
		}
	}
	if err := s.refresh(); err != nil {
		return nil, err
	}
	return s, nil
}

// Close gives up what the store holds open.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all error
	for _, p := range s.packs {
		all = errors.Join(all, p.close())
	}
	for _, p := range s.retired {
		all = errors.Join(all, p.close())
	}
	s.packs, s.outside, s.retired, s.multi = map[oid.ID]*packFile{}, nil, nil, nil
	if s.mapping != nil {
		all = errors.Join(all, s.mapping.Close())
		s.mapping = nil
	}
	return all
}

// Forget takes what look-ups have read of the indexes, sixty bytes an object,
// out of memory: for the end of a phase of many look-ups.
func (s *Store) Forget() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.mapping != nil {
		s.mapping.Forget()
	}
	for _, p := range s.packs {
		p.forget()
	}
}

// Dir is the directory that the store was opened in.
func (s *Store) Dir() string { return s.dir }

// Info is what the store knows of an object without reading it.
type Info struct {
	Size  int64
	Kind  pack.Kind
	Pack  oid.ID // the pack that has it; zero for a loose object
	Loose bool
}

// place is where an object's bytes are.
type place struct {
	pack  *packFile // nil: loose
	entry pack.Entry
	info  Info
}

// Has reports whether the store has the object.
func (s *Store) Has(id oid.ID) bool {
	_, err := s.find(id)
	return err == nil
}

// Stat tells what is known of an object. It is errs.NotFound when the store
// does not have it.
func (s *Store) Stat(id oid.ID) (Info, error) {
	p, err := s.find(id)
	return p.info, err
}

// LoosePath is the file of a loose object, for links.
func (s *Store) LoosePath(id oid.ID) (string, bool) {
	path := s.loosePath(id)
	_, err := os.Lstat(path)
	return path, err == nil
}

func (s *Store) loosePath(id oid.ID) string {
	hex := id.String()
	return filepath.Join(s.dir, objectDir, hex[:2], hex[2:])
}

// find looks in the packs, then for a loose file, then again in packs that
// another process may have added since.
func (s *Store) find(id oid.ID) (place, error) {
	if p, ok := s.packed(id); ok {
		return p, nil
	}
	if info, err := os.Lstat(s.loosePath(id)); err == nil {
		return place{info: Info{Size: info.Size(), Kind: pack.Data, Loose: true}}, nil
	}
	fresh, err := s.changed()
	if err != nil {
		return place{}, err
	}
	// The index that is read again may be a damaged one too.
	for again := s.dropBadMulti() || fresh; again; again = s.dropBadMulti() {
		if err := s.refresh(); err != nil {
			return place{}, err
		}
		if p, ok := s.packed(id); ok {
			return p, nil
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.broken != nil {
		return place{}, errs.New(errs.Corrupt, "object %s may be in a pack that cannot be read: %w", id, s.broken)
	}
	return place{}, errs.New(errs.NotFound, "object %s is not in the store", id).Hint("type 'mlops pull' to fetch it from a remote")
}

func (s *Store) packed(id oid.ID) (place, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.multi != nil {
		if pid, kind, e, ok := s.multi.Find(id); ok {
			// A damaged row must not be believed: it would be a size to allocate.
			if p := s.packs[pid]; p != nil && e.Stored == e.Size && p.holds(e) {
				return place{p, e, Info{Size: e.Size, Kind: kind, Pack: pid}}, true
			}
		}
	}
	for _, p := range s.outside {
		if e, ok := p.index.Find(id); ok {
			return place{p, e, Info{Size: e.Size, Kind: p.index.Kind(), Pack: p.id}}, true
		}
	}
	return place{}, false
}

// changed reports whether packs came or went since they were listed.
func (s *Store) changed() (bool, error) {
	info, err := os.Stat(filepath.Join(s.dir, packDir))
	if err != nil {
		return false, errs.New(errs.Internal, "open store: %w", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.racy || !info.ModTime().Equal(s.listed), nil
}

// dropBadMulti checks, when an object was not found, whether the merged index
// is to blame, and has the next refresh do without it when so.
func (s *Store) dropBadMulti() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.multi == nil || s.checked {
		return false
	}
	s.checked = true
	s.noMulti = pack.VerifyMulti(s.mapping.Data) != nil
	return s.noMulti
}

// refresh lists the packs and reads what it has not read yet.
func (s *Store) refresh() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.load()
}

func (s *Store) load() error {
	dir := filepath.Join(s.dir, packDir)
	info, err := os.Stat(dir)
	if err != nil {
		return errs.New(errs.Internal, "open store: %w", err)
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		return errs.New(errs.Internal, "open store: %w", err)
	}
	present := make(map[oid.ID]bool, len(names))
	for _, d := range names {
		hex, ok := strings.CutSuffix(d.Name(), packSuffix)
		if !ok || strings.HasPrefix(hex, tmpPrefix) {
			continue
		}
		id, err := oid.Parse(hex)
		if err != nil {
			continue // not ours; fsck names it
		}
		present[id] = true
	}
	if err := s.loadMulti(filepath.Join(dir, multiName), present); err != nil {
		return err
	}
	s.outside, s.broken = s.outside[:0], nil
	s.listed, s.racy = info.ModTime(), fsx.Recent(info.ModTime(), raceWindow)
	for id, p := range s.packs {
		if !present[id] {
			// Others may still read from its index or file: both stay open until Close.
			delete(s.packs, id)
			s.retired = append(s.retired, p)
		}
	}
	for id := range present {
		p := s.packs[id]
		if p == nil {
			p = &packFile{id: id, path: filepath.Join(dir, id.String()+packSuffix)}
			s.packs[id] = p
		}
		if s.covered[id] {
			continue
		}
		err := p.open()
		if errors.Is(err, fs.ErrNotExist) {
			// Another process removed it after it was listed; the next look lists again.
			delete(s.packs, id)
			s.racy = true
			continue
		}
		if errs.Is(err, errs.Corrupt) {
			// The other packs stay of use; who misses an object hears of this one.
			s.broken = err
			continue
		}
		if err != nil {
			return err
		}
		s.outside = append(s.outside, p)
	}
	return nil
}

// loadMulti reads the merged index. One that is damaged, or that names a pack
// which is gone, is not used: the packs themselves say the same.
func (s *Store) loadMulti(path string, present map[oid.ID]bool) error {
	old := s.mapping
	s.multi, s.mapping, s.covered = nil, nil, nil
	if old != nil {
		if err := old.Close(); err != nil {
			return err
		}
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return errs.New(errs.Internal, "open store: %w", err)
	}
	at, err := fsx.FileStat(f)
	if err != nil {
		return errors.Join(errs.New(errs.Internal, "open store: %w", err), f.Close())
	}
	if at != s.multiAt { // another process wrote it anew
		s.multiAt, s.checked, s.noMulti = at, false, false
	}
	if s.noMulti {
		return f.Close()
	}
	m, err := fsx.Map(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return errs.New(errs.Internal, "open store: %w", err)
	}
	multi, err := pack.ParseMulti(m.Data)
	if err != nil {
		return m.Close()
	}
	covered := make(map[oid.ID]bool, len(multi.Packs()))
	for _, id := range multi.Packs() {
		if !present[id] {
			return m.Close()
		}
		covered[id] = true
	}
	s.multi, s.mapping, s.covered = multi, m, covered
	return nil
}

// PackInfo describes a pack.
type PackInfo struct {
	ID    oid.ID
	Kind  pack.Kind
	Path  string
	Size  int64 // bytes of the file
	Count int   // objects
}

// Packs lists the packs that can be read.
func (s *Store) Packs() ([]PackInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]PackInfo, 0, len(s.packs))
	for id, p := range s.packs {
		if err := p.open(); err != nil {
			if errs.Is(err, errs.Corrupt) {
				continue // Verify names it
			}
			return nil, err
		}
		list = append(list, PackInfo{ID: id, Kind: p.index.Kind(), Path: p.path, Size: p.size, Count: p.index.Len()})
	}
	return list, nil
}

// PackIndex returns the index of one pack. It is valid until Close.
func (s *Store) PackIndex(id oid.ID) (*pack.Index, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.packs[id]
	if p == nil {
		return nil, errs.New(errs.NotFound, "pack %s is not in the store", id)
	}
	if err := p.open(); err != nil {
		return nil, err
	}
	return p.index, nil
}

// damaged gives an error about stored bytes its kind and its hint.
func damaged(path string, err error) error {
	return errs.New(errs.Corrupt, "%s: %w", path, err).
		Hint("type 'mlops fsck' to see which files are affected; 'mlops fetch' brings objects back from a remote")
}

// Hold keeps Sweep away until release is called: for work that stores objects
// first and writes what names them later. Others may write meanwhile.
func (s *Store) Hold(ctx context.Context) (release func() error, err error) {
	l, err := s.lock(ctx, fsx.Shared)
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(l.Unlock(), s.mergePacks(ctx)) }, nil
}

func (s *Store) lock(ctx context.Context, mode fsx.LockMode) (*fsx.Lock, error) {
	what := s.what
	if what == "" {
		what = "mlops"
	}
	l, err := fsx.LockFile(ctx, filepath.Join(s.dir, tmpDir, lockName), mode, what)
	if err != nil {
		return nil, fmt.Errorf("use store: %w", err)
	}
	return l, nil
}
