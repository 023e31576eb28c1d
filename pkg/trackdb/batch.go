package trackdb

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

// logBatch writes a checked batch into a run.
func (s *Service) logBatch(ctx context.Context, tx *db.Tx, r row, id string, b track.Batch) error {
	grows := len(b.Params)+len(b.Metrics)+len(b.Assets)+len(b.Stages)+len(b.Datasets)+len(b.ModelInputs)+len(b.ModelOutputs) > 0
	if err := r.grow(id); err != nil && (r.deleted || grows) {
		return err
	}
	if err := s.logParams(ctx, tx, r.seq, id, b.Params); err != nil {
		return err
	}
	if err := logMetrics(ctx, tx, r.seq, b.Metrics); err != nil {
		return err
	}
	if err := s.logModelMetrics(ctx, tx, id, b.Metrics); err != nil {
		return err
	}
	if err := s.logTags(ctx, tx, r.seq, b.Tags); err != nil {
		return err
	}
	if err := logAssets(ctx, tx, r.seq, b.Assets); err != nil {
		return err
	}
	if err := logStages(ctx, tx, r.seq, b.Stages); err != nil {
		return err
	}
	if err := s.logInputs(ctx, tx, r, b); err != nil {
		return err
	}
	if err := s.logEvents(ctx, tx, id, b.Events); err != nil {
		return err
	}
	if b.Name != "" {
		if err := s.rename(ctx, tx, r.seq, id, b.Name); err != nil {
			return err
		}
	}
	if b.Note != nil {
		if err := s.setNote(ctx, tx, r.seq, id, *b.Note); err != nil {
			return err
		}
	}
	switch {
	case !r.status.Over():
		return nil // what runs has no record
	case grows:
		return s.edited(ctx, tx, r.seq)
	}
	return touched(ctx, tx, r.seq)
}

// rowsPerInsert is small: the driver of SQLite looks for each variable of a
// statement among all of them.
const rowsPerInsert = 16

// insert writes rows, several with one statement, and returns how many were new.
// The head ends before VALUES, the tail follows the last row.
func insert[T any](ctx context.Context, tx *db.Tx, head, tail string, columns int, rows []T, values func(T) []any) (added int64, err error) {
	most := rowsPerInsert
	if tx.Dialect() == db.Postgres {
		most = 100 // each statement is a round trip
	}
	for chunk := range slices.Chunk(rows, most) {
		args := make([]any, 0, len(chunk)*columns)
		for _, r := range chunk {
			args = append(args, values(r)...)
		}
		res, err := tx.ExecContext(ctx, head+" VALUES "+tuples(columns, len(chunk))+" "+tail, args...)
		if err != nil {
			return added, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return added, err
		}
		added += n
	}
	return added, nil
}

// tuples is the places of rows after VALUES.
func tuples(columns, rows int) string {
	one := "(" + marks(columns) + "),"
	return strings.TrimSuffix(strings.Repeat(one, rows), ",")
}

// position orders what a batch adds to a run after all that was there: by the
// time, and by turn within a millisecond.
func (s *Service) position() int64 {
	for {
		last := s.place.Load()
		next := max(s.now()<<10, last+1<<10)
		if s.place.CompareAndSwap(last, next) {
			return next
		}
	}
}

func (s *Service) logParams(ctx context.Context, tx *db.Tx, seq int64, id string, params []track.Param) error {
	position := s.position()
	added, err := insert(ctx, tx, "INSERT INTO params (run, key, value, position)", "ON CONFLICT (run, key) DO NOTHING", 4, params,
		func(p track.Param) []any { position++; return []any{seq, p.Key, p.Value, position} })
	if err != nil || added == int64(len(params)) {
		return err
	}
	for _, p := range params {
		var old string
		if err := tx.QueryRowContext(ctx, "SELECT value FROM params WHERE run = ? AND key = ?", seq, p.Key).Scan(&old); err != nil {
			return err
		}
		if old != p.Value {
			return errs.New(errs.Conflict, "%w", &track.ParamError{What: track.OfRun, ID: id, Key: p.Key, Old: old, New: p.Value}).
				Hint("log a metric or a tag for what changes during a run")
		}
	}
	return nil
}

func (s *Service) logTags(ctx context.Context, tx *db.Tx, seq int64, tags []track.Tag) error {
	now, position := s.now(), s.position()
	_, err := insert(ctx, tx, "INSERT INTO tags (run, key, value, time, position)",
		`ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, time = excluded.time, deleted = 0,
		position = CASE WHEN tags.deleted > 0 THEN excluded.position ELSE tags.position END`, 5, lastByKey(tags),
		func(t track.Tag) []any {
			position++
			return []any{seq, t.Key, t.Value, cmp.Or(t.Time, now), position}
		})
	return err
}

// lastByKey keeps the last tag of each key: one statement must not write a row twice.
func lastByKey(tags []track.Tag) []track.Tag {
	return lastOf(tags, func(t track.Tag) string { return t.Key })
}

// lastOf keeps the last of those with the same key, in order.
func lastOf[T any, K comparable](list []T, key func(T) K) []T {
	if len(list) < 2 {
		return list
	}
	last := make(map[K]int, len(list))
	for i, v := range list {
		last[key(v)] = i
	}
	if len(last) == len(list) {
		return list
	}
	var kept []T
	for i, v := range list {
		if last[key(v)] == i {
			kept = append(kept, v)
		}
	}
	return kept
}

func logAssets(ctx context.Context, tx *db.Tx, seq int64, assets []track.Asset) error {
	type name struct {
		track.Role
		path string
	}
	assets = lastOf(assets, func(a track.Asset) name { return name{a.Role, a.Path} })
	_, err := insert(ctx, tx, "INSERT INTO assets (run, role, path, kind, id, size, files, local)",
		`ON CONFLICT (run, role, path) DO UPDATE SET kind = excluded.kind, id = excluded.id, size = excluded.size,
		files = excluded.files, local = excluded.local`, 8, assets,
		func(a track.Asset) []any {
			return []any{seq, a.Role, a.Path, a.Kind, a.ID[:], a.Size, a.Files, a.Local}
		})
	return err
}

func logStages(ctx context.Context, tx *db.Tx, seq int64, stages []track.StageRecord) error {
	if len(stages) == 0 {
		return nil
	}
	var position int64
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(position), 0) FROM stages WHERE run = ?", seq).Scan(&position); err != nil {
		return err
	}
	var failed error
	_, err := insert(ctx, tx, "INSERT INTO stages (run, position, name, action, reasons, seconds, cpu_seconds, max_rss, exit_code, log, fingerprint, attempts)",
		"", 12, stages, func(r track.StageRecord) []any {
			position++
			reasons, err := json.Marshal(orEmpty(r.Reasons))
			failed = errors.Join(failed, err)
			var log any
			if !r.Log.IsZero() {
				log = r.Log[:]
			}
			return []any{seq, position, r.Name, r.Action, string(reasons), r.Seconds, r.CPUSeconds, r.MaxRSS, r.ExitCode, log, r.Fingerprint, r.Attempts}
		})
	return errors.Join(failed, err)
}
