package plot

import (
	"bytes"
	"fmt"
	"html"
	"strconv"
	"strings"
)

// css gives a drawing that stands alone the colors of the reader's theme. Where
// it is not understood, the attributes of the elements make it light.
const css = `<style>text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}@media(prefers-color-scheme:dark){.p{fill:#171b21}.t{fill:#e6e9ee}.d{fill:#8d97a5}.g{stroke:#2a3038}line.d,polyline.d{stroke:#8d97a5;fill:none}}</style>`

// SVG draws the figure as a file of its own, with title and legend, readable on
// light and dark ground.
func (f Figure) SVG() []byte {
	l := f.layout(false)
	s := &svgSurface{}
	fmt.Fprintf(&s.out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" role="img">`, num(l.width), num(l.height), num(l.width), num(l.height))
	s.out.WriteString(css + `<title>` + escape(f.Title) + `</title>`)
	fmt.Fprintf(&s.out, `<rect class="p" width="100%%" height="100%%" rx="8" fill="%s"/>`, light(ink{}, true))
	f.draw(s, l)
	s.out.WriteString("</svg>\n")
	return s.out.Bytes()
}

// svgSurface writes SVG elements with classes, for the page's theme, and with
// the light colors as attributes.
type svgSurface struct{ out bytes.Buffer }

func (s *svgSurface) line(points []xy, w float64, dash []float64, c ink) {
	at := make([]string, len(points))
	for i, p := range points {
		at[i] = num(p.x) + "," + num(p.y)
	}
	fmt.Fprintf(&s.out, `<polyline points="%s" fill="none" stroke="%s" stroke-width="%s"%s`, strings.Join(at, " "), light(c, false), num(w), class(c))
	if dash != nil {
		lengths := make([]string, len(dash))
		for i, v := range dash {
			lengths[i] = num(v)
		}
		s.out.WriteString(` stroke-dasharray="` + strings.Join(lengths, " ") + `"`)
	}
	if c.role == series {
		s.out.WriteString(` stroke-linejoin="round" stroke-linecap="round"`)
	}
	s.opacity(c, "stroke")
	s.out.WriteString("/>")
}

func (s *svgSurface) rect(at xy, w, h float64, c ink, tip string) {
	fmt.Fprintf(&s.out, `<rect x="%s" y="%s" width="%s" height="%s" rx="1.5" fill="%s"%s`, num(at.x), num(at.y), num(w), num(h), light(c, false), class(c))
	s.opacity(c, "fill")
	s.close("rect", tip)
}

func (s *svgSurface) shape(kind int, at xy, r float64, c ink, tip string) {
	switch kind % 4 {
	case 0:
		fmt.Fprintf(&s.out, `<circle cx="%s" cy="%s" r="%s" fill="%s"%s`, num(at.x), num(at.y), num(r), light(c, false), class(c))
		s.opacity(c, "fill")
		s.close("circle", tip)
	default:
		corners := outline(kind, at, r)
		points := make([]string, len(corners))
		for i, p := range corners {
			points[i] = num(p.x) + "," + num(p.y)
		}
		fmt.Fprintf(&s.out, `<polygon points="%s" fill="%s"%s`, strings.Join(points, " "), light(c, false), class(c))
		s.opacity(c, "fill")
		s.close("polygon", tip)
	}
}

// outline is the corners of a shape that is no circle.
func outline(kind int, at xy, r float64) []xy {
	switch kind % 4 {
	case 1:
		r *= 0.9
		return []xy{{at.x - r, at.y - r}, {at.x + r, at.y - r}, {at.x + r, at.y + r}, {at.x - r, at.y + r}}
	case 2:
		return []xy{{at.x, at.y - r*1.1}, {at.x + r, at.y + r*0.8}, {at.x - r, at.y + r*0.8}}
	default:
		r *= 1.2
		return []xy{{at.x, at.y - r}, {at.x + r, at.y}, {at.x, at.y + r}, {at.x - r, at.y}}
	}
}

func (s *svgSurface) text(at xy, words string, how style) {
	fmt.Fprintf(&s.out, `<text x="%s" y="%s" font-size="%s" fill="%s" dy=".35em"%s`, num(at.x), num(at.y), num(how.size), light(how.ink, false), class(how.ink))
	switch how.anchor {
	case middle:
		s.out.WriteString(` text-anchor="middle"`)
	case end:
		s.out.WriteString(` text-anchor="end"`)
	case start:
	}
	if how.bold {
		s.out.WriteString(` font-weight="600"`)
	}
	if how.turned {
		fmt.Fprintf(&s.out, ` transform="rotate(-90 %s %s)"`, num(at.x), num(at.y))
	}
	s.out.WriteString(">" + escape(words) + "</text>")
}

func (s *svgSurface) opacity(c ink, of string) {
	if c.alpha > 0 && c.alpha < 1 {
		s.out.WriteString(` ` + of + `-opacity="` + num(c.alpha) + `"`)
	}
}

func (s *svgSurface) close(element, tip string) {
	if tip == "" {
		s.out.WriteString("/>")
		return
	}
	s.out.WriteString("><title>" + escape(tip) + "</title></" + element + ">")
}

// light is the color of an ink on light ground.
func light(c ink, paper bool) string {
	if paper {
		return "#ffffff"
	}
	switch c.role {
	case dim:
		return "#667080"
	case grid:
		return "#e3e6eb"
	case series:
		return Color(c.index)
	case heat:
		return "#2563eb"
	case onHeat:
		return "#ffffff"
	case text:
	}
	return "#1b2129"
}

func class(c ink) string {
	switch c.role {
	case text:
		return ` class="t"`
	case dim:
		return ` class="d"`
	case grid:
		return ` class="g"`
	case series:
		return ` class="s" data-c="` + strconv.Itoa(c.index) + `"`
	case heat, onHeat:
	}
	return ""
}

// num prints a place with one digit after the point.
func num(v float64) string {
	s := strconv.FormatFloat(v, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// escape makes text safe in SVG: what XML cannot hold becomes a question mark.
func escape(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' && r != '\n' || r == 0xfffe || r == 0xffff {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	return html.EscapeString(s)
}
