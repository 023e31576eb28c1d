package ui

import (
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/plot"
)

// maxClasses is how many classes a confusion matrix may have to be drawn.
const maxClasses = 40

// confusion draws a table that has a column of what is true and one of what was
// predicted, or that is the matrix itself; "" for other tables.
func confusion(header []string, rows [][]string) template.HTML {
	m, ok := confusionMatrix(header, rows)
	if !ok {
		m, ok = squareMatrix(header, rows)
	}
	if !ok {
		return ""
	}
	return drawMatrix(m)
}

func confusionMatrix(header []string, rows [][]string) (plot.Matrix, bool) {
	find := func(names ...string) int {
		return slices.IndexFunc(header, func(h string) bool { return slices.Contains(names, strings.ToLower(strings.TrimSpace(h))) })
	}
	actual := find("actual", "true", "label", "y_true", "target", "truth")
	predicted := find("predicted", "prediction", "y_pred", "pred")
	if actual < 0 || predicted < 0 {
		return plot.Matrix{}, false
	}
	counts := map[[2]string]float64{}
	var classes []string
	for _, row := range rows {
		if actual >= len(row) || predicted >= len(row) {
			continue
		}
		counts[[2]string{row[actual], row[predicted]}]++
		classes = append(classes, row[actual], row[predicted])
	}
	slices.Sort(classes)
	classes = slices.Compact(classes)
	if len(classes) < 2 || len(classes) > maxClasses {
		return plot.Matrix{}, false
	}
	m := plot.Matrix{Rows: classes, Columns: classes, Cells: make([][]float64, len(classes))}
	for i, a := range classes {
		for _, p := range classes {
			m.Cells[i] = append(m.Cells[i], counts[[2]string{a, p}])
		}
	}
	return m, true
}

// squareMatrix takes a table of numbers whose columns and rows have the same
// names.
func squareMatrix(header []string, rows [][]string) (plot.Matrix, bool) {
	n := len(rows)
	if n < 2 || n > maxClasses || len(header) != n+1 {
		return plot.Matrix{}, false
	}
	classes := header[1:]
	m := plot.Matrix{Rows: classes, Columns: classes}
	for i, row := range rows {
		if len(row) != n+1 || row[0] != classes[i] {
			return plot.Matrix{}, false
		}
		cells := make([]float64, n)
		for j, text := range row[1:] {
			v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil || v < 0 || math.IsInf(v, 0) || math.IsNaN(v) {
				return plot.Matrix{}, false
			}
			cells[j] = v
		}
		m.Cells = append(m.Cells, cells)
	}
	return m, true
}
