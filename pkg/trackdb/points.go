package trackdb

import (
	"context"
	"database/sql"
	"math"
	"slices"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/track"
)

// maxTails is how many tails a run may have before they are folded.
const maxTails = 128

// seriesAt is where a series is, and how many points it has.
type seriesAt struct{ run, id, count int64 }

// findSeries looks a run's series up; without one its number is 0.
func findSeries(ctx context.Context, q querier, run, key string) (at seriesAt, err error) {
	err = db.Each(ctx, q, []any{&at.run, &at.id, &at.count}, func() error { return nil },
		"SELECT r.seq, s.id, s.count FROM runs r JOIN series s ON s.run = r.seq AND s.key = ? WHERE r.id = ?", key, run)
	return at, err
}

// points reads the points of a series whose steps lie between two, as pieces that
// are in no order. It is one statement: a reader must not see the state before a
// fold and the one after.
func (at seriesAt) points(ctx context.Context, q querier, low, high int64) (pieces, error) {
	query := `SELECT 1, data, 0, 0, 0.0 FROM blocks WHERE series = ?1 AND last_step >= ?3 AND first_step <= ?4
		UNION ALL SELECT 2, data, 0, 0, 0.0 FROM tails WHERE run = ?2` + q.Dialect().Only(db.SQLite, `
		UNION ALL SELECT 3, NULL, timestamp, step, value FROM points WHERE series = ?1`)
	points := make([]point, 0, at.count)
	ends := []int{0}
	take := func(block []byte) (err error) {
		from := len(points)
		if points, err = decodeBlock(points, block); err != nil {
			return err
		}
		if low > math.MinInt64 || high < math.MaxInt64 {
			kept := slices.DeleteFunc(points[from:], func(p point) bool { return p.step < low || p.step > high })
			points = points[:from+len(kept)]
		}
		ends = append(ends, len(points))
		return nil
	}
	var old []point // rows that an older program wrote
	var kind int
	var data sql.RawBytes
	var p point
	var value valueColumn
	err := db.Each(ctx, q, []any{&kind, &data, &p.timestamp, &p.step, &value}, func() error {
		switch kind {
		case 1:
			return take(data)
		case 2:
			return eachInTail(data, func(series int64, block []byte) error {
				if series != at.id {
					return nil
				}
				return take(block)
			})
		}
		p.value = float64(value)
		if p.step >= low && p.step <= high {
			old = append(old, p)
		}
		return nil
	}, query, at.id, at.run, low, high)
	list := pieces{old}
	for i, end := range ends[1:] {
		list = append(list, points[ends[i]:end:end])
	}
	return slices.DeleteFunc(list, func(piece []point) bool { return len(piece) == 0 }), err
}

// pieces are the points of a series as they are stored: most pieces are in order,
// and do not overlap.
type pieces [][]point

// sorted puts the points in order. It compares pieces, and merges those only that
// overlap.
func (l pieces) sorted(order func(a, b point) int) pieces {
	for _, piece := range l {
		sortPoints(piece, order)
	}
	slices.SortFunc(l, func(a, b []point) int { return order(a[0], b[0]) })
	var out pieces
	for len(l) > 0 {
		n, last := 1, l[0][len(l[0])-1]
		for n < len(l) && order(l[n][0], last) < 0 {
			if end := l[n][len(l[n])-1]; order(end, last) > 0 {
				last = end
			}
			n++
		}
		piece := l[0]
		if n > 1 {
			piece = merge(l[:n], order)
		}
		out, l = append(out, piece), l[n:]
	}
	return out
}

// merge is the points of pieces that are each in order.
func merge(l pieces, order func(a, b point) int) []point {
	if len(l) == 1 {
		return l[0]
	}
	a, b := merge(l[:len(l)/2], order), merge(l[len(l)/2:], order)
	out := make([]point, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if order(b[0], a[0]) < 0 {
			a, b = b, a
		}
		out, a = append(out, a[0]), a[1:]
	}
	return append(append(out, a...), b...)
}

func (l pieces) count() (n int) {
	for _, piece := range l {
		n += len(piece)
	}
	return n
}

// sample picks up to most points: the first of each of so many parts, of which
// the earlier ones have one point more, and the last point instead of the last
// part's. MLflow's server picks the same ones.
func (l pieces) sample(most int) []point {
	n := l.count()
	if n <= most {
		return slices.Concat(l...)
	}
	picked := make([]point, most)
	before := 0 // in pieces that are done
	for i := range picked {
		at := i*(n/most) + min(i, n%most)
		if i == most-1 {
			at = n - 1
		}
		for at-before >= len(l[0]) {
			before += len(l[0])
			l = l[1:]
		}
		picked[i] = l[0][at-before]
	}
	return picked
}

// history reads the points of a run's series, by time.
func history(ctx context.Context, q querier, id, key string) ([]point, error) {
	at, err := findSeries(ctx, q, id, key)
	if err != nil || at.id == 0 {
		return nil, err
	}
	return at.history(ctx, q)
}

// history reads all points, by time.
func (at seriesAt) history(ctx context.Context, q querier) ([]point, error) {
	points, err := at.points(ctx, q, math.MinInt64, math.MaxInt64)
	return slices.Concat(points.sorted(byTime)...), err
}

// metricsOf are points as a program sees them.
func metricsOf(key string, points []point) []track.Metric {
	list := make([]track.Metric, len(points))
	for i, p := range points {
		list[i] = track.Metric{Key: key, Value: p.value, Timestamp: p.timestamp, Step: p.step}
	}
	return list
}

// insertPoints stores the points of series that have their number: those of a
// long list in blocks at once, the others in a tail. It returns how many tails
// the run has then.
func insertPoints(ctx context.Context, tx *db.Tx, run int64, list []*serie, tails int) (int, error) {
	var tail []byte
	for _, s := range list {
		if len(s.points) < maxBlock {
			tail = appendTail(tail, s.id, s.points)
			continue
		}
		if err := insertBlocks(ctx, tx, s.id, s.points); err != nil {
			return tails, err
		}
	}
	if len(tail) == 0 {
		return tails, nil
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO tails (run, data) VALUES (?, ?)", run, tail); err != nil {
		return tails, err
	}
	if tails < 0 {
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM tails WHERE run = ?", run).Scan(&tails); err != nil {
			return tails, err
		}
	} else {
		tails++
	}
	if tails < maxTails {
		return tails, nil
	}
	return 0, fold(ctx, tx, run)
}

// insertBlocks stores points, sorted by step, in blocks.
func insertBlocks(ctx context.Context, tx *db.Tx, series int64, points []point) error {
	for chunk := range slices.Chunk(points, maxBlock) {
		if _, err := tx.ExecContext(ctx, "INSERT INTO blocks (series, first_step, last_step, data) VALUES (?, ?, ?, ?)",
			series, chunk[0].step, chunk[len(chunk)-1].step, blockOf(chunk)); err != nil {
			return err
		}
	}
	return nil
}

// fold makes blocks of the tails of a run. A series' newest block grows until it
// is full.
func fold(ctx context.Context, tx *db.Tx, run int64) error {
	found := map[int64][]point{}
	var order []int64
	var data sql.RawBytes
	if err := db.Each(ctx, tx, []any{&data}, func() error {
		return eachInTail(data, func(series int64, block []byte) error {
			if found[series] == nil {
				order = append(order, series)
			}
			points, err := decodeBlock(found[series], block)
			found[series] = points
			return err
		})
	}, "SELECT data FROM tails WHERE run = ? ORDER BY id", run); err != nil {
		return err
	}
	for _, series := range order {
		if err := foldSeries(ctx, tx, series, found[series]); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM tails WHERE run = ?", run)
	return err
}

func foldSeries(ctx context.Context, tx *db.Tx, series int64, points []point) error {
	var newest int64
	var block []point
	var data sql.RawBytes
	if err := db.Each(ctx, tx, []any{&newest, &data}, func() (err error) {
		block, err = decodeBlock(block, data)
		return err
	}, "SELECT id, data FROM blocks WHERE series = ? ORDER BY id DESC LIMIT 1", series); err != nil {
		return err
	}
	if newest > 0 && len(block)+len(points) <= maxBlock {
		points = append(block, points...)
		if _, err := tx.ExecContext(ctx, "DELETE FROM blocks WHERE id = ?", newest); err != nil {
			return err
		}
	}
	if tx.Dialect() == db.SQLite { // points that an older program wrote
		var p point
		var value valueColumn
		rows := len(points)
		if err := db.Each(ctx, tx, []any{&p.timestamp, &p.step, &value}, func() error {
			p.value = float64(value)
			points = append(points, p)
			return nil
		}, "SELECT timestamp, step, value FROM points WHERE series = ?", series); err != nil {
			return err
		}
		if len(points) > rows {
			if _, err := tx.ExecContext(ctx, "DELETE FROM points WHERE series = ?", series); err != nil {
				return err
			}
		}
	}
	sortPoints(points, byStep)
	return insertBlocks(ctx, tx, series, points)
}
