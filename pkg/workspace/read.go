package workspace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// ErrChanged is in the chain when a file was written to while it was read.
var ErrChanged = errors.New("it changed while it was read")

// tries is how often a file that changes is read when nothing is to be stored.
const tries = 3

// take reads what stands at name in h: a file, or a link, which is not
// followed. Old is what the cache had for it at the time scanned.
func (s *scan) take(w *worker, h *handle, name string, old item, scanned int64) (item, error) {
	it := item{name: name}
	st, err := h.lstat(name)
	if err != nil {
		return it, err
	}
	kind, _ := kindOf(st.Mode)
	switch kind {
	case tree.Symlink:
		return s.takeLink(w, h, name, st, old, scanned)
	case tree.File:
	case tree.Dir:
		return it, fmt.Errorf("%w: it became a directory", ErrChanged)
	default:
		return it, fmt.Errorf("%s cannot be tracked: only files, directories and symbolic links can", describe(st.Mode))
	}
	got, err := s.takeFile(w, h, name)
	for n := 1; errors.Is(err, ErrChanged) && s.batch == nil && n < tries; n++ {
		got, err = s.takeFile(w, h, name)
	}
	if errors.Is(err, ErrChanged) && s.batch == nil {
		got.mtime, err = 0, nil // it is being written: what was read last, not to be trusted later
	}
	if err != nil {
		return it, err
	}
	s.task.Add(1, got.size)
	if !old.id.IsZero() && old.id != got.id && st.Size >= store.LooseSize {
		s.checkLinked(old.id, st)
	}
	return got, nil
}

func describe(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "a fifo"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

func (s *scan) takeFile(w *worker, h *handle, name string) (item, error) {
	src, err := h.open(name)
	if err != nil {
		return item{name: name}, err
	}
	before, err := src.stat()
	if err == nil && !before.Mode.IsRegular() {
		err = fmt.Errorf("%w: it is no file any more", ErrChanged)
	}
	if err != nil {
		return item{name: name}, errors.Join(err, src.close())
	}
	_, exec := kindOf(before.Mode)
	it := item{
		name: name, kind: tree.File, exec: exec, size: before.Size, mtime: before.Mtime, ctime: before.Ctime, inode: before.Inode,
	}
	if before.Size > bufferSize {
		it.id, err = s.readLarge(w, src, before)
		return it, err
	}
	buf := w.buffer()
	n, err := src.fill(buf[:before.Size+1])
	if err == nil {
		err = unchanged(src, before, int64(n))
	}
	if err = errors.Join(err, src.close()); err != nil {
		return it, err
	}
	if s.batch == nil {
		it.id = oid.Sum(buf[:n])
		return it, nil
	}
	if s.seen != nil {
		s.seen(w.path, buf[:n])
	}
	it.id, err = s.batch.PutBytes(buf[:n])
	return it, stored(err)
}

// unchanged is ErrChanged when the file has not the size or times it had.
func unchanged(src source, before fsx.Stat, n int64) error {
	after, err := src.stat()
	if err != nil {
		return err
	}
	if n != before.Size || after.Size != before.Size || after.Mtime != before.Mtime {
		return ErrChanged
	}
	return nil
}

func (s *scan) readLarge(w *worker, src source, before fsx.Stat) (id oid.ID, err error) {
	f := src.file()
	defer func() { err = errors.Join(err, f.Close()) }()
	n := before.Size
	if s.batch != nil {
		id, err = s.batch.PutFile(f, before.Size)
		if errors.Is(err, store.ErrChanged) {
			return id, ErrChanged
		}
		err = stored(err)
	} else {
		id, n, err = sum(s.ctx, f, w.buffer())
	}
	if err != nil {
		return id, err
	}
	after, err := fsx.FileStat(f)
	if err == nil && (n != before.Size || after.Size != before.Size || after.Mtime != before.Mtime) {
		err = ErrChanged
	}
	return id, err
}

// sum hashes what is left of f.
func sum(ctx context.Context, f *os.File, buf []byte) (oid.ID, int64, error) {
	h := oid.NewHash()
	var total int64
	for {
		if err := ctx.Err(); err != nil {
			return oid.ID{}, total, err
		}
		n, err := f.Read(buf)
		total += int64(n)
		if _, werr := h.Write(buf[:n]); werr != nil {
			return oid.ID{}, total, werr
		}
		if errors.Is(err, io.EOF) {
			return oid.FromHash(h), total, nil
		}
		if err != nil {
			return oid.ID{}, total, err
		}
	}
}

// storeError marks errors of the store, which end the whole scan: a full disk
// is not the fault of one file.
type storeError struct{ error }

func (e storeError) Unwrap() error { return e.error }

func stored(err error) error {
	if err != nil {
		return storeError{err}
	}
	return nil
}

// isFatal reports whether an error is of more than one file.
func isFatal(err error) bool {
	var own storeError
	return errors.As(err, &own) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// problemError makes the error of one target.
func problemError(p string, problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	lines := make([]string, 0, len(problems))
	kind := errs.Internal
	for _, pr := range problems {
		if errs.KindOf(pr.Err) != errs.Internal {
			kind = errs.KindOf(pr.Err)
		}
		lines = append(lines, pr.text())
	}
	var e *errs.Error
	if len(problems) == 1 {
		e = errs.New(kind, "%s: %w", problems[0].Path, reason(problems[0].Err))
	} else {
		e = errs.New(kind, "%s: %d paths cannot be read:\n  %s", p, len(problems), strings.Join(lines, "\n  "))
	}
	if problems[0].Path != p {
		e.Hint("what shall not be tracked can be named in %s", join(path.Dir(p), repo.IgnoreFile))
	}
	return e
}

func (p Problem) text() string { return p.Path + ": " + reason(p.Err).Error() }

// reason drops the path that an error of the system repeats.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
