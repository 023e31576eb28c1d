package trackdb

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/track"
)

// event appends to the history, in the transaction of what happened.
func (s *Service) event(ctx context.Context, tx *db.Tx, kind, subject string, data map[string]any) error {
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
func (s *Service) logEvents(ctx context.Context, tx *db.Tx, subject string, events []track.Event) error {
	now, by := s.now(), s.user(ctx)
	_, err := insert(ctx, tx, "INSERT INTO events (time, kind, subject, by, data)", "", 5, events,
		func(e track.Event) []any { return []any{cmp.Or(e.Time, now), e.Kind, subject, by, e.Data} })
	return err
}

// Emit appends an event to the history, about something that is no run. Data
// is what there is to know, nil for nothing.
func (s *Service) Emit(ctx context.Context, kind, subject string, data map[string]any) error {
	return s.db.Update(ctx, func(tx *db.Tx) error { return s.event(ctx, tx, kind, subject, data) })
}

// Events returns the history, the oldest first.
func (s *Service) Events(ctx context.Context, q track.EventQuery) ([]track.Event, error) {
	if err := s.db.NumberEvents(ctx); err != nil {
		return nil, err
	}
	where, args := []string{"seq > ?", "time >= ?"}, []any{q.After, q.Since}
	if q.Subject != "" {
		where, args = append(where, "subject = ?"), append(args, q.Subject)
	}
	if q.By != "" {
		where, args = append(where, "by = ?"), append(args, q.By)
	}
	if q.Before > 0 {
		where, args = append(where, "seq < ?"), append(args, q.Before)
	}
	if len(q.Kinds) > 0 {
		kinds := make([]string, 0, len(q.Kinds))
		for _, kind := range q.Kinds {
			kinds = append(kinds, "kind = ? OR substr(kind, 1, ?) = ?")
			args = append(args, kind, len([]rune(kind))+1, kind+".")
		}
		where = append(where, "("+strings.Join(kinds, " OR ")+")")
	}
	order := " ORDER BY seq DESC"
	switch {
	case q.First > 0:
		order = " ORDER BY seq LIMIT " + strconv.Itoa(q.First)
	case q.Last > 0:
		order += " LIMIT " + strconv.Itoa(q.Last)
	}
	events := []track.Event{}
	var e track.Event
	err := db.Each(ctx, s.db, []any{&e.Seq, &e.Time, &e.Kind, &e.Subject, &e.By, &e.Data}, func() error {
		events = append(events, e)
		return nil
	}, "SELECT seq, time, kind, subject, by, data FROM events WHERE "+strings.Join(where, " AND ")+order, args...)
	if q.First == 0 {
		slices.Reverse(events)
	}
	return events, err
}
