package cmd

import (
	"io"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/term"
)

// compareTable writes keys down and columns across as long as that fits, else
// a line for each column.
func (a *app) compareTable(w io.Writer, r *compare.Result, sparks map[string][]string) error {
	g := r.Grid(time.Local)
	if len(g.Header) > compare.SideBySide {
		return a.downTable(g).Write(w)
	}
	for _, withSparks := range []map[string][]string{sparks, nil} {
		rows := gridRows(g, withSparks)
		if a.io.Width() == 0 || rowsWidth(rows, g.Header) <= a.io.Width() {
			return a.acrossTable(g, withSparks).Write(w)
		}
	}
	return a.downTable(g).Write(w)
}

func gridRows(g compare.Grid, sparks map[string][]string) [][]string {
	var rows [][]string
	for _, group := range g.Groups {
		for _, row := range group.Rows {
			rows = append(rows, append([]string{"  " + row.Key + " " + row.Mark}, cellTexts(row, sparks)...))
		}
	}
	return rows
}

func cellTexts(row compare.GridRow, sparks map[string][]string) []string {
	texts := make([]string, len(row.Cells))
	for i, cell := range row.Cells {
		texts[i] = cell.Text
		if cell.Best {
			texts[i] += " *"
		}
		if s := sparks[row.Key]; s != nil && s[i] != "" {
			texts[i] += " " + s[i]
		}
	}
	return texts
}

func rowsWidth(rows [][]string, header []string) int {
	widths := make([]int, len(header)+1)
	for _, row := range append(rows, append([]string{""}, header...)) {
		for i, cell := range row {
			widths[i] = max(widths[i], term.Width(cell))
		}
	}
	total := 2 * len(header)
	for _, width := range widths {
		total += width
	}
	return total
}

func (a *app) acrossTable(g compare.Grid, sparks map[string][]string) *term.Table {
	t := a.io.Table(append([]string{""}, g.Header...)...)
	for _, group := range g.Groups {
		if group.Name != "run" {
			t.Row(a.io.Paint(term.Bold, group.Name))
		}
		for _, row := range group.Rows {
			key := row.Key
			if row.Mark != "" {
				key += " " + row.Mark
			}
			if group.Name != "run" {
				key = "  " + key
			}
			cells := cellTexts(row, sparks)
			for i := range cells {
				cells[i] = a.paintCell(row.Cells[i], cells[i])
			}
			t.Row(append([]string{key}, cells...)...)
		}
	}
	return t
}

func (a *app) downTable(g compare.Grid) *term.Table {
	header := []string{"run"}
	lines := make([][]string, len(g.Header))
	for i, name := range g.Header {
		lines[i] = []string{name}
	}
	for _, group := range g.Groups {
		for _, row := range group.Rows {
			header = append(header, strings.TrimSpace(row.Key+" "+row.Mark))
			for i, text := range cellTexts(row, nil) {
				lines[i] = append(lines[i], a.paintCell(row.Cells[i], text))
			}
		}
	}
	t := a.io.Table(header...)
	for _, line := range lines {
		t.Row(line...)
	}
	return t
}

// paintCell colours the best value, which carries a star as well.
func (a *app) paintCell(c compare.Cell, text string) string {
	switch {
	case c.Best:
		return a.io.Paint(term.Green, text)
	case c.Text == compare.Missing:
		return a.io.Paint(term.Dim, text)
	default:
		return text
	}
}
