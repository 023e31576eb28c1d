package trackdb

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

// logBatch writes a checked batch into a run.
func (s *Service) logBatch(ctx context.Context, tx *sql.Tx, r row, id string, b track.Batch) error {
	if r.deleted {
		return errs.New(errs.Conflict, "run %s is deleted", id).Hint("mlops runs restore %.8s", id)
	}
	if r.status.Over() && len(b.Params)+len(b.Metrics)+len(b.Assets)+len(b.Stages) > 0 {
		return over(id, r.status)
	}
	if err := s.logParams(ctx, tx, r.seq, id, b.Params); err != nil {
		return err
	}
	if err := logMetrics(ctx, tx, r.seq, b.Metrics); err != nil {
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
	if err := s.logEvents(ctx, tx, id, b.Events); err != nil {
		return err
	}
	return touched(ctx, tx, r.seq)
}

// rowsPerInsert is small: the driver looks for each variable of a statement
// among all of them.
const rowsPerInsert = 16

// insert writes rows, several with one statement, and returns how many were new.
// The head ends before VALUES, the tail follows the last row.
func insert[T any](ctx context.Context, tx *sql.Tx, head, tail string, columns int, rows []T, values func(T) []any) (added int64, err error) {
	one := "(" + marks(columns) + ")"
	text := func(n int) string {
		return head + " VALUES " + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + " " + tail
	}
	var full *sql.Stmt // for as many rows as there may be
	for chunk := range slices.Chunk(rows, rowsPerInsert) {
		args := make([]any, 0, len(chunk)*columns)
		for _, r := range chunk {
			args = append(args, values(r)...)
		}
		if full == nil && len(rows) > 2*rowsPerInsert {
			if full, err = tx.PrepareContext(ctx, text(rowsPerInsert)); err != nil {
				return added, err
			}
			defer func() { err = errors.Join(err, full.Close()) }()
		}
		var res sql.Result
		if full != nil && len(chunk) == rowsPerInsert {
			res, err = full.ExecContext(ctx, args...)
		} else {
			res, err = tx.ExecContext(ctx, text(len(chunk)), args...)
		}
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

func (s *Service) logParams(ctx context.Context, tx *sql.Tx, seq int64, id string, params []track.Param) error {
	added, err := insert(ctx, tx, "INSERT INTO params (run, key, value)", "ON CONFLICT DO NOTHING", 3, params,
		func(p track.Param) []any { return []any{seq, p.Key, p.Value} })
	if err != nil || added == int64(len(params)) {
		return err
	}
	for _, p := range params {
		var old string
		if err := tx.QueryRowContext(ctx, "SELECT value FROM params WHERE run = ? AND key = ?", seq, p.Key).Scan(&old); err != nil {
			return err
		}
		if old != p.Value {
			return errs.New(errs.Conflict, "param %q of run %s is %q already and cannot become %q", p.Key, id, old, p.Value).
				Hint("log a metric or a tag for what changes during a run")
		}
	}
	return nil
}

func (s *Service) logTags(ctx context.Context, tx *sql.Tx, seq int64, tags []track.Tag) error {
	now := s.now()
	_, err := insert(ctx, tx, "INSERT INTO tags (run, key, value, time)",
		"ON CONFLICT DO UPDATE SET value = excluded.value, time = excluded.time, deleted = 0", 4, lastByKey(tags),
		func(t track.Tag) []any { return []any{seq, t.Key, t.Value, cmp.Or(t.Time, now)} })
	return err
}

// lastByKey keeps the last tag of each key: one statement must not write a row twice.
func lastByKey(tags []track.Tag) []track.Tag {
	var kept []track.Tag
	for i, t := range tags {
		if !slices.ContainsFunc(tags[i+1:], func(later track.Tag) bool { return later.Key == t.Key }) {
			kept = append(kept, t)
		}
	}
	return kept
}

func logAssets(ctx context.Context, tx *sql.Tx, seq int64, assets []track.Asset) error {
	_, err := insert(ctx, tx, "INSERT OR REPLACE INTO assets (run, role, path, kind, id, size, files, local)", "", 8, assets,
		func(a track.Asset) []any {
			return []any{seq, a.Role, a.Path, a.Kind, a.ID[:], a.Size, a.Files, a.Local}
		})
	return err
}

func logStages(ctx context.Context, tx *sql.Tx, seq int64, stages []track.StageRecord) error {
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

// logMetrics adds points. A point that is there already is dropped, as MLflow
// drops it.
func logMetrics(ctx context.Context, tx *sql.Tx, seq int64, metrics []track.Metric) error {
	if len(metrics) == 0 {
		return nil
	}
	byKey := map[string][]track.Metric{}
	var keys []string
	for _, m := range metrics {
		if byKey[m.Key] == nil {
			keys = append(keys, m.Key)
		}
		byKey[m.Key] = append(byKey[m.Key], m)
	}
	for _, key := range keys {
		if err := logSeries(ctx, tx, seq, key, byKey[key]); err != nil {
			return err
		}
	}
	return nil
}

func logSeries(ctx context.Context, tx *sql.Tx, seq int64, key string, points []track.Metric) error {
	var id int64
	var c track.Summary
	var value, low, high valueColumn
	err := tx.QueryRowContext(ctx, "SELECT id, value, timestamp, step, min, max, count FROM series WHERE run = ? AND key = ?", seq, key).
		Scan(&id, &value, &c.Timestamp, &c.Step, &low, &high, &c.Count)
	c.Value, c.Min, c.Max = track.Value(value), track.Value(low), track.Value(high)
	fresh := errors.Is(err, sql.ErrNoRows)
	if err != nil && !fresh {
		return err
	}
	if fresh {
		res, err := tx.ExecContext(ctx, "INSERT INTO series (run, key, value, timestamp, step, min, max, count) VALUES (?, ?, 'NaN', 0, 0, 'NaN', 'NaN', 0)", seq, key)
		if err != nil {
			return err
		}
		if id, err = res.LastInsertId(); err != nil {
			return err
		}
	}
	next := c.Step + 1
	if fresh {
		next = 0
	}
	for i := range points {
		if points[i].Step == track.NextStep {
			points[i].Step = next
		}
		next = max(next, points[i].Step+1)
	}
	added, err := insert(ctx, tx, "INSERT INTO points (series, timestamp, step, value)", "ON CONFLICT DO NOTHING", 4, points,
		func(m track.Metric) []any { return []any{id, m.Timestamp, m.Step, number(m.Value)} })
	if err != nil || added == 0 {
		return err
	}
	before := c.Count
	for _, m := range points {
		c.Add(m) // a point that was there already changes nothing but the count
	}
	_, err = tx.ExecContext(ctx, "UPDATE series SET value = ?, timestamp = ?, step = ?, min = ?, max = ?, count = ? WHERE id = ?",
		number(float64(c.Value)), c.Timestamp, c.Step, number(float64(c.Min)), number(float64(c.Max)), before+added, id)
	return err
}
