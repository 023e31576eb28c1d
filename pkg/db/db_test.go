package db_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
)

func schema(files ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i, text := range files {
		m[string(rune('1'+i))+"_x.sql"] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func TestOpenMigratesForwardAndKeepsRows(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b?#%.db")
	ctx := t.Context()
	one := schema("CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1);")
	d, err := db.Open(ctx, path, db.Options{Migrations: one})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the database is not at its path: %v", err)
	}
	two := schema("CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1);", "ALTER TABLE t ADD COLUMN y INTEGER DEFAULT 7;")
	d, err = db.Open(ctx, path, db.Options{Migrations: two})
	if err != nil {
		t.Fatal(err)
	}
	var x, y int
	if err := d.QueryRowContext(ctx, "SELECT x, y FROM t").Scan(&x, &y); err != nil || x != 1 || y != 7 {
		t.Fatalf("row is %d, %d (%v), want 1, 7", x, y, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err = db.Open(ctx, path, db.Options{Migrations: one}); !errs.Is(err, errs.Usage) {
		t.Fatalf("an older program opened a newer schema: %v", err)
	}
}

func TestWriteUndoesAllOnError(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d, err := db.Open(ctx, filepath.Join(t.TempDir(), "x.db"), db.Options{Migrations: schema("CREATE TABLE t (x INTEGER);")})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	stop := errors.New("stop")
	err = d.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO t VALUES (1)"); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatalf("error is %v, want %v", err, stop)
	}
	var n int
	if err := d.QueryRowContext(ctx, "SELECT count(*) FROM t").Scan(&n); err != nil || n != 0 {
		t.Fatalf("%d rows (%v), want 0", n, err)
	}
}

func TestManyOpenersMigrateOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	files := schema("CREATE TABLE t (x INTEGER);")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			ctx := context.WithoutCancel(t.Context())
			d, err := db.Open(ctx, path, db.Options{Migrations: files})
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Close()
			err = d.Write(ctx, func(tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO t VALUES (1)")
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestBrokenFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	garbage := make([]byte, 8192)
	for i := range garbage {
		garbage[i] = byte(i*7 + 1)
	}
	if err := os.WriteFile(path, garbage, 0o600); err != nil {
		t.Fatal(err)
	}
	files := schema("CREATE TABLE t (x INTEGER);")
	if _, err := db.Open(t.Context(), path, db.Options{Migrations: files}); !errs.Is(err, errs.Corrupt) {
		t.Fatalf("truth that is broken must be said: %v", err)
	}
	d, err := db.Open(t.Context(), path, db.Options{Migrations: files, Derived: true})
	if err != nil {
		t.Fatalf("a derived database that is broken is made anew: %v", err)
	}
	defer d.Close()
	if _, err := d.ExecContext(t.Context(), "INSERT INTO t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
}
