package mlflow

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/release"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

const (
	maxVersionPage     = 200_000
	defaultVersionPage = 10_000
)

func (s *Service) versions() []endpoint {
	name, version := need("name", aText), need("version", aText)
	byName := about(route.Model, "name")
	return []endpoint{
		{
			method: http.MethodPost, path: "model-versions/create", access: route.Write, about: byName,
			schema: []rule{
				name, need("source", aText), may("run_id", aText), may("tags", aList), may("run_link", aText), may("description", aText), may("model_id", aText),
			},
			call: s.createVersion,
		},
		{
			method: http.MethodGet, path: "model-versions/get", access: route.Read, about: byName, schema: []rule{name, version},
			call: func(ctx context.Context, in *request, out *encoder) error {
				v, err := s.version(ctx, in)
				return oneVersion(v, err, out)
			},
		},
		{
			method: http.MethodGet, path: "model-versions/get-download-uri", access: route.Read, about: byName, schema: []rule{name, version},
			call: func(ctx context.Context, in *request, out *encoder) error {
				v, err := s.version(ctx, in)
				if err != nil {
					return err
				}
				uri := v.Storage
				if uri == "" {
					uri = v.Source
				}
				if !v.Details.Object.IsZero() { // registered without MLflow: see place
					uri = fmt.Sprintf("mlflow-artifacts:/registered-models/%s/%d/artifacts", v.Model, v.Number)
				}
				out.str("artifact_uri", uri)
				return nil
			},
		},
		{
			method: http.MethodPatch, path: "model-versions/update", access: route.Write, about: byName,
			schema: []rule{name, version, may("description", aText)},
			call: func(ctx context.Context, in *request, out *encoder) error {
				ref, err := versionRef(in)
				if err != nil {
					return err
				}
				if in.has("description") {
					if err := s.registry.Describe(ctx, ref, in.str("description")); err != nil {
						return err
					}
				}
				v, err := s.version(ctx, in)
				return oneVersion(v, err, out)
			},
		},
		{
			method: http.MethodDelete, path: "model-versions/delete", access: route.Write, about: byName, schema: []rule{name, version},
			call: func(ctx context.Context, in *request, _ *encoder) error {
				ref, err := versionRef(in)
				if err != nil {
					return err
				}
				return s.registry.Delete(ctx, ref)
			},
		},
		{
			method: http.MethodGet, path: "model-versions/search", access: route.Read, about: about(route.SomeModels, ""), call: s.searchVersions,
			schema: []rule{may("filter", aText), upTo("max_results", maxVersionPage), may("order_by", textList), may("page_token", aText)},
		},
		{
			method: http.MethodPost, path: "model-versions/set-tag", access: route.Write, about: byName,
			schema: []rule{name, version, need("key", aText), may("value", aText)},
			call: func(ctx context.Context, in *request, _ *encoder) error {
				ref, err := versionRef(in)
				if err != nil {
					return err
				}
				tag, err := in.longTag(maxRegistryTag)
				if err != nil {
					return err
				}
				return s.registry.SetTag(ctx, ref, tag.Key, tag.Value)
			},
		},
		{
			method: http.MethodDelete, path: "model-versions/delete-tag", access: route.Write, about: byName,
			schema: []rule{name, version, need("key", aText)},
			call: func(ctx context.Context, in *request, _ *encoder) error {
				ref, err := versionRef(in)
				if err != nil {
					return err
				}
				return s.registry.DeleteTag(ctx, ref, in.str("key"))
			},
		},
		{
			method: http.MethodPost, path: "model-versions/transition-stage", access: route.Write, about: byName, call: s.setStage,
			schema: []rule{name, version, need("stage", aText), may("archive_existing_versions", aBoolean)},
		},
	}
}

// versionNumber reads the version of a request, a number in a text.
func versionNumber(in *request) (int, error) {
	text := in.str("version")
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0, Errorf(InvalidParameter, "Parameter 'version' must be an integer, got '%s'.", text)
	}
	if n < 1 {
		return 0, Errorf(DoesNotExist, "Model Version (name=%s, version=%s) not found", in.str("name"), text)
	}
	return n, nil
}

func versionRef(in *request) (registry.Ref, error) {
	n, err := versionNumber(in)
	return registry.Ref{Name: in.str("name"), Number: n}, err
}

// version finds the version that a request names. A model that does not exist
// has no such version: that is what clients are told.
func (s *Service) version(ctx context.Context, in *request) (registry.Version, error) {
	ref, err := versionRef(in)
	if err != nil {
		return registry.Version{}, err
	}
	v, err := s.registry.Version(ctx, ref.Name, ref.Number)
	return v, asVersion(err, ref)
}

func oneVersion(v registry.Version, err error, out *encoder) error {
	if err != nil {
		return err
	}
	out.object("model_version")
	out.version(&v)
	out.close()
	return nil
}

func (s *Service) createVersion(ctx context.Context, in *request, out *encoder) error {
	v := registry.Version{
		Model: in.str("name"), Source: in.str("source"), RunID: in.str("run_id"), LoggedModel: in.str("model_id"),
		RunLink: in.str("run_link"), Description: in.str("description"), Status: registry.Ready,
	}
	if err := errors.Join(mayUse(ctx, route.Read, route.Run, v.RunID), mayUse(ctx, route.Read, route.LoggedModel, v.LoggedModel)); err != nil {
		return err
	}
	var err error
	if v.Tags, err = registryTags(in); err != nil {
		return err
	}
	if slices.Contains(v.Tags, registry.Tag{Key: registry.PromptTag, Value: "true"}) {
		if v.Source != "dummy-source" && v.Source != "prompt-template" {
			return Errorf(InvalidParameter, "Invalid prompt source: '%s'. Prompt sources must use an MLflow placeholder.", v.Source)
		}
	} else if err := s.resolveSource(ctx, in, &v); err != nil {
		return err
	}
	if v.LoggedModel != "" {
		if _, err := s.tracking.LoggedModel(ctx, v.LoggedModel); err != nil {
			return err
		}
	}
	if s.artifacts != nil {
		if err := release.Describe(ctx, s.artifacts, &v); err != nil {
			return err
		}
	}
	if v, err = s.registry.CreateVersion(ctx, v); err != nil {
		return err
	}
	if v.LoggedModel != "" {
		if err := s.noteVersion(ctx, &v); err != nil {
			return err
		}
	}
	return oneVersion(v, nil, out)
}

const modelVersionsTag = "mlflow.modelVersions"

// noteVersion lets a logged model say which versions were made from it.
func (s *Service) noteVersion(ctx context.Context, v *registry.Version) error {
	m, err := s.tracking.LoggedModel(ctx, v.LoggedModel)
	if err != nil {
		return err
	}
	known := value{kind: list}
	for _, t := range m.Tags {
		if t.Key == modelVersionsTag {
			if old, err := parseJSON([]byte(t.Value)); err == nil && old.kind == list {
				known = old
			}
		}
	}
	known.items = append(known.items, value{kind: dict, fields: []field{
		{"name", value{kind: text, text: v.Model}}, {"version", value{kind: number, text: strconv.Itoa(v.Number)}},
	}})
	return s.tracking.SetLoggedModelTags(ctx, m.ID, []track.Tag{{Key: modelVersionsTag, Value: known.python()}})
}

func (s *Service) setStage(ctx context.Context, in *request, out *encoder) error {
	stage, err := registry.ParseStage(in.str("stage"))
	if err != nil {
		return err
	}
	ref, err := versionRef(in)
	if err != nil {
		return err
	}
	v, err := s.registry.SetStage(ctx, ref.Name, ref.Number, stage, in.boolean("archive_existing_versions"))
	return oneVersion(v, asVersion(err, ref), out)
}

func (s *Service) searchVersions(ctx context.Context, in *request, out *encoder) error {
	p, err := in.readPage(defaultVersionPage, maxVersionPage)
	if err != nil {
		return err
	}
	q, err := registryQuery(track.VersionLanguage(), in, p)
	if err != nil {
		return err
	}
	if len(q.Order) == 0 {
		q.Order = []track.Order{{Entity: track.Attributes, Key: "last_updated_timestamp", Descending: true}}
	}
	q.Filter = append(q.Filter, scoped(ctx, route.SomeModels, "name")...)
	found, err := s.registry.Versions(ctx, q)
	if err != nil {
		return err
	}
	found = turn(p, found, out)
	out.versionList("model_versions", slices.DeleteFunc(found, func(v registry.Version) bool { return !visible(ctx, route.Model, v.Model) }))
	return nil
}

// versionList writes a list unless it is empty.
func (e *encoder) versionList(name string, versions []registry.Version) {
	if len(versions) == 0 {
		return
	}
	e.list(name)
	for i := range versions {
		e.open()
		e.version(&versions[i])
		e.close()
	}
	e.endList()
}

func (e *encoder) version(v *registry.Version) {
	e.str("name", v.Model)
	e.str("version", strconv.Itoa(v.Number))
	e.integer("creation_timestamp", v.Created)
	e.integer("last_updated_timestamp", v.Updated)
	e.str("current_stage", string(v.Stage))
	e.str("description", v.Description)
	e.str("source", v.Source)
	e.str("run_id", v.RunID)
	e.str("run_link", v.RunLink)
	e.str("status", string(v.Status))
	e.optional("status_message", v.StatusText)
	e.registryTags(v.Tags)
	if len(v.Aliases) > 0 {
		e.list("aliases")
		for _, a := range v.Aliases {
			e.item(a)
		}
		e.endList()
	}
}
