package api

import (
	"context"
	"net/http"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// history is the points of one metric.
type history struct {
	Key    string   `json:"key"`
	Steps  []int64  `json:"steps"`
	Times  []int64  `json:"timestamps"`
	Values []number `json:"values"`
	Next   string   `json:"next,omitempty" doc:"cursor of the next page; absent on the last one"`
}

func historyOf(key string, points []track.Metric) history {
	h := history{Key: key, Steps: []int64{}, Times: []int64{}, Values: []number{}}
	for _, p := range points {
		h.Steps, h.Times, h.Values = append(h.Steps, p.Step), append(h.Times, p.Timestamp), append(h.Values, number(p.Value))
	}
	return h
}

func (a *api) addMetrics() {
	const tag = "runs"
	about := route.Path(route.Run, "run")
	add(a, operation{
		id: "get-metric", method: http.MethodGet, path: "/runs/{run}/metrics/{metric}", summary: "Show the points of a metric", tag: tag, need: route.Read, subjects: about, rest: true,
		describe: "By time, step and value, page by page; with samples, that many points at most, by step, the first and the last among them.",
	}, func(ctx context.Context, in *struct {
		MetricPath

		Limit   int    `query:"limit" minimum:"1" maximum:"25000" default:"1000"`
		Cursor  string `query:"cursor" maxLength:"64"`
		Samples int    `query:"samples" minimum:"0" maximum:"10000" doc:"0 for all, page by page"`
	},
	) (*reply[history], error) {
		if in.Samples > 0 {
			series, err := a.Tracking.Sample(ctx, track.SampleQuery{Runs: []string{in.Run}, Key: in.Metric, Max: in.Samples})
			if err != nil {
				return nil, err
			}
			if len(series) == 0 {
				return nil, noMetric(in.Run, in.Metric)
			}
			return ok(historyOf(in.Metric, series[0].Points), nil)
		}
		p := Page{Limit: in.Limit, Cursor: in.Cursor}
		from, err := p.from()
		if err != nil {
			return nil, err
		}
		found, err := a.Tracking.HistoryPage(ctx, in.Run, in.Metric, from, in.Limit+1)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 && from == 0 {
			return nil, noMetric(in.Run, in.Metric)
		}
		l, err := listOf(p, found, nil, same[track.Metric])
		h := historyOf(in.Metric, l.Items)
		h.Next = l.Next
		return ok(h, err)
	})
}

func noMetric(run, key string) error {
	return errs.New(errs.NotFound, "run %s has no metric %q", run, key).Hint("GET /api/v1/runs/%s lists them", run)
}
