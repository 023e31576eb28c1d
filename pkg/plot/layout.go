package plot

import "math"

// Sizes in pixels.
const (
	panelWidth, panelHeight = 480.0, 260.0 // of a panel of series that stands alone
	smallWidth, smallHeight = 340.0, 250.0 // of one of several
	titleHeight             = 32.0
	legendLine              = 20.0
	noteHeight              = 22.0
	padding                 = 14.0 // around a drawing that stands alone
	tickSize, textSize      = 10.5, 12.0
	maxLabel                = 150.0 // of a name on the y axis
	columns                 = 3     // of panels
)

// layout is where everything of a figure goes.
type layout struct {
	width, height float64
	pad           float64
	top           float64 // of the first panel
	panels        []box
	legend        []legendEntry
	places        []xy // of the legend entries
	bare          bool // without title, legend and note: the page has them
}

// box is a panel, and in it the plot area between the axes.
type box struct {
	at            xy
	width, height float64

	left, top, right, bottom float64 // of the plot area, from the top left of the drawing
}

func (f Figure) layout(bare bool) layout {
	l := layout{bare: bare}
	if !bare {
		l.pad = padding
		l.top = padding
		if f.Title != "" {
			l.top += titleHeight
		}
		l.legend = f.legend()
	}
	x, y, row := l.pad, l.top, 0.0
	for i, p := range f.Panels {
		if i > 0 && i%columns == 0 {
			x, y, row = l.pad, y+row+10, 0
		}
		b := f.panelBox(p, len(f.Panels))
		b.at = xy{x, y}
		b.left, b.right, b.top, b.bottom = b.left+x, b.right+x, b.top+y, b.bottom+y
		l.panels = append(l.panels, b)
		x += b.width
		row = max(row, b.height)
		l.width = max(l.width, x+l.pad)
	}
	l.height = y + row
	if bare {
		return l
	}
	l.width = max(l.width, 320)
	l.placeLegend()
	if f.Note != "" {
		l.height += noteHeight
	}
	l.height += l.pad
	return l
}

func (l *layout) placeLegend() {
	if len(l.legend) == 0 {
		return
	}
	x, y := l.pad+8, l.height+legendLine/2+2
	for _, e := range l.legend {
		w := 26 + width(e.text(), textSize) + 18
		if x+w > l.width-l.pad && x > l.pad+8 {
			x, y = l.pad+8, y+legendLine
		}
		l.places = append(l.places, xy{x, y})
		x += w
	}
	l.height = y + legendLine/2
}

func (e legendEntry) text() string {
	if e.last != "" {
		return e.name + "  " + e.last
	}
	return e.name
}

// panelBox is the size of a panel and its plot area, as if it stood at 0, 0.
func (f Figure) panelBox(p Panel, n int) box {
	b := box{width: panelWidth, height: panelHeight}
	if n > 1 {
		b.width, b.height = smallWidth, smallHeight
	}
	left, right, top, bottom := 56.0, 12.0, 12.0, 28.0
	if f.YLabel != "" {
		left += 16
	}
	if f.XLabel != "" {
		bottom += 16
	}
	if p.Title != "" {
		top += 18
	}
	switch {
	case p.Bars != nil:
		left += min(maxLabel, widest(p.Bars.Categories)) - 46
		each := 16.0
		if len(p.Bars.Categories) > 40 {
			each = 12
		}
		b.height = top + bottom + max(80, float64(len(p.Bars.Categories))*(each*float64(max(1, len(p.Bars.Groups)))+6))
	case p.Matrix != nil:
		left += min(maxLabel, widest(p.Matrix.Rows)) - 46
		columns, rows := float64(max(1, len(p.Matrix.Columns))), float64(max(1, len(p.Matrix.Rows)))
		cell := min(64, max(14, 300/max(columns, rows)))
		if p.Matrix.Parts && max(columns, rows) <= 16 {
			cell = max(cell, 38) // 0.12 is wider than 12
		}
		b.width, b.height = left+right+max(120, cell*columns), top+bottom+max(90, cell*rows)
	case p.YNames != nil:
		left += min(maxLabel, widest(p.YNames)) - 46
	}
	left = max(left, 40)
	b.left, b.right, b.top, b.bottom = left, b.width-right, top, b.height-bottom
	return b
}

func widest(names []string) float64 {
	w := 0.0
	for _, name := range names {
		w = math.Max(w, width(name, tickSize))
	}
	return w + 10
}
