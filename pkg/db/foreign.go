package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// OpenForeign opens a database of another program to be read: the file of a
// SQLite database, or the URL of a PostgreSQL one. Nothing in it is changed, and
// the program may go on to use it.
func OpenForeign(ctx context.Context, name string) (*DB, error) {
	d, err := openForeign(name)
	if err != nil {
		return nil, err
	}
	if err := d.PingContext(ctx); err != nil {
		return nil, errors.Join(d.explain(err), d.Close())
	}
	return d, nil
}

func openForeign(name string) (*DB, error) {
	if IsPostgres(name) {
		shown := name
		if u, err := url.Parse(name); err == nil {
			shown = u.Redacted()
		}
		config, err := pgx.ParseConfig(name)
		if err != nil {
			// The error of pgx may hold the password.
			return nil, errs.New(errs.Usage, "%s is not the URL of a PostgreSQL database", shown).Hint("postgresql://USER:PASSWORD@HOST:5432/DATABASE")
		}
		config.RuntimeParams["default_transaction_read_only"] = "on"
		pool := stdlib.OpenDB(*config)
		pool.SetMaxOpenConns(4)
		return &DB{DB: pool, path: shown, dialect: Postgres}, nil
	}
	if _, err := os.Stat(name); err != nil {
		return nil, errs.New(errs.NotFound, "open database: %w", err)
	}
	q := url.Values{"mode": {"ro"}, "_pragma": {fmt.Sprintf("busy_timeout(%d)", patience.Milliseconds()), "query_only(ON)"}}
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(name)}).EscapedPath(), RawQuery: q.Encode()}).String()
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, errs.New(errs.Internal, "open database %s: %w", name, err)
	}
	pool.SetMaxOpenConns(4)
	return &DB{DB: pool, path: name}, nil
}
