package vega

import (
	"bytes"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// Data reads a plot file: CSV and TSV as a list of records of text, JSON, YAML
// and TOML as they are, JSON lines as a list.
func Data(name string, data []byte, noHeader bool) (any, error) {
	if !utf8.Valid(data) {
		return nil, errs.New(errs.Usage, "%s is not UTF-8 text", name)
	}
	switch ext := path.Ext(name); ext {
	case ".csv":
		return records(string(data), ',', noHeader), nil
	case ".tsv":
		return records(string(data), '\t', noHeader), nil
	case ".json", ".yaml", ".yml", ".toml", ".py":
		return paramfile.Parse(name, data)
	case ".jsonl", ".ndjson":
		list := []any{}
		line := 0
		for text := range bytes.Lines(data) {
			line++
			if text = bytes.TrimSpace(text); len(text) == 0 {
				continue
			}
			v, err := paramfile.Parse(name+".json", text)
			if err != nil {
				return nil, errs.New(errs.Usage, "%s, line %d: %w", name, line, err)
			}
			list = append(list, v)
		}
		return list, nil
	default:
		return nil, errs.New(errs.Usage, "%s is no plot file", name).
			Hint("plot files are CSV, TSV, JSON, YAML, or pictures (PNG, JPEG, GIF, SVG)")
	}
}

// records reads a table as Python's csv module does. A record that is too long
// has the rest under "null", one that is too short has null.
func records(text string, comma rune, noHeader bool) []any {
	rows := cells(text, comma)
	list := []any{}
	var names []string
	for _, row := range rows {
		if names == nil {
			if !noHeader {
				names = row
				continue
			}
			for i := range row {
				names = append(names, strconv.Itoa(i))
			}
		}
		record := paramfile.NewMap()
		for i, name := range names {
			if i < len(row) {
				record.Set(name, row[i])
			} else {
				record.Set(name, nil)
			}
		}
		if len(row) > len(names) {
			rest := make([]any, 0, len(row)-len(names))
			for _, cell := range row[len(names):] {
				rest = append(rest, cell)
			}
			record.Set("null", rest)
		}
		list = append(list, record)
	}
	return list
}

// cells splits a table. A quote counts only where a cell begins; behind the
// closing one, text is part of the cell. Empty lines are no rows.
func cells(text string, comma rune) [][]string {
	text = strings.TrimPrefix(text, "\uFEFF")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	var rows [][]string
	var row []string
	var cell strings.Builder
	const (
		begin = iota
		plain
		quoted
		closed // a quote within quotes: the end, or the first of two
	)
	state := begin
	endCell := func() {
		row = append(row, cell.String())
		cell.Reset()
		state = begin
	}
	for _, r := range text {
		switch {
		case state == quoted && r == '"':
			state = closed
		case state == quoted:
			cell.WriteRune(r)
		case state == closed && r == '"':
			cell.WriteRune(r)
			state = quoted
		case r == comma:
			endCell()
		case r == '\n':
			if state != begin || len(row) > 0 {
				endCell()
				rows = append(rows, row)
				row = nil
			}
		case state == begin && r == '"':
			state = quoted
		default:
			cell.WriteRune(r)
			state = plain
		}
	}
	if state != begin || len(row) > 0 {
		endCell()
		rows = append(rows, row)
	}
	return rows
}
