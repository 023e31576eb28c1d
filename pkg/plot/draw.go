package plot

import (
	"math"
	"strconv"
)

// draw draws the figure.
func (f Figure) draw(s surface, l layout) {
	if !l.bare && f.Title != "" {
		s.text(xy{l.width / 2, padding + titleHeight/2 - 4}, fit(f.Title, 15, l.width-2*l.pad), style{size: 15, anchor: middle, bold: true})
	}
	ranges := f.shared()
	for i, p := range f.Panels {
		b := l.panels[i]
		d := drawing{s, b, f}
		if p.Title != "" {
			s.text(xy{(b.left + b.right) / 2, b.at.y + 12}, fit(p.Title, textSize, b.width-8), style{size: textSize, anchor: middle, bold: true})
		}
		switch {
		case p.Bars != nil:
			d.bars(*p.Bars)
		case p.Matrix != nil:
			d.matrix(*p.Matrix)
		default:
			if f.Apart {
				ranges = extentOf(p.Series)
			}
			d.series(p, ranges)
		}
		d.labels()
	}
	for i, e := range l.legend {
		drawEntry(s, l.places[i], e)
	}
	if !l.bare && f.Note != "" {
		s.text(xy{l.pad + 8, l.height - l.pad - noteHeight/2}, fit(f.Note, tickSize, l.width-2*l.pad-8), style{size: tickSize, ink: ink{role: dim}})
	}
}

func drawEntry(s surface, at xy, e legendEntry) {
	c := ink{role: series, index: e.color}
	switch {
	case e.bar:
		s.rect(xy{at.x + 4, at.y - 5}, 10, 10, c, "")
	case e.joined:
		s.line([]xy{{at.x, at.y}, {at.x + 20, at.y}}, 2, dashes(e.mark), c)
	default:
		s.shape(e.mark, xy{at.x + 10, at.y}, 4, c, "")
	}
	s.text(xy{at.x + 26, at.y}, e.text(), style{size: textSize})
}

// shared is the range of all panels of series: they are on the same scale.
func (f Figure) shared() extent {
	var all []Series
	for _, p := range f.Panels {
		all = append(all, p.Series...)
	}
	return extentOf(all)
}

// drawing is one panel being drawn.
type drawing struct {
	surface
	box
	f Figure
}

func (d drawing) at(x, y float64) xy {
	return xy{d.left + (d.right-d.left)*x, d.bottom - (d.bottom-d.top)*y}
}

func (d drawing) labels() {
	if d.f.XLabel != "" {
		d.text(xy{(d.left + d.right) / 2, d.at2().y}, fit(d.f.XLabel, textSize, d.right-d.left), style{size: textSize, anchor: middle, ink: ink{role: dim}})
	}
	if d.f.YLabel != "" {
		d.text(xy{d.box.at.x + 10, (d.top + d.bottom) / 2}, fit(d.f.YLabel, textSize, d.bottom-d.top+20), style{size: textSize, anchor: middle, turned: true, ink: ink{role: dim}})
	}
}

func (d drawing) at2() xy { return xy{d.right, d.bottom + 34} }

func (d drawing) yTicks(a axis) {
	for _, t := range a.ticks {
		y := d.at(0, a.part(t.at)).y
		d.line([]xy{{d.left, y}, {d.right, y}}, 1, nil, ink{role: grid})
		d.text(xy{d.left - 6, y}, fit(t.label, tickSize, maxLabel), style{size: tickSize, anchor: end, ink: ink{role: dim}})
	}
}

func (d drawing) xTicks(a axis, lines bool) {
	for _, t := range a.ticks {
		x := d.at(a.part(t.at), 0).x
		if lines {
			d.line([]xy{{x, d.top}, {x, d.bottom}}, 1, nil, ink{role: grid})
		}
		limit := (d.right - d.left) / float64(max(1, len(a.ticks)))
		d.text(xy{x, d.bottom + 14}, fit(t.label, tickSize, max(limit, 24)), style{size: tickSize, anchor: middle, ink: ink{role: dim}})
	}
}

// axes are the scales of a panel of series.
func (p Panel) axes(e extent) (x, y axis) {
	if p.XNames != nil {
		x = names(p.XNames, 8)
	} else {
		x = numbers(e.x0, e.x1, 6, p.joined())
	}
	if p.YNames != nil {
		return x, names(p.YNames, 24)
	}
	return x, numbers(e.y0, e.y1, 5, false)
}

func (p Panel) joined() bool {
	for _, s := range p.Series {
		if s.Joined {
			return true
		}
	}
	return false
}

// markers is up to how many points a curve shows each of them.
const markers = 24

func (d drawing) series(p Panel, e extent) {
	if !e.anything {
		d.text(d.at(0.5, 0.5), "no numbers to draw", style{size: textSize, anchor: middle, ink: ink{role: dim}})
		return
	}
	x, y := p.axes(e)
	d.yTicks(y)
	d.xTicks(x, !p.joined())
	place := func(q Point) xy { return d.at(x.part(q.X), y.part(q.Y)) }
	for _, s := range p.Series {
		c := ink{role: series, index: s.Color}
		if !s.Joined {
			for _, q := range s.Points {
				if q.drawable() {
					d.shape(s.Mark, place(q), 3.4, ink{series, s.Color, 0.75}, p.tip(s, q))
				}
			}
			continue
		}
		w := 1.8
		if s.Faint {
			w, c.alpha = 1.2, 0.4
		}
		for _, stretch := range s.stretches() {
			points := make([]xy, len(stretch))
			for i, q := range stretch {
				points[i] = place(q)
			}
			if len(points) > 1 {
				d.line(points, w, dashes(s.Mark), c)
			}
			if len(points) == 1 || len(s.Points) <= markers && !s.Faint {
				for _, at := range points {
					d.shape(0, at, 2.4, c, "")
				}
			}
		}
	}
}

func (p Panel) tip(s Series, q Point) string {
	name := func(v float64, names []string) string {
		if i := int(math.Round(v)); names != nil && i >= 0 && i < len(names) {
			return names[i]
		}
		return Number(v)
	}
	return s.Name + ": " + name(q.X, p.XNames) + ", " + name(q.Y, p.YNames)
}

// stretches cuts a curve where it has points that are no numbers.
func (s Series) stretches() [][]Point {
	var all [][]Point
	open := false
	for _, p := range s.Points {
		if !p.drawable() {
			open = false
			continue
		}
		if !open {
			all = append(all, nil)
			open = true
		}
		all[len(all)-1] = append(all[len(all)-1], p)
	}
	return all
}

func (d drawing) bars(b Bars) {
	low, high := 0.0, 0.0
	for _, g := range b.Groups {
		for _, v := range g.Values {
			if finite(v) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	x := numbers(low, high, 5, false)
	d.xTicks(x, true)
	each := (d.bottom - d.top) / float64(max(1, len(b.Categories)))
	thick := min(22, (each-5)/float64(max(1, len(b.Groups))))
	zero := x.part(0)
	for i, category := range b.Categories {
		y := d.top + each*float64(i)
		d.text(xy{d.left - 6, y + each/2}, fit(category, tickSize, maxLabel), style{size: tickSize, anchor: end, ink: ink{role: dim}})
		y += (each - thick*float64(len(b.Groups))) / 2
		for j, g := range b.Groups {
			if i >= len(g.Values) || !finite(g.Values[i]) {
				continue
			}
			at := x.part(g.Values[i])
			from, to := d.at(min(zero, at), 0).x, d.at(max(zero, at), 0).x
			d.rect(xy{from, y + thick*float64(j)}, to-from, max(1, thick-1), ink{role: series, index: g.Color}, g.Name+", "+category+": "+Number(g.Values[i]))
		}
	}
	d.line([]xy{d.at(zero, 0), d.at(zero, 1)}, 1, nil, ink{role: dim})
}

func (d drawing) matrix(m Matrix) {
	high := 1.0
	if !m.Parts {
		for _, row := range m.Cells {
			for _, v := range row {
				high = max(high, v)
			}
		}
	}
	w, h := (d.right-d.left)/float64(max(1, len(m.Columns))), (d.bottom-d.top)/float64(max(1, len(m.Rows)))
	for i, row := range m.Cells {
		for j, v := range row {
			at := xy{d.left + w*float64(j), d.top + h*float64(i)}
			shown := Number(v)
			if m.Parts {
				shown = strconv.FormatFloat(v, 'f', 2, 64)
			}
			hot := v / high
			if !finite(hot) {
				hot = 0
			}
			d.rect(xy{at.x + 0.75, at.y + 0.75}, w-1.5, h-1.5, ink{role: heat, alpha: 0.05 + 0.95*hot}, m.Rows[i]+" → "+m.Columns[j]+": "+shown)
			c := ink{}
			if hot > 0.5 {
				c.role = onHeat
			}
			if size := min(textSize, h*0.6, (w-5)/width(shown, 1)); size > 6.5 {
				d.text(xy{at.x + w/2, at.y + h/2}, shown, style{size: size, anchor: middle, ink: c})
			}
		}
	}
	rows, columns := names(m.Rows, int((d.bottom-d.top)/11)), names(m.Columns, int((d.right-d.left)/26))
	for _, t := range rows.ticks {
		d.text(xy{d.left - 6, d.top + h*(t.at+0.5)}, fit(t.label, tickSize, maxLabel), style{size: tickSize, anchor: end, ink: ink{role: dim}})
	}
	for _, t := range columns.ticks {
		d.text(xy{d.left + w*(t.at+0.5), d.bottom + 14}, fit(t.label, tickSize, max(24, w)), style{size: tickSize, anchor: middle, ink: ink{role: dim}})
	}
}
