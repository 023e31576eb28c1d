package plot

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func wave(n int, scale float64) []Point {
	var points []Point
	for i := range n {
		points = append(points, Point{float64(i), scale * (1 + math.Exp(-float64(i)/20))})
	}
	return points
}

func TestChartFitsAndTellsCurvesApartWithoutColour(t *testing.T) {
	t.Parallel()
	curves := []Series{{Name: "swift-otter-417", Joined: true, Points: wave(100, 1)}, {Color: 1, Name: "calm-fox-12", Joined: true, Points: wave(60, 0.8)}}
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
		curves := []Series{{Name: name, Points: points, Joined: true}}
		var out strings.Builder
		if err := (Chart{Width: 60, Height: 10}).Draw(&out, curves); err != nil || out.Len() == 0 {
			t.Errorf("%s: %v", name, err)
		}
		if lines := Spark(curves, 8); len(lines) != 1 {
			t.Errorf("%s: %q", name, lines)
		}
		if s := string(Figure{Panels: []Panel{{Series: curves}}}.SVG()); strings.Contains(s, `="NaN`) || strings.Contains(s, ",NaN") || strings.Contains(s, "Inf") {
			t.Errorf("%s: %s", name, s)
		}
		Thin(points, 4)
	}
}

func TestSparksShareAScaleAndStopWhereTheCurveStops(t *testing.T) {
	t.Parallel()
	got := Spark([]Series{{Name: "a", Joined: true, Points: []Point{{0, 0}, {1, 1}, {2, 2}, {3, 3}}}, {Color: 1, Name: "b", Joined: true, Points: []Point{{0, 3}, {1, 0}}}}, 4)
	if got[0] != "▁▃▆█" || got[1] != "█▁" {
		t.Errorf("%q", got)
	}
}

func TestThinKeepsPeaks(t *testing.T) {
	t.Parallel()
	points := wave(10_000, 1)
	points[5000].Y = 99
	points[5001].Y = -99
	got := Thin(points, 100)
	var peak, dip bool
	for _, p := range got {
		peak, dip = peak || p.Y == 99, dip || p.Y == -99
	}
	if len(got) > 100 || !peak || !dip || got[0] != points[0] || got[len(got)-1] != points[9999] {
		t.Errorf("%d points, peak %v, dip %v", len(got), peak, dip)
	}
}
