package cmd

import (
	"io"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/term"
)

// text is a value in a table: floats with as many digits as asked for.
func (o *valuesOptions) text(v any) string {
	switch n := v.(type) {
	case nil:
		return "-"
	case float64:
		if o.precision >= 0 {
			if rounded, err := strconv.ParseFloat(strconv.FormatFloat(n, 'f', o.precision, 64), 64); err == nil {
				n = rounded
			}
		}
		return paramfile.Text(n)
	case []any:
		return compare.Python(n)
	}
	return paramfile.Text(v)
}

// paintChange is the difference, green where the metric became better.
func (o *valuesOptions) paintChange(key string, c compare.Change) string {
	if c.Diff == nil {
		return "-"
	}
	text := o.text(c.Diff)
	up := !strings.HasPrefix(text, "-")
	if text == "0" || text == "0.0" || text == "-0.0" {
		return text
	}
	if up {
		text = "+" + text
	}
	direction := compare.ByName(key)
	switch {
	case o.md || direction == compare.Unknown:
		return text
	case (direction == compare.Up) == up:
		return o.app.io.Paint(term.Green, text)
	default:
		return o.app.io.Paint(term.Red, text)
	}
}

// writeTable writes rows aligned, or as Markdown.
func (a *app) writeTable(w io.Writer, md bool, header []string, rows [][]string) error {
	if len(rows) == 0 {
		return nil
	}
	if md {
		return compare.WriteTable(w, header, rows)
	}
	t := a.io.Table(header...)
	for _, row := range rows {
		t.Row(row...)
	}
	return t.Write(w)
}
