package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// hasExecBit is false where files have no executable bit to compare.
const hasExecBit = runtime.GOOS != "windows"

// makeTemp makes the directory in which new files grow until they are whole.
func (r *restorer) makeTemp() error {
	tmp, err := r.w.repo.TmpDir()
	if err == nil {
		r.dir, err = fsx.MakeTempDir(tmp, "checkout-")
	}
	if err != nil {
		return errs.New(errs.Internal, "checkout: %w", err)
	}
	r.temp = r.dir.Path
	return nil
}

// replace writes the files that should be there, each beside and then moved
// over what stands there.
func (r *restorer) replace() error {
	seen := map[string]bool{}
	pool := newPool(r.ctx)
	var n atomic.Int64
	for _, e := range r.edits {
		if e.want == nil {
			continue
		}
		if e.want.Kind == tree.Dir { // one that is empty
			if err := r.realDir(e.path, seen); err != nil {
				return err
			}
			continue
		}
		if err := r.realDir(path.Dir(e.path), seen); err != nil {
			return err
		}
		pool.add(func(*worker) error {
			temp := filepath.Join(r.temp, fmt.Sprint(n.Add(1)))
			if err := r.write(temp, *e.want); err != nil {
				return r.explain(e.path, err)
			}
			return r.place(temp, e.path)
		})
	}
	return pool.run(writers())
}

func writers() int { return max(4, 2*runtime.GOMAXPROCS(0)) }

// place moves what is whole to its path.
func (r *restorer) place(temp, p string) error {
	if err := fault.At(r.ctx, "checkout.file"); err != nil {
		return err
	}
	err := fsx.Rename(temp, r.w.repo.Path(p))
	if errors.Is(err, syscall.EXDEV) {
		// The path is on another file system than .mlops: grow beside it.
		return r.placeAcross(temp, p)
	}
	if err != nil {
		return errs.New(errs.Internal, "checkout %s: %w", p, reason(err))
	}
	return nil
}

func (r *restorer) placeAcross(temp, p string) error {
	beside := filepath.Join(filepath.Dir(r.w.repo.Path(p)), ".mlops-"+filepath.Base(r.temp)+"-"+filepath.Base(temp))
	err := copyTree(temp, beside)
	if err == nil {
		err = fsx.Rename(beside, r.w.repo.Path(p))
	}
	if err != nil {
		return errors.Join(errs.New(errs.Internal, "checkout %s: %w", p, err), os.RemoveAll(beside))
	}
	return nil
}

// copyTree copies a file, link or directory to another file system.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		dst := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.Mkdir(dst, 0o777)
		case d.Type()&fs.ModeSymlink != 0:
			text, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(text, dst)
		}
		return copyFile(name, dst)
	})
}

func copyFile(from, to string) (err error) {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := fsx.Copy(to, f, info.Size()); err != nil {
		return err
	}
	return os.Chmod(to, info.Mode().Perm())
}

// write makes the new file or link name.
func (r *restorer) write(name string, e tree.Entry) error {
	_, err := r.writeStat(name, e)
	return err
}

// writeStat is write that tells how the file looks.
func (r *restorer) writeStat(name string, e tree.Entry) (fsx.Stat, error) {
	defer r.task.add(e.Size)
	if e.Kind == tree.Symlink {
		text, err := r.store.Get(r.ctx, e.ID)
		if err != nil {
			return fsx.Stat{}, err
		}
		if err := os.Symlink(string(text), name); err != nil {
			return fsx.Stat{}, err
		}
		return fsx.Lstat(name)
	}
	if st, done, err := r.link(name, e); done || err != nil {
		return st, err
	}
	perm := fs.FileMode(0o666)
	if e.Exec {
		perm = 0o777
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return fsx.Stat{}, err
	}
	err = r.store.Materialise(r.ctx, e.ID, f)
	var st fsx.Stat
	if err == nil {
		st, err = fsx.FileStat(f)
	}
	return st, errors.Join(err, f.Close())
}

// The ways to make a file from an object, as cache.link names them.
const (
	linkReflink  = "reflink"
	linkCopy     = "copy"
	linkHard     = "hardlink"
	linkSymbolic = "symlink"
)

// link makes name a link to a large object where the settings want that before
// a copy. Executable files are never linked: they would share the object's mode.
// The stat is what the stat cache shall have: of a symbolic link, the object's.
func (r *restorer) link(name string, e tree.Entry) (st fsx.Stat, done bool, err error) {
	if e.Size < store.LooseSize || e.Exec {
		return st, false, nil
	}
	ways := r.w.repo.Config.Cache.Link
	for i, how := range ways {
		if how == linkCopy || how == linkReflink && (i == len(ways)-1 || ways[i+1] == linkCopy) {
			return st, false, nil // Materialise does the first where it can
		}
		object, ok := r.store.LoosePath(e.ID)
		if !ok {
			return st, false, nil
		}
		switch how {
		case linkReflink:
			err = fsx.Clone(name, object)
		case linkHard:
			err = os.Link(object, name)
		case linkSymbolic:
			if st, err = objectStat(object); err == nil {
				err = os.Symlink(object, name)
			}
		default:
			return st, false, errs.New(errs.Usage, "cache.link: %q is not known", how).
				DidYouMean(how, []string{linkReflink, linkCopy, linkHard, linkSymbolic})
		}
		if err == nil {
			return st, true, nil
		}
		if !errors.Is(err, syscall.EXDEV) && !errors.Is(err, syscall.EMLINK) && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrPermission) {
			return st, false, err
		}
	}
	return fsx.Stat{}, false, nil
}

// fresh makes a target where nothing stands: in the temporary directory, then
// moved as a whole. So a crash leaves all of it or nothing.
func (r *restorer) fresh(e edit) (err error) {
	temp := filepath.Join(r.temp, "new")
	if err := r.realDir(path.Dir(e.path), map[string]bool{}); err != nil {
		return err
	}
	if e.want.Kind != tree.Dir {
		if err := r.write(temp, *e.want); err != nil {
			return err
		}
		return r.place(temp, e.path)
	}
	f := &freshTree{r: r, pool: newPool(r.ctx), rows: newRows{tmp: r.temp}}
	defer func() { err = errors.Join(err, f.rows.close()) }()
	if err := f.dir(temp, e.path, *e.want); err != nil {
		return err
	}
	if err := f.pool.run(writers()); err != nil {
		return err
	}
	scanned := int64(0)
	if now, err := fsx.Now(r.temp); err == nil {
		scanned = now
	}
	if err := r.place(temp, e.path); err != nil {
		return err
	}
	return f.remember(e.path, scanned)
}

// freshTree writes a whole directory where nobody else sees it.
type freshTree struct {
	r    *restorer
	pool *pool
	rows newRows
}

// dir writes one directory at full, which will be at slash, and plans those
// below.
func (f *freshTree) dir(full, slash string, e tree.Entry) error {
	if err := os.Mkdir(full, 0o777); err != nil {
		return err
	}
	var entries []tree.Entry
	if err := tree.List(f.r.ctx, f.r.store, e.ID, func(e tree.Entry) error { entries = append(entries, e); return nil }); err != nil {
		return err
	}
	items := make([]item, len(entries))
	var left atomic.Int64
	left.Add(1)
	leave := func() error {
		if left.Add(-1) > 0 {
			return nil
		}
		return f.finish(full, slash, e, items)
	}
	for from := 0; from < len(entries); from += readChunk {
		to := min(len(entries), from+readChunk)
		left.Add(1)
		f.pool.add(func(*worker) error {
			for i := from; i < to; i++ {
				if err := f.one(full, slash, entries[i], &items[i]); err != nil {
					return err
				}
			}
			return leave()
		})
	}
	return leave()
}

func (f *freshTree) one(full, slash string, e tree.Entry, it *item) error {
	*it = item{name: e.Name, kind: e.Kind, exec: e.Exec, size: e.Size, files: e.Files, id: e.ID}
	name := filepath.Join(full, e.Name)
	if e.Kind == tree.Dir {
		f.pool.add(func(*worker) error { return f.dir(name, join(slash, e.Name), e) })
		return nil
	}
	st, err := f.r.writeStat(name, e)
	it.mtime, it.ctime, it.inode = st.Mtime, st.Ctime, st.Inode
	it.files = 0
	return err
}

// finish keeps the row of a directory whose files are written. Those below may
// still come, so how the directory looks is asked at the end.
func (f *freshTree) finish(full, slash string, e tree.Entry, items []item) error {
	_ = full
	e.Name = ""
	r := &row{total: e, entries: string(encodeItems(items))}
	return f.rows.put(slash, r)
}

// remember writes the rows, so that the next status reads no file.
func (f *freshTree) remember(target string, scanned int64) error {
	cache := f.r.scan.cache
	if cache == nil || scanned == 0 {
		return nil
	}
	match, err := f.r.w.rulesAbove(target)
	if err != nil {
		return err
	}
	for slash, row := range f.rows.rows {
		st, err := fsx.Lstat(f.r.w.repo.Path(slash))
		if err != nil {
			return err
		}
		row.sig, row.scanned, row.saved = signature(st), scanned, true
		if !match.Empty() {
			row.rules = match.Digest()
		}
	}
	return f.rows.store(f.r.ctx, cache)
}

// ShowPath writes a path for people: one that has bytes a terminal should not
// get is quoted.
func ShowPath(p string) string {
	if strings.IndexFunc(p, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\ufffd' }) < 0 {
		return p
	}
	return fmt.Sprintf("%q", p)
}
