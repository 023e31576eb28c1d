package plot

import (
	"math"
	"strconv"
	"strings"
)

// extent is the range of the drawable points of series.
type extent struct {
	x0, x1, y0, y1 float64
	anything       bool
}

func extentOf(series []Series) extent {
	e := extent{x0: math.Inf(1), x1: math.Inf(-1), y0: math.Inf(1), y1: math.Inf(-1)}
	for _, s := range series {
		for _, p := range s.Points {
			if !p.drawable() {
				continue
			}
			e.anything = true
			e.x0, e.x1 = min(e.x0, p.X), max(e.x1, p.X)
			e.y0, e.y1 = min(e.y0, p.Y), max(e.y1, p.Y)
		}
	}
	return e
}

// x is where a value lies between the first, 0, and the last, 1.
func (e extent) x(v float64) float64 { return part(v, e.x0, e.x1) }

// y is where a value lies between the lowest, 0, and the highest, 1.
func (e extent) y(v float64) float64 { return part(v, e.y0, e.y1) }

// part works with halves: the range of two floats may overflow.
func part(v, low, high float64) float64 {
	if low == high {
		return 0.5
	}
	return min(1, max(0, (v/2-low/2)/(high/2-low/2)))
}

// axis is a range with the places of its ticks.
type axis struct {
	low, high float64
	ticks     []tick
}

type tick struct {
	at    float64
	label string
}

// numbers makes an axis that holds low and high, with about n round ticks.
// Where snug is set it ends at low and high, else at the ticks around them.
func numbers(low, high float64, n int, snug bool) axis {
	if low == high {
		pad := max(math.Abs(low)*0.1, 0.5)
		if math.Abs(low) > math.MaxFloat64/4 {
			return axis{low, high, []tick{{low, label(low, 0, low)}}}
		}
		low, high, snug = low-pad, high+pad, true
	}
	step := roundStep((high/2 - low/2) / float64(n) * 2)
	if step <= 0 || math.IsInf(step, 0) || math.IsNaN(step) {
		return axis{low, high, []tick{{low, label(low, 0, low)}, {high, label(high, 0, high)}}}
	}
	first, last := math.Floor(low/step), math.Ceil(high/step)
	if snug {
		first, last = math.Ceil(low/step-1e-9), math.Floor(high/step+1e-9)
	}
	if math.Abs(first) > 1e12 || math.Abs(last) > 1e12 { // steps that the numbers cannot tell apart
		return axis{low, high, []tick{{low, label(low, 0, low)}, {high, label(high, 0, high)}}}
	}
	a := axis{low: low, high: high}
	if from, to := first*step, last*step; !snug && finite(from) && finite(to) && finite(to-from) {
		a.low, a.high = from, to
	}
	for i := first; i <= last; i++ {
		if v := i * step; !finite(v) || v < a.low-step/1e6 || v > a.high+step/1e6 {
			continue
		}
		a.ticks = append(a.ticks, tick{i * step, label(i*step, step, max(math.Abs(a.low), math.Abs(a.high)))})
	}
	return a
}

// roundStep is the nearest of 1, 2 and 5 times a power of ten above v.
func roundStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*power >= v*0.999 {
			return m * power
		}
	}
	return 10 * power
}

// label prints a tick with as many digits as its step has; size is the largest
// number of the axis.
func label(v, step, size float64) string {
	if step <= 0 || size >= 1e7 || size < 1e-3 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	digits := max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Trim(s, "-0.") == "" {
		return strings.TrimPrefix(s, "-")
	}
	return s
}

// names makes an axis of places with names, thinned to at most n labels.
func names(all []string, n int) axis {
	a := axis{low: -0.5, high: float64(len(all)) - 0.5}
	every := max(1, (len(all)+n-1)/max(1, n))
	for i := 0; i < len(all); i += every {
		a.ticks = append(a.ticks, tick{float64(i), all[i]})
	}
	return a
}

func (a axis) part(v float64) float64 { return part(v, a.low, a.high) }
