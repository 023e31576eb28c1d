package api

import (
	"context"
	"net/http"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// ParamPath names a param of a run in a path.
type ParamPath struct {
	RunPath

	Param string `path:"param" maxLength:"250"`
}

// MetricPath names a metric of a run in a path.
type MetricPath struct {
	RunPath

	Metric string `path:"metric" maxLength:"250"`
}

type paramBody struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// replacement is a point of the series that a request names.
type replacement struct {
	Value number `json:"value"`
	Time  int64  `json:"timestamp,omitempty" minimum:"0" doc:"now when absent"`
	Step  *int64 `json:"step,omitempty" doc:"the one after the point before when absent"`
}

const onlyScripts = " Only runs of kind script can be corrected: what the engine recorded is what happened. The history says who corrected what, and what was there before."

// addCorrections adds what changes params and metrics that are logged already.
func (a *api) addCorrections() {
	const tag = "runs"
	about := route.Path(route.Run, "run")
	const param, metric = "/runs/{run}/params/{param}", "/runs/{run}/metrics/{metric}"
	add(a, operation{id: "get-param", method: http.MethodGet, path: param, summary: "Show a param", tag: tag, need: route.Read, subjects: about, rest: true},
		func(ctx context.Context, in *ParamPath) (*reply[paramBody], error) { return a.showParam(ctx, *in) })
	add(a, operation{
		id: "set-param", method: http.MethodPut, path: param, summary: "Correct a param, or add it", tag: tag, need: route.Write, subjects: about, rest: true,
		describe: "Whatever its value was." + onlyScripts,
	}, func(ctx context.Context, in *struct {
		ParamPath

		Body struct {
			Value string `json:"value" maxLength:"6000"`
		}
	},
	) (*reply[paramBody], error) {
		if err := a.Tracking.SetParam(ctx, in.Run, track.Param{Key: in.Param, Value: in.Body.Value}); err != nil {
			return nil, err
		}
		return a.showParam(ctx, in.ParamPath)
	})
	add(a, operation{
		id: "delete-param", method: http.MethodDelete, path: param, summary: "Take a param away", tag: tag, need: route.Write, subjects: about, rest: true,
		status: http.StatusNoContent, describe: "As if it had never been logged." + onlyScripts,
	}, func(ctx context.Context, in *ParamPath) (*nothing, error) {
		return done(a.Tracking.DeleteParam(ctx, in.Run, in.Param))
	})
	add(a, operation{
		id: "set-metric", method: http.MethodPut, path: metric, summary: "Replace the points of a metric", tag: tag, need: route.Write, subjects: about, rest: true,
		describe: "All of them; the metric is made when there is none." + onlyScripts,
	}, func(ctx context.Context, in *struct {
		MetricPath

		Body struct {
			Points []replacement `json:"points" minItems:"1" maxItems:"100000"`
		}
	},
	) (*reply[namedMetric], error) {
		return a.changeMetric(ctx, in.MetricPath, func([]track.Metric) ([]track.Metric, error) { return a.points(in.Body.Points), nil })
	})
	add(a, operation{
		id: "update-metric", method: http.MethodPatch, path: metric, summary: "Correct a value of a metric", tag: tag, need: route.Write, subjects: about, rest: true,
		describe: "The last one, or that of a step." + onlyScripts,
	}, func(ctx context.Context, in *struct {
		MetricPath

		Body struct {
			Value number `json:"value"`
			Step  *int64 `json:"step,omitempty" doc:"of which step; the last point when absent"`
		}
	},
	) (*reply[namedMetric], error) {
		return a.changeMetric(ctx, in.MetricPath, func(have []track.Metric) ([]track.Metric, error) {
			return correctValue(have, in.Body.Step, float64(in.Body.Value))
		})
	})
	add(a, operation{
		id: "delete-metric", method: http.MethodDelete, path: metric, summary: "Take a metric away", tag: tag, need: route.Write, subjects: about, rest: true,
		status: http.StatusNoContent, describe: "With all its points." + onlyScripts,
	}, func(ctx context.Context, in *MetricPath) (*nothing, error) {
		return done(a.Tracking.ChangeMetric(ctx, in.Run, in.Metric, func([]track.Metric) ([]track.Metric, error) { return nil, nil }))
	})
}

func (a *api) showParam(ctx context.Context, at ParamPath) (*reply[paramBody], error) {
	r, err := a.Tracking.Run(ctx, at.Run)
	if err != nil {
		return nil, err
	}
	value, known := r.Param(at.Param)
	if !known {
		return nil, errs.New(errs.NotFound, "run %s has no param %q", at.Run, at.Param).Hint("GET /api/v1/runs/%s lists them", at.Run)
	}
	return ok(paramBody{at.Param, value}, nil)
}

// namedMetric is a metric with its name.
type namedMetric struct {
	Key string `json:"key"`
	metric
}

func (a *api) changeMetric(ctx context.Context, at MetricPath, change func([]track.Metric) ([]track.Metric, error)) (*reply[namedMetric], error) {
	if err := a.Tracking.ChangeMetric(ctx, at.Run, at.Metric, change); err != nil {
		return nil, err
	}
	r, err := a.Tracking.Run(ctx, at.Run)
	if err != nil {
		return nil, err
	}
	m, known := r.Metric(at.Metric)
	if !known {
		return nil, noMetric(at.Run, at.Metric)
	}
	return ok(namedMetric{at.Metric, metricOf(m)}, nil)
}

// points are those of a request with what it left out.
func (a *api) points(given []replacement) []track.Metric {
	now, next := a.now(), int64(0)
	list := make([]track.Metric, len(given))
	for i, p := range given {
		m := track.Metric{Value: float64(p.Value), Timestamp: p.Time, Step: next}
		if p.Step != nil {
			m.Step = *p.Step
		}
		if m.Timestamp == 0 {
			m.Timestamp = now
		}
		list[i], next = m, m.Step+1
	}
	return list
}

// correctValue changes the values of the points of a step, nil for the last
// point.
func correctValue(have []track.Metric, step *int64, value float64) ([]track.Metric, error) {
	if len(have) == 0 {
		return nil, nil // which says that there is no such metric
	}
	if step == nil {
		last := track.Summarise(have)
		for i, m := range have {
			if m.Step == last.Step && m.Timestamp == last.Timestamp {
				have[i].Value = value
			}
		}
		return have, nil
	}
	found := false
	for i, m := range have {
		if m.Step == *step {
			have[i].Value, found = value, true
		}
	}
	if !found {
		return nil, errs.New(errs.NotFound, "there is no point of step %d", *step)
	}
	return have, nil
}
