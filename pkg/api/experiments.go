package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/project"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// ExperimentPath names an experiment in a path.
type ExperimentPath struct {
	Experiment string `path:"experiment" maxLength:"64" doc:"its id"`
}

// experiment is a named group of runs.
type experiment struct {
	ID      string            `json:"experiment_id"`
	Name    string            `json:"name"`
	Model   string            `json:"model,omitempty" doc:"the model that it is for"`
	Created int64             `json:"creation_time"`
	Updated int64             `json:"last_update_time"`
	Runs    int64             `json:"runs" doc:"how many there are"`
	Deleted bool              `json:"deleted"`
	Tags    map[string]string `json:"tags"`
}

func experimentOf(e track.Experiment) experiment {
	v := experiment{ID: e.ID, Name: e.Name, Created: e.Created, Updated: e.Updated, Runs: e.Runs, Deleted: e.Deleted, Tags: tagMap(e.Tags)}
	v.Model = v.Tags[project.ModelTag]
	delete(v.Tags, project.ModelTag)
	return v
}

func mayReadExperiment(ctx context.Context) func(track.Experiment) bool {
	return func(e track.Experiment) bool {
		return route.Allow(ctx, route.Read, route.Subject{Kind: route.Experiment, ID: e.ID}) == nil
	}
}

func (a *api) addExperiments() {
	const tag = "experiments"
	about := route.Path(route.Experiment, "experiment")
	add(a, operation{id: "list-experiments", method: http.MethodGet, path: "/experiments", summary: "List experiments, the newest first", tag: tag, need: route.Read, subjects: route.Some(route.SomeExperiments)},
		func(ctx context.Context, in *struct {
			Search

			Deleted bool `query:"deleted" doc:"those in the bin"`
		},
		) (*reply[list[experiment]], error) {
			q, err := experimentQuery(ctx, in.Search)
			if err != nil {
				return nil, err
			}
			q.Removed = in.Deleted
			found, err := a.Tracking.SearchExperiments(ctx, q)
			if err != nil {
				return nil, err
			}
			return ok(listOf(in.Page, found, mayReadExperiment(ctx), experimentOf))
		})
	add(a, operation{id: "create-experiment", method: http.MethodPost, path: "/experiments", summary: "Make an experiment", tag: tag, makes: "experiment=experiment_id", need: route.Write, status: http.StatusCreated},
		func(ctx context.Context, in *struct {
			Body struct {
				Name  string            `json:"name" minLength:"1" maxLength:"500"`
				Model string            `json:"model,omitempty" maxLength:"256" doc:"the registered model that it is for; must exist"`
				Tags  map[string]string `json:"tags,omitempty" maxProperties:"100"`
			}
		},
		) (*reply[experiment], error) {
			e := track.Experiment{Name: in.Body.Name, Tags: tagList(in.Body.Tags)}
			if in.Body.Model != "" {
				if _, err := a.Models.Model(ctx, in.Body.Model); err != nil {
					return nil, err
				}
				e.Tags = append(e.Tags, track.Tag{Key: project.ModelTag, Value: in.Body.Model})
			}
			made, err := a.Tracking.CreateExperiment(ctx, e)
			if err != nil {
				return nil, err
			}
			return a.showExperiment(ctx, made.ID)
		})
	add(a, operation{id: "get-experiment", method: http.MethodGet, path: "/experiments/{experiment}", summary: "Show an experiment", tag: tag, need: route.Read, subjects: about},
		func(ctx context.Context, in *ExperimentPath) (*reply[experiment], error) {
			return a.showExperiment(ctx, in.Experiment)
		})
	add(a, operation{id: "update-experiment", method: http.MethodPatch, path: "/experiments/{experiment}", summary: "Change an experiment", tag: tag, need: route.Write, subjects: about},
		func(ctx context.Context, in *struct {
			ExperimentPath

			Body struct {
				Name *string            `json:"name,omitempty" minLength:"1" maxLength:"500"`
				Tags map[string]*string `json:"tags,omitempty" maxProperties:"100" doc:"null takes a tag off"`
			}
		},
		) (*reply[experiment], error) {
			if err := a.changeExperiment(ctx, in.Experiment, in.Body.Name, in.Body.Tags); err != nil {
				return nil, err
			}
			return a.showExperiment(ctx, in.Experiment)
		})
	add(a, operation{
		id: "delete-experiment", method: http.MethodDelete, path: "/experiments/{experiment}", summary: "Put an experiment with its runs into the bin", tag: tag,
		need: route.Write, subjects: about, status: http.StatusNoContent,
	}, func(ctx context.Context, in *ExperimentPath) (*nothing, error) {
		return done(a.Tracking.DeleteExperiment(ctx, in.Experiment))
	})
	add(a, operation{
		id: "restore-experiment", method: http.MethodPost, path: "/experiments/{experiment}/restore", summary: "Take it out of the bin again", tag: tag,
		need: route.Write, subjects: about,
	}, func(ctx context.Context, in *ExperimentPath) (*reply[experiment], error) {
		if e, err := a.Tracking.Experiment(ctx, in.Experiment); err == nil && !e.Deleted {
			return ok(experimentOf(e), nil) // as of a run
		}
		if err := a.Tracking.RestoreExperiment(ctx, in.Experiment); err != nil {
			return nil, err
		}
		return a.showExperiment(ctx, in.Experiment)
	})
}

// changeExperiment looks at all before it changes anything: the name, which may be
// taken, comes first.
func (a *api) changeExperiment(ctx context.Context, id string, name *string, tags map[string]*string) error {
	var set []track.Tag
	for key, value := range tags {
		if key == project.ModelTag {
			return errs.New(errs.Usage, "tag %s says which model an experiment is for", key).Hint("PUT /api/v1/models/{model}/experiments/{experiment}")
		}
		if err := track.CheckKey("tag", key); err != nil {
			return err
		}
		if value != nil {
			set = append(set, track.Tag{Key: key, Value: *value})
		}
	}
	if name != nil {
		if err := a.Tracking.RenameExperiment(ctx, id, *name); err != nil {
			return err
		}
	}
	for key, value := range tags {
		if value == nil {
			if err := a.Tracking.DeleteExperimentTag(ctx, id, key); err != nil {
				return err
			}
		}
	}
	if len(set) == 0 {
		return nil
	}
	return a.Tracking.SetExperimentTags(ctx, id, set)
}

func (a *api) showExperiment(ctx context.Context, id string) (*reply[experiment], error) {
	e, err := a.Tracking.Experiment(ctx, id)
	return ok(experimentOf(e), err)
}

// experimentQuery reads a search of experiments that the user may see.
func experimentQuery(ctx context.Context, s Search) (track.ExperimentQuery, error) {
	l := track.ExperimentLanguage()
	from, err := s.from()
	filter, err2 := l.Filter(s.Filter)
	order, err3 := s.orders(l.Order)
	filter = append(filter, scoped(ctx, route.SomeExperiments, "experiment_id")...)
	return track.ExperimentQuery{Filter: filter, Order: order, Offset: from, Limit: s.Limit + 1}, errors.Join(err, err2, err3)
}
