package compare

import (
	_ "embed" // the page
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/track"
)

//go:embed page.html
var page string

// Page is what goes into an HTML report.
type Page struct {
	Title  string
	Now    time.Time
	Result *Result
	Curves map[string][]Curve // by metric
}

// runColors tell the runs apart on light and on dark ground.
const runColors = "#3b82f6 #f97316 #10b981 #a855f7 #ef4444 #14b8a6 #eab308 #ec4899 #6366f1 #84cc16"

type pageRun struct {
	Column
	Index    int
	Color    string
	Short    string
	Code     string
	Started  string
	Duration string
	Params   []string
	Metrics  []pageMetric
}

type pageMetric struct {
	Text string
	Best bool
	Sort string // what the browser sorts by; "" is last
	Bar  int    // 0 to 100
}

type pageChart struct {
	Key, Mark string
	SVG       template.HTML
	Points    string // JSON, by curve, for the cursor
	Curves    []pageCurve
	CurveJSON string
}

type pageCurve struct {
	Name  string `json:"name"`
	Color string `json:"color"`
	Last  string `json:"-"`
}

type pageData struct {
	Path, Kind string
	Cells      []pageChip
}

type pageChip struct {
	Text  string
	Title string
	Shade int // equal ids have equal shades
}

// WriteHTML writes one file that needs nothing else: styles, curves and the few
// lines of script for sorting are in it.
func (p Page) WriteHTML(w io.Writer) error {
	t, err := template.New("page").Parse(page)
	if err != nil {
		return err
	}
	r := p.Result
	runs := make([]pageRun, len(r.Runs))
	for i, c := range r.Runs {
		runs[i] = pageRun{Column: c, Index: i, Color: colorOf(i), Short: short(c.ID), Code: short(c.Commit)}
		if c.Dirty {
			runs[i].Code += "*"
		}
		if c.StartTime > 0 {
			runs[i].Started = time.UnixMilli(c.StartTime).UTC().Format("2006-01-02 15:04")
		}
		if c.EndTime > 0 {
			runs[i].Duration = (time.Duration(c.EndTime-c.StartTime) * time.Millisecond).Round(100 * time.Millisecond).String()
		}
		for _, row := range r.Params {
			runs[i].Params = append(runs[i].Params, orNothing(row.Values[i]))
		}
	}
	for _, m := range r.Metrics {
		for i, cell := range m.cells() {
			runs[i].Metrics = append(runs[i].Metrics, m.pageMetric(i, cell))
		}
	}
	var charts []pageChart
	for _, key := range r.CurveKeys() {
		if curves := p.Curves[key]; len(curves) > 0 {
			chart, err := newPageChart(key, curves)
			if err != nil {
				return err
			}
			charts = append(charts, chart)
		}
	}
	return t.Execute(w, map[string]any{
		"Title": p.Title, "Now": p.Now.UTC().Format("2006-01-02 15:04 UTC"), "Runs": runs, "Params": r.Params, "Metrics": r.Metrics,
		"Charts": charts, "Data": r.pageData(), "Same": r.Same, "SameText": plural(r.Same, "row is", "rows are"),
	})
}

func colorOf(i int) string {
	colors := strings.Fields(runColors)
	return colors[i%len(colors)]
}

func (m MetricRow) pageMetric(i int, cell Cell) pageMetric {
	out := pageMetric{Text: cell.Text, Best: cell.Best}
	v := m.Values[i]
	if v == nil || math.IsNaN(float64(*v)) {
		return out
	}
	out.Sort = v.String()
	low, high := *v, *v
	for _, other := range m.Values {
		if other != nil && !math.IsNaN(float64(*other)) {
			low, high = min(low, *other), max(high, *other)
		}
	}
	if span := float64(high - low); span > 0 && !math.IsInf(span, 0) {
		out.Bar = 8 + int(92*float64(*v-low)/span)
	}
	return out
}

func (r *Result) pageData() []pageData {
	rows := make([]pageData, len(r.Data))
	for i, d := range r.Data {
		rows[i] = pageData{Path: d.Path, Kind: d.Kind}
		shades := map[string]int{}
		for _, v := range d.Values {
			chip := pageChip{Text: Missing, Shade: -1}
			if v != nil {
				if _, ok := shades[*v]; !ok {
					shades[*v] = len(shades)
				}
				chip = pageChip{Text: short(*v), Title: *v, Shade: shades[*v] % 6}
			}
			rows[i].Cells = append(rows[i].Cells, chip)
		}
	}
	return rows
}

func newPageChart(key string, curves []Curve) (pageChart, error) {
	chart := pageChart{Key: key, Mark: ByName(key).Mark(), SVG: svg(curves)}
	all := make([][][2]any, 0, len(curves))
	for _, c := range curves {
		points := make([][2]any, 0, len(c.Points))
		for _, p := range c.Points {
			points = append(points, [2]any{p.Step, track.Value(p.Value)})
		}
		all = append(all, points)
		chart.Curves = append(chart.Curves, pageCurve{c.Name, colorOf(c.Column), Number(c.Points[len(c.Points)-1].Value)})
	}
	points, err := json.Marshal(all)
	if err != nil {
		return chart, err
	}
	names, err := json.Marshal(chart.Curves)
	chart.Points, chart.CurveJSON = string(points), string(names)
	return chart, err
}

// The plot area of a chart within its 480 × 260 drawing.
const (
	plotLeft, plotTop     = 56.0, 12.0
	plotWidth, plotHeight = 412.0, 212.0
)

// svg draws curves with axes. Everything in it is made of numbers.
func svg(curves []Curve) template.HTML {
	e := extentOf(curves)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 480 260" role="img" data-x0="%d" data-x1="%d">`, e.x0, e.x1)
	if !e.anything {
		return template.HTML(b.String() + `<text x="240" y="130" class="tick">no numbers</text></svg>`) //nolint:gosec // numbers only
	}
	for i := range 5 {
		part := float64(i) / 4
		y := plotTop + plotHeight*part
		fmt.Fprintf(&b, `<line class="grid" x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f"/><text class="tick" text-anchor="end" x="%.0f" y="%.1f">%s</text>`,
			plotLeft, plotLeft+plotWidth, y, y, plotLeft-6, y+3.5, tick(e.y1*(1-part)+e.y0*part))
		x := plotLeft + plotWidth*part
		fmt.Fprintf(&b, `<text class="tick" text-anchor="middle" x="%.1f" y="%.0f">%s</text>`, x, plotTop+plotHeight+18,
			tick(math.Round(float64(e.x0)*(1-part)+float64(e.x1)*part)))
		if e.x0 == e.x1 || e.y0 == e.y1 {
			break
		}
	}
	for _, c := range curves {
		for _, stretch := range c.stretches() {
			at := make([]string, len(stretch))
			for i, p := range stretch {
				at[i] = fmt.Sprintf("%.1f,%.1f", plotLeft+plotWidth*e.x(p.Step), plotTop+plotHeight*(1-e.y(p.Value)))
			}
			if len(at) == 1 {
				x, y, _ := strings.Cut(at[0], ",")
				fmt.Fprintf(&b, `<circle r="3" cx="%s" cy="%s" fill="%s" data-run="%d"/>`, x, y, colorOf(c.Column), c.Column)
				continue
			}
			fmt.Fprintf(&b, `<polyline points="%s" stroke="%s" data-run="%d"/>`, strings.Join(at, " "), colorOf(c.Column), c.Column)
		}
	}
	b.WriteString(`<line class="cursor" y1="12" y2="224" x1="0" x2="0"/></svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers only
}

func tick(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e7 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// stretches cuts a curve where it has points that are no numbers.
func (c Curve) stretches() [][]Point {
	var all [][]Point
	open := false
	for _, p := range c.Points {
		if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
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
