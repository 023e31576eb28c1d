package dbtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mlops-cli/mlops/pkg/db"
)

// Opener opens the database of a test once more, as another process would.
type Opener func(tb testing.TB) *db.DB

// Each runs a test on a fresh SQLite file and on a fresh schema of PostgreSQL.
func Each(t *testing.T, run func(t *testing.T, open Opener)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		run(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		run(t, Postgres(t))
	})
}

// SQLite is a fresh file with the tables of index.db.
func SQLite(tb testing.TB) Opener {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "index.db")
	return func(tb testing.TB) *db.DB {
		tb.Helper()
		return opened(tb, db.Index, func(ctx context.Context, o db.Options) (*db.DB, error) { return db.Open(ctx, path, o) })
	}
}

// Postgres is a fresh schema with the tables of a server.
func Postgres(tb testing.TB) Opener {
	tb.Helper()
	address := PostgresURL(tb)
	return func(tb testing.TB) *db.DB {
		tb.Helper()
		return opened(tb, db.ServerSchema, func(ctx context.Context, o db.Options) (*db.DB, error) { return db.OpenPostgres(ctx, address, o) })
	}
}

func opened(tb testing.TB, migrations func() (fs.FS, error), open func(context.Context, db.Options) (*db.DB, error)) *db.DB {
	tb.Helper()
	files, err := migrations()
	if err != nil {
		tb.Fatal(err)
	}
	d, err := open(tb.Context(), db.Options{Migrations: files})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Error(err)
		}
	})
	return d
}

// PostgresURL is the URL of a fresh, empty schema that is dropped after the test.
func PostgresURL(tb testing.TB) string {
	tb.Helper()
	address := os.Getenv("MLOPS_TEST_POSTGRES")
	if address == "" {
		s, err := server()
		if err != nil {
			skip(tb, err.Error())
		}
		address = s.url
	}
	admin, err := db.OpenPostgres(tb.Context(), address, db.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	schema := fmt.Sprintf("test_%d_%d", os.Getpid(), schemas.Add(1))
	if _, err := admin.ExecContext(tb.Context(), "CREATE SCHEMA "+schema); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_, err := admin.ExecContext(context.WithoutCancel(tb.Context()), "DROP SCHEMA "+schema+" CASCADE")
		if cerr := admin.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			tb.Error(err)
		}
	})
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// schemas numbers the schemas of this process.
var schemas atomic.Int64

// skip says loudly what is missing.
func skip(tb testing.TB, why string) {
	tb.Helper()
	if slices.Contains(strings.Split(os.Getenv("MLOPS_TEST_MUST_RUN"), ","), "postgres") {
		tb.Fatalf("postgres must run here: %s", why)
	}
	fmt.Fprintf(os.Stderr, "SKIPPED: %s: postgres: %s\n", tb.Name(), why)
	tb.Skipf("postgres: %s", why)
}

// Main runs the tests of a package and then stops the server, if there is one.
func Main(m *testing.M) int {
	defer stop()
	return m.Run()
}

// ping tells whether a server answers.
func ping(ctx context.Context, address string) error {
	d, err := db.OpenPostgres(ctx, address, db.Options{})
	if err != nil {
		return err
	}
	_, err = d.ExecContext(ctx, "SELECT 1")
	return errors.Join(err, d.Close())
}
