package trackdb

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// Pieces that overlap, in any order, are what sorting all points gives, and so
// is a sample of them.
func TestPiecesAreSortedAsTheirPoints(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var l pieces
		for range 1 + random.IntN(6) {
			piece := make([]point, 1+random.IntN(8))
			at := random.Int64N(30)
			for i := range piece {
				at += random.Int64N(3)
				piece[i] = point{timestamp: at - random.Int64N(2), step: at, value: []float64{1, 2, math.NaN()}[random.IntN(3)]}
			}
			l = append(l, piece)
		}
		for _, order := range []func(a, b point) int{byStep, byTime} {
			all := slices.Concat(l...)
			slices.SortFunc(all, order)
			var copied pieces
			for _, piece := range l {
				copied = append(copied, slices.Clone(piece))
			}
			sorted := copied.sorted(order)
			if got := slices.Concat(sorted...); !slices.EqualFunc(got, all, same) {
				t.Fatalf("%v\nare\n%v, not\n%v", l, got, all)
			}
			for _, most := range []int{1, 2, 3, len(all) - 1, len(all), 1000} {
				if most < 1 {
					continue
				}
				want := all
				if len(all) > most {
					want = firsts(all, most)
				}
				if got := sorted.sample(most); !slices.EqualFunc(got, want, same) {
					t.Fatalf("%d of %v\nare %v", most, all, got)
				}
			}
		}
	}
}

// firsts deals out the points to so many parts, as SQL's NTILE does, and takes
// the first of each, but the last point of all in the last.
func firsts(all []point, parts int) []point {
	var list []point
	rest := all
	for left := parts; left > 0; left-- {
		list = append(list, rest[0])
		rest = rest[(len(rest)+left-1)/left:]
	}
	list[parts-1] = all[len(all)-1]
	return list
}

func TestVarintOfAllLengths(t *testing.T) {
	t.Parallel()
	var points []point
	for _, step := range []int64{0, 1, -1, 63, 64, -64, -65, math.MaxInt64, math.MinInt64} {
		points = append(points, point{timestamp: -step, step: step, value: 1})
	}
	got, err := decodeBlock(nil, blockOf(points))
	if err != nil || !reflect.DeepEqual(got, points) {
		t.Errorf("%v %v", got, err)
	}
}
