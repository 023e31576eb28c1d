package db

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"

	sqlite3 "modernc.org/sqlite/lib"
)

// openToRead opens a database that we may not write, such as that of a colleague
// or on a read-only disk, for queries only. The error is cause where that does
// not help.
func openToRead(ctx context.Context, path string, o Options, cause error) (*DB, error) {
	if c := code(cause) & 0xff; c != sqlite3.SQLITE_READONLY && c != sqlite3.SQLITE_CANTOPEN && c != sqlite3.SQLITE_PERM {
		return nil, cause
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return nil, cause
	}
	q := url.Values{"mode": {"ro"}, "_pragma": {"temp_store(MEMORY)", "query_only(ON)"}}
	if _, err := os.Stat(path + "-wal"); errors.Is(err, os.ErrNotExist) {
		q.Set("immutable", "1") // nobody has it open, and its lock files cannot be made
	}
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), RawQuery: q.Encode()}).String()
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, cause
	}
	d := &DB{DB: pool, path: path}
	if err := d.migrate(ctx, o); err != nil { // one of an older program would have to be changed
		return nil, errors.Join(cause, pool.Close())
	}
	return d, nil
}
