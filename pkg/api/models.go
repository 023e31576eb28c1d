package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/project"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// ModelPath names a model in a path.
type ModelPath struct {
	Model string `path:"model" maxLength:"256"`
}

// model is a registered model.
type model struct {
	Name        string            `json:"name"`
	Project     string            `json:"project,omitempty"`
	Description string            `json:"description"`
	Created     int64             `json:"creation_time"`
	Updated     int64             `json:"last_update_time"`
	Versions    int               `json:"versions" doc:"how many there are"`
	Aliases     map[string]int    `json:"aliases" doc:"the version that each names"`
	Tags        map[string]string `json:"tags"`
}

func modelOf(m registry.Model) model {
	v := model{
		Name: m.Name, Description: m.Description, Created: m.Created, Updated: m.Updated, Versions: m.Versions,
		Aliases: map[string]int{}, Tags: map[string]string{},
	}
	for _, alias := range m.Aliases {
		v.Aliases[alias.Name] = alias.Version
	}
	for _, t := range m.Tags {
		if t.Key == project.ProjectTag {
			v.Project = t.Value
		} else {
			v.Tags[t.Key] = t.Value
		}
	}
	return v
}

func mayReadModel(ctx context.Context) func(registry.Model) bool {
	return func(m registry.Model) bool {
		return route.Allow(ctx, route.Read, route.Subject{Kind: route.Model, ID: m.Name}) == nil
	}
}

type modelInput struct {
	Name        string            `json:"name" minLength:"1" maxLength:"256" pattern:"^[^\\x00]*$" patternDescription:"text without a zero byte" doc:"without '/' and ':'"`
	Project     string            `json:"project,omitempty" maxLength:"256" doc:"must exist"`
	Description string            `json:"description,omitempty" maxLength:"5000"`
	Tags        map[string]string `json:"tags,omitempty" maxProperties:"100"`
}

// change is a change of what has a name, a description and tags: what is absent
// stays, a tag that is null goes.
type change struct {
	Name        *string            `json:"name,omitempty" minLength:"1" maxLength:"256" pattern:"^[^\\x00]*$" patternDescription:"text without a zero byte"`
	Description *string            `json:"description,omitempty" maxLength:"5000"`
	Tags        map[string]*string `json:"tags,omitempty" maxProperties:"100" doc:"null takes a tag off"`
}

func (a *api) addModels() {
	const tag = "models"
	about := route.Path(route.Model, "model")
	add(a, operation{id: "list-models", method: http.MethodGet, path: "/models", summary: "List registered models by name", tag: tag, need: route.Read, subjects: route.Some(route.SomeModels)},
		func(ctx context.Context, in *Search) (*reply[list[model]], error) {
			q, err := modelQuery(*in, track.RegisteredModelLanguage())
			if err != nil {
				return nil, err
			}
			q.Filter = append(q.Filter, scoped(ctx, route.SomeModels, "name")...)
			found, err := a.Models.Models(ctx, q)
			if err != nil {
				return nil, err
			}
			return ok(listOf(in.Page, found, mayReadModel(ctx), modelOf))
		})
	add(a, operation{id: "create-model", method: http.MethodPost, path: "/models", summary: "Register a name", tag: tag, makes: "model=name", need: route.Write, subjects: route.Some(route.SomeModels), status: http.StatusCreated},
		func(ctx context.Context, in *struct{ Body modelInput }) (*reply[model], error) {
			m := registry.Model{Name: in.Body.Name, Description: in.Body.Description}
			for key, value := range in.Body.Tags {
				m.Tags = append(m.Tags, registry.Tag{Key: key, Value: value})
			}
			if err := route.Allow(ctx, route.Write, route.Subject{Kind: route.Model, ID: m.Name}); err != nil {
				return nil, err
			}
			if in.Body.Project != "" {
				if _, err := a.Projects.Get(ctx, in.Body.Project); err != nil {
					return nil, err
				}
				m.Tags = append(m.Tags, registry.Tag{Key: project.ProjectTag, Value: in.Body.Project})
			}
			if _, err := a.Models.CreateModel(ctx, m); err != nil {
				return nil, err
			}
			return a.showModel(ctx, m.Name)
		})
	add(a, operation{id: "get-model", method: http.MethodGet, path: "/models/{model}", summary: "Show a model", tag: tag, need: route.Read, subjects: about},
		func(ctx context.Context, in *ModelPath) (*reply[model], error) { return a.showModel(ctx, in.Model) })
	add(a, operation{id: "update-model", method: http.MethodPatch, path: "/models/{model}", summary: "Change a model", tag: tag, need: route.Write, subjects: about},
		func(ctx context.Context, in *struct {
			ModelPath
			Body change
		},
		) (*reply[model], error) {
			if err := checkTags(in.Body.Tags); err != nil {
				return nil, err
			}
			if in.Body.Name != nil && *in.Body.Name != in.Model {
				if err := route.Allow(ctx, route.Write, route.Subject{Kind: route.Model, ID: *in.Body.Name}); err != nil {
					return nil, err
				}
				if _, err := a.Models.Rename(ctx, in.Model, *in.Body.Name); err != nil {
					return nil, err
				}
				in.Model = *in.Body.Name
			}
			if err := a.changeRegistered(ctx, registry.Ref{Name: in.Model}, in.Body); err != nil {
				return nil, err
			}
			return a.showModel(ctx, in.Model)
		})
	add(a, operation{
		id: "delete-model", method: http.MethodDelete, path: "/models/{model}", summary: "Delete a model with its versions", tag: tag,
		need: route.Write, subjects: about, status: http.StatusNoContent,
	}, func(ctx context.Context, in *ModelPath) (*nothing, error) {
		return done(a.Models.Delete(ctx, registry.Ref{Name: in.Model}))
	})
	a.addModelExperiments()
}

func (a *api) showModel(ctx context.Context, name string) (*reply[model], error) {
	m, err := a.Models.Model(ctx, name)
	return ok(modelOf(m), err)
}

// changeRegistered changes the description and the tags of a model or a version.
func (a *api) changeRegistered(ctx context.Context, ref registry.Ref, c change) error {
	if err := checkTags(c.Tags); err != nil {
		return err
	}
	for key, value := range c.Tags {
		var err error
		if value == nil {
			err = a.Models.DeleteTag(ctx, ref, key)
		} else {
			err = a.Models.SetTag(ctx, ref, key, *value)
		}
		if err != nil {
			return err
		}
	}
	if c.Description != nil {
		return a.Models.Describe(ctx, ref, *c.Description)
	}
	return nil
}

// checkTags says what is wrong with tags before anything is changed.
func checkTags(tags map[string]*string) error {
	for key, value := range tags {
		if key == project.ProjectTag {
			return errs.New(errs.Usage, "tag %s says which project a model is part of", key).Hint("PUT /api/v1/projects/{project}/models/{model}")
		}
		if value != nil {
			if err := registry.CheckTag(key, *value); err != nil {
				return err
			}
		}
	}
	return nil
}

// modelQuery reads a search of models or versions.
func modelQuery(s Search, l track.Language) (registry.Query, error) {
	from, err := s.from()
	filter, err2 := l.Filter(s.Filter)
	order, err3 := s.orders(l.Order)
	return registry.Query{Filter: filter, Order: order, Offset: from, Limit: s.Limit + 1, Prompts: true}, errors.Join(err, err2, err3)
}

// addModelExperiments are the experiments that a model comes from.
func (a *api) addModelExperiments() {
	const tag = "models"
	add(a, operation{
		id: "list-model-experiments", method: http.MethodGet, path: "/models/{model}/experiments", summary: "List the experiments of a model", tag: tag,
		need: route.Read, subjects: route.Path(route.Model, "model"),
	}, func(ctx context.Context, in *struct {
		ModelPath
		Search
	},
	) (*reply[list[experiment]], error) {
		q, err := experimentQuery(ctx, in.Search)
		if err != nil {
			return nil, err
		}
		if _, err := a.Models.Model(ctx, in.Model); err != nil {
			return nil, err
		}
		q.Filter = append(q.Filter, tagged(project.ModelTag, in.Model)...)
		found, err := a.Tracking.SearchExperiments(ctx, q)
		if err != nil {
			return nil, err
		}
		return ok(listOf(in.Page, found, mayReadExperiment(ctx), experimentOf))
	})
	type member struct {
		ModelPath
		ExperimentPath
	}
	both := func(r *http.Request) ([]route.Subject, error) {
		m, err := route.Path(route.Model, "model")(r)
		e, err2 := route.Path(route.Experiment, "experiment")(r)
		return append(m, e...), errors.Join(err, err2)
	}
	add(a, operation{
		id: "add-model-experiment", method: http.MethodPut, path: "/models/{model}/experiments/{experiment}", summary: "Say that an experiment is for a model", tag: tag,
		need: route.Write, subjects: both, status: http.StatusNoContent,
	}, func(ctx context.Context, in *member) (*nothing, error) {
		if _, err := a.Models.Model(ctx, in.Model); err != nil {
			return nil, err
		}
		return done(a.Tracking.SetExperimentTags(ctx, in.Experiment, []track.Tag{{Key: project.ModelTag, Value: in.Model}}))
	})
	add(a, operation{
		id: "remove-model-experiment", method: http.MethodDelete, path: "/models/{model}/experiments/{experiment}", summary: "Take that back", tag: tag,
		need: route.Write, subjects: both, status: http.StatusNoContent,
	}, func(ctx context.Context, in *member) (*nothing, error) {
		e, err := a.Tracking.Experiment(ctx, in.Experiment)
		if err != nil {
			return nil, err
		}
		if experimentOf(e).Model != in.Model {
			return nil, errs.New(errs.NotFound, "experiment %s is not for model %q", in.Experiment, in.Model)
		}
		return done(a.Tracking.DeleteExperimentTag(ctx, in.Experiment, project.ModelTag))
	})
}
