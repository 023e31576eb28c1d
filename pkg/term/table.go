package term

import (
	"bufio"
	"io"
	"slices"
	"strings"
)

// columnGap is between two cells of a row.
const columnGap = "  "

// narrowest is the width below which a column is not cut.
const narrowest = 8

// Table is rows in aligned columns without borders, as git and ls show them.
type Table struct {
	io     *IO
	header []string
	rows   [][]string
	right  []int // columns whose cells end in line

	widths []int // of the columns, once rows were written
}

// Table returns an empty table with these column titles; without titles it has
// no header line.
func (t *IO) Table(header ...string) *Table {
	return &Table{io: t, header: header}
}

// Right aligns the columns with these numbers, counted from 0, to the right,
// as numbers are read. It returns t.
func (t *Table) Right(columns ...int) *Table {
	t.right = append(t.right, columns...)
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

// Len is the number of rows that are not written yet.
func (t *Table) Len() int { return len(t.rows) }

// Write writes the rows that were added since the last call and forgets them,
// so that a table may be longer than memory. The titles are written once;
// columns never become narrower. On a terminal the widest columns are cut until
// a row fits a line; in a pipe nothing is cut. Without rows it writes nothing.
func (t *Table) Write(w io.Writer) error {
	if len(t.rows) == 0 {
		return nil
	}
	rows := t.rows
	if t.widths == nil {
		rows = t.titled()
	}
	t.widths = widthsOf(rows, t.widths)
	if width := t.io.Width(); width > 0 {
		rows = cut(rows, shrink(t.widths, width))
	}
	t.rows = t.rows[:0]
	return t.draw(w, rows)
}

// draw writes rows in columns of the table's widths. It is our own: the table
// library takes a tenth of a millisecond and 12 KB for a row.
func (t *Table) draw(w io.Writer, rows [][]string) error {
	out := bufio.NewWriterSize(w, 16<<10)
	var line strings.Builder
	for _, row := range rows {
		line.Reset()
		for c, cell := range row {
			blanks := strings.Repeat(" ", max(t.widths[c]-Width(cell), 0))
			if slices.Contains(t.right, c) {
				cell, blanks = blanks+cell, ""
			}
			line.WriteString(cell + blanks)
			if c+1 < len(row) {
				line.WriteString(columnGap)
			}
		}
		if _, err := out.WriteString(strings.TrimRight(line.String(), " ") + "\n"); err != nil {
			return err
		}
	}
	return out.Flush()
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
	total := len(columnGap) * (len(widths) - 1)
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
