package trackdb

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"

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
	return s.logEvents(ctx, tx, subject, []track.Event{{Kind: kind, Data: string(text)}})
}

// logEvents appends events about a subject. Those without a time happen now.
func (s *Service) logEvents(ctx context.Context, tx *sql.Tx, subject string, events []track.Event) error {
	now := s.now()
	_, err := insert(ctx, tx, "INSERT INTO events (time, kind, subject, by, data)", "", 5, events,
		func(e track.Event) []any { return []any{cmp.Or(e.Time, now), e.Kind, subject, s.by, e.Data} })
	return err
}

// Emit appends an event to the history, about something that is no run. Data
// is what there is to know, nil for nothing.
func (s *Service) Emit(ctx context.Context, kind, subject string, data map[string]any) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error { return s.event(ctx, tx, kind, subject, data) })
}

// Events returns the history, the oldest first.
func (s *Service) Events(ctx context.Context, q track.EventQuery) ([]track.Event, error) {
	kinds, err := json.Marshal(orEmpty(q.Kinds))
	if err != nil {
		return nil, err
	}
	limit := -1
	if q.Last > 0 {
		limit = q.Last
	}
	events := []track.Event{}
	var e track.Event
	err = each(ctx, s.db, []any{&e.Seq, &e.Time, &e.Kind, &e.Subject, &e.By, &e.Data}, func() error {
		events = append(events, e)
		return nil
	}, `SELECT seq, time, kind, subject, by, data FROM events
		WHERE seq > ?1 AND (?2 = '' OR subject = ?2) AND time >= ?3
		AND (?4 = '[]' OR kind IN (SELECT value FROM json_each(?4)) OR substr(kind, 1, instr(kind, '.') - 1) IN (SELECT value FROM json_each(?4)))
		ORDER BY seq DESC LIMIT ?5`, q.After, q.Subject, q.Since, string(kinds), limit)
	slices.Reverse(events)
	return events, err
}
