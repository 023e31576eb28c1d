package term

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// gap is the number of columns between two cells.
const gap = 2

// narrowest is the width below which a column is not cut.
const narrowest = 8

// Table is rows in aligned columns without borders, as git and ls show them.
type Table struct {
	io     *IO
	header []string
	rows   [][]string
	align  []tw.Align

	flushed []int // widths of the columns, once rows were flushed
}

// Table returns an empty table with these column titles; without titles it has
// no header line.
func (t *IO) Table(header ...string) *Table {
	align := make([]tw.Align, len(header))
	for i := range align {
		align[i] = tw.AlignLeft
	}
	return &Table{io: t, header: header, align: align}
}

// Right aligns the columns with these numbers, counted from 0, to the right,
// as numbers are read. It returns t.
func (t *Table) Right(columns ...int) *Table {
	for _, c := range columns {
		for len(t.align) <= c {
			t.align = append(t.align, tw.AlignLeft)
		}
		t.align[c] = tw.AlignRight
	}
	return t
}

// Row adds a row. Cells may be painted.
func (t *Table) Row(cells ...string) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = oneLine(c)
	}
	t.rows = append(t.rows, row)
}

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Write writes the table to w. On a terminal the widest columns are cut until
// a row fits a line; in a pipe nothing is cut. A table without rows writes
// nothing.
func (t *Table) Write(w io.Writer) error {
	if len(t.rows) == 0 {
		return nil
	}
	if len(t.rows) > manyRows {
		return t.Flush(w)
	}
	rows := fit(t.titled(), t.io.Width())
	var b bytes.Buffer
	if err := render(&b, rows, t.align); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		if _, err := io.WriteString(w, tidy(line)+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// titled is the rows below their titles, if there are any.
func (t *Table) titled() [][]string {
	if len(t.header) == 0 {
		return t.rows
	}
	head := make([]string, len(t.header))
	for i, h := range t.header {
		head[i] = t.io.Paint(Bold, h)
	}
	return append([][]string{head}, t.rows...)
}

// tidy removes what tablewriter leaves in a line: resets where no colour is on,
// and blanks at the end.
func tidy(line string) string {
	line = strings.TrimRight(line, " \n")
	const reset = "\x1b[0m"
	if !strings.Contains(line, reset) {
		return line
	}
	var b strings.Builder
	for part := range strings.SplitAfterSeq(line, reset) {
		if !strings.Contains(strings.TrimSuffix(part, reset), "\x1b[") {
			part = strings.TrimSuffix(part, reset)
		}
		b.WriteString(part)
	}
	return strings.TrimRight(b.String(), " ")
}

// render draws rows as they are, without header logic that would change case.
func render(w io.Writer, rows [][]string, align []tw.Align) error {
	cells := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone, AutoFormat: tw.Off},
		Alignment:  tw.CellAlignment{Global: tw.AlignLeft, PerColumn: align},
		Padding:    tw.CellPadding{Global: tw.Padding{Left: tw.Empty, Right: strings.Repeat(tw.Space, gap), Overwrite: true}},
	}
	table := tablewriter.NewTable(w,
		tablewriter.WithConfig(tablewriter.Config{Row: cells, Behavior: tw.Behavior{TrimSpace: tw.Off}}),
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Symbols:  tw.NewSymbols(tw.StyleNone),
			Settings: tw.Settings{Lines: tw.LinesNone, Separators: tw.SeparatorsNone},
		})),
	)
	if err := table.Bulk(rows); err != nil {
		return err
	}
	return table.Render()
}

// fit cuts the cells of the widest columns until rows fit width columns.
func fit(rows [][]string, width int) [][]string {
	widths := widthsOf(rows, nil)
	if width <= 0 {
		return rows
	}
	return cut(rows, shrink(widths, width))
}

// widthsOf is the width of the widest cell of each column, and at least least.
func widthsOf(rows [][]string, least []int) []int {
	widths := slices.Clone(least)
	for _, row := range rows {
		for c, cell := range row {
			if c == len(widths) {
				widths = append(widths, 0)
			}
			widths[c] = max(widths[c], Width(cell))
		}
	}
	return widths
}

// shrink makes the widest columns narrower, in place, until all fit a line.
func shrink(widths []int, line int) []int {
	total := gap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for ; total > line; total-- {
		widest := 0
		for c, w := range widths {
			if w > widths[widest] {
				widest = c
			}
		}
		if widths[widest] <= narrowest {
			break
		}
		widths[widest]--
	}
	return widths
}

// cut is rows whose cells fit their columns.
func cut(rows [][]string, widths []int) [][]string {
	out := make([][]string, len(rows))
	for r, row := range rows {
		out[r] = make([]string, len(row))
		for c, cell := range row {
			out[r][c] = Cut(cell, widths[c])
		}
	}
	return out
}

// oneLine keeps a cell on its line and the terminal as it was: control
// characters but those of Paint are shown as escapes.
func oneLine(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\x1b' || r == 0x7f }) {
		return s
	}
	return strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s)
}
