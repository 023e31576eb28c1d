package plot

import (
	"math"
	"strconv"
)

// Figure is one chart.
type Figure struct {
	Title, XLabel, YLabel string
	Panels                []Panel
	Apart                 bool   // each panel has a scale of its own
	Note                  string // a line below, such as what could not be drawn
}

// Panel is one drawing area of a figure. One of Series, Bars and Matrix is set.
type Panel struct {
	Title  string
	Series []Series
	Bars   *Bars
	Matrix *Matrix

	// Names of the places 0, 1, 2… on an axis that holds names, not numbers.
	XNames, YNames []string
}

// Series is points of one color and mark.
type Series struct {
	Name   string
	Color  int  // which of the colors
	Mark   int  // which dashes, or which shape; 0 is a solid line and a circle
	Joined bool // by a line; else each point has its shape
	Faint  bool // in the background: drawn thin, and not in the legend
	Points []Point
}

// Point is one value; a Y that is no number leaves a gap.
type Point struct{ X, Y float64 }

func (p Point) drawable() bool { return finite(p.X) && finite(p.Y) }

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// Bars are horizontal: a category each, and in it a bar for each group.
type Bars struct {
	Categories []string
	Groups     []BarGroup
}

// BarGroup is the bars of one color, one for each category; NaN is none.
type BarGroup struct {
	Name   string
	Color  int
	Values []float64
}

// Matrix is counts, or parts of one, by row and column.
type Matrix struct {
	Rows, Columns []string
	Cells         [][]float64 // by row
	Parts         bool        // cells are parts of their row, from 0 to 1
}

// legend lists what a reader must be told of colors and marks.
type legendEntry struct {
	name        string
	color, mark int
	joined, bar bool
	last        string // the last value of a curve
}

func (f Figure) legend() []legendEntry {
	var entries []legendEntry
	seen := map[string]bool{}
	add := func(e legendEntry) {
		if f.Apart {
			e.mark = 0
		}
		key := e.name + "\x00" + strconv.Itoa(e.color) + "\x00" + strconv.Itoa(e.mark)
		if e.name != "" && !seen[key] {
			seen[key] = true
			entries = append(entries, e)
		}
	}
	for _, p := range f.Panels {
		for _, s := range p.Series {
			if s.Faint {
				continue
			}
			e := legendEntry{name: s.Name, color: s.Color, mark: s.Mark, joined: s.Joined}
			if s.Joined && len(s.Points) > 0 && p.YNames == nil && !f.Apart {
				e.last = Number(s.Points[len(s.Points)-1].Y)
			}
			add(e)
		}
		if p.Bars != nil {
			for _, g := range p.Bars.Groups {
				add(legendEntry{name: g.Name, color: g.Color, bar: true})
			}
		}
	}
	return entries
}

// Number prints a value for people: six significant digits.
func Number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}
