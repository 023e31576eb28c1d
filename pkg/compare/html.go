package compare

import (
	_ "embed" // the page
	"html/template"
	"io"
	"math"
	"time"

	"github.com/mlops-cli/mlops/pkg/plot"
)

//go:embed page.html
var page string

// Page is what goes into an HTML report.
type Page struct {
	Title  string
	Now    time.Time
	Result *Result
	Curves map[string][]plot.Series // by metric
}

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
		runs[i] = pageRun{Column: c, Index: i, Color: plot.Color(i), Short: short(c.ID), Code: short(c.Commit)}
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
	var charts []template.HTML
	for _, key := range r.CurveKeys() {
		if curves := p.Curves[key]; len(curves) > 0 {
			chart, err := CurveFigure(key, curves).HTML()
			if err != nil {
				return err
			}
			charts = append(charts, chart)
		}
	}
	return t.Execute(w, map[string]any{
		"Title": p.Title, "Now": p.Now.UTC().Format("2006-01-02 15:04 UTC"), "Runs": runs, "Params": r.Params, "Metrics": r.Metrics,
		"Charts": charts, "Data": r.pageData(), "Style": plot.Style(), "Script": plot.Script(), "Same": r.Same, "SameText": plural(r.Same, "row is", "rows are"),
	})
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

// CurveFigure is the curves of one metric as a figure.
func CurveFigure(key string, curves []plot.Series) plot.Figure {
	title := key
	if mark := ByName(key).Mark(); mark != "" {
		title += " " + mark
	}
	return plot.Figure{Title: title, Panels: []plot.Panel{{Series: curves}}}
}
