package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"time"
)

func rows() []row {
	return []row{
		{name: "ready", what: "ready after start", unit: "ms", aim: 100, run: ready},
		{name: "idle", what: "memory, idle, all processes", unit: "MiB", aim: 40, run: idle},
		{name: "create", what: "create run", unit: "/s", aim: 100, times: true, run: createRuns},
		{name: "metric", what: "log-metric", unit: "/s", aim: 150, times: true, run: logMetrics},
		{name: "batch", what: "log-batch of 100 metrics and 10 params", unit: "/s", aim: 50, times: true, extra: "p95 ≤ 20 ms", run: logBatches},
		{name: "get", what: "get run, p50", unit: "ms", aim: 1, run: getRun},
		{name: "search", what: "search of 1,000 runs by metric and tag, ordered by metric, page of 100, p50", unit: "ms", aim: 3, run: searchRuns(1000)},
		{name: "history", what: "history of 1,000,000 points, sampled for a chart, p50", unit: "ms", aim: 50, only: "mlops", run: history},
		{name: "upload", what: "artifact of 1 GiB, upload; share of the rate of `cp`", unit: "×", aim: 0.8, run: artifact(true)},
		{name: "download", what: "artifact of 1 GiB, download; share of the rate of `cp`", unit: "×", aim: 0.8, run: artifact(false)},
		{name: "search100k", what: "search of 100,000 runs, as above, p50", unit: "ms", aim: 30, only: "mlops", run: searchRuns(100_000)},
		{name: "loaded", what: "memory after all of this, all processes", unit: "MiB", aim: 200, run: memoryNow},
	}
}

func ready(_ context.Context, _ *bench, v *server) (outcome, error) {
	return outcome{value: float64(v.ready) / float64(time.Millisecond)}, nil
}

func idle(ctx context.Context, b *bench, v *server) (outcome, error) {
	select {
	case <-time.After(3 * time.Second):
	case <-ctx.Done():
	}
	return memoryNow(ctx, b, v)
}

func memoryNow(_ context.Context, _ *bench, v *server) (outcome, error) {
	bytes, err := v.memory()
	return outcome{value: float64(bytes) / (1 << 20)}, err
}

func rate(l load, err error) (outcome, error) {
	p95 := l.percentile(95)
	return outcome{value: l.perSecond(), also: "p95 " + ms(p95), ok: p95 <= 20*time.Millisecond}, err
}

func createRuns(ctx context.Context, b *bench, v *server) (outcome, error) {
	return rate(drive(ctx, b.clients, b.during(), func(ctx context.Context, _, _ int) error {
		_, err := v.createRun(ctx)
		return err
	}))
}

// someRuns makes a run for each client.
func someRuns(ctx context.Context, b *bench, v *server) ([]string, error) {
	ids := make([]string, b.clients)
	var err error
	for i := range ids {
		if ids[i], err = v.createRun(ctx); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func logMetrics(ctx context.Context, b *bench, v *server) (outcome, error) {
	ids, err := someRuns(ctx, b, v)
	if err != nil {
		return outcome{}, err
	}
	now := time.Now().UnixMilli()
	return rate(drive(ctx, b.clients, b.during(), func(ctx context.Context, c, n int) error {
		return v.post(ctx, "runs/log-metric", map[string]any{"run_id": ids[c], "key": "loss", "value": rand.Float64(), "timestamp": now + int64(n), "step": n}, nil) //nolint:gosec // no secret
	}))
}

type metric struct {
	Key       string  `json:"key"`
	Value     float64 `json:"value"`
	Timestamp int64   `json:"timestamp"`
	Step      int     `json:"step"`
}

type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func logBatches(ctx context.Context, b *bench, v *server) (outcome, error) {
	ids, err := someRuns(ctx, b, v)
	if err != nil {
		return outcome{}, err
	}
	now := time.Now().UnixMilli()
	return rate(drive(ctx, b.clients, b.during(), func(ctx context.Context, c, n int) error {
		metrics, params := make([]metric, 100), make([]pair, 10)
		for i := range metrics {
			metrics[i] = metric{Key: fmt.Sprint("m", i%10), Value: rand.Float64(), Timestamp: now + int64(n), Step: n*10 + i/10} //nolint:gosec // no secret
		}
		for i := range params {
			params[i] = pair{Key: fmt.Sprint("p", n, "_", i), Value: fmt.Sprint(i)}
		}
		return v.post(ctx, "runs/log-batch", map[string]any{"run_id": ids[c], "metrics": metrics, "params": params}, nil)
	}))
}

func middle(l load, err error) (outcome, error) {
	return outcome{value: float64(l.percentile(50)) / float64(time.Millisecond), also: "p95 " + ms(l.percentile(95))}, err
}

func getRun(ctx context.Context, b *bench, v *server) (outcome, error) {
	id, err := v.createRun(ctx)
	if err != nil {
		return outcome{}, err
	}
	if err := fill(ctx, v, id, 0, 10); err != nil {
		return outcome{}, err
	}
	return middle(drive(ctx, 1, b.during()/2, func(ctx context.Context, _, _ int) error {
		return v.get(ctx, "runs/get?run_id="+id, nil)
	}))
}

// fill gives a run some metrics, params and tags.
func fill(ctx context.Context, v *server, id string, i, each int) error {
	batch := struct {
		RunID   string   `json:"run_id"`
		Metrics []metric `json:"metrics"`
		Params  []pair   `json:"params"`
		Tags    []pair   `json:"tags"`
	}{RunID: id}
	for k := range each {
		batch.Metrics = append(batch.Metrics, metric{Key: fmt.Sprint("m", k), Value: rand.Float64(), Timestamp: 1}) //nolint:gosec // no secret
		batch.Params = append(batch.Params, pair{fmt.Sprint("p", k), fmt.Sprint(i)})
	}
	batch.Tags = []pair{{"team", []string{"a", "b", "c", "d"}[i%4]}}
	return v.post(ctx, "runs/log-batch", batch, nil)
}

// searchRuns makes an experiment of n runs and searches it.
func searchRuns(n int) func(context.Context, *bench, *server) (outcome, error) {
	return func(ctx context.Context, b *bench, v *server) (outcome, error) {
		n := b.count(n)
		var answer struct {
			ExperimentID string `json:"experiment_id"`
		}
		if err := v.post(ctx, "experiments/create", map[string]string{"name": fmt.Sprint("search ", n)}, &answer); err != nil {
			return outcome{}, err
		}
		before := v.experiment
		v.experiment = answer.ExperimentID
		defer func() { v.experiment = before }()
		err := spread(ctx, b.clients, n, func(ctx context.Context, i int) error {
			id, err := v.createRun(ctx)
			if err != nil {
				return err
			}
			return fill(ctx, v, id, i, 3)
		})
		if err != nil {
			return outcome{}, err
		}
		query := map[string]any{
			"experiment_ids": []string{answer.ExperimentID}, "filter": "metrics.m0 > 0.5 AND tags.team = 'a'",
			"order_by": []string{"metrics.m1 DESC"}, "max_results": 100,
		}
		return middle(drive(ctx, 1, b.during()/2, func(ctx context.Context, _, _ int) error {
			return v.post(ctx, "runs/search", query, nil)
		}))
	}
}

func history(ctx context.Context, b *bench, v *server) (outcome, error) {
	id, err := v.createRun(ctx)
	if err != nil {
		return outcome{}, err
	}
	err = spread(ctx, b.clients, b.count(1000), func(ctx context.Context, i int) error {
		metrics := make([]metric, 1000)
		for k := range metrics {
			metrics[k] = metric{Key: "loss", Value: rand.Float64(), Timestamp: int64(i), Step: i*1000 + k} //nolint:gosec // no secret
		}
		return v.post(ctx, "runs/log-batch", map[string]any{"run_id": id, "metrics": metrics}, nil)
	})
	if err != nil {
		return outcome{}, err
	}
	path := "metrics/get-history-bulk-interval?" + url.Values{"run_ids": {id}, "metric_key": {"loss"}, "max_results": {"2500"}}.Encode()
	return middle(drive(ctx, 1, b.during()/2, func(ctx context.Context, _, _ int) error { return v.get(ctx, path, nil) }))
}
