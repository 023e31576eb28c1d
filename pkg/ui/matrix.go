package ui

import (
	"fmt"
	"html/template"
	"strings"
	"unicode/utf8"

	"github.com/mlops-cli/mlops/pkg/plot"
)

// longestClass is how many letters of the name of a class are drawn; the whole
// one is under the pointer.
const longestClass = 24

// drawMatrix draws counts as shaded cells; colors are those of the style sheet.
func drawMatrix(m plot.Matrix) template.HTML {
	n := len(m.Columns)
	cell := max(22.0, min(46.0, 380/float64(n)))
	left := 34 + lettersWidth(m.Rows)
	// Names wider than their column are slanted.
	top, beyond, slanted := 42.0, 4.0, false
	if long := lettersWidth(m.Columns); long > cell-4 {
		top, beyond, slanted = 36+.71*long, max(4, .71*long-cell/2+10), true
	}
	width, height := left+cell*float64(n)+beyond, top+cell*float64(len(m.Rows))+4
	most := 1.0
	right, all := 0.0, 0.0
	for i, row := range m.Cells {
		for j, v := range row {
			most = max(most, v)
			all += v
			if i == j {
				right += v
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" class="drawn matrix" role="img" aria-label="Confusion matrix of %d classes, %.1f %% on the diagonal" viewBox="0 0 %.0f %.0f" width="%.0f">`,
		n, 100*right/max(1, all), width, height, width)
	fmt.Fprintf(&b, `<text x="%.1f" y="14" text-anchor="middle">predicted</text><text x="12" y="%.1f" text-anchor="middle" transform="rotate(-90 12 %.1f)">actual</text>`,
		left+cell*float64(n)/2, top+cell*float64(n)/2, top+cell*float64(n)/2)
	for j, name := range m.Columns {
		x, y, place := left+cell*(float64(j)+.5), top-8, `text-anchor="middle"`
		if slanted {
			place = fmt.Sprintf(`transform="rotate(-45 %.1f %.1f)"`, x, y)
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" %s>%s</text>`, x, y, place, className(name))
	}
	for i, row := range m.Cells {
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="end">%s</text>`, left-7, top+cell*(float64(i)+.5)+4, className(m.Rows[i]))
		for j, v := range row {
			x, y := left+cell*float64(j), top+cell*float64(i)
			kind := "miss"
			if i == j {
				kind = "hit"
			}
			strong := ""
			if v/most > .55 {
				strong = " full"
			}
			fmt.Fprintf(&b, `<g class="%s%s"><title>actual %s, predicted %s: %s</title><rect class="ground" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="3"/><rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="3" fill-opacity="%.2f"/>`,
				kind, strong, template.HTMLEscapeString(m.Rows[i]), template.HTMLEscapeString(m.Columns[j]), plot.Number(v), x, y, cell-2, cell-2, x, y, cell-2, cell-2, v/most)
			if v != 0 {
				fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, x+cell/2-1, y+cell/2+3.5, plot.Number(v))
			}
			b.WriteString("</g>")
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // texts go through HTMLEscapeString
}

// lettersWidth is how wide the longest of names is drawn.
func lettersWidth(names []string) float64 {
	most := 0
	for _, name := range names {
		most = max(most, min(utf8.RuneCountInString(name), longestClass))
	}
	return 6.5 * float64(most)
}

// className is the name of a class as it is drawn, escaped.
func className(name string) string {
	short := template.HTMLEscapeString(cut(name, longestClass))
	if whole := template.HTMLEscapeString(name); whole != short {
		return short + "<title>" + whole + "</title>"
	}
	return short
}
