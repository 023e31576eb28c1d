package api

import (
	"context"
	"net/http"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/project"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// ProjectPath names a project in a path.
type ProjectPath struct {
	Project string `path:"project" maxLength:"256"`
}

type projectInput struct {
	Name        string `json:"name" minLength:"1" maxLength:"256" pattern:"^[^\\x00]*$" patternDescription:"text without a zero byte" doc:"without '/' and ':'"`
	Description string `json:"description,omitempty" maxLength:"5000"`
}

func (a *api) addProjects() {
	const tag = "projects"
	addList(a, operation{id: "list-projects", method: http.MethodGet, path: "/projects", summary: "List projects by name", tag: tag, need: route.Read},
		track.ListLanguage("projects", []string{"name", "description"}, []string{"creation_time", "last_update_time"}), projectAttribute,
		func(ctx context.Context) ([]project.Project, error) { return a.Projects.List(ctx) })
	add(a, operation{id: "create-project", method: http.MethodPost, path: "/projects", summary: "Make a project", tag: tag, makes: "project=name", need: route.Write, status: http.StatusCreated},
		func(ctx context.Context, in *struct{ Body projectInput }) (*reply[project.Project], error) {
			return ok(a.Projects.Create(ctx, project.Project{Name: in.Body.Name, Description: in.Body.Description}))
		})
	add(a, operation{id: "get-project", method: http.MethodGet, path: "/projects/{project}", summary: "Show a project", tag: tag, need: route.Read},
		func(ctx context.Context, in *ProjectPath) (*reply[project.Project], error) {
			return ok(a.Projects.Get(ctx, in.Project))
		})
	add(a, operation{id: "update-project", method: http.MethodPatch, path: "/projects/{project}", summary: "Change the description of a project", tag: tag, need: route.Write},
		func(ctx context.Context, in *struct {
			ProjectPath

			Body struct {
				Description string `json:"description" maxLength:"5000"`
			}
		},
		) (*reply[project.Project], error) {
			return ok(a.Projects.Describe(ctx, in.Project, in.Body.Description))
		})
	add(a, operation{
		id: "delete-project", method: http.MethodDelete, path: "/projects/{project}", summary: "Forget a project", tag: tag, need: route.Write, status: http.StatusNoContent,
		describe: "Its models stay, and belong to no project any more.",
	}, func(ctx context.Context, in *ProjectPath) (*nothing, error) {
		if _, err := a.Projects.Get(ctx, in.Project); err != nil {
			return nil, err
		}
		models, err := a.Models.Models(ctx, registry.Query{Filter: tagged(project.ProjectTag, in.Project), Prompts: true})
		if err != nil {
			return nil, err
		}
		for _, m := range models {
			if err := a.Models.DeleteTag(ctx, registry.Ref{Name: m.Name}, project.ProjectTag); err != nil {
				return nil, err
			}
		}
		return done(a.Projects.Delete(ctx, in.Project))
	})
	add(a, operation{id: "list-project-models", method: http.MethodGet, path: "/projects/{project}/models", summary: "List the models of a project", tag: tag, need: route.Read},
		func(ctx context.Context, in *struct {
			ProjectPath
			Search
		},
		) (*reply[list[model]], error) {
			q, err := modelQuery(in.Search, track.RegisteredModelLanguage())
			if err != nil {
				return nil, err
			}
			if _, err := a.Projects.Get(ctx, in.Project); err != nil {
				return nil, err
			}
			q.Filter = append(append(q.Filter, tagged(project.ProjectTag, in.Project)...), scoped(ctx, route.SomeModels, "name")...)
			found, err := a.Models.Models(ctx, q)
			if err != nil {
				return nil, err
			}
			return ok(listOf(in.Page, found, mayReadModel(ctx), modelOf))
		})
	type member struct {
		ProjectPath
		ModelPath
	}
	add(a, operation{
		id: "add-project-model", method: http.MethodPut, path: "/projects/{project}/models/{model}", summary: "Make a model part of a project", tag: tag,
		need: route.Write, subjects: route.Path(route.Model, "model"), status: http.StatusNoContent, describe: "A model is part of one project at a time.",
	}, func(ctx context.Context, in *member) (*nothing, error) {
		if _, err := a.Projects.Get(ctx, in.Project); err != nil {
			return nil, err
		}
		return done(a.Models.SetTag(ctx, registry.Ref{Name: in.Model}, project.ProjectTag, in.Project))
	})
	add(a, operation{
		id: "remove-project-model", method: http.MethodDelete, path: "/projects/{project}/models/{model}", summary: "Take a model out of a project", tag: tag,
		need: route.Write, subjects: route.Path(route.Model, "model"), status: http.StatusNoContent,
	}, func(ctx context.Context, in *member) (*nothing, error) {
		m, err := a.Models.Model(ctx, in.Model)
		if err != nil {
			return nil, err
		}
		if modelOf(m).Project != in.Project {
			return nil, errs.New(errs.NotFound, "model %q is not part of project %q", in.Model, in.Project)
		}
		return done(a.Models.DeleteTag(ctx, registry.Ref{Name: in.Model}, project.ProjectTag))
	})
}

func projectAttribute(p project.Project, key string) (string, float64) {
	switch key {
	case "name":
		return p.Name, 0
	case "description":
		return p.Description, 0
	case "creation_time":
		return "", float64(p.Created)
	}
	return "", float64(p.Updated)
}

func tagged(key, value string) track.Filter {
	return track.Filter{{Entity: track.Tags, Key: key, Op: track.Equal, Text: value}}
}
