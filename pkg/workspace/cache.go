package workspace

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// The kinds of rows: a directory scanned whole, or single files of one.
const (
	wholeRow = 0
	looseRow = 1
)

// row is what the stat cache knows of a directory.
type row struct {
	sig     string // the directory's signature
	scanned int64  // ns, before anything was looked at
	rules   string
	total   tree.Entry // id, size and files of the directory
	saved   bool       // its files and nodes are in the store
	entries string     // encoded items, sorted

	at      int64 // of a row in newRows: where its entries are in the file
	spilled int   // and how many bytes they are there; 0: they are in entries
}

// signature is what shows that names came to or went from a directory.
func signature(s fsx.Stat) string {
	b := make([]byte, 0, 32)
	for _, v := range []uint64{uint64(s.Mtime), uint64(s.Ctime), s.Inode, s.Dev} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return string(b)
}

func key(path string) []byte { return []byte(strings.ReplaceAll(path, "/", "\x00")) }

func unkey(k []byte) string { return strings.ReplaceAll(string(k), "\x00", "/") }

const rowColumns = "SELECT path, sig, scanned, rules, tree, size, files, saved, entries FROM stat "

// preloadLimit is how many bytes of rows are read at once.
const preloadLimit = 96 << 20

// loadRows reads the rows of the directory path and all below it, or reports
// that they are too many to hold.
func loadRows(ctx context.Context, d *db.DB, path string) (rows map[string]*row, ok bool, err error) {
	lo := key(path)
	hi := append(key(path), 1)
	where := "WHERE kind = ? AND path >= ? AND path < ?"
	args := []any{wholeRow, lo, hi}
	if path == "." {
		where, args = "WHERE kind = ?", []any{wholeRow}
	}
	var size sql.NullInt64
	if err := d.QueryRowContext(ctx, "SELECT sum(length(entries)) FROM stat "+where, args...).Scan(&size); err != nil {
		return nil, false, err
	}
	if size.Int64 > preloadLimit {
		return nil, false, nil
	}
	found, err := d.QueryContext(ctx, rowColumns+where, args...)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	rows = map[string]*row{}
	for found.Next() {
		name, r, err := scanRow(found.Scan)
		if err != nil {
			return nil, false, err
		}
		rows[name] = r
	}
	return rows, true, found.Err()
}

// loadRow reads one row, nil when there is none.
func loadRow(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}, kind int, path string,
) (*row, error) {
	_, r, err := scanRow(q.QueryRowContext(ctx, rowColumns+"WHERE kind = ? AND path = ?", kind, key(path)).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return r, err
}

func scanRow(scan func(...any) error) (string, *row, error) {
	r := &row{}
	var p, s, u, i []byte
	if err := scan(&p, &s, &r.scanned, &u, &i, &r.total.Size, &r.total.Files, &r.saved, &r.entries); err != nil {
		return "", nil, err
	}
	r.sig, r.rules = string(s), string(u)
	r.total.Kind = tree.Dir
	got, err := oid.FromBytes(i)
	if err != nil {
		return unkey(p), &row{}, nil //nolint:nilerr // a broken row is as good as none
	}
	r.total.ID = got
	return unkey(p), r, nil
}

// prepareRows prepares the statement for putRow.
func prepareRows(ctx context.Context, tx *sql.Tx) (*sql.Stmt, error) {
	return tx.PrepareContext(ctx, "INSERT OR REPLACE INTO stat (kind, path, sig, scanned, rules, tree, size, files, saved, entries) VALUES (?,?,?,?,?,?,?,?,?,?)")
}

func putRow(ctx context.Context, put *sql.Stmt, kind int, path string, r *row) error {
	_, err := put.ExecContext(ctx, kind, key(path), []byte(r.sig), r.scanned, []byte(r.rules),
		r.total.ID[:], r.total.Size, r.total.Files, r.saved, []byte(r.entries))
	return err
}

// dropRows forgets the directory path and all below it.
func dropRows(ctx context.Context, d *db.DB, path string) error {
	_, err := d.ExecContext(ctx, "DELETE FROM stat WHERE kind = ? AND path >= ? AND path < ?", wholeRow, key(path), append(key(path), 1))
	return err
}
