package trackdb

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"math"
	"slices"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
)

// A long series is packed: blocks of some thousand points, column by column,
// take a third of the room of rows and are read a hundred times as fast. What
// was logged last stays in rows until there is a block's worth of it.

// packAt is how many points of a series are rows before they become a block.
const packAt = 2048

// blockFormat is the first byte of a block.
const blockFormat = 1

// point is one point of a series.
type point struct {
	timestamp, step int64
	value           float64
}

// byStep orders points as charts need them; NaN is the least value.
func byStep(a, b point) int {
	if c := cmp.Compare(a.step, b.step); c != 0 {
		return c
	}
	if c := cmp.Compare(a.timestamp, b.timestamp); c != 0 {
		return c
	}
	return cmp.Compare(a.value, b.value)
}

// byTime orders points as histories show them; NaN is the greatest value.
func byTime(a, b point) int {
	if c := cmp.Compare(a.timestamp, b.timestamp); c != 0 {
		return c
	}
	if c := cmp.Compare(a.step, b.step); c != 0 {
		return c
	}
	if x, y := math.IsNaN(a.value), math.IsNaN(b.value); x != y {
		if x {
			return 1
		}
		return -1
	}
	return cmp.Compare(a.value, b.value)
}

// same reports whether two points are one: NaN is itself.
func same(a, b point) bool { return byStep(a, b) == 0 }

// sortPoints sorts where it must: most series are in order as they are.
func sortPoints(points []point, order func(a, b point) int) {
	if !slices.IsSortedFunc(points, order) {
		slices.SortFunc(points, order)
	}
}

// encodeBlock packs points: their number, the differences of their timestamps
// and steps, and their values.
func encodeBlock(points []point) []byte {
	out := make([]byte, 0, 16+len(points)*12)
	out = append(out, blockFormat)
	out = binary.AppendUvarint(out, uint64(len(points)))
	var last int64
	for _, p := range points {
		out, last = binary.AppendVarint(out, p.timestamp-last), p.timestamp
	}
	last = 0
	for _, p := range points {
		out, last = binary.AppendVarint(out, p.step-last), p.step
	}
	for _, p := range points {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(p.value))
	}
	return out
}

// decodeBlock appends the points of a block.
func decodeBlock(points []point, data []byte) ([]point, error) {
	broken := errs.New(errs.Corrupt, "a block of points of a metric is damaged").Hint("mlops fsck")
	if len(data) < 2 || data[0] != blockFormat {
		return nil, broken
	}
	data = data[1:]
	count, n := binary.Uvarint(data)
	if n <= 0 || count > uint64(len(data)) {
		return nil, broken
	}
	data = data[n:]
	from := len(points)
	points = slices.Grow(points, int(count))[:from+int(count)] //nolint:gosec // at most the length of data
	added := points[from:]
	var last int64
	for i := range added {
		d, n := binary.Varint(data)
		if n <= 0 {
			return nil, broken
		}
		data, last = data[n:], last+d
		added[i].timestamp = last
	}
	last = 0
	for i := range added {
		d, n := binary.Varint(data)
		if n <= 0 {
			return nil, broken
		}
		data, last = data[n:], last+d
		added[i].step = last
	}
	if len(data) != 8*len(added) {
		return nil, broken
	}
	for i := range added {
		added[i].value = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
	}
	return points, nil
}

// seriesPoints reads the points of a series whose steps lie between two, in no
// order. Without packed only rows are read: for a writer who knows. It is one
// statement, for a reader must not see the state before a pack and the one after.
// About expect of them are expected.
func seriesPoints(ctx context.Context, q querier, series int64, packed bool, low, high, expect int64) ([]point, error) {
	query := "SELECT NULL, timestamp, step, value FROM points WHERE series = ?1 AND step BETWEEN ?2 AND ?3"
	if packed {
		query = "SELECT data, 0, 0, 0.0 FROM blocks WHERE series = ?1 AND last_step >= ?2 AND first_step <= ?3 UNION ALL " + query
	}
	points := make([]point, 0, expect)
	var data sql.RawBytes
	var p point
	var value valueColumn
	err := each(ctx, q, []any{&data, &p.timestamp, &p.step, &value}, func() error {
		if data == nil {
			p.value = float64(value)
			points = append(points, p)
			return nil
		}
		from := len(points)
		var err error
		if points, err = decodeBlock(points, data); err != nil {
			return err
		}
		if low > math.MinInt64 || high < math.MaxInt64 {
			added := slices.DeleteFunc(points[from:], func(p point) bool { return p.step < low || p.step > high })
			points = points[:from+len(added)]
		}
		return nil
	}, query, series, low, high)
	return points, err
}

// pack moves the rows of a series into blocks.
func pack(ctx context.Context, tx *db.Tx, series int64) error {
	points, err := seriesPoints(ctx, tx, series, false, math.MinInt64, math.MaxInt64, packAt)
	if err != nil {
		return err
	}
	if err := insertBlocks(ctx, tx, series, points); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM points WHERE series = ?", series)
	return err
}

// insertBlocks stores points that are new in blocks.
func insertBlocks(ctx context.Context, tx *db.Tx, series int64, points []point) error {
	if len(points) == 0 {
		return nil
	}
	sortPoints(points, byStep)
	for chunk := range slices.Chunk(points, packAt) {
		if _, err := tx.ExecContext(ctx, "INSERT INTO blocks (series, first_step, last_step, data) VALUES (?, ?, ?, ?)",
			series, chunk[0].step, chunk[len(chunk)-1].step, encodeBlock(chunk)); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `UPDATE series SET packed = packed + ?,
		packed_step = CASE WHEN packed = 0 OR packed_step < ? THEN ? ELSE packed_step END WHERE id = ?`,
		len(points), points[len(points)-1].step, points[len(points)-1].step, series)
	return err
}
