package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// Options say how a database is opened.
type Options struct {
	// Migrations holds the numbered SQL files, NNNN_name.sql: see Index and Cache.
	// Without them the tables stay as they are.
	Migrations fs.FS
	// Derived is for data that can be made again: it is not flushed at each
	// commit, and a broken file is replaced by an empty one.
	Derived bool
	// Fleeting is for derived data that need not outlive a crash of the machine:
	// it is never flushed.
	Fleeting bool
}

// DB is an open database. In SQLite writers of all processes take turns and wait
// up to ten seconds for one another; readers never wait.
type DB struct {
	*sql.DB
	path    string // or the URL, without a password
	dialect Dialect
	group   group
	reads   statements
	counts  struct{ commits, updates atomic.Int64 }
}

// Open opens the database at path, making it when missing, and applies the
// migrations it has not seen.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	d, err := open(ctx, path, o)
	if err != nil && o.Derived && isBroken(err) {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if rerr := os.Remove(path + suffix); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
				return nil, errors.Join(err, rerr)
			}
		}
		return open(ctx, path, o)
	}
	return d, err
}

func open(ctx context.Context, path string, o Options) (*DB, error) {
	synchronous := "FULL"
	if o.Derived {
		synchronous = "NORMAL"
	}
	if o.Fleeting {
		synchronous = "OFF"
	}
	q := url.Values{}
	// The order matters: the first statement that touches the file must already wait for others.
	for _, p := range []string{
		fmt.Sprintf("busy_timeout(%d)", patience.Milliseconds()), "journal_mode(WAL)", "synchronous(" + synchronous + ")",
		"foreign_keys(ON)", "journal_size_limit(67108864)", "cache_size(-16000)",
		"temp_store(MEMORY)", // what undoes a statement of many rows is small, and was a file
	} {
		q.Add("_pragma", p)
	}
	q.Set("_txlock", "immediate")
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), RawQuery: q.Encode()}).String()
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, errs.New(errs.Internal, "open database %s: %w", path, err)
	}
	pool.SetMaxOpenConns(5)
	pool.SetMaxIdleConns(5)
	d := &DB{DB: pool, path: path}
	if err := patiently(ctx, func() error { return d.migrate(ctx, o) }); err != nil {
		return openToRead(ctx, path, o, errors.Join(d.explain(err), pool.Close()))
	}
	return d, nil
}

// patience is how long a process waits for the others, in SQLite and around it.
const patience = 10 * time.Second

// patiently repeats fn while the database is busy. SQLite's own waiting does not
// cover a switch to WAL and the last close, which end a wait that could deadlock.
func patiently(ctx context.Context, fn func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := fn()
		if c := code(err) & 0xff; c != sqlite3.SQLITE_BUSY && c != sqlite3.SQLITE_LOCKED {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// Path is the file of the database, or its URL without a password.
func (d *DB) Path() string { return d.path }

// Dialect is the SQL that the database speaks.
func (d *DB) Dialect() Dialect { return d.dialect }

// ExecContext runs a statement in a transaction of its own.
func (d *DB) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return d.DB.ExecContext(ctx, d.dialect.text(query), d.dialect.args(args)...)
}

// QueryContext runs a query.
func (d *DB) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if d.dialect == SQLite {
		s, err := d.reads.of(ctx, d.DB, query) //nolint:sqlclosecheck // kept
		switch {
		case err != nil:
			return nil, err
		case s != nil:
			return s.QueryContext(ctx, args...)
		}
	}
	return d.DB.QueryContext(ctx, d.dialect.text(query), d.dialect.args(args)...)
}

// QueryRowContext runs a query of at most one row.
func (d *DB) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if d.dialect == SQLite {
		if s, err := d.reads.of(ctx, d.DB, query); err == nil && s != nil { //nolint:sqlclosecheck // kept
			return s.QueryRowContext(ctx, args...)
		}
	}
	return d.DB.QueryRowContext(ctx, d.dialect.text(query), d.dialect.args(args)...)
}

// Write runs fn in a transaction of SQLite that no other writer shares. An
// error of fn, or a done ctx, undoes all of it. See also Update.
func (d *DB) Write(ctx context.Context, fn func(*sql.Tx) error) error {
	var tx *sql.Tx
	err := patiently(ctx, func() (err error) {
		tx, err = d.BeginTx(ctx, nil)
		return err
	})
	if err != nil {
		return d.explain(err)
	}
	if err := fn(tx); err != nil {
		if rerr := tx.Rollback(); rerr != nil && !errors.Is(rerr, sql.ErrTxDone) {
			return errors.Join(err, rerr)
		}
		return d.explain(err)
	}
	return d.explain(tx.Commit())
}

// Check runs SQLite's own integrity check and returns what it complains of.
func (d *DB) Check(ctx context.Context) (problems []string, err error) {
	if d.dialect == Postgres {
		return nil, nil
	}
	rows, err := d.QueryContext(ctx, "PRAGMA integrity_check")
	if err != nil {
		return nil, d.explain(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, d.explain(err)
		}
		if line != "ok" {
			problems = append(problems, line)
		}
	}
	return problems, rows.Err()
}

// explain gives SQLite's errors the kinds and hints that users see.
func (d *DB) explain(err error) error {
	var own *errs.Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	if d.dialect == Postgres {
		return d.explainPostgres(err)
	}
	switch code(err) & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return errs.New(errs.Corrupt, "database %s is damaged: %w", d.path, err).
			Hint("move it away and type 'mlops fsck': data, models and pipelines do not need it, only runs are in it")
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return errs.New(errs.Locked, "database %s is in use by another process: %w", d.path, err).
			Hint("wait for the other command to end, then type the same command again")
	case sqlite3.SQLITE_FULL:
		return errs.New(errs.Internal, "write database %s: disk is full: %w", d.path, err).
			Hint("free some disk space and type the same command again: nothing was lost")
	case sqlite3.SQLITE_IOERR:
		return errs.New(errs.Internal, "database %s: %w", d.path, err).
			Hint("check that the disk is neither full nor broken, then type the same command again")
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return errs.New(errs.Internal, "open database %s: %w", d.path, err).
			Hint("check that %s exists and is writable for you", filepath.Dir(d.path))
	}
	return fmt.Errorf("database %s: %w", d.path, err)
}

func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

func isBroken(err error) bool {
	c := code(err) & 0xff
	return c == sqlite3.SQLITE_CORRUPT || c == sqlite3.SQLITE_NOTADB
}
