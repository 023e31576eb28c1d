package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// takeLink reads a symbolic link. One into our own store, made by checkout,
// stands for the file it leads to, unless that was changed through the link:
// then the file takes the place of the link.
func (s *scan) takeLink(w *worker, h *handle, name string, st fsx.Stat, old item, scanned int64) (item, error) {
	it := item{name: name, kind: tree.Symlink, size: st.Size, mtime: st.Mtime, ctime: st.Ctime, inode: st.Inode}
	text, err := h.readlink(name)
	if err != nil {
		return it, err
	}
	if id, ok := s.w.ownLink(text); ok {
		object, err := objectStat(text)
		if err != nil {
			return it, err
		}
		// The row has how the object looked, not the link: so it never holds
		// without a look at the object, here.
		was := item{name: name, kind: tree.File, size: object.Size, mtime: object.Mtime, ctime: object.Ctime, inode: object.Inode, id: id}
		if old == was && !old.racy(scanned) {
			return was, nil
		}
		got, _, err := s.sumFile(w, text)
		if err != nil || got == id {
			return was, err
		}
		if err := s.keepChanged(h, name, text, id); err != nil {
			return it, err
		}
		return s.takeFile(w, h, name)
	}
	if s.batch == nil {
		it.id = oid.Sum([]byte(text))
		return it, nil
	}
	it.id, err = s.batch.PutBytes([]byte(text))
	return it, stored(err)
}

// objectStat is how an object that links lead to looks.
func objectStat(path string) (fsx.Stat, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fsx.Stat{}, err
	}
	return fsx.StatOf(info), nil
}

func (s *scan) sumFile(w *worker, path string) (id oid.ID, n int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return id, 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return sum(s.ctx, f, w.buffer())
}

// keepChanged puts a spoiled object, which has what the user wrote, in the
// place of the link name.
func (s *scan) keepChanged(h *handle, name, object string, id oid.ID) error {
	full := filepath.Join(h.path, name)
	beside := full + ".mlops-changed"
	if err := fsx.Rename(object, beside); err != nil {
		if !errors.Is(err, syscall.EXDEV) {
			return err
		}
		if err := copyFile(object, beside); err != nil {
			return errors.Join(err, os.RemoveAll(beside))
		}
		if err := os.Remove(object); err != nil {
			return errors.Join(err, os.Remove(beside))
		}
	}
	if err := errors.Join(os.Chmod(beside, 0o644), fsx.Rename(beside, full)); err != nil {
		return err
	}
	return s.spoil(id)
}

// spoil takes note that the store has lost an object.
func (s *scan) spoil(id oid.ID) error {
	s.mu.Lock()
	s.spoiled = append(s.spoiled, id.String())
	s.mu.Unlock()
	return s.w.repo.ForgetSaved(s.ctx)
}

// ownLink is the object that a link's text leads to, when it leads into the
// repository's own objects.
func (w *Workspace) ownLink(text string) (oid.ID, bool) {
	rel, err := filepath.Rel(filepath.Join(w.repo.MetaDir(), "objects"), text)
	if err != nil || !filepath.IsLocal(rel) {
		return oid.ID{}, false
	}
	id, err := oid.Parse(strings.ReplaceAll(filepath.ToSlash(rel), "/", ""))
	return id, err == nil
}

// checkLinked looks whether a file that changed is a hard link to the object it
// was made from. Then the object is spoiled: it is moved away, so that nobody
// takes it for what its name says.
func (s *scan) checkLinked(old oid.ID, st fsx.Stat) {
	hex := old.String()
	file := filepath.Join(s.w.repo.MetaDir(), "objects", hex[:2], hex[2:])
	object, err := fsx.Lstat(file)
	if err != nil || object.Inode == 0 || object.Inode != st.Inode || object.Dev != st.Dev {
		return
	}
	away := filepath.Join(s.w.repo.MetaDir(), "quarantine")
	if err := os.MkdirAll(away, 0o777); err != nil {
		return
	}
	if err := fsx.Rename(file, filepath.Join(away, hex)); err != nil {
		return
	}
	_ = s.spoil(old) // the object is away in any case
}
