package trackdb

import (
	"math"
	"slices"
	"testing"
)

func FuzzBlock(f *testing.F) {
	f.Add([]byte{}, int64(1), int64(-5), 0.5)
	f.Add(blockOf([]point{{1, 2, 3}, {math.MaxInt64, math.MinInt64, math.NaN()}}), int64(math.MinInt64), int64(math.MaxInt64), math.Inf(1))
	f.Add(appendTail(nil, 7, []point{{1, 2, 3}}), int64(0), int64(0), 0.0)
	f.Fuzz(func(t *testing.T, data []byte, timestamp, step int64, value float64) {
		// Any bytes are read or refused, with no more memory than they are worth.
		if points, err := decodeBlock(nil, data); err == nil && len(points) > len(data) {
			t.Errorf("%d points of %d bytes", len(points), len(data))
		}
		if err := eachInTail(data, func(int64, []byte) error { return nil }); err != nil && len(data) == 0 {
			t.Error(err)
		}
		want := []point{{timestamp, step, value}, {step, timestamp, -value}, {0, 0, math.NaN()}}
		var got []point
		tail := appendTail(appendTail(nil, 3, want), math.MaxInt32, want[:1])
		err := eachInTail(tail, func(_ int64, block []byte) (err error) {
			got, err = decodeBlock(got, block)
			return err
		})
		if err != nil || !slices.EqualFunc(got, append(want, want[0]), same) {
			t.Errorf("%v became %v (%v)", want, got, err)
		}
	})
}
