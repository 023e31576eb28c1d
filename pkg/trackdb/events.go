package trackdb

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/mlops-cli/mlops/pkg/track"
)

// event appends to the history, in the transaction of what happened.
func (s *Service) event(ctx context.Context, tx *sql.Tx, kind, subject string, data map[string]any) error {
	var text []byte
	if len(data) > 0 {
		var err error
		if text, err = json.Marshal(data); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO events (time, kind, subject, by, data) VALUES (?, ?, ?, ?, ?)",
		s.now(), kind, subject, s.by, string(text))
	return err
}

// Events returns the history after number after, oldest first, of one subject
// or of all ("").
func (s *Service) Events(ctx context.Context, subject string, after int64) ([]track.Event, error) {
	var events []track.Event
	var e track.Event
	err := each(ctx, s.db, []any{&e.Seq, &e.Time, &e.Kind, &e.Subject, &e.By, &e.Data}, func() error {
		events = append(events, e)
		return nil
	}, `SELECT seq, time, kind, subject, by, data FROM events
		WHERE seq > ?2 AND (?1 = '' OR subject = ?1) ORDER BY seq`, subject, after)
	return events, err
}
