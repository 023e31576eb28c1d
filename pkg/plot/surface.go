package plot

import "strings"

// surface is what a chart is drawn on. Places are in pixels from the top left.
type surface interface {
	// line joins points; dash is the lengths of strokes and gaps, nil is solid.
	line(points []xy, width float64, dash []float64, c ink)
	// rect fills a rectangle. Tip is shown when the pointer rests on it.
	rect(at xy, width, height float64, c ink, tip string)
	// shape draws a point: 0 a circle, 1 a square, 2 a triangle, 3 a diamond.
	shape(kind int, at xy, radius float64, c ink, tip string)
	// text writes one line; at is the middle of its height.
	text(at xy, s string, how style)
}

type xy struct{ x, y float64 }

// ink is a color by what it is for, so that a page can be light or dark.
type ink struct {
	role  role
	index int     // of a series
	alpha float64 // 0 is opaque
}

type role int

const (
	text role = iota
	dim
	grid
	series
	heat   // alpha says how hot
	onHeat // text on a hot field
)

type style struct {
	size   float64
	anchor anchor
	bold   bool
	turned bool // a quarter to the left
	ink    ink
}

type anchor int

const (
	start anchor = iota
	middle
	end
)

// colors tell series apart on light and on dark ground.
const colors = "#3b82f6 #f97316 #10b981 #a855f7 #ef4444 #14b8a6 #eab308 #ec4899 #6366f1 #84cc16"

// Color is the color of the i-th series, as #rrggbb.
func Color(i int) string {
	all := strings.Fields(colors)
	return all[((i%len(all))+len(all))%len(all)]
}

// dashes of the i-th mark.
func dashes(i int) []float64 {
	all := [][]float64{nil, {7, 4}, {2, 3}, {9, 3, 2, 3}, {4, 2}, {12, 4}, {1, 2}}
	return all[i%len(all)]
}

// width estimates how wide a text is at a size; no font is asked.
func width(s string, size float64) float64 {
	w := 0.0
	for _, r := range s {
		switch {
		case r > 0x2e80:
			w++
		case strings.ContainsRune("iljtfI.,:;'|!()[] ", r):
			w += 0.32
		case strings.ContainsRune("mwMW@%—", r):
			w += 0.86
		case r >= 'A' && r <= 'Z':
			w += 0.68
		default:
			w += 0.56
		}
	}
	return w * size
}

// fit shortens a text to a width.
func fit(s string, size, limit float64) string {
	if width(s, size) <= limit {
		return s
	}
	runes := []rune(s)
	for len(runes) > 1 && width(string(runes)+"…", size) > limit {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}
