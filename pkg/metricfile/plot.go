package metricfile

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// table is the records of a plot file by column; a cell may be "".
type table struct {
	names   []string
	columns map[string][]string
	rows    int
}

func readPlot(f File) ([]Series, error) {
	if !IsCurve(f.Template) {
		return nil, nil
	}
	var t table
	var err error
	switch ext(f.Path) {
	case ".csv":
		t, err = readCSV(f, ',')
	case ".tsv":
		t, err = readCSV(f, '\t')
	case ".json", ".jsonl", ".ndjson", ".yaml", ".yml":
		t, err = readRecords(f)
	default:
		return nil, nil // an image or a page is data
	}
	if err != nil {
		return nil, errs.New(errs.Usage, "read plot file %s: %w", f.Path, err).
			Hint("plot files are CSV or TSV with a header, or JSON with a list of records")
	}
	if isConfusion(t.names) {
		return nil, nil
	}
	return t.series(f), nil
}

// IsCurve reports whether a plot template draws curves: then its file holds
// series. Classes, bars and clouds of points are data.
func IsCurve(template string) bool {
	for _, other := range []string{"confusion", "bar_horizontal", "scatter"} {
		if strings.HasPrefix(template, other) {
			return false
		}
	}
	return true
}

// isConfusion recognises pairs of a true and a predicted class, counted or not.
func isConfusion(names []string) bool {
	actual, predicted := false, false
	for _, name := range names {
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "actual", "actual_class", "true", "y_true", "target", "true_label", "label":
			actual = true
		case "predicted", "predicted_class", "prediction", "pred", "y_pred", "predicted_label":
			predicted = true
		case "count", "n", "value", "probability", "":
		default:
			return false
		}
	}
	return actual && predicted
}

// series makes a series of each numeric column. Where a column was named for
// x and it does not hold steps, the file is data.
func (t table) series(f File) []Series {
	stepColumn := f.X
	if stepColumn == "" {
		stepColumn = t.named("step", "global_step", "steps", "epoch", "epochs", "iteration", "iter")
	}
	steps, whole := t.whole(stepColumn)
	if f.X != "" && !whole {
		return nil
	}
	timeColumn := t.named("timestamp")
	times, timed := t.whole(timeColumn)
	var found []Series
	for _, name := range t.names {
		if name == stepColumn && whole || name == timeColumn && timed || len(f.Y) > 0 && !slices.Contains(f.Y, name) {
			continue
		}
		key := name
		if key == "" {
			key = stem(f.Path)
		}
		points := make([]Point, 0, t.rows)
		for i, cell := range t.columns[name] {
			if cell == "" {
				continue
			}
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil && !errors.Is(err, strconv.ErrRange) {
				points = nil
				break
			}
			p := Point{Step: int64(i), Value: v}
			if whole {
				p.Step = steps[i]
			}
			if timed {
				p.Time = millis(times[i])
			}
			points = append(points, p)
		}
		if len(points) > 0 {
			found = append(found, Series{key, points})
		}
	}
	return found
}

// millis takes seconds for what is too small to be milliseconds.
func millis(t int64) int64 {
	if t < 100_000_000_000 {
		return t * 1000
	}
	return t
}

// named returns the first column with one of these names, in any case.
func (t table) named(names ...string) string {
	for _, want := range names {
		for _, name := range t.names {
			if name != "" && strings.EqualFold(strings.TrimSpace(name), want) {
				return name
			}
		}
	}
	return ""
}

// whole returns a column as whole numbers, if every cell is one.
func (t table) whole(name string) ([]int64, bool) {
	cells, ok := t.columns[name]
	if name == "" || !ok {
		return nil, false
	}
	numbers := make([]int64, len(cells))
	for i, cell := range cells {
		v, err := strconv.ParseFloat(cell, 64)
		if err != nil || v != math.Trunc(v) || math.Abs(v) > 1<<53 {
			return nil, false
		}
		numbers[i] = int64(v)
	}
	return numbers, true
}

func readCSV(f File, comma rune) (table, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(f.Data, []byte("\uFEFF"))))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = comma, -1, true
	t := table{columns: map[string][]string{}}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return t, err
		}
		if t.names == nil {
			if t.names = header(f, record); t.names == nil {
				t.names = unnamed(f, len(record))
			} else {
				continue
			}
		}
		if len(record) > len(t.names) {
			line, _ := r.FieldPos(0)
			return t, errs.New(errs.Usage, "line %d has %d fields, the header has %d", line, len(record), len(t.names))
		}
		t.rows++
		for i, name := range t.names {
			cell := ""
			if i < len(record) {
				cell = strings.TrimSpace(record[i])
			}
			t.columns[name] = append(t.columns[name], cell)
		}
	}
}

// header returns the names in the first record, nil when it has numbers only.
func header(f File, record []string) []string {
	for _, cell := range record {
		if _, err := strconv.ParseFloat(strings.TrimSpace(cell), 64); err != nil {
			return distinct(f, record)
		}
	}
	return nil
}

// distinct gives columns without a name, or with one that was there before, a name.
func distinct(f File, record []string) []string {
	seen := map[string]bool{}
	names := make([]string, len(record))
	for i, name := range record {
		name = strings.TrimSpace(name)
		if name == "" || seen[name] {
			name = stem(f.Path) + "." + strconv.Itoa(i)
		}
		seen[name] = true
		names[i] = name
	}
	return names
}

func unnamed(f File, n int) []string {
	if n == 1 {
		return []string{stem(f.Path)}
	}
	names := make([]string, n)
	for i := range names {
		names[i] = stem(f.Path) + "." + strconv.Itoa(i)
	}
	return names
}

// readRecords reads a list of records: the document itself, or the first list
// of records in its tables by key; or one record a line.
func readRecords(f File) (table, error) {
	var doc any
	var err error
	switch ext(f.Path) {
	case ".yaml", ".yml":
		err = yaml.Unmarshal(f.Data, &doc)
	case ".jsonl", ".ndjson":
		doc, err = parseLines(f.Data)
	default:
		doc, err = parseJSON(f.Data)
	}
	if err != nil {
		return table{}, err
	}
	t := table{columns: map[string][]string{}}
	for _, record := range records(doc) {
		for key := range record {
			if _, ok := t.columns[key]; !ok {
				t.columns[key] = make([]string, t.rows)
			}
		}
		for name := range t.columns {
			t.columns[name] = append(t.columns[name], cellOf(record[name]))
		}
		t.rows++
	}
	t.names = slices.Sorted(maps.Keys(t.columns))
	return t, nil
}

func parseLines(data []byte) (any, error) {
	list := []any{}
	for line := range bytes.Lines(data) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		doc, err := parseJSON(line)
		if err != nil {
			return nil, err
		}
		list = append(list, doc)
	}
	return list, nil
}

func records(node any) []map[string]any {
	if list, ok := node.([]any); ok {
		var found []map[string]any
		for _, item := range list {
			record := toTable(item)
			if record == nil {
				return nil
			}
			found = append(found, record)
		}
		return found
	}
	nested := toTable(node)
	for _, key := range slices.Sorted(maps.Keys(nested)) {
		if found := records(nested[key]); len(found) > 0 {
			return found
		}
	}
	return nil
}

// cellOf writes a value of a record as in CSV. Lists, tables and booleans are
// text that is no number.
func cellOf(v any) string {
	if v == nil {
		return ""
	}
	if f, ok := toNumber(v); ok {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	if s, ok := v.(string); ok {
		return strings.TrimSpace(s)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(text)
}
