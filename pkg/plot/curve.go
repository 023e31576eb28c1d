package plot

import (
	"math"
	"strings"
)

// Thin keeps at most limit points of a curve: the first and the last, and the
// lowest and the highest of each stretch between, so that peaks stay.
func Thin(points []Point, limit int) []Point {
	if len(points) <= limit || limit < 4 {
		return points
	}
	stretches := limit/2 - 1
	kept := make([]Point, 1, limit)
	kept[0] = points[0]
	inner := points[1 : len(points)-1]
	for i := range stretches {
		stretch := inner[i*len(inner)/stretches : (i+1)*len(inner)/stretches]
		if len(stretch) == 0 {
			continue
		}
		low, high := 0, 0
		for j, p := range stretch {
			if p.Y < stretch[low].Y {
				low = j
			}
			if p.Y > stretch[high].Y {
				high = j
			}
		}
		kept = append(kept, stretch[min(low, high)])
		if low != high {
			kept = append(kept, stretch[max(low, high)])
		}
	}
	return append(kept, points[len(points)-1])
}

// Spark draws curves as lines of block characters of one width, all on the
// same scale.
func Spark(curves []Series, width int) []string {
	e := extentOf(curves)
	lines := make([]string, len(curves))
	blocks := []rune("▁▂▃▄▅▆▇█")
	for i, c := range curves {
		sums, counts := make([]float64, width), make([]int, width)
		for _, p := range c.Points {
			if !p.drawable() {
				continue
			}
			at := min(width-1, int(e.x(p.X)*float64(width)))
			sums[at] += e.y(p.Y)
			counts[at]++
		}
		var b strings.Builder
		level := -1
		for at := range width {
			if counts[at] > 0 {
				level = min(len(blocks)-1, int(sums[at]/float64(counts[at])*float64(len(blocks))))
			} else if float64(at)/float64(width) > lastX(c, e) {
				break
			}
			if level < 0 {
				b.WriteByte(' ')
				continue
			}
			b.WriteRune(blocks[level])
		}
		lines[i] = b.String()
	}
	return lines
}

// lastX is where a curve ends.
func lastX(c Series, e extent) float64 {
	if len(c.Points) == 0 {
		return 0
	}
	return e.x(c.Points[len(c.Points)-1].X)
}

// At reads a curve at any x; it is not ok for a curve without numbers. Beyond
// its ends a curve keeps its first and its last value.
func (s Series) At(x float64) (value float64, ok bool) {
	var before *Point
	for i := range s.Points {
		p := &s.Points[i]
		if !p.drawable() {
			continue
		}
		if p.X >= x {
			if before == nil || p.X == before.X {
				return p.Y, true
			}
			part := (x - before.X) / (p.X - before.X)
			return before.Y + part*(p.Y-before.Y), true
		}
		before = p
	}
	if before == nil {
		return 0, false
	}
	return before.Y, true
}

// Range is the smallest and largest drawable X and Y of curves; it is not ok
// when there is none.
func Range(curves []Series) (low, high Point, ok bool) {
	e := extentOf(curves)
	if !e.anything {
		return Point{math.NaN(), math.NaN()}, Point{math.NaN(), math.NaN()}, false
	}
	return Point{e.x0, e.y0}, Point{e.x1, e.y1}, true
}
