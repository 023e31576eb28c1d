package artifact

import (
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Kinds of assets.
const (
	kindFile = "file"
	kindDir  = "dir"
)

// File is a file or directory in a listing.
type File struct {
	Path  string // below the owner's root
	Dir   bool
	Size  int64  // bytes; of a directory, of all below it
	Files int64  // regular files at or below it; 0 where that was not counted
	ID    oid.ID // zero for a directory that only follows from its files
}

// Name is the last part of the path.
func (f File) Name() string { return path.Base(f.Path) }

// Trees reads directories that were kept as one object.
type Trees interface {
	Tree(ctx context.Context, id oid.ID) ([]byte, error)
}

// Store is the files of all owners. Paths are checked by CleanPath here, so that
// no caller forgets.
type Store struct {
	rows  track.Artifacts
	blobs Blobs
	trees Trees
}

// New returns a store. Trees may be nil where no directory is kept as one
// object.
func New(rows track.Artifacts, blobs Blobs, trees Trees) *Store {
	return &Store{rows: rows, blobs: blobs, trees: trees}
}

// Blobs is where the bytes are.
func (s *Store) Blobs() Blobs { return s.blobs }

// Put keeps what r has until its end as the file at p, in the place of what was
// there. Nothing changes unless all of it is kept; of two writers the last one
// wins.
func (s *Store) Put(ctx context.Context, o track.Owner, p string, r io.Reader) (File, error) {
	p, err := filePath(p)
	if err != nil {
		return File{}, err
	}
	// Who may not write learns it before the bytes are sent.
	if err := s.writable(ctx, o, p); err != nil {
		return File{}, err
	}
	file := File{Path: p}
	err = s.blobs.Put(ctx, r, func(kept Object) error {
		file.ID, file.Size = kept.ID, kept.Size
		return s.rows.PutArtifacts(ctx, o, []track.Asset{{Path: p, Kind: kindFile, ID: kept.ID, Size: kept.Size, Files: 1}})
	})
	return file, err
}

func filePath(p string) (string, error) {
	clean, err := CleanPath(p)
	if err == nil && (clean == "" || strings.HasSuffix(p, "/")) {
		err = errs.New(errs.Usage, "artifact path %q: it names no file", p)
	}
	return clean, err
}

func (s *Store) writable(ctx context.Context, o track.Owner, p string) error {
	below, err := s.rows.ListArtifacts(ctx, o, p)
	if err == nil && len(below) > 0 {
		err = errs.New(errs.Conflict, "artifact %s is a directory", p)
	}
	return err
}

// Find returns the file or directory at p. It is errs.NotFound where there is
// none.
func (s *Store) Find(ctx context.Context, o track.Owner, p string) (File, error) {
	p, err := CleanPath(p)
	if err != nil {
		return File{}, err
	}
	if p == "" {
		return File{Dir: true}, nil
	}
	a, err := s.rows.Artifact(ctx, o, p)
	switch {
	case errs.Is(err, errs.NotFound):
		below, lerr := s.rows.ListArtifacts(ctx, o, p)
		if lerr == nil && len(below) > 0 {
			return File{Path: p, Dir: true, Size: sum(below)}, nil
		}
		if lerr != nil && !errs.Is(lerr, errs.NotFound) {
			err = lerr
		}
		return File{}, err
	case err != nil:
		return File{}, err
	case a.Path == p:
		return fileOf(a), nil
	}
	return s.inTree(ctx, a, p)
}

func sum(all []track.Asset) (n int64) {
	for _, a := range all {
		n += a.Size
	}
	return n
}

func fileOf(a track.Asset) File {
	return File{Path: a.Path, Dir: a.Kind == kindDir, Size: a.Size, Files: a.Files, ID: a.ID}
}

// inTree finds p in the directory a, which was kept as one object.
func (s *Store) inTree(ctx context.Context, a track.Asset, p string) (File, error) {
	f, err := s.Below(ctx, fileOf(a), strings.TrimPrefix(p, a.Path+"/"))
	f.Path = p
	return f, err
}

// Below finds the file or directory at p below a directory that was kept as one
// object; "" is root itself. It is errs.NotFound where there is none.
func (s *Store) Below(ctx context.Context, root File, p string) (File, error) {
	p, err := CleanPath(p)
	if err != nil {
		return File{}, err
	}
	if p == "" {
		return root, nil
	}
	if s.trees == nil || !root.Dir || root.ID.IsZero() {
		return File{}, missing(p)
	}
	e, err := tree.Lookup(ctx, s.trees, root.ID, p)
	if errs.Is(err, errs.NotFound) || err == nil && e.Kind == tree.Symlink { // links are not followed
		return File{}, missing(p)
	}
	return File{Path: p, Dir: e.Kind == tree.Dir, Size: e.Size, Files: e.Files, ID: e.ID}, err
}

func missing(p string) error { return errs.New(errs.NotFound, "No such artifact: '%s'", p) }

// ListBelow lists the directory dir, an object found by Below or Find, by name.
func (s *Store) ListBelow(ctx context.Context, dir File) (files []File, err error) {
	if s.trees == nil || !dir.Dir || dir.ID.IsZero() {
		return nil, nil
	}
	err = tree.List(ctx, s.trees, dir.ID, func(e tree.Entry) error {
		if e.Kind != tree.Symlink {
			files = append(files, File{Path: path.Join(dir.Path, e.Name), Dir: e.Kind == tree.Dir, Size: e.Size, Files: e.Files, ID: e.ID})
		}
		return nil
	})
	return files, err
}

// Open returns the bytes of a file. Nothing is read before the first Read.
func (s *Store) Open(ctx context.Context, f File) (io.ReadSeekCloser, error) {
	if f.Dir {
		return nil, errs.New(errs.Usage, "artifact %s is a directory", f.Path)
	}
	return s.blobs.Open(ctx, Object{ID: f.ID, Size: f.Size})
}

// List lists one directory by name. A directory that does not exist is empty, as
// is a file.
func (s *Store) List(ctx context.Context, o track.Owner, dir string) ([]File, error) {
	dir, err := CleanPath(dir)
	if err != nil {
		return nil, err
	}
	rows, err := s.rows.ListArtifacts(ctx, o, dir)
	if err != nil {
		return nil, err
	}
	files := make([]File, 0, len(rows))
	for _, a := range rows {
		files = append(files, fileOf(a))
	}
	if dir == "" || s.trees == nil {
		return files, nil
	}
	f, err := s.Find(ctx, o, dir)
	if errs.Is(err, errs.NotFound) {
		return files, nil
	}
	if err != nil {
		return nil, err
	}
	kept, err := s.ListBelow(ctx, f)
	files = append(files, kept...)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, err
}

// Delete removes the file at p, or the directory with all below it, and says how
// many names are gone. What does not exist is no error. Objects that nobody
// names any more are left to a sweep.
func (s *Store) Delete(ctx context.Context, o track.Owner, p string) (int, error) {
	p, err := CleanPath(p)
	if err != nil {
		return 0, err
	}
	return s.rows.DeleteArtifacts(ctx, o, p)
}

// Close gives up what is temporary.
func (s *Store) Close() error { return s.blobs.Close() }

// Gone reports whether err says that a client went away in the midst of a body.
func Gone(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.Canceled)
}
