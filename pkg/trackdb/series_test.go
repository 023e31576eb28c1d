package trackdb

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mlops-cli/mlops/pkg/track"
)

func TestALongSeriesIsFoldedAndNothingIsLost(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s, ctx := fresh(t), t.Context()
		r := create(t, s, track.Run{})
		const n = 3*maxBlock + 100
		at := func(i int) track.Metric {
			v := float64(i) / 3
			if i%1000 == 7 {
				v = math.NaN()
			}
			return track.Metric{Key: "loss", Step: int64(i), Timestamp: int64(1000 + i), Value: v}
		}
		var want []track.Metric
		for i := 0; i < n; {
			var b track.Batch
			for range 30 {
				if i < n {
					b.Metrics = append(b.Metrics, at(i))
					want = append(want, at(i))
					i++
				}
			}
			must(t, s.Log(ctx, r.ID, b))
			must(t, s.Log(ctx, r.ID, b)) // exact duplicates
		}
		// What comes late, and what is there already, in the packed part.
		late := track.Metric{Key: "loss", Step: 50, Timestamp: 1, Value: -5}
		must(t, s.Log(ctx, r.ID, track.Batch{Metrics: []track.Metric{at(10), late, at(7), at(maxBlock), at(n - 1)}}))
		want = append([]track.Metric{late}, want...)
		got, err := s.History(ctx, r.ID, "loss")
		must(t, err)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%d points, want %d", len(got), len(want))
		}
		run, err := s.Run(ctx, r.ID)
		must(t, err)
		if m, _ := run.Metric("loss"); m.Count != n+1 || m.Step != n-1 || m.Min != -5 || float64(m.Max) != at(n-1).Value {
			t.Errorf("summary %+v", m)
		}
		page, err := s.HistoryPage(ctx, r.ID, "loss", n-1, 10)
		must(t, err)
		if fmt.Sprint(page) != fmt.Sprint(want[n-1:]) {
			t.Errorf("page %v", page)
		}
		var rows int
		must(t, s.db.QueryRowContext(ctx, "SELECT count(*) FROM tails").Scan(&rows))
		if rows >= maxTails {
			t.Errorf("%d tails are not folded", rows)
		}
		series, err := s.Sample(ctx, track.SampleQuery{Runs: []string{"none", r.ID}, Key: "loss", Steps: &[2]int64{100, 300}, Max: 5})
		must(t, err)
		var steps []int64
		for _, p := range series[0].Points {
			steps = append(steps, p.Step)
		}
		if fmt.Sprint(steps) != "[100 141 181 221 300]" || series[0].Run != r.ID {
			t.Errorf("sampled %v", steps)
		}
		last, err := s.Sample(ctx, track.SampleQuery{Runs: []string{r.ID}, Key: "loss", Max: 1})
		must(t, err)
		if last[0].Points[0] != at(n-1) {
			t.Errorf("one point: %+v", last[0].Points)
		}
		// A series that comes whole, and what travels of it.
		var whole track.Batch
		for i := range n {
			m := at(i)
			m.Key = "whole"
			whole.Metrics = append(whole.Metrics, m)
		}
		must(t, s.Finish(ctx, r.ID, track.Finished, whole))
		data, err := s.Record(ctx, r.ID)
		must(t, err)
		there := fresh(t)
		if _, err := there.Import(ctx, data); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"loss", "whole"} {
			a, err := s.History(ctx, r.ID, key)
			must(t, err)
			b, err := there.History(ctx, r.ID, key)
			must(t, err)
			if fmt.Sprint(a) != fmt.Sprint(b) || len(a) < n {
				t.Errorf("%s: %d points here, %d there", key, len(a), len(b))
			}
		}
		again, err := there.Record(ctx, r.ID)
		must(t, err)
		if string(again) != string(data) {
			t.Error("the record changed on its way")
		}
	})
}

// However points came, a sample is the one of all points in order.
func TestASampleIsThatOfAllPoints(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, fresh freshStore) {
		s, ctx := fresh(t), t.Context()
		random := rand.New(rand.NewPCG(3, 4))
		const n, each = 4*maxBlock + 700, 50
		var points []point
		for i := range n {
			points = append(points, point{step: int64(i / 2), timestamp: int64(i), value: float64(i)})
		}
		for name, disorder := range map[string]int{"in order": 0, "nearly in order": 8, "in no order": n} {
			batches := slices.Collect(slices.Chunk(points, each))
			for i := range batches {
				k := min(len(batches)-1, i+random.IntN(1+disorder))
				batches[i], batches[k] = batches[k], batches[i]
			}
			r := create(t, s, track.Run{})
			for _, b := range batches {
				must(t, s.Log(ctx, r.ID, track.Batch{Metrics: metricsOf("loss", b)}))
			}
			for _, most := range []int{1, 2, 3, 250, n - 1, n, n + 1} {
				want := pieces{points}.sample(most)
				got, err := s.Sample(ctx, track.SampleQuery{Runs: []string{r.ID}, Key: "loss", Max: most})
				must(t, err)
				if len(got) != 1 || !slices.Equal(got[0].Points, metricsOf("loss", want)) {
					t.Errorf("%s: %d of the points are not those", name, most)
				}
			}
		}
	})
}
