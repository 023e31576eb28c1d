package workspace

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// singles plans the look at single files of one directory, which share a row.
func (s *scan) singles(dir string, list []*target) {
	known := map[string]item{}
	var scanned int64
	if s.cache != nil {
		r, err := loadRow(s.ctx, s.cache, looseRow, dir)
		if err != nil {
			s.cache = nil // unreadable is as good as none
			r = nil
		}
		if r != nil {
			items, err := decodeItems(r.entries)
			if err == nil {
				scanned = r.scanned
			}
			for _, it := range items {
				known[it.name] = it
			}
		}
	}
	for chunk := range slices.Chunk(list, readChunk) {
		s.pool.add(func(w *worker) (err error) {
			var h *handle // opened when a file must be read
			defer func() {
				if h != nil {
					err = errors.Join(err, h.close())
				}
			}()
			for _, t := range chunk {
				it := known[path.Base(t.path)]
				if t.stat.Mode.IsRegular() && s.knows(it, t.stat, scanned) {
					t.entry = it.entry()
					continue
				}
				if h == nil {
					if h, _, err = openDir(s.w.full(dir), true); err != nil {
						t.fail(t.path, err)
						h, err = nil, nil
						continue
					}
				}
				if err := s.single(w, h, t, it, scanned); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// knows reports whether what is known of a file is still so, and stored where
// that is wanted.
func (s *scan) knows(it item, st fsx.Stat, scanned int64) bool {
	return it.name != "" && it.looks(st) && !it.racy(scanned) && (s.batch == nil || s.store.Has(it.id))
}

// single looks at one file of the open directory h. A link is followed, unless
// checkout made it into the store.
func (s *scan) single(w *worker, h *handle, t *target, known item, scanned int64) error {
	name := path.Base(t.path)
	if t.stat.Mode&fs.ModeSymlink == 0 || s.w.isOwnLink(s.w.full(t.path)) {
		return s.singleIn(w, h, name, t, known, scanned)
	}
	real, err := filepath.EvalSymlinks(s.w.full(t.path))
	if err != nil {
		return s.singleIn(w, h, name, t, known, scanned) // which says what is wrong with it
	}
	there, _, err := openDir(filepath.Dir(real), true)
	if err != nil {
		t.fail(t.path, err)
		return nil
	}
	err = s.singleIn(w, there, filepath.Base(real), t, known, scanned)
	return errors.Join(err, there.close())
}

func (s *scan) singleIn(w *worker, h *handle, name string, t *target, known item, scanned int64) error {
	if t.stat.Mode&fs.ModeSymlink != 0 {
		st, err := h.lstat(name)
		if err == nil && s.knows(known, st, scanned) {
			t.entry = known.entry()
			return nil
		}
	}
	w.path = t.path
	got, err := s.take(w, h, name, known, scanned)
	if err != nil {
		if ctxErr := s.ctx.Err(); ctxErr != nil || isFatal(err) {
			return errors.Join(ctxErr, err)
		}
		t.fail(t.path, err)
		return nil
	}
	got.name = path.Base(t.path)
	t.entry = got.entry()
	s.mu.Lock()
	defer s.mu.Unlock()
	dir := path.Dir(t.path)
	r := s.loose[dir]
	if r == nil {
		r = &looseFiles{}
		s.loose[dir] = r
	}
	r.items = append(r.items, got)
	return nil
}

// isOwnLink reports whether a path is a link that checkout made into the store.
func (w *Workspace) isOwnLink(full string) bool {
	text, err := os.Readlink(full)
	if err != nil {
		return false
	}
	_, ok := w.ownLink(text)
	return ok
}

// looseFiles are single files of one directory that were read anew.
type looseFiles struct{ items []item }

// mergeLoose writes what was read of single files, keeping what other
// processes wrote of others.
func (s *scan) mergeLoose() error {
	if len(s.loose) == 0 || s.started == 0 {
		return nil
	}
	return s.cache.Write(s.ctx, func(tx *sql.Tx) (err error) {
		put, err := prepareRows(s.ctx, tx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, put.Close()) }()
		for dir, files := range s.loose {
			old, err := loadRow(s.ctx, tx, looseRow, dir)
			if err != nil {
				return err
			}
			merged := files.items
			slices.SortFunc(merged, func(a, b item) int { return strings.Compare(a.name, b.name) })
			merged = slices.CompactFunc(merged, func(a, b item) bool { return a.name == b.name })
			if old != nil {
				merged = mergeItems(merged, old, s.started)
			}
			r := &row{scanned: s.started, total: tree.Entry{Kind: tree.Dir}, entries: string(encodeItems(merged))}
			if err := putRow(s.ctx, put, looseRow, dir, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// mergeItems adds what old knows of other files. Those that were racy then
// would be trusted under the new, later time: they are dropped.
func mergeItems(items []item, old *row, scanned int64) []item {
	olds, err := decodeItems(old.entries)
	if err != nil {
		return items
	}
	out := make([]item, 0, len(items)+len(olds))
	for _, o := range olds {
		for len(items) > 0 && items[0].name < o.name {
			out, items = append(out, items[0]), items[1:]
		}
		if len(items) > 0 && items[0].name == o.name {
			continue
		}
		if !o.racy(min(old.scanned, scanned)) {
			out = append(out, o)
		}
	}
	return append(out, items...)
}
