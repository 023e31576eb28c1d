package workspace

import (
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// chunks are how many names one task looks at, and how many it may have to read.
const (
	lookChunk = 4096
	readChunk = 128
)

// dirScan is the scan of one directory. It begins with what the cache knows.
// While all looks as it did then, items is nil and nothing is decoded for good.
type dirScan struct {
	s      *scan
	t      *target
	parent *dirScan
	index  int        // in the parent's items
	was    tree.Entry // what the parent's row says of this directory
	new    bool       // the parent wants to hear in any case
	top    bool       // the target itself: it may be a link to a directory
	path   string     // slash path relative to the root
	full   string     // of the file system

	h     *handle
	sig   string
	old   *row
	items []item
	known []bool // items that the old row has

	own     atomic.Int32 // tasks that use the handle
	pending atomic.Int32 // 1 for those, and 1 for each directory below

	mu    sync.Mutex
	wrong []int              // places in old's items that look different now
	kids  map[int]tree.Entry // directories below that are not as old says
}

// enter opens the directory and chooses between a look at what the cache names
// and a new listing.
func (d *dirScan) enter(*worker) error {
	h, st, err := openDir(d.full, d.top)
	if err != nil {
		d.t.fail(d.path, err)
		return d.report(tree.Entry{})
	}
	d.h, d.sig = h, signature(st)
	d.pending.Store(1)
	d.own.Store(1) // this task
	if d.s.started > 0 {
		d.old = d.s.row(d.path)
	}
	if d.old != nil && d.old.rules != d.t.rules {
		d.old = nil
	}
	if d.trusted(st) && d.look() == nil {
		return d.leave()
	}
	if err := d.list(); err != nil {
		d.t.fail(d.path, err)
	}
	return d.leave()
}

// trusted reports whether the names that the cache has are those that are there.
func (d *dirScan) trusted(st fsx.Stat) bool {
	return d.old != nil && d.s.steady && d.old.sig == d.sig && !racy(st.Mtime, st.Ctime, d.old.scanned) &&
		(d.s.batch == nil || d.old.saved && d.s.store.Has(d.old.total.ID))
}

// look plans tasks that compare each file with what the cache says of it.
func (d *dirScan) look() error {
	r, err := newReader(d.old.entries)
	if err != nil {
		return err
	}
	for first := 0; first < r.count; first += lookChunk {
		from, at := r, first
		n := min(lookChunk, r.count-first)
		if first+n == r.count {
			d.own.Add(1)
			if first == 0 { // the usual size: no need to wait for another worker
				return d.lookAt(from, at, n)
			}
			d.s.pool.add(func(*worker) error { return d.lookAt(from, at, n) })
			break
		}
		var it item
		for range n {
			if err := r.next(&it); err != nil {
				return err
			}
		}
		d.own.Add(1)
		d.s.pool.add(func(*worker) error { return d.lookAt(from, at, n) })
	}
	return nil
}

// lookAt compares n items from place first on.
func (d *dirScan) lookAt(r reader, first, n int) error {
	var it item
	var same, size int64
	for i := first; i < first+n; i++ {
		if err := r.next(&it); err != nil {
			return brokenRow(d.path, err)
		}
		if it.kind == tree.Dir {
			d.descend(i, it.entry(), false)
			continue
		}
		st, err := d.h.lstat(it.name)
		if err != nil || !it.looks(st) || it.racy(d.old.scanned) {
			d.mu.Lock()
			d.wrong = append(d.wrong, i)
			d.mu.Unlock()
			continue
		}
		if it.kind == tree.File {
			same, size = same+1, size+it.size
		}
	}
	d.s.total.pass(same, size)
	return d.leave()
}

func brokenRow(dir string, err error) error {
	return errs.New(errs.Corrupt, "stat cache of %s: %w", dir, err).
		Hint("delete the file .mlops/cache.db and type the command again: it is made anew")
}

// descend plans the scan of a directory below.
func (d *dirScan) descend(index int, was tree.Entry, isNew bool) {
	d.pending.Add(1)
	sub := &dirScan{
		s: d.s, t: d.t, parent: d, index: index, was: was, new: isNew,
		path: join(d.path, was.Name), full: filepath.Join(d.full, was.Name),
	}
	d.s.pool.add(sub.enter)
}

func join(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}

// list reads the names that are there and plans tasks that look at each.
func (d *dirScan) list() error {
	names, err := sortedNames(d.h)
	if err != nil {
		return err
	}
	var olds []item
	if d.old != nil {
		if olds, err = decodeItems(d.old.entries); err != nil {
			d.old, olds = nil, nil
		}
	}
	d.items = make([]item, len(names))
	d.known = make([]bool, len(names))
	for i, name := range names {
		for len(olds) > 0 && olds[0].name < name {
			olds = olds[1:]
		}
		if len(olds) > 0 && olds[0].name == name {
			d.items[i], d.known[i] = olds[0], true
		} else {
			d.items[i].name = name
		}
	}
	d.refresh(nil)
	return nil
}

// refresh plans tasks that look at the items at places, all when nil, and read
// what is not as it was.
func (d *dirScan) refresh(places []int) {
	n := len(d.items)
	if places != nil {
		n = len(places)
	}
	for from := 0; from < n; from += readChunk {
		to := min(n, from+readChunk)
		d.own.Add(1)
		d.s.pool.add(func(w *worker) error {
			for i := from; i < to; i++ {
				at := i
				if places != nil {
					at = places[i]
				}
				if err := d.freshen(w, at); err != nil {
					return err
				}
			}
			return d.leave()
		})
	}
}

// freshen makes one item be what is there now.
func (d *dirScan) freshen(w *worker, at int) error {
	it := &d.items[at]
	st, err := d.h.lstat(it.name)
	if errors.Is(err, fs.ErrNotExist) {
		it.kind = 0 // it went away
		return nil
	}
	if err != nil {
		it.kind = 0
		d.t.fail(join(d.path, it.name), err)
		return nil
	}
	kind, _ := kindOf(st.Mode)
	if !d.t.match.Empty() && d.t.match.Match(join(d.path, it.name), kind == tree.Dir) {
		it.kind = 0
		return nil
	}
	if kind == tree.Dir {
		*it = item{name: it.name, kind: tree.Dir}
		d.descend(at, it.entry(), true)
		return nil
	}
	if d.keeps(at, st) {
		if kind == tree.File {
			d.s.total.pass(1, st.Size)
		}
		return nil
	}
	if st.Size > bufferSize && kind == tree.File {
		d.own.Add(1)
		d.s.pool.add(func(w *worker) error {
			if err := d.read(w, at); err != nil {
				return err
			}
			return d.leave()
		})
		return nil
	}
	return d.read(w, at)
}

// keeps reports whether the cache's id still holds, and the store has what it
// should have.
func (d *dirScan) keeps(at int, st fsx.Stat) bool {
	it := &d.items[at]
	return d.known != nil && d.known[at] && it.looks(st) && !it.racy(d.old.scanned) &&
		(d.s.batch == nil || d.s.store.Has(it.id))
}

func (d *dirScan) read(w *worker, at int) error {
	var old item
	scanned := int64(0)
	if (d.known == nil || d.known[at]) && d.old != nil {
		old, scanned = d.items[at], d.old.scanned
	}
	if d.s.seen != nil {
		w.path = join(d.path, d.items[at].name)
	}
	got, err := d.s.take(w, d.h, d.items[at].name, old, scanned)
	if err != nil {
		if ctxErr := d.s.ctx.Err(); ctxErr != nil {
			return ctxErr
		}
		if isFatal(err) {
			return err
		}
		d.t.fail(join(d.path, d.items[at].name), err)
	}
	d.items[at] = got
	return nil
}

// leave ends one task. After the last one the handle is closed, unless what the
// cache said turned out wrong and files must be read.
func (d *dirScan) leave() error {
	if d.own.Add(-1) > 0 {
		return nil
	}
	if len(d.wrong) > 0 {
		wrong := d.wrong
		d.wrong = nil
		items, err := decodeItems(d.old.entries)
		if err != nil {
			return errors.Join(brokenRow(d.path, err), d.h.close())
		}
		d.items = items
		d.own.Add(1)
		d.refresh(wrong)
		return d.leave()
	}
	if err := d.h.close(); err != nil {
		return err
	}
	return d.done()
}

// done counts a part that is finished; after the last one the directory is.
func (d *dirScan) done() error {
	if d.pending.Add(-1) > 0 {
		return nil
	}
	switch {
	case d.items == nil && d.old == nil: // it could not be listed
		return d.report(tree.Entry{})
	case d.items == nil && len(d.kids) == 0:
		return d.report(d.old.total)
	}
	return d.build()
}

// build makes the directory's nodes and its new row.
func (d *dirScan) build() error {
	if d.items == nil {
		items, err := decodeItems(d.old.entries)
		if err != nil {
			return brokenRow(d.path, err)
		}
		d.items = items
	}
	for at, e := range d.kids {
		it := &d.items[at]
		*it = item{name: it.name, kind: e.Kind, size: e.Size, files: e.Files, id: e.ID}
	}
	entries := make([]tree.Entry, 0, len(d.items))
	kept := d.items[:0]
	for i := range d.items {
		if d.items[i].kind != 0 { // else it is ignored or could not be read
			entries = append(entries, d.items[i].entry())
			kept = append(kept, d.items[i])
		}
	}
	total, err := tree.Build(d.s, entries)
	if err != nil {
		d.t.fail(d.path, err)
		return d.report(tree.Entry{})
	}
	r := &row{
		sig: d.sig, scanned: d.s.started, rules: d.t.rules, total: total,
		saved: d.s.batch != nil, entries: string(encodeItems(kept)),
	}
	d.items, d.kids = nil, nil
	if !d.failed() { // else files that could not be read are not in it
		if err := d.s.fresh.put(d.path, r); err != nil {
			return err
		}
	}
	return d.report(total)
}

func (d *dirScan) failed() bool {
	d.t.mu.Lock()
	defer d.t.mu.Unlock()
	return len(d.t.problems) > 0
}

// report tells the parent, or the target, what was found.
func (d *dirScan) report(e tree.Entry) error {
	if e.Kind == tree.Dir {
		d.s.mu.Lock()
		d.s.dirs[e.ID] = d.path
		d.s.mu.Unlock()
	}
	if d.parent == nil {
		d.t.entry = e
		return nil
	}
	e.Name = d.was.Name
	if e != d.was || d.new {
		d.parent.mu.Lock()
		if d.parent.kids == nil {
			d.parent.kids = map[int]tree.Entry{}
		}
		d.parent.kids[d.index] = e
		d.parent.mu.Unlock()
	}
	return d.parent.done()
}

// PutTree stores a node where there is a batch, and else only names it.
func (s *scan) PutTree(node []byte) (oid.ID, error) {
	if s.batch != nil {
		return s.batch.PutTree(node)
	}
	return oid.Sum(node), nil
}
