package mlflow

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

const (
	maxModelPage     = 10_000
	defaultModelPage = 50
)

func (s *Service) loggedModels() []endpoint {
	id := need("model_id", aText)
	byID := about(route.LoggedModel, "model_id")
	return []endpoint{
		{
			method: http.MethodPost, path: "logged-models", access: route.Write, about: about(route.Experiment, "experiment_id"), call: s.createLoggedModel,
			schema: []rule{
				need("experiment_id", aText), may("name", aText), may("model_type", aText), may("source_run_id", aText), may("params", aList), may("tags", aList),
			},
		},
		{
			method: http.MethodPost, path: "logged-models/search", access: route.Read, about: about(route.SomeExperiments, ""), call: s.searchLoggedModels,
			schema: []rule{
				need("experiment_ids", textList), may("filter", aText), may("datasets", aList), may("max_results", anInteger), may("order_by", aList), may("page_token", aText),
			},
		},
		{method: http.MethodGet, path: "logged-models/{model_id}", access: route.Read, about: byID, call: s.getLoggedModel},
		{
			method: http.MethodPatch, path: "logged-models/{model_id}", access: route.Write, about: byID, call: s.finishLoggedModel,
			schema: []rule{id, need("status", aWord)},
		},
		{
			method: http.MethodDelete, path: "logged-models/{model_id}", access: route.Write, about: byID,
			call: func(ctx context.Context, in *request, _ *encoder) error {
				return s.tracking.DeleteLoggedModel(ctx, in.str("model_id"))
			},
		},
		{
			method: http.MethodPatch, path: "logged-models/{model_id}/tags", access: route.Write, about: byID, schema: []rule{may("tags", aList)},
			call: func(ctx context.Context, in *request, _ *encoder) error {
				tags, err := each(in.all("tags"), "tags", (*value).tag)
				if err != nil {
					return err
				}
				return s.tracking.SetLoggedModelTags(ctx, in.str("model_id"), tags)
			},
		},
		{
			method: http.MethodDelete, path: "logged-models/{model_id}/tags/{tag_key...}", access: route.Write, about: byID,
			call: func(ctx context.Context, in *request, _ *encoder) error {
				return s.tracking.DeleteLoggedModelTag(ctx, in.str("model_id"), in.str("tag_key"))
			},
		},
		{
			method: http.MethodPost, path: "logged-models/{model_id}/params", access: route.Write, about: byID, schema: []rule{id, may("params", aList)},
			call: func(ctx context.Context, in *request, _ *encoder) error {
				params, err := each(in.all("params"), "params", (*value).param)
				if err != nil {
					return err
				}
				return s.tracking.LogModelParams(ctx, in.str("model_id"), params)
			},
		},
		{
			method: http.MethodGet, path: "logged-models/{model_id}/artifacts/directories", access: route.Read, about: byID,
			schema: []rule{may("artifact_directory_path", aText)}, call: s.listModelArtifacts,
		},
	}
}

// checkModelName refuses what could not be part of a URI.
func checkModelName(name string) error {
	if strings.ContainsAny(name, `/:.%"'`) {
		return Errorf(InvalidParameter, `Invalid model name ('%s') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%%', '"', "'")`, name)
	}
	return nil
}

func (s *Service) createLoggedModel(ctx context.Context, in *request, out *encoder) error {
	m := track.LoggedModel{ExperimentID: in.str("experiment_id"), Name: in.str("name"), Type: in.str("model_type"), Run: in.str("source_run_id")}
	if err := checkExperimentID(m.ExperimentID); err != nil {
		return err
	}
	if m.Name == "" {
		m.Name = track.NameOf(track.NewID())
	}
	if err := checkModelName(m.Name); err != nil {
		return err
	}
	var err error
	if m.Params, err = each(in.all("params"), "params", (*value).param); err != nil {
		return err
	}
	if len(m.Params) > maxModelParams {
		return Errorf(InvalidParameter, "A logged model can be created with at most %d params; log the rest afterwards. Got %d params.", maxModelParams, len(m.Params))
	}
	if m.Tags, err = each(in.all("tags"), "tags", (*value).tag); err != nil {
		return err
	}
	if m, err = s.tracking.CreateLoggedModel(ctx, m); err != nil {
		return err
	}
	return s.oneLoggedModel(ctx, m, out)
}

func (s *Service) getLoggedModel(ctx context.Context, in *request, out *encoder) error {
	m, err := s.tracking.LoggedModel(ctx, in.str("model_id"))
	if err != nil {
		return err
	}
	return s.oneLoggedModel(ctx, m, out)
}

func (s *Service) finishLoggedModel(ctx context.Context, in *request, out *encoder) error {
	status := track.ModelStatus(in.enum("status", string(track.ModelPending), string(track.ModelReady), string(track.ModelFailed)))
	if !slices.Contains([]track.ModelStatus{track.ModelPending, track.ModelReady, track.ModelFailed}, status) {
		return Errorf(InvalidParameter, "Invalid model status: '%s'. Expected one of ['%s', '%s', '%s'].", status, track.ModelPending, track.ModelReady, track.ModelFailed)
	}
	if err := s.tracking.FinishLoggedModel(ctx, in.str("model_id"), status, ""); err != nil {
		return err
	}
	return s.getLoggedModel(ctx, in, out)
}

func (s *Service) oneLoggedModel(ctx context.Context, m track.LoggedModel, out *encoder) error {
	root, err := s.root(ctx, m.ExperimentID)
	if err != nil {
		return err
	}
	out.object("model")
	out.loggedModel(&m, root)
	out.close()
	return nil
}

// modelRoot is where the files of a logged model are, in an experiment whose
// are at root.
func modelRoot(root, id string) string {
	return joinURI(root, "models/"+id+"/artifacts")
}

func (e *encoder) loggedModel(m *track.LoggedModel, root string) {
	e.object("info")
	e.str("model_id", m.ID)
	e.str("experiment_id", m.ExperimentID)
	e.str("name", m.Name)
	e.integer("creation_timestamp_ms", m.Created)
	e.integer("last_updated_timestamp_ms", m.Updated)
	e.str("artifact_uri", modelRoot(root, m.ID))
	e.str("status", string(m.Status))
	e.str("model_type", m.Type)
	e.str("source_run_id", m.Run)
	e.optional("status_message", m.Message)
	e.tags("tags", m.Tags)
	e.close()
	e.object("data")
	if len(m.Params) > 0 {
		e.list("params")
		for _, p := range m.Params {
			e.pair(p.Key, p.Value)
		}
		e.endList()
	}
	if len(m.Metrics) > 0 {
		e.list("metrics")
		for _, p := range m.Metrics {
			e.open()
			e.str("key", p.Key)
			e.float("value", p.Value)
			e.integer("timestamp", p.Timestamp)
			e.integer("step", p.Step)
			e.optional("dataset_name", p.Dataset)
			e.optional("dataset_digest", p.Digest)
			e.str("model_id", m.ID)
			e.str("run_id", p.Run)
			e.close()
		}
		e.endList()
	}
	e.close()
}

func (s *Service) searchLoggedModels(ctx context.Context, in *request, out *encoder) error {
	limit := in.integer("max_results", defaultModelPage)
	if limit == 0 {
		limit = defaultModelPage
	}
	if limit < 1 || limit > maxModelPage {
		return Errorf(InvalidParameter, "Invalid value %d for parameter 'max_results' supplied. It must be between 1 and %d", limit, maxModelPage)
	}
	p := page{limit: int(limit)}
	bound, err := modelToken(in, &p)
	if err != nil {
		return err
	}
	q := track.ModelQuery{Experiments: []string{}, Offset: p.offset, Limit: p.more(), Root: s.places.Root}
	for _, id := range in.texts("experiment_ids") {
		if err := checkExperimentID(id); err != nil {
			return err
		}
		if visible(ctx, route.Experiment, id) {
			q.Experiments = append(q.Experiments, id)
		}
	}
	if q.Filter, err = track.LoggedModelLanguage().Filter(in.str("filter")); err != nil {
		return err
	}
	q.Datasets, err = each(in.all("datasets"), "datasets", func(v *value, _ string) (track.DatasetKey, error) {
		if v.str("dataset_name") == "" {
			return track.DatasetKey{}, Errorf(InvalidParameter, "`dataset_name` in the `datasets` clause must be specified.")
		}
		return track.DatasetKey{Name: v.str("dataset_name"), Digest: v.str("dataset_digest")}, nil
	})
	if err != nil {
		return err
	}
	if q.Order, err = each(in.all("order_by"), "order_by", (*value).modelOrder); err != nil || len(q.Experiments) == 0 {
		return err
	}
	found, err := s.tracking.LoggedModels(ctx, q)
	if err != nil {
		return err
	}
	if len(found) > p.limit {
		found = found[:p.limit]
		out.str("next_page_token", bound(p.offset+p.limit))
	}
	if len(found) == 0 {
		return nil
	}
	out.list("models")
	for i := range found {
		root, err := s.root(ctx, found[i].ExperimentID)
		if err != nil {
			return err
		}
		out.open()
		out.loggedModel(&found[i], root)
		out.close()
	}
	out.endList()
	return nil
}

// modelOrder reads one order of logged models.
func (v *value) modelOrder(string) (o track.ModelOrder, err error) {
	field := v.str("field_name")
	if field == "" {
		return o, Errorf(InvalidParameter, "Invalid order by field name: ")
	}
	if entity, _, dotted := strings.Cut(field, "."); dotted && entity != "metrics" {
		return o, Errorf(InvalidParameter, "Invalid order by field name: %s. Only metrics are supported.", field)
	} else if dotted {
		o.Order = track.Order{Entity: track.Metrics, Key: strings.TrimPrefix(field, "metrics.")}
	} else if o.Order, err = track.LoggedModelLanguage().Order(field); err != nil {
		return o, err
	}
	if up := v.get("ascending"); up != nil {
		o.Descending = up.text == "false"
	}
	o.Dataset = track.DatasetKey{Name: v.str("dataset_name"), Digest: v.str("dataset_digest")}
	return o, nil
}

// modelToken reads a page token, which is bound to what it was given for, and
// returns how the next one is made.
func modelToken(in *request, p *page) (next func(offset int) string, err error) {
	part := func(name string) string {
		if v := in.get(name); v != nil {
			return v.json()
		}
		return "null"
	}
	names := []string{"experiment_ids", "filter", "order_by"}
	next = func(offset int) string {
		var e encoder
		e.open()
		for _, name := range names {
			e.str(name, part(name))
		}
		e.integer("offset", int64(offset))
		e.close()
		return base64.StdEncoding.EncodeToString(e.buf)
	}
	text := in.str("page_token")
	if text == "" {
		return next, nil
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, Errorf(InvalidParameter, "Invalid page token: %s", text)
	}
	v, err := parseJSON(data)
	offset, ok := v.get("offset").integer()
	if err != nil || !ok || offset < 0 || offset > 1<<40 {
		return nil, Errorf(InvalidParameter, "Invalid page token: %s", text)
	}
	p.offset = int(offset)
	for i, what := range [][2]string{{"Experiment IDs in the page token do", "experiment IDs"}, {"Filter string in the page token does", "filter string"}, {"Order by in the page token does", "order by"}} {
		if found := v.str(names[i]); found != part(names[i]) {
			return nil, Errorf(InvalidParameter, "%s not match the requested %s. Expected: %s. Found: %s", what[0], what[1], part(names[i]), found)
		}
	}
	return next, nil
}
