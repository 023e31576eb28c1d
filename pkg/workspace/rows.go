package workspace

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"os"
	"sync"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
)

// spillFrom is from how many bytes of entries on they wait in a file: there
// are a hundred for each of what may be millions of files.
const spillFrom = 16 << 20

// newRows are rows that are not in the cache yet. Its methods may be called by
// many goroutines.
type newRows struct {
	tmp string // directory for the file

	mu    sync.Mutex
	rows  map[string]*row
	bytes int
	file  *os.File // nil: all entries are in memory
	end   int64
	whole bool // no file can be had
}

// put takes a row in.
func (n *newRows) put(dir string, r *row) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rows == nil {
		n.rows = map[string]*row{}
	}
	n.rows[dir] = r
	if n.bytes += len(r.entries); n.bytes < spillFrom || n.whole {
		return nil
	}
	if n.file == nil {
		n.open()
		for _, r := range n.rows {
			if err := n.spill(r); err != nil {
				return err
			}
		}
		return nil
	}
	return n.spill(r)
}

// open makes the file, which has no name so that nothing is left of it. Where
// that cannot be, the rows stay in memory.
func (n *newRows) open() {
	f, err := os.CreateTemp(n.tmp, "rows-*")
	if err != nil {
		n.whole = true
		return
	}
	if err := os.Remove(f.Name()); err != nil { // an open file, on Windows
		n.whole = true
		_ = f.Close()           // nothing is in it
		_ = os.Remove(f.Name()) // else gc does
		return
	}
	n.file = f
}

func (n *newRows) spill(r *row) error {
	if n.file == nil {
		return nil
	}
	k, err := n.file.WriteString(r.entries)
	if err != nil {
		return errs.New(errs.Internal, "keep rows of the stat cache: %w", err)
	}
	r.at, r.spilled, r.entries = n.end, k, ""
	n.end += int64(k)
	return nil
}

// get returns the row of dir, nil when there is none.
func (n *newRows) get(dir string) (*row, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.rows[dir]
	if r == nil || r.spilled == 0 {
		return r, nil
	}
	return n.read(r)
}

func (n *newRows) read(r *row) (*row, error) {
	buf := make([]byte, r.spilled)
	if _, err := n.file.ReadAt(buf, r.at); err != nil {
		return nil, errs.New(errs.Internal, "keep rows of the stat cache: %w", err)
	}
	back := *r
	back.entries, back.spilled = string(buf), 0
	return &back, nil
}

// dropUnseen forgets rows that do not say when their directory was looked at.
func (n *newRows) dropUnseen() {
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.DeleteFunc(n.rows, func(_ string, r *row) bool { return r.scanned == 0 })
}

// store writes all rows into the cache in one transaction.
func (n *newRows) store(ctx context.Context, d *db.DB) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.rows) == 0 {
		return nil
	}
	err := d.Write(ctx, func(tx *sql.Tx) (err error) {
		put, err := prepareRows(ctx, tx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, put.Close()) }()
		for dir, r := range n.rows {
			if r.spilled > 0 {
				if r, err = n.read(r); err != nil {
					return err
				}
			}
			if err := putRow(ctx, put, wholeRow, dir, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return errs.New(errs.KindOf(err), "write stat cache: %w", err)
	}
	return nil
}

// close forgets the rows.
func (n *newRows) close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.file
	n.file, n.rows = nil, nil
	if f == nil {
		return nil
	}
	return f.Close()
}
