package vega

import (
	"math"

	"github.com/mlops-cli/mlops/pkg/plot"
)

// spread is a number between −0.3 and 0.3 that is the same every time.
func spread(i, salt int) float64 {
	h := uint32(i)*2654435761 + uint32(salt)*40503
	h ^= h >> 15
	h *= 2246822519
	h ^= h >> 13
	return float64(h%1000)/1000*0.6 - 0.3
}

// smoothing is which part of the points each smoothed value is made from.
const smoothing = 0.15

// smoothed fits a line through the neighbours of each point, the near ones
// weighing more (LOESS of degree one).
func smoothed(points []plot.Point) []plot.Point {
	var known []plot.Point
	for _, p := range points {
		if !math.IsNaN(p.X) && !math.IsNaN(p.Y) && !math.IsInf(p.X, 0) && !math.IsInf(p.Y, 0) {
			known = append(known, p)
		}
	}
	known = plot.Thin(known, curvePoints)
	k := max(3, int(smoothing*float64(len(known))))
	if len(known) <= k {
		return known
	}
	out := make([]plot.Point, len(known))
	from := 0
	for i, at := range known {
		for from+k < len(known) && known[from+k].X-at.X < at.X-known[from].X {
			from++
		}
		near := known[from : from+k]
		reach := max(at.X-near[0].X, near[k-1].X-at.X)
		out[i] = plot.Point{X: at.X, Y: lineAt(near, at.X, reach)}
	}
	return out
}

func lineAt(near []plot.Point, x, reach float64) float64 {
	var w, wx, wy, wxx, wxy float64
	for _, p := range near {
		d := 0.0
		if reach > 0 {
			d = math.Abs(p.X-x) / (reach * 1.0001)
		}
		weight := 1 - d*d*d
		weight *= weight * weight
		dx := p.X - x
		w, wx, wy, wxx, wxy = w+weight, wx+weight*dx, wy+weight*p.Y, wxx+weight*dx*dx, wxy+weight*dx*p.Y
	}
	if det := w*wxx - wx*wx; math.Abs(det) > 1e-12*w*wxx {
		return (wxx*wy - wx*wxy) / det
	}
	return wy / w
}
