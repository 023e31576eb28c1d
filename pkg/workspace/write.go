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
	f, err := createFile(name, perm)
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

// ShowPath writes a path for people: one that has bytes a terminal should not
// get is quoted.
func ShowPath(p string) string {
	if strings.IndexFunc(p, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\ufffd' }) < 0 {
		return p
	}
	return fmt.Sprintf("%q", p)
}
