package workspace

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// placeAfter is how long, in nanoseconds, targets that are whole wait for others:
// the later the clock is asked, the fewer of their files need a second look.
const placeAfter = int64(500e6)

// fresh makes targets where nothing stands: in the temporary directory, many at
// once, then moved there as a whole. So a crash leaves all of one or nothing.
type fresh struct {
	r     *restorer
	pool  *pool
	rows  newRows
	rules map[string]string // directory of targets → digest of the rules there

	mu    sync.Mutex
	ready []*freshTarget // whole, but not in their place
	since int64          // the file system's clock when the first of them was
}

// freshTarget is one target on its way.
type freshTarget struct {
	f    *fresh
	edit edit
	temp string
	left atomic.Int64 // directories and files that are not whole
	last atomic.Int64 // the file system's clock when one of its files was written

	mu   sync.Mutex
	rows map[string]*row // by directory; their entries may be spilled
}

// fresh makes all of list.
func (r *restorer) fresh(list []edit) (err error) {
	if len(list) == 0 {
		return nil
	}
	f := &fresh{r: r, pool: newPool(r.ctx), rows: newRows{tmp: r.temp}, rules: map[string]string{}}
	defer func() { err = errors.Join(err, f.rows.close()) }()
	seen := map[string]bool{}
	for i, e := range list {
		if err := r.realDir(path.Dir(e.path), seen); err != nil {
			return err
		}
		t := &freshTarget{f: f, edit: e, temp: filepath.Join(r.temp, "new"+strconv.Itoa(i))}
		t.add(t.make)
	}
	err = f.pool.run(writers())
	if err == nil {
		err = f.place()
	}
	return errors.Join(err, f.remember())
}

// add has a part of the target made by some worker, later.
func (t *freshTarget) add(part func() error) {
	t.left.Add(1)
	t.f.pool.add(func(*worker) error {
		if err := part(); err != nil {
			return t.f.r.explain(t.edit.path, err)
		}
		return t.leave()
	})
}

func (t *freshTarget) make() error {
	if t.edit.want.Kind == tree.Dir {
		return t.dir(t.temp, t.edit.path, *t.edit.want)
	}
	st, err := t.f.r.writeStat(t.temp, *t.edit.want)
	t.last.Store(max(st.Ctime, st.Mtime))
	return err
}

// leave notes that a part of the target is whole.
func (t *freshTarget) leave() error {
	if t.left.Add(-1) > 0 {
		return nil
	}
	f := t.f
	f.mu.Lock()
	defer f.mu.Unlock()
	now := t.last.Load()
	if len(f.ready) == 0 {
		f.since = now
	}
	f.ready = append(f.ready, t)
	if now-f.since < placeAfter {
		return nil
	}
	return f.place()
}

// place moves the targets that are whole to their paths. What is in their
// directories counts as seen just before, when nobody could change it.
func (f *fresh) place() error {
	scanned, err := fsx.Now(f.r.temp)
	if err != nil {
		scanned = 0
	}
	for _, t := range f.ready {
		if err := f.r.place(t.temp, t.edit.path); err != nil {
			return err
		}
		if err := f.seen(t, scanned); err != nil {
			return err
		}
	}
	f.ready = nil
	return nil
}

// seen completes the rows of a target, so that the next status reads no file.
func (f *fresh) seen(t *freshTarget, scanned int64) error {
	if len(t.rows) == 0 || f.r.scan.cache == nil || scanned == 0 {
		return nil
	}
	dir := path.Dir(t.edit.path)
	rules, known := f.rules[dir]
	if !known {
		match, err := f.r.w.rulesAbove(t.edit.path)
		if err != nil {
			return err
		}
		if !match.Empty() {
			rules = match.Digest()
		}
		f.rules[dir] = rules
	}
	for slash, row := range t.rows {
		st, err := fsx.Lstat(f.r.w.repo.Path(slash))
		if err != nil {
			return err
		}
		row.sig, row.scanned, row.saved, row.rules = signature(st), scanned, true, rules
	}
	return nil
}

// remember writes the rows of the targets that are in their places.
func (f *fresh) remember() error {
	if f.r.scan.cache == nil {
		return nil
	}
	f.rows.dropUnseen()
	return f.rows.store(context.WithoutCancel(f.r.ctx), f.r.scan.cache)
}

// dir writes one directory at full, which will be at slash, and plans those
// below.
func (t *freshTarget) dir(full, slash string, e tree.Entry) error {
	if err := os.Mkdir(full, 0o777); err != nil {
		return err
	}
	r := t.f.r
	var entries []tree.Entry
	if err := tree.List(r.ctx, r.store, e.ID, func(e tree.Entry) error { entries = append(entries, e); return nil }); err != nil {
		return err
	}
	items := make([]item, len(entries))
	var left atomic.Int64
	left.Add(1)
	leave := func() error {
		if left.Add(-1) > 0 {
			return nil
		}
		return t.finish(slash, e, items)
	}
	for from := 0; from < len(entries); from += readChunk {
		to := min(len(entries), from+readChunk)
		chunk := func() error {
			for i := from; i < to; i++ {
				if err := t.one(full, slash, entries[i], &items[i]); err != nil {
					return err
				}
			}
			return leave()
		}
		left.Add(1)
		if len(entries) <= readChunk {
			if err := chunk(); err != nil {
				return err
			}
			continue
		}
		t.add(chunk)
	}
	return leave()
}

func (t *freshTarget) one(full, slash string, e tree.Entry, it *item) error {
	*it = item{name: e.Name, kind: e.Kind, exec: e.Exec, size: e.Size, files: e.Files, id: e.ID}
	name := filepath.Join(full, e.Name)
	if e.Kind == tree.Dir {
		t.add(func() error { return t.dir(name, join(slash, e.Name), e) })
		return nil
	}
	st, err := t.f.r.writeStat(name, e)
	it.mtime, it.ctime, it.inode = st.Mtime, st.Ctime, st.Inode
	it.files = 0
	t.last.Store(max(st.Ctime, st.Mtime))
	return err
}

// finish keeps the row of a directory whose files are written. Those below may
// still come, so how the directory looks is asked when it is in its place.
func (t *freshTarget) finish(slash string, e tree.Entry, items []item) error {
	e.Name = ""
	r := &row{total: e, entries: string(encodeItems(items))}
	t.mu.Lock()
	if t.rows == nil {
		t.rows = map[string]*row{}
	}
	t.rows[slash] = r
	t.mu.Unlock()
	return t.f.rows.put(slash, r)
}
