package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// RunPath names a run in a path.
type RunPath struct {
	Run string `path:"run" maxLength:"32" doc:"its id"`
}

// run is one execution.
type run struct {
	ID           string            `json:"run_id"`
	Name         string            `json:"name"`
	Experiment   string            `json:"experiment"`
	ExperimentID string            `json:"experiment_id"`
	Kind         string            `json:"kind" enum:"pipeline,stage,trial,script"`
	Status       string            `json:"status" enum:"RUNNING,SCHEDULED,FINISHED,FAILED,KILLED"`
	StartTime    int64             `json:"start_time"`
	EndTime      int64             `json:"end_time,omitempty" doc:"absent while it runs"`
	Parent       string            `json:"parent,omitempty"`
	User         string            `json:"user,omitempty"`
	Source       string            `json:"source,omitempty"`
	Command      []string          `json:"command"`
	Commit       string            `json:"commit,omitempty"`
	Note         string            `json:"note,omitempty"`
	Deleted      bool              `json:"deleted"`
	Params       map[string]string `json:"params"`
	Metrics      map[string]metric `json:"metrics" doc:"the last point of each, and what is known of the others"`
	Tags         map[string]string `json:"tags"`
}

// metric is what is known of a series.
type metric struct {
	Value number `json:"value"`
	Step  int64  `json:"step"`
	Time  int64  `json:"timestamp"`
	Min   number `json:"min"`
	Max   number `json:"max"`
	Count int64  `json:"count"`
}

func runOf(r track.Run) run {
	v := run{
		ID: r.ID, Name: r.Name, Experiment: r.Experiment, ExperimentID: r.ExperimentID, Kind: string(r.Kind), Status: string(r.Status),
		StartTime: r.StartTime, EndTime: r.EndTime, Parent: r.Parent, User: r.User, Source: r.Source, Command: append([]string{}, r.Command...),
		Commit: r.Git.Commit, Note: r.Note, Deleted: r.Deleted, Params: map[string]string{}, Metrics: map[string]metric{}, Tags: tagMap(r.Tags),
	}
	for _, p := range r.Params {
		v.Params[p.Key] = p.Value
	}
	for _, m := range r.Metrics {
		v.Metrics[m.Key] = metricOf(m)
	}
	return v
}

func metricOf(m track.Summary) metric {
	return metric{number(m.Value), m.Step, m.Timestamp, number(m.Min), number(m.Max), m.Count}
}

// point is one point of a metric.
type point struct {
	Key   string `json:"key" minLength:"1" maxLength:"250"`
	Value number `json:"value"`
	Time  int64  `json:"timestamp,omitempty" minimum:"0" doc:"now when absent"`
	Step  *int64 `json:"step,omitempty" doc:"the one after the last when absent"`
}

// Batch is what can be logged at once.
type Batch struct {
	Params  map[string]string `json:"params,omitempty" maxProperties:"1000"`
	Tags    map[string]string `json:"tags,omitempty" maxProperties:"1000"`
	Metrics []point           `json:"metrics,omitempty" maxItems:"10000"`
}

func (b Batch) log(now int64) track.Batch {
	out := track.Batch{Tags: tagList(b.Tags)}
	for key, value := range b.Params {
		out.Params = append(out.Params, track.Param{Key: key, Value: value})
	}
	for _, p := range b.Metrics {
		m := track.Metric{Key: p.Key, Value: float64(p.Value), Timestamp: p.Time, Step: track.NextStep}
		if p.Step != nil {
			m.Step = *p.Step
		}
		if m.Timestamp == 0 {
			m.Timestamp = now
		}
		out.Metrics = append(out.Metrics, m)
	}
	return out
}

type runInput struct {
	Batch

	Name       string `json:"name,omitempty" maxLength:"250"`
	Experiment string `json:"experiment,omitempty" maxLength:"500" doc:"its name; made when there is none; Default when absent"`
	StartTime  int64  `json:"start_time,omitempty" minimum:"0" doc:"now when absent"`
	Parent     string `json:"parent,omitempty" maxLength:"32"`
	Source     string `json:"source,omitempty" maxLength:"1000"`
	Status     string `json:"status,omitempty" enum:"RUNNING,FINISHED,FAILED,KILLED" doc:"RUNNING when absent"`
}

type runSearch struct {
	Search

	Experiment string `query:"experiment" maxLength:"64" doc:"only of this one, by its id"`
	Parent     string `query:"parent" maxLength:"32" doc:"only children of this run"`
	Deleted    bool   `query:"deleted" doc:"those in the bin"`
}

func (a *api) addRuns() {
	const tag = "runs"
	about := route.Path(route.Run, "run")
	add(a, operation{
		id: "list-runs", method: http.MethodGet, path: "/runs", summary: "List runs, the newest first", tag: tag,
		need: route.Read, subjects: func(r *http.Request) ([]route.Subject, error) {
			if r.URL.Query().Has("experiment") {
				return route.Query(route.Experiment, "experiment")(r)
			}
			return route.Some(route.SomeExperiments)(r)
		},
	}, func(ctx context.Context, in *runSearch) (*reply[list[run]], error) {
		from, err := in.from()
		filter, err2 := track.ParseFilter(in.Filter)
		order, err3 := in.orders(track.ParseOrder)
		if err := errors.Join(err, err2, err3); err != nil {
			return nil, err
		}
		q := track.Query{Parent: in.Parent, Removed: in.Deleted, Filter: filter, Order: order, Offset: from, Limit: in.Limit + 1}
		if in.Experiment != "" {
			if _, err := a.Tracking.Experiment(ctx, in.Experiment); err != nil {
				return nil, err
			}
			q.Experiments = []string{in.Experiment}
		} else if q.Experiments, err = a.readable(ctx); err != nil {
			return nil, err
		}
		found, err := a.Tracking.Runs(ctx, q)
		if err != nil {
			return nil, err
		}
		return ok(listOf(in.Page, found, mayReadRun(ctx), runOf))
	})
	add(a, operation{
		id: "create-run", method: http.MethodPost, path: "/runs", summary: "Record a run", tag: tag, makes: "run=run_id", need: route.Write, subjects: route.Some(route.SomeExperiments), status: http.StatusCreated,
		describe: "With params, metrics and tags. A status that is an end finishes it at once.",
	}, func(ctx context.Context, in *struct{ Body runInput }) (*reply[run], error) {
		id, err := a.createRun(ctx, in.Body)
		if err != nil {
			return nil, err
		}
		return a.showRun(ctx, id)
	})
	add(a, operation{
		id: "create-runs", method: http.MethodPost, path: "/bulk/runs", summary: "Record many runs", tag: tag, need: route.Write, subjects: route.Some(route.SomeExperiments),
		describe: "Each is recorded or not; the answer says which, in the order of the request.",
	}, func(ctx context.Context, in *struct {
		Body struct {
			Runs []runInput `json:"runs" minItems:"1" maxItems:"1000"`
		}
	},
	) (*reply[bulk], error) {
		out := bulk{Items: []bulkItem{}}
		for _, r := range in.Body.Runs {
			id, err := a.createRun(ctx, r)
			item := bulkItem{RunID: id}
			if err != nil {
				p := problem(ctx, err)
				if p.GetStatus() >= http.StatusInternalServerError {
					return nil, err
				}
				item.Error = p.Error()
			}
			out.Items = append(out.Items, item)
		}
		return ok(out, nil)
	})
	add(a, operation{id: "get-run", method: http.MethodGet, path: "/runs/{run}", summary: "Show a run", tag: tag, need: route.Read, subjects: about},
		func(ctx context.Context, in *RunPath) (*reply[run], error) { return a.showRun(ctx, in.Run) })
	add(a, operation{id: "update-run", method: http.MethodPatch, path: "/runs/{run}", summary: "Change a run", tag: tag, need: route.Write, subjects: about},
		func(ctx context.Context, in *struct {
			RunPath
			Body runChange
		},
		) (*reply[run], error) {
			if err := a.changeRun(ctx, in.Run, in.Body); err != nil {
				return nil, err
			}
			return a.showRun(ctx, in.Run)
		})
	add(a, operation{id: "delete-run", method: http.MethodDelete, path: "/runs/{run}", summary: "Put a run into the bin", tag: tag, need: route.Write, subjects: about, status: http.StatusNoContent},
		func(ctx context.Context, in *RunPath) (*nothing, error) { return done(a.Tracking.Delete(ctx, in.Run)) })
	add(a, operation{id: "restore-run", method: http.MethodPost, path: "/runs/{run}/restore", summary: "Take it out of the bin again", tag: tag, need: route.Write, subjects: about},
		func(ctx context.Context, in *RunPath) (*reply[run], error) {
			if err := a.Tracking.Restore(ctx, in.Run); err != nil {
				return nil, err
			}
			return a.showRun(ctx, in.Run)
		})
	add(a, operation{
		id: "log", method: http.MethodPost, path: "/runs/{run}/log", summary: "Log params, metrics and tags", tag: tag, need: route.Write, subjects: about,
		status: http.StatusNoContent, describe: "All or nothing. A param that has another value already is a conflict.",
	}, func(ctx context.Context, in *struct {
		RunPath
		Body Batch
	},
	) (*nothing, error) {
		return done(a.Tracking.Log(ctx, in.Run, in.Body.log(a.now())))
	})
}

type bulk struct {
	Items []bulkItem `json:"items"`
}

type bulkItem struct {
	RunID string `json:"run_id,omitempty"`
	Error string `json:"error,omitempty"`
}

func mayReadRun(ctx context.Context) func(track.Run) bool {
	return func(r track.Run) bool {
		return route.Allow(ctx, route.Read, route.Subject{Kind: route.Experiment, ID: r.ExperimentID}) == nil
	}
}

func (a *api) now() int64 { return a.Clock.Now().UnixMilli() }

func (a *api) showRun(ctx context.Context, id string) (*reply[run], error) {
	r, err := a.Tracking.Run(ctx, id)
	return ok(runOf(r), err)
}

func (a *api) createRun(ctx context.Context, in runInput) (string, error) {
	name := in.Experiment
	if name == "" {
		name = track.DefaultExperiment
	}
	if err := route.Allow(ctx, route.Write, route.Subject{Kind: route.ExperimentName, ID: name}); err != nil {
		return "", err
	}
	b := in.log(a.now())
	if err := b.Check(); err != nil {
		return "", err
	}
	made, err := a.Tracking.Create(ctx, track.Run{
		Name: in.Name, Experiment: name, Kind: track.Script, StartTime: in.StartTime, Parent: in.Parent, Source: in.Source,
		User: route.UserOf(ctx).Name, Params: b.Params, Tags: b.Tags,
	})
	if err != nil {
		return "", err
	}
	rest := track.Batch{Metrics: b.Metrics}
	if status := track.Status(in.Status); status.Over() {
		return made.ID, a.Tracking.Finish(ctx, made.ID, status, rest)
	}
	if len(rest.Metrics) == 0 {
		return made.ID, nil
	}
	return made.ID, a.Tracking.Log(ctx, made.ID, rest)
}

type runChange struct {
	Name    *string            `json:"name,omitempty" minLength:"1" maxLength:"250"`
	Note    *string            `json:"note,omitempty" maxLength:"100000" doc:"Markdown"`
	Status  string             `json:"status,omitempty" enum:"RUNNING,SCHEDULED,FINISHED,FAILED,KILLED"`
	EndTime int64              `json:"end_time,omitempty" minimum:"0"`
	Tags    map[string]*string `json:"tags,omitempty" maxProperties:"1000" doc:"null takes a tag off"`
}

func (a *api) changeRun(ctx context.Context, id string, c runChange) error {
	var set []track.Tag
	var drop []string
	for key, value := range c.Tags {
		if value == nil {
			drop = append(drop, key)
		} else {
			set = append(set, track.Tag{Key: key, Value: *value})
		}
	}
	if len(drop) > 0 {
		if err := a.Tracking.DeleteTags(ctx, id, drop); err != nil {
			return err
		}
	}
	if len(set) > 0 {
		if err := a.Tracking.SetTags(ctx, id, set); err != nil {
			return err
		}
	}
	if c.Note != nil {
		if err := a.Tracking.SetNote(ctx, id, *c.Note); err != nil {
			return err
		}
	}
	u := track.Update{Status: track.Status(c.Status), EndTime: c.EndTime}
	if c.Name != nil {
		u.Name = *c.Name
	}
	if u.Status.Over() && u.EndTime == 0 {
		u.EndTime = a.now()
	}
	if u == (track.Update{}) {
		return nil
	}
	return a.Tracking.Update(ctx, id, u)
}
