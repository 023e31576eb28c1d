package trackdb

import (
	"context"
	"slices"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/track"
)

// serie is a series with the points that come to it.
type serie struct {
	id     int64 // 0: it is new
	sum    track.Summary
	points []point
}

// last is the last point of the series, by step, timestamp and value.
func (s *serie) last() point {
	return point{step: s.sum.Step, timestamp: s.sum.Timestamp, value: float64(s.sum.Value)}
}

// knownRuns are the series of runs that were logged to lately, so that a writer
// need not read what it wrote. It is a note in db.Tx.Memory.
type knownRuns struct {
	series int // how many
	runs   map[int64]*knownRun
}

type knownRun struct {
	series map[string]serie
	tails  int // -1: nobody counted
}

// noteOfRuns is the key of that note.
type noteOfRuns struct{}

// maxKnown bounds how many series are remembered.
const maxKnown = 50_000

// known returns what is known of a run, nothing where nothing may be noted, and
// keeps what it becomes.
func known(tx *db.Tx, run int64) (of *knownRun, remember func([]*serie)) {
	memory := tx.Memory()
	if memory == nil {
		return &knownRun{tails: -1}, func([]*serie) {}
	}
	k, ok := memory[noteOfRuns{}].(*knownRuns)
	if !ok || k.series > maxKnown {
		k = &knownRuns{runs: map[int64]*knownRun{}}
		memory[noteOfRuns{}] = k
	}
	if k.runs[run] == nil {
		k.runs[run] = &knownRun{series: map[string]serie{}, tails: -1}
	}
	of = k.runs[run]
	return of, func(list []*serie) {
		before := len(of.series)
		for _, s := range list {
			kept := *s
			kept.points = nil
			of.series[s.sum.Key] = kept
		}
		k.series += len(of.series) - before
	}
}

// logMetrics adds points. A point that is there already is dropped, as MLflow
// drops it.
func logMetrics(ctx context.Context, tx *db.Tx, seq int64, metrics []track.Metric) error {
	if len(metrics) == 0 {
		return nil
	}
	of, remember := known(tx, seq)
	list, err := seriesOf(ctx, tx, seq, metrics, of.series)
	if err != nil {
		return err
	}
	var fresh, grown []*serie
	for _, s := range list {
		if err := s.dropKnown(ctx, tx, seq); err != nil {
			return err
		}
		if len(s.points) == 0 {
			continue
		}
		for _, p := range s.points {
			s.sum.Add(track.Metric{Step: p.step, Timestamp: p.timestamp, Value: p.value})
		}
		if s.id == 0 {
			fresh = append(fresh, s)
		} else {
			grown = append(grown, s)
		}
	}
	if err := insertSeries(ctx, tx, seq, fresh); err != nil {
		return err
	}
	if err := updateSeries(ctx, tx, seq, grown); err != nil {
		return err
	}
	grown = append(grown, fresh...)
	if of.tails, err = insertPoints(ctx, tx, seq, grown, of.tails); err != nil {
		return err
	}
	remember(grown)
	return nil
}

// seriesOf groups metrics by their series and says what is known of each.
func seriesOf(ctx context.Context, tx *db.Tx, seq int64, metrics []track.Metric, known map[string]serie) ([]*serie, error) {
	byKey := map[string]*serie{}
	var list []*serie
	var keys []string
	for _, m := range metrics {
		if byKey[m.Key] == nil {
			s := &serie{sum: track.Summary{Key: m.Key}}
			if old, ok := known[m.Key]; ok {
				*s = old
			} else {
				keys = append(keys, m.Key)
			}
			byKey[m.Key] = s
			list = append(list, s)
		}
	}
	var id int64
	var sum track.Summary
	var value, low, high valueColumn
	for chunk := range slices.Chunk(keys, rowsPerInsert) {
		args := []any{seq}
		for _, key := range chunk {
			args = append(args, key)
		}
		if err := db.Each(ctx, tx, []any{&id, &sum.Key, &value, &sum.Timestamp, &sum.Step, &low, &high, &sum.Count}, func() error {
			sum.Value, sum.Min, sum.Max = track.Value(value), track.Value(low), track.Value(high)
			s := byKey[sum.Key]
			s.id, s.sum = id, sum
			return nil
		}, "SELECT id, key, value, timestamp, step, min, max, count FROM series WHERE run = ? AND key IN ("+marks(len(chunk))+")", args...); err != nil {
			return nil, err
		}
	}
	for _, m := range metrics {
		s := byKey[m.Key]
		if m.Step == track.NextStep {
			m.Step = s.next()
		}
		s.points = append(s.points, point{m.Timestamp, m.Step, m.Value})
	}
	return list, nil
}

// next is the step after the last, counting the points that come.
func (s *serie) next() int64 {
	next := int64(0)
	if s.id != 0 {
		next = s.sum.Step + 1
	}
	for _, p := range s.points {
		next = max(next, p.step+1)
	}
	return next
}

// dropKnown leaves the points that are not in the series yet, each once.
func (s *serie) dropKnown(ctx context.Context, tx *db.Tx, run int64) error {
	sortPoints(s.points, byStep)
	s.points = slices.CompactFunc(s.points, same)
	if s.id == 0 {
		return nil
	}
	last := s.last()
	old, _ := slices.BinarySearchFunc(s.points, last, byStep)
	if old < len(s.points) && same(s.points[old], last) {
		s.points = slices.Delete(s.points, old, old+1)
	}
	if old == 0 {
		return nil // all come after the last
	}
	stored, err := seriesAt{run: run, id: s.id}.points(ctx, tx, s.points[0].step, s.points[old-1].step)
	if err != nil || len(stored) == 0 {
		return err
	}
	known := slices.Concat(stored.sorted(byStep)...)
	s.points = slices.DeleteFunc(s.points, func(p point) bool {
		_, there := slices.BinarySearchFunc(known, p, byStep)
		return there
	})
	return nil
}

func insertSeries(ctx context.Context, tx *db.Tx, seq int64, fresh []*serie) error {
	for chunk := range slices.Chunk(fresh, rowsPerInsert) {
		args := make([]any, 0, 8*len(chunk))
		for _, s := range chunk {
			args = append(args, seq, s.sum.Key, number(float64(s.sum.Value)), s.sum.Timestamp, s.sum.Step,
				number(float64(s.sum.Min)), number(float64(s.sum.Max)), s.sum.Count)
		}
		var id int64
		var key string
		if err := db.Each(ctx, tx, []any{&id, &key}, func() error {
			for _, s := range chunk {
				if s.sum.Key == key {
					s.id = id
				}
			}
			return nil
		}, "INSERT INTO series (run, key, value, timestamp, step, min, max, count) VALUES "+tuples(8, len(chunk))+" RETURNING id, key", args...); err != nil {
			return err
		}
	}
	return nil
}

// updateSeries stores what series have become. SQLite updates them one by one,
// which costs less than a statement for many that may conflict; to PostgreSQL
// each statement is a round trip.
func updateSeries(ctx context.Context, tx *db.Tx, seq int64, grown []*serie) error {
	if tx.Dialect() == db.SQLite || len(grown) == 1 {
		for _, s := range grown {
			if _, err := tx.ExecContext(ctx, "UPDATE series SET value = ?, timestamp = ?, step = ?, min = ?, max = ?, count = ? WHERE id = ?",
				number(float64(s.sum.Value)), s.sum.Timestamp, s.sum.Step, number(float64(s.sum.Min)), number(float64(s.sum.Max)), s.sum.Count, s.id); err != nil {
				return err
			}
		}
		return nil
	}
	_, err := insert(ctx, tx, "INSERT INTO series (id, run, key, value, timestamp, step, min, max, count)",
		`ON CONFLICT (id) DO UPDATE SET value = excluded.value, timestamp = excluded.timestamp, step = excluded.step,
		min = excluded.min, max = excluded.max, count = excluded.count`, 9, grown, func(s *serie) []any {
			return []any{
				s.id, seq, s.sum.Key, number(float64(s.sum.Value)), s.sum.Timestamp, s.sum.Step,
				number(float64(s.sum.Min)), number(float64(s.sum.Max)), s.sum.Count,
			}
		})
	return err
}
