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
	"slices"
	"strconv"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// Options say how a database is opened.
type Options struct {
	// Migrations holds the numbered SQL files, NNNN_name.sql: see Index and Cache.
	Migrations fs.FS
	// Derived is for data that can be made again: it is not flushed at each
	// commit, and a broken file is replaced by an empty one.
	Derived bool
	// Fleeting is for derived data that need not outlive a crash of the machine:
	// it is never flushed.
	Fleeting bool
}

// DB is an open database. Writers of all processes take turns and wait up to
// ten seconds for one another; readers never wait.
type DB struct {
	*sql.DB
	path string
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
	pool.SetMaxOpenConns(4)
	d := &DB{DB: pool, path: path}
	if err := patiently(ctx, func() error { return d.migrate(ctx, o.Migrations) }); err != nil {
		return nil, errors.Join(d.explain(err), pool.Close())
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

// Path is the file of the database.
func (d *DB) Path() string { return d.path }

// Write runs fn in a transaction that no other writer shares. An error of fn,
// or a done ctx, undoes all of it.
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

// migrate applies, in one transaction, the files whose number is above the
// database's version.
func (d *DB) migrate(ctx context.Context, files fs.FS) error {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	var have int
	if err := d.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return err
	}
	newest := 0
	if len(names) > 0 {
		if newest, err = number(names[len(names)-1]); err != nil {
			return err
		}
	}
	if have > newest {
		return errs.New(errs.Usage, "database %s has schema %d, this program knows up to %d", d.path, have, newest).
			Hint("use the newer mlops that wrote it")
	}
	if have == newest {
		return nil
	}
	return d.Write(ctx, func(tx *sql.Tx) error {
		// Another process may have migrated while we waited for the write lock.
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
			return err
		}
		for _, name := range names {
			n, err := number(name)
			if err != nil {
				return err
			}
			if n <= have {
				continue
			}
			text, err := fs.ReadFile(files, name)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return fmt.Errorf("migration %s: %w", name, err)
			}
		}
		_, err := tx.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(newest))
		return err
	})
}

func number(name string) (int, error) {
	digits, _, _ := strings.Cut(name, "_")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0, fmt.Errorf("migration %s has no number", name)
	}
	return n, nil
}
