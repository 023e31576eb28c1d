package vega

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/plot"
)

func TestTablesAreReadAsPythonReadsThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a,b\n1,2\n":                 `[{"a":"1","b":"2"}]`,
		"\uFEFFa,b\r\n1,2\r3,4":      `[{"a":"1","b":"2"},{"a":"3","b":"4"}]`,
		"a,b\n\n1\n1,2,3\n":          `[{"a":"1","b":null},{"a":"1","b":"2","null":["3"]}]`,
		"a\n\"x, \"\"y\"\"\nz\" t\n": `[{"a":"x, \"y\"\nz t"}]`,
		"a\n x \"y\" \n":             `[{"a":" x \"y\" "}]`,
		"":                           `[]`,
		"a,b":                        `[]`,
		"a\n\"open":                  `[{"a":"open"}]`,
	} {
		if got := string(paramfile.AppendJSON(nil, records(text, ',', false))); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	if got := string(paramfile.AppendJSON(nil, records("1\t2\n3\t4\n", '\t', true))); got != `[{"0":"1","1":"2"},{"0":"3","1":"4"}]` {
		t.Error(got)
	}
	lines, err := Data("log.jsonl", []byte("{\"a\": 1}\n\n{\"a\": 2}\n"), false)
	if err != nil || len(lines.([]any)) != 2 {
		t.Errorf("%v %v", lines, err)
	}
}

func FuzzData(f *testing.F) {
	for _, name := range []string{"a.csv", "a.tsv", "a.json", "a.yaml", "a.toml", "a.jsonl"} {
		for _, text := range []string{"a,b\n1,\"2", "{\"a\": [{\"b\": 1}, {\"b\": NaN}]}", "- a: 1\n- a: 2\n", "[[a]]\nb = 1\n", "[[], {}, [{}]]"} {
			f.Add(name, []byte(text), "linear")
		}
	}
	f.Fuzz(func(t *testing.T, name string, text []byte, template string) {
		if len(name) > 20 || len(text) > 4096 {
			return
		}
		data, err := Data(name, text, false)
		if err != nil || data == nil {
			return
		}
		p, err := New(name, []At{{Revision: "a", ID: name, Data: map[string]any{name: data}}}, func(string) (Template, error) {
			tmpl, err := BuiltinTemplate(template)
			if err != nil {
				return BuiltinTemplate("")
			}
			return tmpl, nil
		})
		if err != nil || p.Empty() {
			return
		}
		if _, err := p.Spec(); err != nil {
			t.Skip(err)
		}
		p.Figure().SVG()
	})
}

// drawn makes the figure of one CSV file at two revisions.
func drawn(t *testing.T, text string, p Props) plot.Figure {
	t.Helper()
	var all []At
	for i := range 2 {
		all = append(all, At{Revision: fmt.Sprintf("r%d", i), ID: "f.csv", Props: p, Data: map[string]any{"f.csv": records(text, ',', false)}})
	}
	chart, err := New("f.csv", all, BuiltinTemplate)
	if err != nil || len(chart.Problems) > 0 {
		t.Fatalf("%v %v", err, chart.Problems)
	}
	return chart.Figure()
}

func TestEveryTemplateIsDrawn(t *testing.T) {
	t.Parallel()
	const classes = "actual,predicted\n2,2\n2,10\n10,10\n10,10\n"
	f := drawn(t, classes, Props{X: Field("actual"), Y: Field("predicted"), Template: "confusion"})
	m := f.Panels[0].Matrix
	if len(f.Panels) != 2 || strings.Join(m.Rows, " ") != "2 10" || fmt.Sprint(m.Cells) != "[[1 0] [1 2]]" {
		t.Errorf("%+v", m)
	}
	f = drawn(t, classes, Props{X: Field("actual"), Y: Field("predicted"), Template: "confusion_normalized"})
	if got := f.Panels[0].Matrix.Cells; math.Abs(got[1][1]-2.0/3) > 1e-9 || got[0][0] != 1 {
		t.Errorf("%v", got)
	}
	const bars = "name,v\na,1\nb,3\nc,2\n"
	f = drawn(t, bars, Props{X: Field("v"), Y: Field("name"), Template: "bar_horizontal_sorted"})
	if b := f.Panels[0].Bars; strings.Join(b.Categories, "") != "bca" || len(b.Groups) != 2 || b.Groups[1].Values[0] != 3 {
		t.Errorf("%+v", b)
	}
	f = drawn(t, "s,v\n3,1\n1,2\n2,x\n", Props{X: Field("s"), Y: Field("v"), Template: "simple"})
	if s := f.Panels[0].Series; len(s) != 2 || s[0].Points[0] != (plot.Point{X: 1, Y: 2}) || !math.IsNaN(s[0].Points[1].Y) || s[1].Color != 1 {
		t.Errorf("%+v", s)
	}
	f = drawn(t, "s,v,w\n1,1,2\n2,2,3\n", Props{X: Field("s"), Y: &Axis{Fields: []string{"v", "w"}, List: true}})
	if s := f.Panels[0].Series; len(s) != 4 || s[1].Name != "r0 w" || s[1].Mark != 1 || s[0].Color != s[1].Color {
		t.Errorf("%+v", s)
	}
	f = drawn(t, "day,v\nMon,1\nTue,2\n", Props{X: Field("day"), Y: Field("v"), Template: "scatter"})
	if p := f.Panels[0]; strings.Join(p.XNames, " ") != "Mon Tue" || p.Series[0].Joined || p.Series[0].Points[1].X != 1 {
		t.Errorf("%+v", p)
	}
	f = drawn(t, classes, Props{X: Field("actual"), Y: Field("predicted"), Template: "scatter_jitter"})
	if p := f.Panels[0]; p.XNames == nil || p.Series[0].Points[2] == p.Series[0].Points[3] || math.Abs(p.Series[0].Points[2].X-1) > 0.3 {
		t.Errorf("%+v", p)
	}
}

func TestSmoothIsBetweenItsNeighbours(t *testing.T) {
	t.Parallel()
	var points []plot.Point
	for i := range 200 {
		noise := float64(i%2)*2 - 1
		points = append(points, plot.Point{X: float64(i), Y: float64(i)*0.1 + noise})
	}
	for _, p := range smoothed(points) {
		if math.Abs(p.Y-p.X*0.1) > 0.35 {
			t.Fatalf("at %v: %v", p.X, p.Y)
		}
	}
	if got := smoothed(points[:2]); len(got) != 2 {
		t.Errorf("%v", got)
	}
}

func TestATemplateOfOnesOwnIsGuessed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"mark": "line"}`: "drawn as simple", `{"layer": [{"mark": {"type": "point"}}]}`: "drawn as scatter",
		`{"mark": "geoshape"}`: "is not drawn here",
	} {
		chart, err := New("f.csv", []At{{Revision: "a", ID: "f.csv", Data: map[string]any{"f.csv": records("a\n1\n", ',', false)}}}, func(string) (Template, error) {
			return NewTemplate("mine", []byte(text))
		})
		if err != nil {
			t.Fatal(err)
		}
		if note := chart.Figure().Note; !strings.Contains(note, want) {
			t.Errorf("%s: %q", text, note)
		}
		if _, err := chart.Spec(); err == nil || !strings.Contains(err.Error(), "DVC_METRIC_DATA") {
			t.Errorf("a template without data: %v", err)
		}
	}
}
