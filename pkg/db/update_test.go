package db_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/db/dbtest"
	"github.com/mlops-cli/mlops/pkg/errs"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

const tableT = "CREATE TABLE t (x BIGINT PRIMARY KEY);"

// both runs a test on each kind of database, with a table t.
func both(t *testing.T, run func(t *testing.T, open func(files fstest.MapFS) (*db.DB, error))) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "x.db")
		run(t, func(files fstest.MapFS) (*db.DB, error) {
			return db.Open(t.Context(), path, db.Options{Migrations: files})
		})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		address := dbtest.PostgresURL(t)
		run(t, func(files fstest.MapFS) (*db.DB, error) {
			return db.OpenPostgres(t.Context(), address, db.Options{Migrations: files})
		})
	})
}

func opened(t *testing.T, d *db.DB, err error) *db.DB {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func put(ctx context.Context, d *db.DB, x int) error {
	return d.Update(ctx, func(tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO t (x) VALUES (?)", x)
		return err
	})
}

func count(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	if err := d.QueryRowContext(context.WithoutCancel(t.Context()), "SELECT count(*) FROM t").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWritersThatShareACommit(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, open func(fstest.MapFS) (*db.DB, error)) {
		d, err := open(schema(tableT))
		opened(t, d, err)
		stop := errors.New("stop")
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				ctx := t.Context()
				switch i % 5 {
				case 1: // undone
					err := d.Update(ctx, func(tx *db.Tx) error {
						if _, err := tx.ExecContext(ctx, "INSERT INTO t (x) VALUES (?)", i); err != nil {
							return err
						}
						return stop
					})
					if !errors.Is(err, stop) {
						t.Error(err)
					}
				case 2: // refused by the database
					if err := put(ctx, d, -1); err == nil && put(ctx, d, -1) == nil {
						t.Error("a row twice")
					}
				case 3: // a panic is an error of its own request
					err := d.Update(ctx, func(*db.Tx) error { panic("oops") })
					if err == nil || !strings.Contains(err.Error(), "oops") {
						t.Error(err)
					}
				case 4: // nobody waits for it any more
					ctx, cancel := context.WithCancel(ctx)
					err := d.Update(ctx, func(tx *db.Tx) error {
						cancel()
						_, err := tx.ExecContext(ctx, "INSERT INTO t (x) VALUES (?)", i)
						return err
					})
					if !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				default:
					if err := put(ctx, d, i); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if n := count(t, d); n != 41 {
			t.Errorf("%d rows, want 41", n)
		}
	})
}

func TestAWriterThatWaitsMayLeave(t *testing.T) {
	t.Parallel()
	d, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), db.Options{Migrations: schema(tableT)})
	opened(t, d, err)
	hold, held := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- d.Update(t.Context(), func(*db.Tx) error { close(held); <-hold; return nil })
	}()
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := put(ctx, d, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it waited: %v", err)
	}
	close(hold)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := put(t.Context(), d, 2); err != nil || count(t, d) != 1 {
		t.Errorf("%v, %d rows", err, count(t, d))
	}
}

func TestWhatAWriterRemembersIsGoneWhenSomebodyElseWrites(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	d, err := db.Open(t.Context(), path, db.Options{Migrations: schema(tableT)})
	opened(t, d, err)
	other, err := db.Open(t.Context(), path, db.Options{Migrations: schema(tableT)})
	opened(t, other, err)
	ctx := t.Context()
	remembers := func() (yes bool) {
		t.Helper()
		if err := d.Update(ctx, func(tx *db.Tx) error {
			if m := tx.Memory(); m != nil {
				yes = m["k"] == true
				m["k"] = true
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return yes
	}
	for range 20 {
		remembers()
	}
	if !remembers() {
		t.Error("a writer that is alone forgot")
	}
	if err := put(ctx, other, 1); err != nil {
		t.Fatal(err)
	}
	if remembers() {
		t.Error("another process wrote, and the writer did not notice")
	}
	if _, err := d.ExecContext(ctx, "INSERT INTO t (x) VALUES (2)"); err != nil {
		t.Fatal(err)
	}
	if remembers() {
		t.Error("another connection wrote, and the writer did not notice")
	}
	if err := d.Update(ctx, func(*db.Tx) error { return errors.New("undone") }); err == nil || remembers() {
		t.Errorf("what was undone is remembered (%v)", err)
	}
}

func TestACopyIsKeptBeforeTheSchemaChanges(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, open func(fstest.MapFS) (*db.DB, error)) {
		d, err := open(schema(tableT))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := put(t.Context(), d, i); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d, err = open(schema(tableT, "DELETE FROM t;"))
		opened(t, d, err)
		if n := count(t, d); n != 0 {
			t.Errorf("%d rows after the migration", n)
		}
		var n int
		if d.Dialect() == db.Postgres {
			var current string
			if err := d.QueryRowContext(t.Context(), "SELECT current_schema()").Scan(&current); err != nil {
				t.Fatal(err)
			}
			backup := db.BackupSchema(current, 1)
			if err := d.QueryRowContext(t.Context(), "SELECT count(*) FROM "+backup+".t").Scan(&n); err != nil {
				t.Fatal(err)
			}
			if _, err := d.ExecContext(t.Context(), "DROP SCHEMA "+backup+" CASCADE"); err != nil {
				t.Error(err)
			}
		} else {
			old, err := db.Open(t.Context(), db.BackupPath(d.Path(), 1), db.Options{})
			n = count(t, opened(t, old, err))
		}
		if n != 3 {
			t.Errorf("the copy has %d rows, want 3", n)
		}
		if _, err := open(schema(tableT)); !errs.Is(err, errs.Usage) || !strings.Contains(err.Error(), "schema 2, this program knows up to 1") {
			t.Errorf("an older program opened a newer schema: %v", err)
		}
		if strings.Contains(fmt.Sprint(os.ReadDir(filepath.Dir(d.Path()))), ".part") {
			t.Error("half a copy stayed")
		}
	})
}

func TestManyServersMigrateOnce(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, open func(fstest.MapFS) (*db.DB, error)) {
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				d, err := open(schema(tableT, "INSERT INTO t (x) VALUES (-1);"))
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(put(t.Context(), d, i), d.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		d, err := open(schema(tableT, "INSERT INTO t (x) VALUES (-1);"))
		if n := count(t, opened(t, d, err)); n != 7 {
			t.Errorf("%d rows, want 7", n)
		}
	})
}

func TestAServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	const secret = "hush-hush"
	_, err := db.OpenPostgres(t.Context(), "postgres://ada:"+secret+"@127.0.0.1:1/x?connect_timeout=2", db.Options{Migrations: schema(tableT)})
	if !errs.Is(err, errs.Remote) || strings.Contains(err.Error(), secret) || len(errs.Hints(err)) == 0 {
		t.Errorf("error %v, hints %v", err, errs.Hints(err))
	}
	_, err = db.OpenPostgres(t.Context(), "postgres://ada:"+secret+"@[::", db.Options{})
	if !errs.Is(err, errs.Usage) || strings.Contains(err.Error(), secret) {
		t.Errorf("error %v", err)
	}
}
