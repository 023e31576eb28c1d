package plot

import (
	_ "embed" // style, script and page
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
)

//go:embed style.css
var pageStyle string

//go:embed script.js
var pageScript string

//go:embed page.html
var page string

// Style is the CSS of pages with figures: the theme and what a figure needs.
func Style() template.CSS { return template.CSS(pageStyle) } //nolint:gosec // a constant

// Script shows values under the pointer and switches the theme.
func Script() template.JS { return template.JS(pageScript) } //nolint:gosec // a constant

// Page is one HTML file that needs nothing else.
type Page struct {
	Title, Subtitle string
	Items           []template.HTML // of Figure.HTML and Images.HTML
}

// Write writes the page.
func (p Page) Write(w io.Writer) error {
	t, err := template.New("page").Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, map[string]any{"Title": p.Title, "Subtitle": p.Subtitle, "Items": p.Items, "Style": Style(), "Script": Script()})
}

// chartData is what the script needs of a chart of lines.
type chartData struct {
	Width  float64       `json:"width"`
	Left   float64       `json:"left"`
	Right  float64       `json:"right"`
	X0     float64       `json:"x0"`
	X1     float64       `json:"x1"`
	XLabel string        `json:"xlabel"`
	Series []chartSeries `json:"series"`
}

type chartSeries struct {
	Name   string   `json:"name"`
	Color  string   `json:"color"`
	Points [][2]any `json:"points"`
}

// HTML is the figure as an element of a page that has Style and Script.
func (f Figure) HTML() (template.HTML, error) {
	l := f.layout(true)
	s := &svgSurface{}
	fmt.Fprintf(&s.out, `<svg viewBox="0 0 %s %s" role="img" aria-label="%s"`, num(l.width), num(l.height), escape(f.Title))
	if l.width > panelWidth {
		fmt.Fprintf(&s.out, ` width="%s"`, num(l.width))
	}
	if l.width < panelWidth { // a small matrix stays small, or its text is larger than the page's
		fmt.Fprintf(&s.out, ` style="max-width:min(100%%,%spx)"`, num(l.width))
	}
	s.out.WriteString(">")
	f.draw(s, l)
	data, err := f.chartData(l)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	class := "card chart"
	if len(f.Panels) > 1 {
		class = "card chart wide"
	}
	fmt.Fprintf(&b, `<figure class="%s"`, class)
	if data != "" {
		fmt.Fprintf(&b, ` data-chart="%s"`, template.HTMLEscapeString(data))
		area := l.panels[0]
		fmt.Fprintf(&s.out, `<line class="cursor" y1="%s" y2="%s" x1="0" x2="0"/>`, num(area.top), num(area.bottom))
	}
	fmt.Fprintf(&b, "><figcaption>%s</figcaption>\n%s</svg>", escape(f.Title), s.out.String())
	if data != "" {
		b.WriteString(`<div class="tip"></div>`)
	}
	b.WriteString("\n<div class=\"legend\">")
	for _, e := range f.legend() {
		b.WriteString("<span>" + legendMark(e) + escape(e.name))
		if e.last != "" {
			b.WriteString(` <span class="dim mono">` + escape(e.last) + "</span>")
		}
		b.WriteString("</span>")
	}
	b.WriteString("</div>")
	if f.Note != "" {
		b.WriteString(`<div class="dim">` + escape(f.Note) + "</div>")
	}
	b.WriteString("</figure>")
	return template.HTML(b.String()), nil //nolint:gosec // everything in it is escaped
}

func legendMark(e legendEntry) string {
	if e.mark == 0 {
		return `<span class="dot" style="background:` + Color(e.color) + `"></span>`
	}
	s := &svgSurface{}
	if e.joined {
		s.line([]xy{{0, 5}, {24, 5}}, 2, dashes(e.mark), ink{role: series, index: e.color})
	} else {
		s.shape(e.mark, xy{12, 5}, 4, ink{role: series, index: e.color}, "")
	}
	return `<svg viewBox="0 0 24 10">` + s.out.String() + `</svg>`
}

// chartData is empty for a figure whose values need no cursor.
func (f Figure) chartData(l layout) (string, error) {
	if len(f.Panels) != 1 || !f.Panels[0].joined() {
		return "", nil
	}
	p, e := f.Panels[0], f.shared()
	if !e.anything {
		return "", nil
	}
	x, _ := p.axes(e)
	c := chartData{Width: l.width, Left: l.panels[0].left, Right: l.panels[0].right, X0: x.low, X1: x.high, XLabel: f.XLabel, Series: []chartSeries{}}
	if c.XLabel == "" {
		c.XLabel = "step"
	}
	for _, s := range p.Series {
		if s.Faint {
			continue
		}
		points := make([][2]any, 0, len(s.Points))
		for _, q := range s.Points {
			if finite(q.X) {
				points = append(points, [2]any{q.X, jsonNumber(q.Y)})
			}
		}
		c.Series = append(c.Series, chartSeries{s.Name, Color(s.Color), points})
	}
	b, err := json.Marshal(c)
	return string(b), err
}

func jsonNumber(v float64) any {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	default:
		return v
	}
}

// Images is pictures of the same thing side by side.
type Images struct {
	Title string
	Each  []Image
}

// Image is one picture, as the bytes of its file.
type Image struct {
	Name string // of the revision
	Path string // its extension says the format
	Data []byte
}

// HTML is the images as an element of a page; their bytes are in it.
func (m Images) HTML() template.HTML {
	var b strings.Builder
	b.WriteString(`<figure class="card wide"><figcaption>` + escape(m.Title) + `</figcaption><div class="images">`)
	for _, image := range m.Each {
		fmt.Fprintf(&b, `<div><p class="dim">%s</p><img alt="%s" src="%s"></div>`, escape(image.Name), escape(m.Title+" at "+image.Name), image.DataURL())
	}
	b.WriteString("</div></figure>")
	return template.HTML(b.String()) //nolint:gosec // everything in it is escaped
}

// DataURL is the picture as a URL that needs no file.
func (m Image) DataURL() string {
	kind := "png"
	switch ext := strings.ToLower(m.Path[strings.LastIndexByte(m.Path, '.')+1:]); ext {
	case "jpg", "jpeg":
		kind = "jpeg"
	case "gif":
		kind = "gif"
	case "svg":
		kind = "svg+xml"
	}
	return "data:image/" + kind + ";base64," + base64.StdEncoding.EncodeToString(m.Data)
}
