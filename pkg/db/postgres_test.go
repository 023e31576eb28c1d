package db_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/db/dbtest"
	"github.com/mlops-cli/mlops/pkg/errs"
)

// TestACopyHasNoTablesOfOthers: a server's user without rights of its own upgrades
// beside tables of another program, and is told which right it lacks.
func TestACopyHasNoTablesOfOthers(t *testing.T) {
	t.Parallel()
	address := dbtest.PostgresURL(t)
	admin, err := db.OpenPostgres(t.Context(), address, db.Options{})
	opened(t, admin, err)
	run := func(statement string, names ...any) {
		t.Helper()
		if _, err := admin.ExecContext(context.WithoutCancel(t.Context()), fmt.Sprintf(statement, names...)); err != nil {
			t.Fatal(err)
		}
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	schemaName, database, role := q.Get("search_path"), strings.TrimPrefix(u.Path, "/"), fmt.Sprintf("test_role_%d", os.Getpid())
	run("CREATE ROLE %s", role)
	t.Cleanup(func() {
		run("DROP OWNED BY %s", role)
		run("DROP ROLE %s", role)
	})
	run("GRANT CREATE, USAGE ON SCHEMA %s TO %s", schemaName, role)
	run("CREATE TABLE theirs (x INT)")
	q.Set("role", role)
	u.RawQuery = q.Encode()
	open := func(files fstest.MapFS) error {
		d, err := db.OpenPostgres(t.Context(), u.String(), db.Options{Migrations: files})
		if err != nil {
			return err
		}
		return d.Close()
	}
	if err := open(schema(tableT)); err != nil {
		t.Fatal(err)
	}
	err = open(schema(tableT, "DELETE FROM t;"))
	if err == nil || !strings.Contains(strings.Join(errs.Hints(err), ""), "GRANT CREATE ON DATABASE") {
		t.Errorf("%v: %v", err, errs.Hints(err))
	}
	run("GRANT CREATE ON DATABASE %s TO %s", database, role)
	if err := open(schema(tableT, "DELETE FROM t;")); err != nil {
		t.Fatal(err)
	}
	backup := db.BackupSchema(schemaName, 1)
	var mine, theirs int
	err = errors.Join(
		admin.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = $1 AND tablename = 't'", backup).Scan(&mine),
		admin.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = $1 AND tablename = 'theirs'", backup).Scan(&theirs))
	if err != nil || mine != 1 || theirs != 0 {
		t.Errorf("%v: %d of ours, %d of others", err, mine, theirs)
	}
}

// TestReadersSayThatTheDatabaseIsAway: not only who writes.
func TestReadersSayThatTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	d, err := db.OpenPostgres(t.Context(), "postgres://u:secret@127.0.0.1:1/x?sslmode=disable", db.Options{})
	opened(t, d, err)
	var one int
	many := db.Each(t.Context(), d, []any{&one}, func() error { return nil }, "SELECT 1")
	for _, err := range []error{many, d.QueryRowContext(t.Context(), "SELECT 1").Scan(&one)} {
		if !errs.Is(err, errs.Remote) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
	}
}

// TestAHostThatIsNone: each cause is said once, on one line.
func TestAHostThatIsNone(t *testing.T) {
	t.Parallel()
	_, err := db.OpenPostgres(t.Context(), "postgres://u:secret@nosuch.invalid/x", db.Options{Migrations: schema(tableT)})
	if !errs.Is(err, errs.Remote) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
		t.Errorf("%q", err)
	}
}
