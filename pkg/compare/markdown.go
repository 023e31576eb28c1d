package compare

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/plot"
)

// Markdown says what stands with the table.
type Markdown struct {
	Title  string              // of the curves
	Curves []plot.Series       // drawn as a Mermaid chart
	Sparks map[string][]string // by metric, a line of block characters for each column
	Image  string              // URL or path of a picture of the curves
}

// WriteMarkdown writes a table for a pull request: keys down and columns
// across, or columns down when there are many. The best values are bold.
// GitHub and GitLab draw Mermaid charts and linked pictures; they drop SVG and
// data URLs that stand in the text.
func (r *Result) WriteMarkdown(w io.Writer, m Markdown) error {
	g := r.Grid(time.UTC)
	var out strings.Builder
	if len(g.Header) <= SideBySide {
		for i, group := range g.Groups {
			for j, row := range group.Rows {
				if lines := m.Sparks[row.Key]; group.Name == "metrics" && lines != nil {
					g.Groups[i].Rows[j].sparks = lines
				}
			}
		}
		g.markdownAcross(&out)
	} else {
		g.markdownDown(&out)
	}
	if r.Same > 0 {
		fmt.Fprintf(&out, "\n%s the same everywhere and left out.\n", plural(r.Same, "row is", "rows are"))
	}
	if len(m.Curves) > 0 {
		markdownChart(&out, m.Title, m.Curves)
	}
	if m.Image != "" {
		out.WriteString("\n![curves](<" + strings.NewReplacer("<", "%3C", ">", "%3E", "\n", "").Replace(m.Image) + ">)\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (g Grid) markdownAcross(out *strings.Builder) {
	out.WriteString("| |")
	for _, name := range g.Header {
		out.WriteString(" " + escapeMarkdown(name) + " |")
	}
	out.WriteString("\n|---|" + strings.Repeat("---|", len(g.Header)) + "\n")
	for _, group := range g.Groups {
		if group.Name != "run" {
			out.WriteString("| *" + group.Name + "* |" + strings.Repeat(" |", len(g.Header)) + "\n")
		}
		for _, row := range group.Rows {
			out.WriteString("| " + row.title() + " |")
			for i, cell := range row.Cells {
				out.WriteString(" " + cell.markdown())
				if row.sparks != nil && row.sparks[i] != "" {
					out.WriteString(" " + row.sparks[i])
				}
				out.WriteString(" |")
			}
			out.WriteByte('\n')
		}
	}
}

func (g Grid) markdownDown(out *strings.Builder) {
	out.WriteString("| run |")
	columns := 0
	for _, group := range g.Groups {
		for _, row := range group.Rows {
			out.WriteString(" " + row.title() + " |")
			columns++
		}
	}
	out.WriteString("\n|---|" + strings.Repeat("---|", columns) + "\n")
	for i, name := range g.Header {
		out.WriteString("| " + escapeMarkdown(name) + " |")
		for _, group := range g.Groups {
			for _, row := range group.Rows {
				out.WriteString(" " + row.Cells[i].markdown() + " |")
			}
		}
		out.WriteByte('\n')
	}
}

func (row GridRow) title() string {
	return strings.TrimSpace(escapeMarkdown(row.Key) + " " + row.Mark)
}

func (c Cell) markdown() string {
	text := escapeMarkdown(c.Text)
	if c.Best {
		return "**" + text + "**"
	}
	return text
}

func escapeMarkdown(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "<", "&lt;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`).Replace(s)
}

// markdownPoints is how many points of a curve a pull request carries.
const markdownPoints = 32

// markdownChart writes a Mermaid chart. It spreads the values of every line over
// the whole axis, so each curve is read off at the same steps; beyond its ends
// a curve keeps its first and its last value.
func markdownChart(out *strings.Builder, title string, curves []plot.Series) {
	low, high, ok := plot.Range(curves)
	if !ok || low.X == high.X {
		return
	}
	names := make([]string, len(curves))
	for i, c := range curves {
		names[i] = c.Name
	}
	fmt.Fprintf(out, "\n```mermaid\nxychart-beta\n    title \"%s\"\n    x-axis \"step\" %s --> %s\n    y-axis %s --> %s\n",
		strings.NewReplacer(`"`, "'", "\n", " ").Replace(title+": "+strings.Join(names, ", ")), plot.Number(low.X), plot.Number(high.X), plot.Number(low.Y), plot.Number(high.Y))
	n := markdownPoints
	if span := high.X - low.X; span < markdownPoints && span >= 1 {
		n = int(span) + 1
	}
	for _, c := range curves {
		values := make([]string, 0, n)
		for i := range n {
			part := float64(i) / float64(n-1)
			step := low.X*(1-part) + high.X*part
			if v, ok := c.At(step); ok {
				values = append(values, plot.Number(v))
			}
		}
		out.WriteString("    line [" + strings.Join(values, ", ") + "]\n")
	}
	out.WriteString("```\n")
}

// WriteTable writes a Markdown table.
func WriteTable(w io.Writer, header []string, rows [][]string) error {
	var out strings.Builder
	line := func(cells []string) {
		out.WriteByte('|')
		for _, cell := range cells {
			out.WriteString(" " + escapeMarkdown(cell) + " |")
		}
		out.WriteByte('\n')
	}
	line(header)
	out.WriteString("|" + strings.Repeat("---|", len(header)) + "\n")
	for _, row := range rows {
		line(row)
	}
	_, err := io.WriteString(w, out.String())
	return err
}
