package trackdb

import (
	"fmt"
	"testing"

	"github.com/mlops-cli/mlops/pkg/track"
)

func seed(b *testing.B, s *Service, runs, params, metrics int) {
	b.Helper()
	for i := range runs {
		run := track.Run{Name: fmt.Sprintf("r%d", i), StartTime: int64(i + 1)}
		for p := range params {
			run.Params = append(run.Params, track.Param{Key: fmt.Sprintf("param.%d", p), Value: fmt.Sprint(i % 7)})
		}
		r, err := s.Create(b.Context(), run)
		if err != nil {
			b.Fatal(err)
		}
		var batch track.Batch
		for m := range metrics {
			batch.Metrics = append(batch.Metrics, track.Metric{Key: fmt.Sprintf("metric.%d", m), Value: float64(i), Step: 1, Timestamp: 1})
		}
		if err := s.Finish(b.Context(), r.ID, track.Finished, batch); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkList(b *testing.B) {
	s := newService(b)
	seed(b, s, 10000, 8, 5)
	for _, limit := range []int{20, 100, 1000, 0} {
		b.Run(fmt.Sprint(limit), func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Runs(b.Context(), track.Query{Limit: limit}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLogMetric(b *testing.B) {
	s := newService(b)
	r, err := s.Create(b.Context(), track.Run{})
	if err != nil {
		b.Fatal(err)
	}
	var step int64
	for b.Loop() {
		step++
		if err := s.Log(b.Context(), r.ID, track.Batch{Metrics: []track.Metric{{Key: "loss", Value: 1, Step: step}}}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLogBatchOf1000(b *testing.B) {
	s := newService(b)
	r, err := s.Create(b.Context(), track.Run{})
	if err != nil {
		b.Fatal(err)
	}
	var step int64
	for b.Loop() {
		batch := track.Batch{}
		for range 1000 {
			step++
			batch.Metrics = append(batch.Metrics, track.Metric{Key: "loss", Value: 1, Step: step})
		}
		if err := s.Log(b.Context(), r.ID, batch); err != nil {
			b.Fatal(err)
		}
	}
}
