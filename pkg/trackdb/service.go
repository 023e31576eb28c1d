package trackdb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"os"
	"sync/atomic"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
)

var _ track.Store = (*Service)(nil)

// Service is track.Store over SQLite or PostgreSQL. Many goroutines and many
// processes may use one database.
type Service struct {
	db    *db.DB
	clock clock.Clock
	by    string
	alive func(track.Process) bool
	place *atomic.Int64 // the last position that was given away
}

// New returns the service of a database that has the migrations of db.Index or
// db.ServerSchema. What it does is recorded as done by the user of the context
// (track.AsUser), else by the user of this process; see As.
func New(index *db.DB, c clock.Clock) *Service {
	return &Service{
		db: index, clock: c, alive: alive, place: new(atomic.Int64),
		by: cmp.Or(os.Getenv("MLOPS_USER"), os.Getenv("USER"), os.Getenv("LOGNAME"), os.Getenv("USERNAME")),
	}
}

// By is who does things here, unless a context says otherwise.
func (s *Service) By() string { return s.by }

// As returns the same service for what user does.
func (s *Service) As(user string) *Service {
	as := *s
	as.by = user
	return &as
}

func (s *Service) now() int64 { return s.clock.Now().UnixMilli() }

// user is who does what happens in a context.
func (s *Service) user(ctx context.Context) string { return cmp.Or(track.UserOf(ctx), s.by) }

// row is what writes need to know of a run.
type row struct {
	seq        int64
	experiment int64
	kind       track.Kind
	status     track.Status
	deleted    bool
	start      int64
}

// open finds the run that a write is about, and keeps other writers from it.
func (s *Service) open(ctx context.Context, tx *db.Tx, id string) (row, error) {
	var r row
	err := tx.QueryRowContext(ctx, "SELECT seq, experiment, kind, status, deleted > 0, start_time FROM runs WHERE id = ?"+tx.Dialect().ForUpdate(), id).
		Scan(&r.seq, &r.experiment, &r.kind, &r.status, &r.deleted, &r.start)
	if errors.Is(err, sql.ErrNoRows) {
		return r, notFound(id)
	}
	return r, err
}

func notFound(id string) *errs.Error {
	return errs.New(errs.NotFound, "%w", &track.MissingError{What: track.OfRun, ID: id})
}

// grow says whether a run may still be logged to: a script may when it is over.
func (r row) grow(id string) error {
	if r.deleted {
		return errs.New(errs.Conflict, "%w", &track.DeletedError{What: track.OfRun, ID: id}).Hint("mlops runs restore %.8s", id)
	}
	if r.status.Over() && r.kind != track.Script {
		return ended(id, r.status)
	}
	return nil
}

// touched marks that a run differs from its last record.
func touched(ctx context.Context, tx *db.Tx, seq int64) error {
	_, err := tx.ExecContext(ctx, "UPDATE runs SET record = NULL WHERE seq = ? AND record IS NOT NULL", seq)
	return err
}

// edited is touched for a change of what two copies of a run may disagree on.
func (s *Service) edited(ctx context.Context, tx *db.Tx, seq int64) error {
	_, err := tx.ExecContext(ctx, "UPDATE runs SET record = NULL, edited = ? WHERE seq = ?", s.now(), seq)
	return err
}

// number is how a value is stored: NaN is text, which sorts after numbers.
func number(f float64) any {
	if math.IsNaN(f) {
		return "NaN"
	}
	return f
}

// valueColumn reads what number stored.
type valueColumn float64

// Scan implements sql.Scanner.
func (r *valueColumn) Scan(src any) error {
	switch v := src.(type) {
	case float64:
		*r = valueColumn(v)
	case int64:
		*r = valueColumn(v)
	default:
		*r = valueColumn(math.NaN())
	}
	return nil
}

// oidColumn reads an object id; NULL is the zero id.
type oidColumn oid.ID

// Scan implements sql.Scanner.
func (c *oidColumn) Scan(src any) error {
	*c = oidColumn{}
	raw, ok := src.([]byte)
	if !ok {
		return nil
	}
	id, err := oid.FromBytes(raw)
	*c = oidColumn(id)
	return err
}
