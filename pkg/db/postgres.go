package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// IsPostgres reports whether a store's name is the URL of a PostgreSQL database.
func IsPostgres(name string) bool {
	return strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://")
}

// postgresConns is how many connections one process holds at most.
const postgresConns = 16

// schemaLock is the advisory lock of those who change the schema: "mlops".
const schemaLock = 0x6d6c6f7073

// OpenPostgres opens a database by its URL (postgres://user@host/name) and
// applies the migrations it has not seen; see ServerSchema. Many processes may
// do so at once. With search_path in the URL all tables are in that schema.
func OpenPostgres(ctx context.Context, address string, o Options) (*DB, error) {
	name := "postgres://…" // what cannot be read may hold a password
	if u, err := url.Parse(address); err == nil {
		name = u.Redacted()
	}
	config, err := pgx.ParseConfig(address)
	if err != nil {
		// The error of pgx may hold the password.
		return nil, errs.New(errs.Usage, "%s is not the URL of a PostgreSQL database", name).Hint("postgres://USER:PASSWORD@HOST:5432/DATABASE")
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "mlops"
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	d := &DB{path: name, dialect: Postgres}
	pool := sql.OpenDB(connector{stdlib.GetConnector(*config), d})
	pool.SetMaxOpenConns(postgresConns)
	pool.SetMaxIdleConns(postgresConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	d.DB = pool
	if err := d.migratePostgres(ctx, o); err != nil {
		return nil, errors.Join(d.explain(err), pool.Close())
	}
	return d, nil
}

// connector gives the errors of connecting their kind, whatever a connection is for:
// rows of a query have no other place to explain them.
type connector struct {
	driver.Connector

	d *DB
}

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, c.d.explain(err)
	}
	return conn, nil
}

// migratePostgres is migrate for PostgreSQL: the version is in a table, and the
// copy of what was there is in a schema beside it.
func (d *DB) migratePostgres(ctx context.Context, o Options) error {
	list, err := migrationsIn(o.Migrations)
	if err != nil || len(list) == 0 {
		return err
	}
	newest := list[len(list)-1].number
	var exists bool
	var have int
	if err := d.QueryRowContext(ctx, "SELECT to_regclass('mlops_schema') IS NOT NULL").Scan(&exists); err != nil {
		return err
	}
	if exists {
		if err := d.QueryRowContext(ctx, "SELECT max(version) FROM mlops_schema").Scan(&have); err != nil {
			return err
		}
		if err := d.newer(have, newest); err != nil || have == newest {
			return err
		}
	}
	return d.updateAlone(ctx, func(tx *Tx) error {
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?)", schemaLock); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS mlops_schema (version BIGINT NOT NULL)"); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM mlops_schema").Scan(&have); err != nil {
			return err
		}
		if err := d.newer(have, newest); err != nil || have == newest {
			return err
		}
		if have > 0 {
			if err := backupPostgres(ctx, tx, d.path, have); err != nil {
				return err
			}
		}
		for _, m := range list {
			if m.number <= have {
				continue
			}
			text, err := fs.ReadFile(o.Migrations, m.name)
			if err != nil {
				return err
			}
			// Many statements in one text need the simple protocol.
			if _, err := tx.on.ExecContext(ctx, string(text), pgx.QueryExecModeSimpleProtocol); err != nil {
				return fmt.Errorf("migration %s: %w", m.name, err)
			}
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO mlops_schema (version) VALUES (?)", newest)
		return err
	})
}

// BackupSchema is where the tables of a schema are copied to before they change
// from version.
func BackupSchema(schema string, version int) string {
	return fmt.Sprintf("%s_backup_schema%d", schema, version)
}

// backupPostgres copies the rows of all tables into a schema that is named
// after the version. Tables of others are not ours to read.
func backupPostgres(ctx context.Context, tx *Tx, name string, version int) (err error) {
	var current string
	if err := tx.QueryRowContext(ctx, "SELECT current_schema()").Scan(&current); err != nil {
		return err
	}
	schema := pgx.Identifier{BackupSchema(current, version)}.Sanitize()
	rows, err := tx.QueryContext(ctx, "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND pg_has_role(tableowner, 'USAGE')")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var tables []string
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return err
		}
		tables = append(tables, table)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	statements := []string{"DROP SCHEMA IF EXISTS " + schema + " CASCADE", "CREATE SCHEMA " + schema}
	for _, table := range tables {
		quoted := pgx.Identifier{table}.Sanitize()
		statements = append(statements, "CREATE TABLE "+schema+"."+quoted+" AS TABLE "+quoted)
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			if state(err) == "42501" {
				return errs.New(errs.Internal, "back up tables of database %s into schema %s: %w", name, schema, err).
					Hint(`let the user make that schema: GRANT CREATE ON DATABASE "…" TO "…"`)
			}
			return fmt.Errorf("back up tables into schema %s: %w", schema, err)
		}
	}
	return nil
}

func state(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// again reports whether a transaction failed only because of another one.
func again(err error) bool {
	switch state(err) {
	case "40001", "40P01": // serialization failure, deadlock
		return true
	}
	return false
}

// pause waits a little, longer each time, and not as long as others do.
func pause(ctx context.Context, attempt int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(1+rand.IntN(4*attempt)) * time.Millisecond): //nolint:gosec // no secret
		return nil
	}
}

// explainPostgres gives PostgreSQL's errors the kinds and hints that users see.
func (d *DB) explainPostgres(err error) error {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return errs.New(errs.Remote, "connect to database %s: %w", d.path, plain(err)).
			Hint("check that the server runs and that user, password and database are right")
	}
	if errors.Is(err, sql.ErrConnDone) || pgconn.Timeout(err) {
		return errs.New(errs.Remote, "database %s does not answer: %w", d.path, err)
	}
	switch c := state(err); {
	case c == "22021": // the text holds a NUL, which PostgreSQL does not store
		return errs.New(errs.Usage, "a text holds the character NUL, which a PostgreSQL database does not keep")
	case c == "53100":
		return errs.New(errs.Internal, "write database %s: disk is full: %w", d.path, err)
	case c == "42501":
		return errs.New(errs.Internal, "database %s: %w", d.path, err).Hint("grant the user CREATE on the schema")
	case strings.HasPrefix(c, "08") || strings.HasPrefix(c, "57P"):
		return errs.New(errs.Remote, "database %s went away: %w", d.path, err)
	}
	return fmt.Errorf("database %s: %w", d.path, err)
}

// plain is the last cause of a failed connection, which names no password. Where
// several addresses were tried it has each cause once.
func plain(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			break
		}
		err = next
	}
	causes := strings.Split(err.Error(), "\n")
	slices.Sort(causes)
	return errors.New(strings.Join(slices.Compact(causes), "; "))
}
