package trackdb

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

var _ track.Corrector = (*Service)(nil)

// SetParam implements track.Corrector.
func (s *Service) SetParam(ctx context.Context, id string, p track.Param) error {
	if err := (track.Batch{Params: []track.Param{p}}).Check(); err != nil {
		return err
	}
	return s.correct(ctx, id, track.Params, p.Key, func(tx *db.Tx, r row) (map[string]any, error) {
		data := map[string]any{"value": p.Value}
		old, known, err := paramOf(ctx, tx, r.seq, p.Key)
		if err != nil {
			return nil, err
		}
		if known {
			data["was"] = old
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO params (run, key, value, position) VALUES (?, ?, ?, ?)
			ON CONFLICT (run, key) DO UPDATE SET value = excluded.value`, r.seq, p.Key, p.Value, s.position())
		return data, err
	})
}

// DeleteParam implements track.Corrector.
func (s *Service) DeleteParam(ctx context.Context, id, key string) error {
	return s.correct(ctx, id, track.Params, key, func(tx *db.Tx, r row) (map[string]any, error) {
		old, known, err := paramOf(ctx, tx, r.seq, key)
		if err != nil {
			return nil, err
		}
		if !known {
			return nil, noKey(ctx, tx, r.seq, id, "param", "params", key)
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM params WHERE run = ? AND key = ?", r.seq, key)
		return map[string]any{"was": old}, err
	})
}

func paramOf(ctx context.Context, tx *db.Tx, seq int64, key string) (value string, known bool, err error) {
	err = tx.QueryRowContext(ctx, "SELECT value FROM params WHERE run = ? AND key = ?", seq, key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return value, err == nil, err
}

// ChangeMetric implements track.Corrector.
func (s *Service) ChangeMetric(ctx context.Context, id, key string, change func([]track.Metric) ([]track.Metric, error)) error {
	if err := track.CheckKey("metric", key); err != nil {
		return err
	}
	return s.correct(ctx, id, track.Metrics, key, func(tx *db.Tx, r row) (map[string]any, error) {
		at, err := findSeries(ctx, tx, id, key)
		if err != nil {
			return nil, err
		}
		var have []point
		if at.id != 0 {
			if have, err = at.history(ctx, tx); err != nil {
				return nil, err
			}
		}
		old := metricsOf(key, have)
		after, err := change(slices.Clone(old))
		if err != nil {
			return nil, err
		}
		if len(old)+len(after) == 0 {
			return nil, noKey(ctx, tx, r.seq, id, "metric", "series", key)
		}
		want := make([]point, len(after))
		for i, m := range after {
			want[i] = point{m.Timestamp, m.Step, m.Value}
		}
		if want, err = replacePoints(ctx, tx, r.seq, at, key, want); err != nil {
			return nil, err
		}
		data := map[string]any{"points": len(want), "were": len(old)}
		if len(old) > 0 {
			data["was"] = track.Summarise(old).Value
		}
		if len(want) > 0 {
			data["value"] = track.Summarise(metricsOf(key, want)).Value
		}
		return data, correctModels(ctx, tx, id, key, want)
	})
}

// replacePoints gives a series other points, none take it away, and returns
// them by step, each once. A series that is new has the number 0.
func replacePoints(ctx context.Context, tx *db.Tx, run int64, at seriesAt, key string, points []point) ([]point, error) {
	sortPoints(points, byStep)
	points = slices.CompactFunc(points, same)
	if at.id == 0 {
		return points, logMetrics(ctx, tx, run, metricsOf(key, points))
	}
	clear(tx.Memory()) // what is known of the run is no longer so
	if err := fold(ctx, tx, run); err != nil {
		return nil, err
	}
	if len(points) == 0 {
		_, err := tx.ExecContext(ctx, "DELETE FROM series WHERE id = ?", at.id)
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM blocks WHERE series = ?", at.id); err != nil {
		return nil, err
	}
	if tx.Dialect() == db.SQLite { // points that an older program wrote
		if _, err := tx.ExecContext(ctx, "DELETE FROM points WHERE series = ?", at.id); err != nil {
			return nil, err
		}
	}
	s := &serie{id: at.id, sum: track.Summarise(metricsOf(key, points))}
	if err := updateSeries(ctx, tx, run, []*serie{s}); err != nil {
		return nil, err
	}
	return points, insertBlocks(ctx, tx, at.id, points)
}

// correctModels does to what logged models were measured by a run what was done
// to its points: a value that changed at a time and step changes there, too.
func correctModels(ctx context.Context, tx *db.Tx, run, key string, want []point) error {
	type place struct{ timestamp, step int64 }
	values := map[place]float64{}
	for _, p := range want {
		values[place{p.timestamp, p.step}] = p.value
	}
	var measured []place
	var at place
	if err := db.Each(ctx, tx, []any{&at.timestamp, &at.step}, func() error {
		measured = append(measured, at)
		return nil
	}, "SELECT DISTINCT timestamp, step FROM model_metrics WHERE run = ? AND key = ?", run, key); err != nil {
		return err
	}
	for _, at := range measured {
		change, args := "DELETE FROM model_metrics", []any{run, key, at.timestamp, at.step}
		if value, there := values[at]; there {
			change, args = "UPDATE model_metrics SET value = ?", append([]any{number(value)}, args...)
		}
		if _, err := tx.ExecContext(ctx, change+" WHERE run = ? AND key = ? AND timestamp = ? AND step = ?", args...); err != nil {
			return err
		}
	}
	return nil
}

// noKey says that a run does not have a param or a metric.
func noKey(ctx context.Context, tx *db.Tx, seq int64, id, what, table, key string) error {
	have, err := column(ctx, tx, "SELECT key FROM "+table+" WHERE run = ? ORDER BY key", seq)
	if err != nil {
		return err
	}
	return errs.New(errs.NotFound, "run %s has no %s %q", id, what, key).DidYouMean(key, have)
}

// correct changes one key of a script and records it: what change returns goes
// into the history.
func (s *Service) correct(ctx context.Context, id string, entity track.Entity, key string, change func(*db.Tx, row) (map[string]any, error)) error {
	return s.db.Update(ctx, func(tx *db.Tx) error {
		r, err := s.open(ctx, tx, id)
		if err != nil {
			return err
		}
		switch {
		case r.deleted:
			return r.grow(id)
		case r.kind != track.Script:
			return errs.New(errs.Conflict, "run %s is what the engine recorded of a %s, which is not corrected", id, r.kind).
				Hint("tags and notes say what is wrong with it: mlops runs tag %.8s KEY=VALUE", id)
		}
		data, err := change(tx, r)
		if err != nil {
			return err
		}
		if err := noteCorrection(ctx, tx, r.seq, track.Correction{Entity: entity, Key: key, Time: s.now()}); err != nil {
			return err
		}
		if r.status.Over() {
			if err := s.edited(ctx, tx, r.seq); err != nil {
				return err
			}
		}
		data[string(entity)] = key
		return s.event(ctx, tx, track.RunCorrected, id, data)
	})
}

// noteCorrection keeps when a key was corrected last; a correction is always
// later than the one before it.
func noteCorrection(ctx context.Context, tx *db.Tx, seq int64, c track.Correction) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO corrections (run, kind, key, time) VALUES (?, ?, ?, ?)
		ON CONFLICT (run, kind, key) DO UPDATE SET time = CASE WHEN excluded.time > corrections.time THEN excluded.time ELSE corrections.time + 1 END`,
		seq, c.Entity, c.Key, c.Time)
	return err
}

// corrections are those of a run, by kind and key.
func corrections(ctx context.Context, q querier, seq int64) ([]track.Correction, error) {
	var list []track.Correction
	var c track.Correction
	err := db.Each(ctx, q, []any{&c.Entity, &c.Key, &c.Time}, func() error {
		list = append(list, c)
		return nil
	}, "SELECT kind, key, time FROM corrections WHERE run = ? ORDER BY kind, key", seq)
	return list, err
}

// mergeCorrections settles what was corrected in one of two copies of a script:
// the later correction of a key decides about all of it. What it decides against
// is taken out here, or left out of the record that is returned.
func (s *Service) mergeCorrections(ctx context.Context, tx *db.Tx, known row, r track.Record) (track.Record, error) {
	type name struct {
		entity track.Entity
		key    string
	}
	mine := map[name]int64{}
	ours, err := corrections(ctx, tx, known.seq)
	if err != nil {
		return r, err
	}
	for _, c := range ours {
		mine[name{c.Entity, c.Key}] = c.Time
	}
	for _, c := range r.Corrections {
		at := name{c.Entity, c.Key}
		if c.Time <= mine[at] {
			if c.Time == mine[at] {
				delete(mine, at) // both have it: what they have beside it is joined
			}
			continue
		}
		delete(mine, at)
		if err := takeOut(ctx, tx, known.seq, r.Run.ID, c); err != nil {
			return r, err
		}
		if err := noteCorrection(ctx, tx, known.seq, c); err != nil {
			return r, err
		}
	}
	gone := func(entity track.Entity, key string) bool { return mine[name{entity, key}] > 0 }
	r.Run.Params = slices.DeleteFunc(slices.Clone(r.Run.Params), func(p track.Param) bool { return gone(track.Params, p.Key) })
	r.Points = slices.DeleteFunc(slices.Clone(r.Points), func(c track.Curve) bool { return gone(track.Metrics, c.Key) })
	r.Models = slices.Clone(r.Models)
	for i, m := range r.Models {
		r.Models[i].Metrics = slices.DeleteFunc(slices.Clone(m.Metrics), func(p track.ModelMetric) bool {
			return p.Run == r.Run.ID && gone(track.Metrics, p.Key)
		})
	}
	return r, nil
}

// takeOut removes what a run has of a key that another copy corrected later.
func takeOut(ctx context.Context, tx *db.Tx, seq int64, id string, c track.Correction) error {
	if c.Entity == track.Params {
		_, err := tx.ExecContext(ctx, "DELETE FROM params WHERE run = ? AND key = ?", seq, c.Key)
		return err
	}
	at, err := findSeries(ctx, tx, id, c.Key)
	if err != nil || at.id == 0 {
		return err
	}
	if _, err := replacePoints(ctx, tx, seq, at, c.Key, nil); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM model_metrics WHERE run = ? AND key = ?", id, c.Key)
	return err
}
