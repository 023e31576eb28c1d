package compare

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Curve is the points of one metric of one column, by step.
type Curve struct {
	Column int // of Result.Runs
	Name   string
	Points []Point
}

// Point is one value of a curve; it may be NaN.
type Point struct {
	Step  int64
	Value float64
}

// CurveKey finds the metric that a person means by word: its key, or the end
// of its key after a file or a slash. Metrics with several points come first.
func (r *Result) CurveKey(word string) (string, error) {
	keys := keysOf(r.Runs, func(c *Column) map[string]track.Summary { return c.metrics })
	var found []string
	for _, key := range keys {
		if key == word || strings.HasSuffix(key, ":"+word) || strings.HasSuffix(key, "/"+word) {
			found = append(found, key)
		}
	}
	if len(found) == 0 {
		return "", errs.New(errs.NotFound, "plot: no metric %q in what is compared", word).DidYouMean(word, keys)
	}
	return slices.MaxFunc(found, func(a, b string) int {
		return cmp.Or(cmp.Compare(boolRank(r.hasCurve(a)), boolRank(r.hasCurve(b))), cmp.Compare(boolRank(a == word), boolRank(b == word)))
	}), nil
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (r *Result) hasCurve(key string) bool {
	return slices.ContainsFunc(r.Runs, func(c Column) bool { return c.metrics[key].Count > 1 })
}

// CurveKeys lists the metrics that have a curve in some column.
func (r *Result) CurveKeys() []string {
	keys := keysOf(r.Runs, func(c *Column) map[string]track.Summary { return c.metrics })
	return slices.DeleteFunc(keys, func(key string) bool { return !r.hasCurve(key) })
}

// Curves reads the curves of one metric. Each has at most limit points: the
// first and the last, and of the rest those that keep its shape.
func (c *Comparer) Curves(ctx context.Context, r *Result, key string, limit int) ([]Curve, error) {
	var curves []Curve
	for i, col := range r.Runs {
		if col.metrics[key].Count == 0 {
			continue
		}
		history := col.points[key]
		if col.ID != "" {
			var err error
			if history, err = c.runs.History(ctx, col.ID, key); err != nil {
				return nil, err
			}
		}
		points := make([]Point, len(history))
		for j, m := range history {
			points[j] = Point{m.Step, m.Value}
		}
		slices.SortStableFunc(points, func(a, b Point) int { return cmp.Compare(a.Step, b.Step) })
		curves = append(curves, Curve{Column: i, Name: col.Name, Points: thin(points, limit)})
	}
	return curves, nil
}

// thin keeps the lowest and the highest point of each of limit/2 stretches, so
// that peaks stay.
func thin(points []Point, limit int) []Point {
	if len(points) <= limit || limit < 4 {
		return points
	}
	stretches := limit/2 - 1
	kept := []Point{points[0]}
	inner := points[1 : len(points)-1]
	for i := range stretches {
		stretch := inner[i*len(inner)/stretches : (i+1)*len(inner)/stretches]
		if len(stretch) == 0 {
			continue
		}
		low, high := 0, 0
		for j, p := range stretch {
			if p.Value < stretch[low].Value {
				low = j
			}
			if p.Value > stretch[high].Value {
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

// extent is the range of the finite points of curves.
type extent struct {
	x0, x1   int64
	y0, y1   float64
	anything bool
}

func extentOf(curves []Curve) extent {
	e := extent{x0: math.MaxInt64, x1: math.MinInt64, y0: math.Inf(1), y1: math.Inf(-1)}
	for _, c := range curves {
		for _, p := range c.Points {
			if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
				continue
			}
			e.anything = true
			e.x0, e.x1 = min(e.x0, p.Step), max(e.x1, p.Step)
			e.y0, e.y1 = min(e.y0, p.Value), max(e.y1, p.Value)
		}
	}
	return e
}

// x is where a step lies between the first, 0, and the last, 1.
func (e extent) x(step int64) float64 {
	if e.x1 == e.x0 {
		return 0.5
	}
	return (float64(step) - float64(e.x0)) / (float64(e.x1) - float64(e.x0))
}

// y is where a value lies between the lowest, 0, and the highest, 1.
func (e extent) y(v float64) float64 {
	if e.y1 == e.y0 {
		return 0.5
	}
	return min(1, max(0, (v/2-e.y0/2)/(e.y1/2-e.y0/2))) // halves: the range of two floats may overflow
}

// Spark draws curves as lines of block characters of one width, all on the
// same scale.
func Spark(curves []Curve, width int) []string {
	e := extentOf(curves)
	lines := make([]string, len(curves))
	blocks := []rune("▁▂▃▄▅▆▇█")
	for i, c := range curves {
		sums, counts := make([]float64, width), make([]int, width)
		for _, p := range c.Points {
			if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
				continue
			}
			at := min(width-1, int(e.x(p.Step)*float64(width)))
			sums[at] += e.y(p.Value)
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
func lastX(c Curve, e extent) float64 {
	if len(c.Points) == 0 {
		return 0
	}
	return e.x(c.Points[len(c.Points)-1].Step)
}
