package compare

import (
	"encoding/csv"
	"math"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/mlops-cli/mlops/pkg/track"
)

func wave(n int, scale float64) []Point {
	var points []Point
	for i := range n {
		points = append(points, Point{int64(i), scale * (1 + math.Exp(-float64(i)/20))})
	}
	return points
}

func TestChartFitsAndTellsCurvesApartWithoutColour(t *testing.T) {
	t.Parallel()
	curves := []Curve{{0, "swift-otter-417", wave(100, 1)}, {1, "calm-fox-12", wave(60, 0.8)}}
	for _, width := range []int{30, 80, 200} {
		var out strings.Builder
		if err := (Chart{Title: "loss", Width: width, Height: 16}).Draw(&out, curves); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
		for i, line := range lines[:17] {
			if n := utf8.RuneCountInString(line); n > width {
				t.Errorf("line %d has %d characters, more than %d: %s", i, n, width, line)
			}
		}
		drawn := strings.Join(lines[1:15], "\n")
		if !strings.Contains(drawn, "A") || !strings.Contains(drawn, "B") || strings.Contains(out.String(), "\x1b") {
			t.Errorf("curves have no letters:\n%s", out.String())
		}
		if !strings.Contains(out.String(), "A  swift-otter-417  last") || !strings.Contains(out.String(), "at step 99") {
			t.Errorf("no legend:\n%s", out.String())
		}
	}
	var out strings.Builder
	if err := (Chart{Width: 80, Height: 16, Color: true}).Draw(&out, curves); err != nil || !strings.Contains(out.String(), "\x1b[34m") {
		t.Errorf("no colour: %v", err)
	}
}

func TestChartsOfOddCurves(t *testing.T) {
	t.Parallel()
	for name, points := range map[string][]Point{
		"one point": {{3, 1}}, "flat": {{0, 1}, {5, 1}}, "only NaN": {{0, math.NaN()}}, "huge": {{0, -math.MaxFloat64}, {1, math.MaxFloat64}},
		"infinite": {{0, math.Inf(1)}, {1, 2}, {2, 3}}, "far steps": {{math.MinInt64, 0}, {math.MaxInt64, 1}}, "gap": {{0, 1}, {1, math.NaN()}, {2, 3}},
	} {
		curves := []Curve{{0, name, points}}
		var out strings.Builder
		if err := (Chart{Width: 60, Height: 10}).Draw(&out, curves); err != nil || out.Len() == 0 {
			t.Errorf("%s: %v", name, err)
		}
		if lines := Spark(curves, 8); len(lines) != 1 {
			t.Errorf("%s: %q", name, lines)
		}
		if s := string(svg(curves)); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
			t.Errorf("%s: %s", name, s)
		}
		thin(points, 4)
	}
}

func TestSparksShareAScaleAndStopWhereTheCurveStops(t *testing.T) {
	t.Parallel()
	got := Spark([]Curve{{0, "a", []Point{{0, 0}, {1, 1}, {2, 2}, {3, 3}}}, {1, "b", []Point{{0, 3}, {1, 0}}}}, 4)
	if got[0] != "▁▃▆█" || got[1] != "█▁" {
		t.Errorf("%q", got)
	}
}

func TestThinKeepsPeaks(t *testing.T) {
	t.Parallel()
	points := wave(10_000, 1)
	points[5000].Value = 99
	points[5001].Value = -99
	got := thin(points, 100)
	var peak, dip bool
	for _, p := range got {
		peak, dip = peak || p.Value == 99, dip || p.Value == -99
	}
	if len(got) > 100 || !peak || !dip || got[0] != points[0] || got[len(got)-1] != points[9999] {
		t.Errorf("%d points, peak %v, dip %v", len(got), peak, dip)
	}
}

func TestMarkdownBoldsTheBestAndEscapes(t *testing.T) {
	t.Parallel()
	s := newRuns(t)
	addRuns(t, s, "a|b", 3)
	c := New(s, repoFake{}, store)
	r, err := c.Compare(t.Context(), Request{})
	if err != nil {
		t.Fatal(err)
	}
	curves, err := c.Curves(t.Context(), r, "loss", 64)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := r.WriteMarkdown(&out, "loss", curves); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`| | a\|b-0 | a\|b-1 | a\|b-2 |`, "| acc ↑ | 0 | 0.1 | **0.2** |", "| loss ↓ | **0.05** | 0.1 | 0.15 |", "```mermaid", `x-axis "step" 0 --> 19`, "1 row is the same everywhere"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	width := strings.Count(strings.SplitN(strings.ReplaceAll(out.String(), `\|`, ""), "\n", 2)[0], "|")
	for line := range strings.Lines(strings.ReplaceAll(out.String(), `\|`, "")) {
		if strings.HasPrefix(line, "|") && strings.Count(line, "|") != width {
			t.Errorf("ragged: %s", line)
		}
	}
}

func TestManyRunsGoDown(t *testing.T) {
	t.Parallel()
	s := newRuns(t)
	addRuns(t, s, "digits", 12)
	r, err := New(s, repoFake{}, store).Compare(t.Context(), Request{Limit: 12})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := r.WriteMarkdown(&out, "", nil); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "\n| digits-"); got != 12 {
		t.Errorf("%d runs go down:\n%s", got, out.String())
	}
}

func TestCSVHasALineForEachRun(t *testing.T) {
	t.Parallel()
	s := newRuns(t)
	addRuns(t, s, "digits", 3)
	r, err := New(s, repoFake{}, store).Compare(t.Context(), Request{All: true})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := r.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if err != nil || len(lines) != 4 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	if head := strings.Join(lines[0], " "); !strings.HasSuffix(head, "dirty params.lr params.seed metrics.acc metrics.loss metrics.what data.data") || lines[2][8] != "0.2" {
		t.Errorf("%s\n%v", head, lines[2])
	}
}

func TestTheHTMLFileNeedsNothingElse(t *testing.T) {
	t.Parallel()
	s := newRuns(t)
	addRuns(t, s, "<b>digits", 4)
	c := New(s, newRepo(), store)
	r, err := c.Compare(t.Context(), Request{})
	if err != nil {
		t.Fatal(err)
	}
	curves := map[string][]Curve{}
	for _, key := range r.CurveKeys() {
		if curves[key], err = c.Curves(t.Context(), r, key, 300); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if err := (Page{Title: "4 runs", Now: time.Unix(0, 0), Result: r, Curves: curves}).WriteHTML(&out); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, no := range []string{"http://", "https://", "<link", "src=", "@import", "<b>digits", "ZgotmplZ", "%!"} {
		if strings.Contains(page, no) {
			t.Errorf("page has %q", no)
		}
	}
	for _, yes := range []string{"&lt;b&gt;digits-3", "<polyline", `data-points="[[[0,1]`, "light-dark(", "best", `{&#34;name&#34;:`} {
		if !strings.Contains(page, yes) {
			t.Errorf("page has no %q", yes)
		}
	}
	if dir := os.Getenv("MLOPS_KEEP_HTML"); dir != "" {
		if err := os.WriteFile(dir+"/compare.html", []byte(page), 0o600); err != nil {
			t.Error(err)
		}
	}
}

func TestNumbersThatDifferLookDifferent(t *testing.T) {
	t.Parallel()
	a, b, c := track.Value(0.91234561), track.Value(0.91234562), track.Value(1e-9)
	cells := MetricRow{Values: []*track.Value{&a, &b, &c, nil}}.cells()
	if cells[0].Text == cells[1].Text || cells[2].Text != "1e-09" || cells[3].Text != Missing {
		t.Errorf("%+v", cells)
	}
}

func TestCurveKeysForPeople(t *testing.T) {
	t.Parallel()
	r := &Result{Runs: []Column{{metrics: map[string]track.Summary{
		"loss": {Count: 1}, "curve.csv:loss": {Count: 9}, "val/acc": {Count: 3}, "acc": {Count: 4},
	}}}}
	for word, want := range map[string]string{"loss": "curve.csv:loss", "acc": "acc", "val/acc": "val/acc"} {
		if got, err := r.CurveKey(word); err != nil || got != want {
			t.Errorf("%s: %s %v, want %s", word, got, err, want)
		}
	}
	if _, err := r.CurveKey("lss"); err == nil {
		t.Error("found a metric that is not there")
	}
}
