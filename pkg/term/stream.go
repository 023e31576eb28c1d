package term

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter/tw"
)

// List writes a JSON array as Result writes a slice, one item at a time, so
// that it may be longer than memory. Items calls add with each.
func (t *IO) List(items func(add func(v any) error) error) error {
	w := bufio.NewWriterSize(t.Out, 1<<16)
	enc := json.NewEncoder(trimEnd{w})
	enc.SetEscapeHTML(false)
	enc.SetIndent("  ", "  ")
	before := "[\n  "
	err := items(func(v any) error {
		if _, err := w.WriteString(before); err != nil {
			return err
		}
		before = ",\n  "
		return enc.Encode(v)
	})
	if err != nil {
		return err
	}
	end := "\n]\n"
	if before == "[\n  " {
		end = "[]\n"
	}
	if _, err := w.WriteString(end); err != nil {
		return err
	}
	return w.Flush()
}

// trimEnd drops the line end that json.Encoder puts after a document.
type trimEnd struct{ w io.Writer }

func (t trimEnd) Write(p []byte) (int, error) {
	if _, err := t.w.Write(p[:len(p)-1]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes the rows that were added since the last call and forgets them,
// for tables that are longer than memory or that somebody waits for. The
// titles are written once; columns never become narrower.
func (t *Table) Flush(w io.Writer) error {
	if len(t.rows) == 0 {
		return nil
	}
	rows := t.rows
	if t.flushed == nil {
		rows = t.titled()
	}
	t.flushed = widthsOf(rows, t.flushed)
	if width := t.io.Width(); width > 0 {
		rows = cut(rows, shrink(t.flushed, width))
	}
	err := align(w, rows, t.flushed, t.align)
	t.rows = t.rows[:0]
	return err
}

// manyRows is from where on tables are written by align: the table library
// takes a tenth of a millisecond a row.
const manyRows = 500

// align writes rows in columns of these widths.
func align(w io.Writer, rows [][]string, widths []int, sides []tw.Align) error {
	out := bufio.NewWriterSize(w, 1<<16)
	var line strings.Builder
	for _, row := range rows {
		line.Reset()
		for c, cell := range row {
			blanks := strings.Repeat(" ", max(widths[c]-Width(cell), 0))
			if c < len(sides) && sides[c] == tw.AlignRight {
				cell, blanks = blanks+cell, ""
			}
			line.WriteString(cell + blanks)
			if c+1 < len(row) {
				line.WriteString("  ")
			}
		}
		if _, err := out.WriteString(strings.TrimRight(line.String(), " ") + "\n"); err != nil {
			return err
		}
	}
	return out.Flush()
}
