package compare

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/plot"
	"github.com/mlops-cli/mlops/pkg/track"
)

func TestMarkdownBoldsTheBestAndEscapes(t *testing.T) {
	t.Parallel()
	s := newRuns(t)
	addRuns(t, s, "a|b", 3)
	c := New(s, repoFake{})
	r, err := c.Compare(t.Context(), Request{})
	if err != nil {
		t.Fatal(err)
	}
	curves, err := c.Curves(t.Context(), r, "loss", 64)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := r.WriteMarkdown(&out, Markdown{Title: "loss", Curves: curves}); err != nil {
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
	r, err := New(s, repoFake{}).Compare(t.Context(), Request{Limit: 12})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := r.WriteMarkdown(&out, Markdown{}); err != nil {
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
	r, err := New(s, repoFake{}).Compare(t.Context(), Request{All: true})
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
	c := New(s, newRepo())
	r, err := c.Compare(t.Context(), Request{})
	if err != nil {
		t.Fatal(err)
	}
	curves := map[string][]plot.Series{}
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
	for _, yes := range []string{"&lt;b&gt;digits-3", "<polyline", `data-chart="{&#34;width&#34;:480`, "light-dark(", "best", `&#34;points&#34;:[[0,1],`} {
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
