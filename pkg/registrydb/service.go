package registrydb

import (
	"cmp"
	"context"
	"encoding/json"
	"os"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/track"
)

var _ registry.Service = (*Service)(nil)

// Service is registry.Service over a database. Many goroutines and many
// processes may use one database.
type Service struct {
	db    *db.DB
	clock clock.Clock
	by    string
}

// New returns the service of a database that has the migrations of db.Index.
// What it does is recorded as done by the user of this process; see As.
func New(index *db.DB, c clock.Clock) *Service {
	return &Service{
		db: index, clock: c,
		by: cmp.Or(os.Getenv("MLOPS_USER"), os.Getenv("USER"), os.Getenv("LOGNAME"), os.Getenv("USERNAME")),
	}
}

// As returns the same service for what user does.
func (s *Service) As(user string) *Service {
	as := *s
	as.by = user
	return &as
}

// User is who does things where a context names nobody.
func (s *Service) User() string { return s.by }

// who is the one who does things: the user of a request, or of this process.
func (s *Service) who(ctx context.Context) string { return cmp.Or(track.UserOf(ctx), s.by) }

func (s *Service) now() int64 { return s.clock.Now().UnixMilli() }

// event appends to the history, in the transaction of what happened. The
// subject is the name of the model.
func (s *Service) event(ctx context.Context, tx *db.Tx, kind, name string, data map[string]any) error {
	var text []byte
	if len(data) > 0 {
		var err error
		if text, err = json.Marshal(data); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO events (time, kind, subject, by, data) VALUES (?, ?, ?, ?, ?)", s.now(), kind, name, s.who(ctx), string(text))
	return err
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

// orNull is an object id as a column.
func orNull(id oid.ID) any {
	if id.IsZero() {
		return nil
	}
	return id[:]
}
