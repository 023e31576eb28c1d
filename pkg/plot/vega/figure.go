package vega

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/plot"
)

// curvePoints is how many points of a curve are drawn at most.
const curvePoints = 2000

// Figure draws the plot. What is done with a template that is not built in is
// guessed from its marks, and said in the note of the figure.
func (p *Plot) Figure() plot.Figure {
	f := plot.Figure{Title: textOf(p.Title), XLabel: textOf(p.XLabel), YLabel: textOf(p.YLabel)}
	name := p.template.name
	if !p.template.builtin {
		name = guess(p.template.content)
		if name == "" {
			f.Note = "template " + p.template.name + " is not drawn here: mlops plots show --show-vega has its Vega-Lite"
			f.Panels = []plot.Panel{{}}
			return f
		}
		f.Note = "drawn as " + name + ": template " + p.template.name + " itself is for Vega-Lite"
	}
	groups := p.groups()
	switch {
	case strings.HasPrefix(name, "confusion"):
		f.Panels = p.matrices(groups, name == "confusion_normalized")
	case strings.HasPrefix(name, "bar_horizontal"):
		f.Panels = p.barPanels(groups, name == "bar_horizontal_sorted")
	default:
		f.Panels = []plot.Panel{p.seriesPanel(groups, name)}
	}
	return f
}

// guess finds the built-in template that draws most like a specification.
func guess(content any) string {
	found := ""
	var walk func(node any)
	walk = func(node any) {
		switch d := node.(type) {
		case object:
			mark := d["mark"]
			if o, ok := mark.(object); ok {
				mark = o["type"]
			}
			switch mark {
			case "line", "area", "trail":
				found = "simple"
			case "point", "circle", "square":
				found = cmp.Or(found, "scatter")
			case "bar":
				found = cmp.Or(found, "bar_horizontal")
			case "rect":
				found = cmp.Or(found, "confusion")
			}
			for _, v := range d {
				walk(v)
			}
		case list:
			for _, v := range d {
				walk(v)
			}
		}
	}
	walk(content)
	return found
}

// group is the datapoints of one source of y at one revision.
type group struct {
	rev    int // of the plot's revisions
	source int // of the plot's domain
	name   string
	points []*paramfile.Map
}

func (p *Plot) groups() []group {
	var all []group
	at := map[[2]int]int{}
	for _, point := range p.points {
		rev := slices.Index(p.Revisions, field(point, revField))
		name := p.sourceName(field(point, fileField), field(point, fieldField))
		source := max(0, slices.Index(p.domain, name))
		key := [2]int{rev, source}
		if _, ok := at[key]; !ok {
			at[key] = len(all)
			title := p.Revisions[rev]
			if name != "" {
				title += " " + name
			}
			all = append(all, group{rev: rev, source: source, name: title})
		}
		g := &all[at[key]]
		g.points = append(g.points, point)
	}
	return all
}

func field(point *paramfile.Map, name string) string {
	v, _ := point.Get(name)
	return textOf(v)
}

func textOf(v any) string {
	if v == nil {
		return ""
	}
	return paramfile.Text(v)
}

// numberOf reads a value as Vega does: text too, true as one.
func numberOf(v any) float64 {
	switch n := v.(type) {
	case int64:
		return float64(n)
	case float64:
		return n
	case bool:
		if n {
			return 1
		}
		return 0
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(n), 64); err == nil {
			return f
		}
	}
	return math.NaN()
}

// maxNames is how many different numbers are drawn as names at most.
const maxNames = 60

// names are the values of a field that is no number anywhere: places on an
// axis, in the order of the data. It is nil when some value is a number, unless
// they are few and wanted as names, too.
func (p *Plot) names(name string, numbersToo bool) []string {
	var all []string
	seen := map[string]bool{}
	for _, point := range p.points {
		v, _ := point.Get(name)
		if !math.IsNaN(numberOf(v)) && (!numbersToo || len(all) > maxNames) {
			return nil
		}
		if s := textOf(v); s != "" && !seen[s] {
			seen[s] = true
			all = append(all, s)
		}
	}
	if numbersToo {
		return sortedNames(all)
	}
	return all
}

func (p *Plot) seriesPanel(groups []group, name string) plot.Panel {
	joined := !strings.HasPrefix(name, "scatter")
	jitter := name == "scatter_jitter"
	panel := plot.Panel{XNames: p.names(p.x, jitter), YNames: p.names(p.y, jitter)}
	xPlaces, yPlaces := placesOf(panel.XNames), placesOf(panel.YNames)
	place := func(point *paramfile.Map, field string, places map[string]int, i, salt int) float64 {
		v, _ := point.Get(field)
		if len(places) == 0 {
			return numberOf(v)
		}
		number, ok := places[textOf(v)]
		if !ok {
			return math.NaN()
		}
		at := float64(number)
		if jitter {
			at += spread(i, salt)
		}
		return at
	}
	for _, g := range groups {
		s := plot.Series{Name: g.name, Color: g.rev, Mark: g.source, Joined: joined}
		for i, point := range g.points {
			s.Points = append(s.Points, plot.Point{X: place(point, p.x, xPlaces, i, g.rev), Y: place(point, p.y, yPlaces, i, g.rev+7)})
		}
		if joined {
			slices.SortStableFunc(s.Points, func(a, b plot.Point) int { return cmp.Compare(a.X, b.X) })
		}
		if name == "smooth" && panel.YNames == nil {
			raw := s
			raw.Faint = true
			raw.Points = plot.Thin(s.Points, curvePoints)
			panel.Series = append(panel.Series, raw)
			s.Points = smoothed(s.Points)
		}
		if joined {
			s.Points = plot.Thin(s.Points, curvePoints)
		}
		panel.Series = append(panel.Series, s)
	}
	return panel
}

func (p *Plot) matrices(groups []group, parts bool) []plot.Panel {
	var rows, columns []string
	for _, point := range p.points {
		rows, columns = append(rows, field(point, p.y)), append(columns, field(point, p.x))
	}
	rows, columns = sortedNames(rows), sortedNames(columns)
	rowOf, columnOf := placesOf(rows), placesOf(columns)
	var panels []plot.Panel
	for _, g := range groups {
		m := plot.Matrix{Rows: rows, Columns: columns, Parts: parts, Cells: make([][]float64, len(rows))}
		for i := range m.Cells {
			m.Cells[i] = make([]float64, len(columns))
		}
		for _, point := range g.points {
			m.Cells[rowOf[field(point, p.y)]][columnOf[field(point, p.x)]]++
		}
		if parts {
			for _, row := range m.Cells {
				sum := 0.0
				for _, v := range row {
					sum += v
				}
				for i := range row {
					if sum > 0 {
						row[i] /= sum
					}
				}
			}
		}
		panels = append(panels, plot.Panel{Title: g.name, Matrix: &m})
	}
	return panels
}

func placesOf(names []string) map[string]int {
	places := make(map[string]int, len(names))
	for i, name := range names {
		places[name] = i
	}
	return places
}

// sortedNames sorts classes: numbers by size, then text.
func sortedNames(all []string) []string {
	slices.SortFunc(all, func(a, b string) int {
		x, y := numberOf(a), numberOf(b)
		switch {
		case math.IsNaN(x) && math.IsNaN(y):
			return cmp.Compare(a, b)
		case math.IsNaN(x):
			return 1
		case math.IsNaN(y):
			return -1
		default:
			return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
		}
	})
	return slices.Compact(all)
}

// barPanels has a panel for each source of y. A category that is there several
// times has the sum, as Vega stacks bars.
func (p *Plot) barPanels(groups []group, sorted bool) []plot.Panel {
	var panels []plot.Panel
	for source := range max(1, len(p.domain)) {
		var categories []string
		total := map[string]float64{}
		bars := &plot.Bars{}
		var values []map[string]float64
		for _, g := range groups {
			if g.source != source {
				continue
			}
			sums := map[string]float64{}
			for _, point := range g.points {
				category := field(point, p.y)
				v, _ := point.Get(p.x)
				if n := numberOf(v); !math.IsNaN(n) {
					sums[category] += n
					total[category] += n
				}
				categories = append(categories, category)
			}
			values = append(values, sums)
			bars.Groups = append(bars.Groups, plot.BarGroup{Name: p.Revisions[g.rev], Color: g.rev})
		}
		categories = sortedNames(categories)
		if sorted {
			slices.SortStableFunc(categories, func(a, b string) int { return cmp.Compare(total[b], total[a]) })
		}
		bars.Categories = categories
		for i := range bars.Groups {
			for _, category := range categories {
				v, ok := values[i][category]
				if !ok {
					v = math.NaN()
				}
				bars.Groups[i].Values = append(bars.Groups[i].Values, v)
			}
		}
		panel := plot.Panel{Bars: bars}
		if len(p.domain) > 1 {
			panel.Title = p.domain[source]
		}
		panels = append(panels, panel)
	}
	return panels
}
