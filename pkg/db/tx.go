package db

import (
	"context"
	"database/sql"
	"maps"
)

// Tx is a transaction that others may share; see DB.Update. A done context ends
// it between two statements, never in the middle of one.
type Tx struct {
	on       conn
	dialect  Dialect
	prepared map[string]*sql.Stmt // nil for a query that was run once; no map: nothing is kept
	memory   map[any]any
}

// conn is a connection or a transaction.
type conn interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// maxPrepared bounds how many statements a writer keeps.
const maxPrepared = 400

// Dialect is the SQL that the database speaks.
func (t *Tx) Dialect() Dialect { return t.dialect }

// Memory is what writers of this process noted for those that follow: it is empty
// again once somebody else wrote or something was undone. It is nil where
// nothing may be noted; in a note's key stands a type of the package that made it.
func (t *Tx) Memory() map[any]any { return t.memory }

// ExecContext runs a statement without rows.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx, err := t.steady(ctx)
	if err != nil {
		return nil, err
	}
	args = t.dialect.args(args)
	s, err := t.prepare(ctx, query) //nolint:sqlclosecheck // kept, see group.unpin
	switch {
	case err != nil:
		return nil, err
	case s != nil:
		return s.ExecContext(ctx, args...)
	}
	return t.on.ExecContext(ctx, t.dialect.text(query), args...)
}

// QueryContext runs a query.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx, err := t.steady(ctx)
	if err != nil {
		return nil, err
	}
	args = t.dialect.args(args)
	s, err := t.prepare(ctx, query) //nolint:sqlclosecheck // kept, see group.unpin
	switch {
	case err != nil:
		return nil, err
	case s != nil:
		return s.QueryContext(ctx, args...)
	}
	return t.on.QueryContext(ctx, t.dialect.text(query), args...)
}

// QueryRowContext runs a query of at most one row.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) Row {
	rows, err := t.QueryContext(ctx, query, args...) //nolint:rowserrcheck // Row.Scan does
	return Row{rows, err}
}

// steady is ctx without its end, unless it has ended: a statement that is
// interrupted would undo the whole transaction.
func (t *Tx) steady(ctx context.Context) (context.Context, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return context.WithoutCancel(ctx), nil
}

// prepare returns the statement for a query that was run before, nil for one that
// is new: most are run once in a short command.
func (t *Tx) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if t.prepared == nil {
		return nil, nil
	}
	s, seen := t.prepared[query]
	switch {
	case s != nil:
		return s, nil
	case !seen:
		if len(t.prepared) >= maxPrepared {
			maps.DeleteFunc(t.prepared, func(_ string, s *sql.Stmt) bool { return s == nil })
		}
		if len(t.prepared) < maxPrepared {
			t.prepared[query] = nil
		}
		return nil, nil
	}
	s, err := t.on.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	t.prepared[query] = s
	return s, nil
}

// closeAll closes the statements that are kept.
func closeAll(prepared map[string]*sql.Stmt) {
	for _, s := range prepared {
		if s != nil {
			_ = s.Close()
		}
	}
}

// Row is the answer to a query of at most one row.
type Row struct {
	rows *sql.Rows
	err  error
}

// Scan reads the row; sql.ErrNoRows when there is none.
func (r Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	err := sql.ErrNoRows
	if r.rows.Next() {
		err = r.rows.Scan(dest...)
	} else if rerr := r.rows.Err(); rerr != nil {
		err = rerr
	}
	if cerr := r.rows.Close(); err == nil {
		err = cerr
	}
	return err
}
