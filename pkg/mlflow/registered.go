package mlflow

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

const (
	maxRegisteredPage     = 1000
	defaultRegisteredPage = 100
)

func (s *Service) registeredModels() []endpoint {
	name := need("name", aText)
	byName := about(route.Model, "name")
	latest := endpoint{
		path: "registered-models/get-latest-versions", access: route.Read, about: byName, call: s.latestVersions,
		schema: []rule{name, may("stages", textList)},
	}
	latestGet, latestPost := latest, latest
	latestGet.method, latestPost.method = http.MethodGet, http.MethodPost
	return []endpoint{
		latestGet, latestPost,
		{
			method: http.MethodPost, path: "registered-models/create", access: route.Write, about: byName, call: s.createModel,
			schema: []rule{name, may("tags", aList), may("description", aText)},
		},
		{
			method: http.MethodGet, path: "registered-models/get", access: route.Read, about: byName, schema: []rule{name},
			call: func(ctx context.Context, in *request, out *encoder) error {
				return s.oneModel(ctx, in.str("name"), out)
			},
		},
		{
			method: http.MethodPatch, path: "registered-models/update", access: route.Write, about: byName,
			schema: []rule{name, may("description", aText)},
			call: func(ctx context.Context, in *request, out *encoder) error {
				if err := s.registry.Describe(ctx, registry.Ref{Name: in.str("name")}, in.str("description")); err != nil {
					return err
				}
				return s.oneModel(ctx, in.str("name"), out)
			},
		},
		{
			method: http.MethodPost, path: "registered-models/rename", access: route.Write, about: byName.and(route.Model, "new_name"),
			schema: []rule{name, need("new_name", aText)},
			call: func(ctx context.Context, in *request, out *encoder) error {
				if err := checkRegisteredName(in.str("new_name")); err != nil {
					return err
				}
				if in.str("name") == in.str("new_name") {
					return s.oneModel(ctx, in.str("name"), out)
				}
				m, err := s.registry.Rename(ctx, in.str("name"), in.str("new_name"))
				if err != nil {
					return err
				}
				return s.oneModel(ctx, m.Name, out)
			},
		},
		{
			method: http.MethodDelete, path: "registered-models/delete", access: route.Write, about: byName, schema: []rule{name},
			call: func(ctx context.Context, in *request, _ *encoder) error {
				return s.registry.Delete(ctx, registry.Ref{Name: in.str("name")})
			},
		},
		{
			method: http.MethodGet, path: "registered-models/search", access: route.Read, about: about(route.SomeModels, ""), call: s.searchModels,
			schema: []rule{may("filter", aText), upTo("max_results", maxRegisteredPage), may("order_by", textList), may("page_token", aText)},
		},
		{
			method: http.MethodPost, path: "registered-models/set-tag", access: route.Write, about: byName,
			schema: []rule{name, need("key", aText), may("value", aText)},
			call: func(ctx context.Context, in *request, _ *encoder) error {
				tag, err := in.longTag(maxRegistryTag)
				if err != nil {
					return err
				}
				return s.registry.SetTag(ctx, registry.Ref{Name: in.str("name")}, tag.Key, tag.Value)
			},
		},
		{
			method: http.MethodDelete, path: "registered-models/delete-tag", access: route.Write, about: byName,
			schema: []rule{name, need("key", aText)},
			call: func(ctx context.Context, in *request, _ *encoder) error {
				return s.registry.DeleteTag(ctx, registry.Ref{Name: in.str("name")}, in.str("key"))
			},
		},
		{
			method: http.MethodPost, path: "registered-models/alias", access: route.Write, about: byName, call: s.setAlias,
			schema: []rule{name, need("alias", aText), need("version", aText)},
		},
		{
			method: http.MethodDelete, path: "registered-models/alias", access: route.Write, about: byName,
			schema: []rule{name, need("alias", aText)},
			call: func(ctx context.Context, in *request, _ *encoder) error {
				return s.registry.DeleteAlias(ctx, in.str("name"), in.str("alias"))
			},
		},
		{
			method: http.MethodGet, path: "registered-models/alias", access: route.Read, about: byName, schema: []rule{name, need("alias", aText)},
			call: func(ctx context.Context, in *request, out *encoder) error {
				v, err := s.aliased(ctx, registry.Ref{Name: in.str("name"), Alias: in.str("alias")})
				return oneVersion(v, err, out)
			},
		},
	}
}

// checkRegisteredName says what is wrong with the name of a model.
func checkRegisteredName(name string) error {
	if strings.TrimSpace(name) == "" {
		return Errorf(InvalidParameter, "Missing value for required parameter 'name'.")
	}
	if err := registry.CheckName(name); err != nil {
		return err
	}
	if name == "." || name == ".." {
		return checkKey(name, "name")
	}
	return nil
}

func registryTags(in *request) ([]registry.Tag, error) {
	return each(in.all("tags"), "tags", func(v *value, _ string) (registry.Tag, error) {
		t, err := v.longTag(maxRegistryTag)
		return registry.Tag{Key: t.Key, Value: t.Value}, err
	})
}

func (s *Service) createModel(ctx context.Context, in *request, out *encoder) error {
	m := registry.Model{Name: in.str("name"), Description: in.str("description")}
	if err := checkRegisteredName(m.Name); err != nil {
		return err
	}
	var err error
	if m.Tags, err = registryTags(in); err != nil {
		return err
	}
	made, err := s.registry.CreateModel(ctx, m)
	if _, exists := errors.AsType[*registry.ExistsError](err); exists {
		return s.nameTaken(ctx, m, err)
	}
	if err != nil {
		return err
	}
	out.object("registered_model")
	out.model(&made)
	out.close()
	return nil
}

// nameTaken says what has the name that a new model or prompt was to have.
func (s *Service) nameTaken(ctx context.Context, m registry.Model, taken error) error {
	there, err := s.registry.Model(ctx, m.Name)
	if err != nil {
		return errors.Join(taken, err)
	}
	what := func(m registry.Model) string {
		if slices.ContainsFunc(m.Tags, func(t registry.Tag) bool { return t.Key == registry.PromptTag }) {
			return "Prompt"
		}
		return "Registered Model"
	}
	if old, wanted := what(there), what(m); old != wanted {
		return Errorf(AlreadyExists, "Tried to create a %s with name '%s', but the name is already taken by a %s. MLflow does not allow creating a model and a prompt with the same name.",
			strings.ToLower(wanted), m.Name, strings.ToLower(old))
	}
	return Errorf(AlreadyExists, "%s (name=%s) already exists.", what(m), m.Name)
}

func (s *Service) oneModel(ctx context.Context, name string, out *encoder) error {
	m, err := s.registry.Model(ctx, name)
	if err != nil {
		return err
	}
	out.object("registered_model")
	out.model(&m)
	out.close()
	return nil
}

func (s *Service) setAlias(ctx context.Context, in *request, _ *encoder) error {
	name, alias := in.str("name"), in.str("alias")
	if err := registry.CheckAlias(alias); err != nil {
		return err
	}
	number, err := versionNumber(in)
	if err != nil {
		return err
	}
	err = s.registry.SetAlias(ctx, name, alias, number)
	if e, ok := errors.AsType[*registry.MissingError](err); ok {
		return missingModel(&registry.MissingError{Model: e.Model, Version: number})
	}
	return err
}

func (s *Service) latestVersions(ctx context.Context, in *request, out *encoder) error {
	var stages []registry.Stage
	for _, text := range in.texts("stages") {
		stage, err := registry.ParseStage(text)
		if err != nil {
			return err
		}
		stages = append(stages, stage)
	}
	found, err := s.registry.Latest(ctx, in.str("name"), stages...)
	if err != nil {
		return err
	}
	out.versionList("model_versions", found)
	return nil
}

func (s *Service) searchModels(ctx context.Context, in *request, out *encoder) error {
	p, err := in.readPage(defaultRegisteredPage, maxRegisteredPage)
	if err != nil {
		return err
	}
	q, err := registryQuery(track.RegisteredModelLanguage(), in, p)
	if err != nil {
		return err
	}
	q.Filter = append(q.Filter, scoped(ctx, route.SomeModels, "name")...)
	found, err := s.registry.Models(ctx, q)
	if err != nil {
		return err
	}
	found = turn(p, found, out)
	found = slices.DeleteFunc(found, func(m registry.Model) bool { return !visible(ctx, route.Model, m.Name) })
	if len(found) == 0 {
		return nil
	}
	out.list("registered_models")
	for i := range found {
		out.open()
		out.model(&found[i])
		out.close()
	}
	out.endList()
	return nil
}

// registryQuery reads a search of models or versions. Prompts are models with
// a tag, which only those see who ask for it.
func registryQuery(language track.Language, in *request, p page) (q registry.Query, err error) {
	q = registry.Query{Offset: p.offset, Limit: p.more(), Bare: true}
	if q.Filter, err = language.Filter(in.str("filter")); err != nil {
		return q, err
	}
	q.Filter = slices.DeleteFunc(q.Filter, func(c track.Condition) bool {
		if c.Entity != track.Tags || c.Key != registry.PromptTag {
			return false
		}
		q.Prompts = c.Text == "true" && c.Op != track.NotEqual || c.Text == "false" && c.Op == track.NotEqual
		return !q.Prompts
	})
	q.Order, err = orders(language, in.texts("order_by"))
	return q, err
}

func (e *encoder) model(m *registry.Model) {
	e.str("name", m.Name)
	e.integer("creation_timestamp", m.Created)
	e.integer("last_updated_timestamp", m.Updated)
	e.optional("description", m.Description)
	if len(m.Latest) > 0 {
		slices.SortFunc(m.Latest, func(a, b registry.Version) int { return cmp.Compare(a.Stage, b.Stage) })
		e.versionList("latest_versions", m.Latest)
	}
	e.registryTags(m.Tags)
	if len(m.Aliases) > 0 {
		e.list("aliases")
		for _, a := range m.Aliases {
			e.open()
			e.str("alias", a.Name)
			e.str("version", strconv.Itoa(a.Version))
			e.close()
		}
		e.endList()
	}
}

func (e *encoder) registryTags(tags []registry.Tag) {
	if len(tags) == 0 {
		return
	}
	e.list("tags")
	for _, t := range tags {
		e.pair(t.Key, t.Value)
	}
	e.endList()
}
