package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"html/template"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"
)

// odd are figures that a careless program draws wrongly.
func odd() map[string]Figure {
	nan, inf := math.NaN(), math.Inf(1)
	one := func(p Panel) []Panel { return []Panel{p} }
	line := func(points ...Point) []Panel {
		return one(Panel{Series: []Series{{Name: "a", Joined: true, Points: points}}})
	}
	many := make([]string, 300)
	for i := range many {
		many[i] = strings.Repeat("class ", 20)
	}
	return map[string]Figure{
		"nothing":     {Panels: one(Panel{})},
		"no panel":    {Title: "x"},
		"one point":   {Panels: line(Point{3, 4})},
		"flat":        {Panels: line(Point{0, 1}, Point{1, 1})},
		"gaps":        {Panels: line(Point{0, 1}, Point{1, nan}, Point{2, 3}, Point{nan, 3}, Point{4, inf}, Point{5, 1})},
		"huge":        {Panels: line(Point{-math.MaxFloat64, -math.MaxFloat64}, Point{math.MaxFloat64, math.MaxFloat64})},
		"tiny":        {Panels: line(Point{0, 1e-300}, Point{1, 2e-300})},
		"close":       {Panels: line(Point{0, 1e15}, Point{1, 1e15 + 0.5})},
		"text":        {Title: "<script>&\x01\xff]]>", XLabel: `"'`, YLabel: "ü\n中文", Note: "</svg>", Panels: line(Point{0, 1}, Point{1, 2})},
		"many labels": {XLabel: "x", YLabel: "y", Panels: one(Panel{Series: []Series{{Name: "s", Mark: 3, Points: []Point{{0, 0}, {299, 299}}}}, XNames: many, YNames: many})},
		"bars":        {Panels: []Panel{{Title: "one", Bars: &Bars{Categories: []string{"a", "b"}, Groups: []BarGroup{{"r", 0, []float64{-1, nan}}, {"s", 1, []float64{2}}}}}, {Bars: &Bars{}}}},
		"matrix":      {Panels: []Panel{{Matrix: &Matrix{Rows: []string{"a", "b"}, Columns: []string{"c"}, Cells: [][]float64{{0}, {nan}}}}, {Matrix: &Matrix{Rows: []string{"a"}, Columns: []string{"a"}, Cells: [][]float64{{1}}, Parts: true}}, {Matrix: &Matrix{}}, {Matrix: &Matrix{}}}},
	}
}

func TestFiguresAreDrawnWhole(t *testing.T) {
	t.Parallel()
	for name, f := range odd() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svg := f.SVG()
			wellFormed(t, svg)
			for _, bad := range []string{`="NaN`, `"NaN`, ",NaN", `="+Inf`, ",+Inf", "<script"} {
				if bytes.Contains(svg, []byte(bad)) {
					t.Errorf("%q in %.900s", bad, svg)
				}
			}
			html, err := f.HTML()
			if err != nil {
				t.Fatal(err)
			}
			wellFormed(t, []byte(html))
			picture, err := f.PNG()
			if err != nil {
				t.Fatal(err)
			}
			if img, err := png.Decode(bytes.NewReader(picture)); err != nil || img.Bounds().Dx() < 100 {
				t.Errorf("%v", err)
			}
		})
	}
}

func wellFormed(t *testing.T, text []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in %.900s", err, text)
		}
	}
}

// TestPNGHasTheColorsOfItsCurves looks for what a reader must see: a curve, its
// dashes and its name in the legend.
func TestPNGHasTheColorsOfItsCurves(t *testing.T) {
	t.Parallel()
	f := Figure{Title: "Loss", Panels: []Panel{{Series: []Series{
		{Name: "a", Joined: true, Points: []Point{{0, 0}, {1, 1}}}, {Name: "b", Color: 1, Mark: 1, Joined: true, Points: []Point{{0, 1}, {1, 0}}},
	}}}}
	picture, err := f.PNG()
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			for name, want := range map[string][3]uint32{"a": {0x3b, 0x82, 0xf6}, "b": {0xf9, 0x73, 0x16}} {
				if r>>8 == want[0] && g>>8 == want[1] && b>>8 == want[2] {
					found[name]++
				}
			}
		}
	}
	if found["a"] < 1000 || found["b"] < 400 || found["b"] > found["a"]*9/10 {
		t.Errorf("dots of the curves: %v", found)
	}
}

func TestTicksAreRoundAndHoldTheValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		low, high float64
		snug      bool
		want      string
	}{
		{0, 59, true, "0 10 20 30 40 50"},
		{0.034, 1.15, false, "0.0 0.5 1.0 1.5"},
		{-3, 3, false, "-4 -2 0 2 4"},
		{0.00001, 0.00009, false, "0 2e-05 4e-05 6e-05 8e-05 0.0001"},
		{1e9, 3e9, false, "1e+09 1.5e+09 2e+09 2.5e+09 3e+09"},
	} {
		a := numbers(c.low, c.high, 5, c.snug)
		var labels []string
		for _, tick := range a.ticks {
			labels = append(labels, tick.label)
		}
		if got := strings.Join(labels, " "); got != c.want && !c.snug || a.low > c.low || a.high < c.high {
			t.Errorf("%v to %v: %s, want %s (%v to %v)", c.low, c.high, got, c.want, a.low, a.high)
		}
	}
}

func TestThePageNeedsNothingElse(t *testing.T) {
	t.Parallel()
	f := Figure{Title: "t", Panels: []Panel{{Series: []Series{{Name: "<b>", Joined: true, Points: []Point{{0, 0}, {1, math.NaN()}, {2, 1}}}}}}}
	chart, err := f.HTML()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	images := Images{Title: "pic.png", Each: []Image{{Name: `"v1"`, Path: "pic.png", Data: []byte("x")}}}
	if err := (Page{Title: "<Plots>", Items: append([]template.HTML{chart}, images.HTML())}).Write(&out); err != nil {
		t.Fatal(err)
	}
	for _, no := range []string{"http://", "https://", "<link", "<b>", "@import", "ZgotmplZ", "<Plots>"} {
		if strings.Contains(out.String(), no) {
			t.Errorf("page has %q", no)
		}
	}
	for _, yes := range []string{`src="data:image/png;base64,eA=="`, "prefers-color-scheme", "mousemove", `[1,&#34;NaN&#34;]`} {
		if !strings.Contains(out.String(), yes) {
			t.Errorf("page has no %q", yes)
		}
	}
}

// TestASmallMatrixIsNotBlownUp: a page stretches drawings to their column.
func TestASmallMatrixIsNotBlownUp(t *testing.T) {
	t.Parallel()
	small := Figure{Panels: []Panel{{Matrix: &Matrix{Columns: []string{"a", "b"}, Rows: []string{"a", "b"}, Cells: [][]float64{{1, 2}, {3, 4}}}}}}
	curve := Figure{Panels: []Panel{{Series: []Series{{Joined: true, Points: []Point{{0, 0}, {1, 1}}}}}}}
	for _, c := range []struct {
		f    Figure
		want bool
	}{{small, true}, {curve, false}} {
		html, err := c.f.HTML()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(html), "max-width:"); got != c.want {
			t.Errorf("max-width is there: %t, want %t in %.200s", got, c.want, html)
		}
	}
}
