package compare

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/plot"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Grid is a result as text: one row for each key, one cell for each column.
type Grid struct {
	Header []string // names of the columns
	Groups []Group
}

// Group is rows of one kind: run, params, metrics, data or code.
type Group struct {
	Name string
	Rows []GridRow
}

// GridRow is one key with its cells.
type GridRow struct {
	Key   string
	Mark  string // the direction of a metric, or nothing
	Cells []Cell

	sparks []string // small curves, in Markdown
}

// Cell is a value as people read it.
type Cell struct {
	Text string // "-" where there is none
	Best bool
}

// Missing is what a cell without a value shows.
const Missing = "-"

// Grid makes text of a result, with times in the zone of loc.
func (r *Result) Grid(loc *time.Location) Grid {
	g := Grid{Header: make([]string, len(r.Runs))}
	for i, c := range r.Runs {
		g.Header[i] = c.Name
	}
	about := Group{Name: "run"}
	row := func(key string, of func(c *Column) string) {
		texts := make([]string, len(r.Runs))
		for i := range r.Runs {
			texts[i] = of(&r.Runs[i])
		}
		// What all columns share says nothing; but a failure always does.
		if same := slices.Compact(slices.Clone(texts)); len(same) == 1 && (len(texts) > 1 || same[0] == "") && same[0] != string(track.Failed) {
			return
		}
		cells := make([]Cell, len(texts))
		for i, text := range texts {
			cells[i].Text = cmp.Or(text, Missing)
		}
		about.Rows = append(about.Rows, GridRow{Key: key, Cells: cells})
	}
	row("id", func(c *Column) string { return short(c.ID) })
	row("experiment", func(c *Column) string { return c.Experiment })
	row("status", func(c *Column) string { return string(c.Status) })
	row("started", func(c *Column) string {
		if c.StartTime == 0 {
			return ""
		}
		return time.UnixMilli(c.StartTime).In(loc).Format("2006-01-02 15:04")
	})
	row("commit", func(c *Column) string {
		if c.Dirty {
			return short(c.Commit) + "*"
		}
		return short(c.Commit)
	})
	params, metrics := Group{Name: "params"}, Group{Name: "metrics"}
	for _, p := range r.Params {
		params.Rows = append(params.Rows, GridRow{Key: p.Key, Cells: textCells(p.Values, oneLine)})
	}
	for _, m := range r.Metrics {
		metrics.Rows = append(metrics.Rows, GridRow{Key: m.Key, Mark: m.Direction.Mark(), Cells: m.cells()})
	}
	data, code := Group{Name: "data"}, Group{Name: "code"}
	for _, d := range r.Data {
		into := &data
		if d.Kind == "code" {
			into = &code
		}
		into.Rows = append(into.Rows, GridRow{Key: d.Path, Cells: textCells(d.Values, short)})
	}
	for _, group := range []Group{about, params, metrics, data, code} {
		if len(group.Rows) > 0 {
			g.Groups = append(g.Groups, group)
		}
	}
	return g
}

// short is the first digits of an id.
func short(id string) string { return id[:min(8, len(id))] }

// oneLine keeps tables whole when a value has line breaks.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func textCells(values []*string, show func(string) string) []Cell {
	cells := make([]Cell, len(values))
	for i, v := range values {
		cells[i].Text = Missing
		if v != nil {
			cells[i].Text = show(*v)
		}
	}
	return cells
}

// cells prints the numbers of a row with six digits, or with all of them where
// six would make different numbers look the same.
func (m MetricRow) cells() []Cell {
	show := func(v track.Value) string { return plot.Number(float64(v)) }
	seen := map[string]track.Value{}
	for _, v := range m.Values {
		if v == nil {
			continue
		}
		if other, ok := seen[show(*v)]; ok && other.String() != v.String() {
			show = track.Value.String
			break
		}
		seen[show(*v)] = *v
	}
	cells := make([]Cell, len(m.Values))
	for i, v := range m.Values {
		cells[i].Text = Missing
		if v != nil {
			cells[i] = Cell{Text: show(*v), Best: m.Best != nil && *m.Values[*m.Best] == *v}
		}
	}
	return cells
}
