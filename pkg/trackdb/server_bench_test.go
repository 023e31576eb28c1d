package trackdb

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/db/dbtest"
	"github.com/mlops-cli/mlops/pkg/track"
)

// clients is how many clients of a server the benchmarks have.
const clients = 8

// onStores runs a benchmark on each kind of database.
func onStores(b *testing.B, run func(b *testing.B, s *Service)) {
	b.Helper()
	b.Run("sqlite", func(b *testing.B) { run(b, over(dbtest.SQLite(b)(b))) })
	b.Run("postgres", func(b *testing.B) { run(b, over(dbtest.Postgres(b)(b))) })
}

// byClients spreads b.N requests over the clients, and reports how many there
// were in a second and how long the slowest twentieth took.
func byClients(b *testing.B, request func(client, i int) error) {
	b.Helper()
	b.ResetTimer()
	var wg sync.WaitGroup
	took := make([]time.Duration, b.N)
	for c := range clients {
		wg.Go(func() {
			for i := c; i < b.N; i += clients {
				start := time.Now()
				if err := request(c, i); err != nil {
					b.Error(err)
				}
				took[i] = time.Since(start)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric(float64(took[b.N*95/100].Microseconds())/1000, "p95-ms")
}

func runsOfClients(b *testing.B, s *Service) []string {
	b.Helper()
	ids := make([]string, clients)
	for c := range ids {
		r, err := s.Create(b.Context(), track.Run{})
		if err != nil {
			b.Fatal(err)
		}
		ids[c] = r.ID
	}
	return ids
}

func BenchmarkClientsLogMetric(b *testing.B) {
	onStores(b, func(b *testing.B, s *Service) {
		ids := runsOfClients(b, s)
		byClients(b, func(c, i int) error {
			return s.Log(b.Context(), ids[c], track.Batch{Metrics: []track.Metric{{Key: "loss", Value: 1, Step: int64(i), Timestamp: int64(i)}}})
		})
	})
}

func BenchmarkClientsLogBatch(b *testing.B) {
	onStores(b, func(b *testing.B, s *Service) {
		ids := runsOfClients(b, s)
		byClients(b, func(c, i int) error {
			var batch track.Batch
			for m := range 100 {
				batch.Metrics = append(batch.Metrics, track.Metric{Key: fmt.Sprintf("metric.%d", m), Value: float64(i), Step: int64(i), Timestamp: int64(i)})
			}
			for p := range 10 {
				batch.Params = append(batch.Params, track.Param{Key: fmt.Sprintf("p%d.%d", i, p), Value: "0.1"})
			}
			return s.Log(b.Context(), ids[c], batch)
		})
	})
}

func BenchmarkClientsCreateRun(b *testing.B) {
	onStores(b, func(b *testing.B, s *Service) {
		byClients(b, func(_, i int) error {
			_, err := s.Create(b.Context(), track.Run{ExperimentID: "0", Name: fmt.Sprint(i), Tags: []track.Tag{
				{Key: "mlflow.runName", Value: fmt.Sprint(i)}, {Key: "mlflow.user", Value: "ada"}, {Key: "mlflow.source.name", Value: "train.py"},
			}})
			return err
		})
	})
}

func BenchmarkGetRun(b *testing.B) {
	onStores(b, func(b *testing.B, s *Service) {
		seed(b, s, 100, 10, 10)
		runs, err := s.Runs(b.Context(), track.Query{})
		if err != nil {
			b.Fatal(err)
		}
		i := 0
		for b.Loop() {
			i++
			if _, err := s.Run(b.Context(), runs[i%len(runs)].ID); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSearchRuns is the search of the issue: by metric and tag, ordered by
// metric, a page of 100.
func BenchmarkSearchRuns(b *testing.B) {
	for _, size := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			onStores(b, func(b *testing.B, s *Service) {
				seedSearch(b, s, size)
				where, err := track.ParseFilter("metrics.loss < 0.5 AND tags.team = 'vision'")
				if err != nil {
					b.Fatal(err)
				}
				q := track.Query{Experiments: []string{"0"}, Filter: where, Limit: 100, Order: []track.Order{{Entity: track.Metrics, Key: "loss"}}, Inputs: true, Logged: true}
				for b.Loop() {
					runs, err := s.Runs(b.Context(), q)
					if err != nil || len(runs) != 100 {
						b.Fatal(len(runs), err)
					}
				}
			})
		})
	}
}

// seedSearch imports runs, which is quicker than to make them one by one.
func seedSearch(b *testing.B, s *Service, size int) {
	b.Helper()
	var records [][]byte
	for i := range size {
		run := track.Run{
			ID: track.NewID(), Name: fmt.Sprint("r", i), Experiment: track.DefaultExperiment, Kind: track.Script, Status: track.Finished, StartTime: int64(i + 1),
			Tags: []track.Tag{{Key: "team", Value: []string{"vision", "audio"}[i%2]}, {Key: "mlflow.runName", Value: fmt.Sprint("r", i)}},
		}
		for p := range 5 {
			run.Params = append(run.Params, track.Param{Key: fmt.Sprint("p", p), Value: fmt.Sprint(i % 7)})
		}
		r := track.Record{Run: run}
		for _, key := range []string{"acc", "loss", "time"} {
			r.Points = append(r.Points, track.Curve{Key: key, Times: []int64{1}, Steps: []int64{0}, Values: []track.Value{track.Value(float64(i*7919%size) / float64(size))}})
		}
		data, err := r.Encode()
		if err != nil {
			b.Fatal(err)
		}
		if records = append(records, data); len(records) == 1000 || i == size-1 {
			if _, err := s.Import(b.Context(), records...); err != nil {
				b.Fatal(err)
			}
			records = nil
		}
	}
}

func BenchmarkSampleMillion(b *testing.B) {
	onStores(b, func(b *testing.B, s *Service) {
		r, err := s.Create(b.Context(), track.Run{})
		if err != nil {
			b.Fatal(err)
		}
		for i := 0; i < 1_000_000; {
			var batch track.Batch
			for range 100_000 {
				batch.Metrics = append(batch.Metrics, track.Metric{Key: "loss", Value: 1 / float64(i+1), Step: int64(i), Timestamp: int64(1_700_000_000_000 + 100*i)})
				i++
			}
			if err := s.Log(b.Context(), r.ID, batch); err != nil {
				b.Fatal(err)
			}
		}
		b.ResetTimer()
		for b.Loop() {
			list, err := s.Sample(b.Context(), track.SampleQuery{Runs: []string{r.ID}, Key: "loss", Max: 2500})
			if err != nil || len(list[0].Points) != 2500 {
				b.Fatal(err)
			}
		}
	})
}
