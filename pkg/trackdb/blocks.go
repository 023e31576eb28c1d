package trackdb

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// Points are not rows: a request that logs a point of each of a hundred series
// would touch a hundred pages. A block holds points of one series, column by
// column. What a request logs is one tail, a block of each of its series; when a
// run has many tails they are folded into blocks of thousands of points, which
// take a third of the room of rows and are read a hundred times as fast.

// maxBlock is how many points a block has at most.
const maxBlock = 2048

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
	if !rise(points) && !slices.IsSortedFunc(points, order) {
		slices.SortFunc(points, order)
	}
}

// rise reports whether steps rise and timestamps do not fall: such points are in
// either order, which a call for each pair would take longer to say.
func rise(points []point) bool {
	for i := 1; i < len(points); i++ {
		if points[i].step <= points[i-1].step || points[i].timestamp < points[i-1].timestamp {
			return false
		}
	}
	return true
}

// blockOf is points as a block: their number, the differences of their
// timestamps and of their steps, and their values.
func blockOf(points []point) []byte {
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

func brokenBlock() error {
	return errs.New(errs.Corrupt, "points of a metric are damaged").Hint("mlops fsck")
}

// decodeBlock appends the points of a block.
func decodeBlock(points []point, data []byte) ([]point, error) {
	if len(data) < 2 || data[0] != blockFormat {
		return nil, brokenBlock()
	}
	data = data[1:]
	count, n := binary.Uvarint(data)
	if n <= 0 || count > uint64(len(data)) {
		return nil, brokenBlock()
	}
	data = data[n:]
	from := len(points)
	points = slices.Grow(points, int(count))[:from+int(count)]
	added := points[from:]
	var last int64
	for i := range added {
		d, n := varint(data)
		if n <= 0 {
			return nil, brokenBlock()
		}
		data, last = data[n:], last+d
		added[i].timestamp = last
	}
	last = 0
	for i := range added {
		d, n := varint(data)
		if n <= 0 {
			return nil, brokenBlock()
		}
		data, last = data[n:], last+d
		added[i].step = last
	}
	if len(data) != 8*len(added) {
		return nil, brokenBlock()
	}
	for i := range added {
		added[i].value = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
	}
	return points, nil
}

// varint is binary.Varint, quick for the small differences that most are.
func varint(data []byte) (int64, int) {
	if len(data) > 0 && data[0] < 0x80 {
		u := data[0]
		return int64(u>>1) ^ -int64(u&1), 1
	}
	return binary.Varint(data)
}

// appendTail appends the points of one series to a tail: its number, the length
// of its block, and the block.
func appendTail(out []byte, series int64, points []point) []byte {
	block := blockOf(points)
	out = binary.AppendUvarint(out, uint64(series))
	out = binary.AppendUvarint(out, uint64(len(block)))
	return append(out, block...)
}

// eachInTail calls fn with the block of each series in a tail.
func eachInTail(data []byte, fn func(series int64, block []byte) error) error {
	for len(data) > 0 {
		series, n := binary.Uvarint(data)
		if n <= 0 {
			return brokenBlock()
		}
		data = data[n:]
		size, n := binary.Uvarint(data)
		if n <= 0 || size > uint64(len(data)-n) {
			return brokenBlock()
		}
		if err := fn(int64(series), data[n:n+int(size)]); err != nil {
			return err
		}
		data = data[n+int(size):]
	}
	return nil
}
