package mlruns

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/track"
)

// loggedModels gives the logged models that a run made to a server that knows such.
func (x *Exporter) loggedModels(ctx context.Context, r *track.Run, there wireRun, experiment string) error {
	var outputs []wireModelID
	for _, o := range r.ModelOutputs {
		m, err := x.origin.Tracking.LoggedModel(ctx, o.Model)
		if err != nil {
			x.problem("logged model "+o.Model, err)
			continue
		}
		made, err := x.loggedModel(ctx, &m, there.Info.ID, experiment)
		if isOld(err) {
			x.problem("logged model "+m.Name, fmt.Errorf("the server is of before MLflow 3 and keeps no logged models"))
			continue
		}
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(there.Outputs.Models, func(had wireModelID) bool { return had.Model == made.Info.ID }) {
			outputs = append(outputs, wireModelID{made.Info.ID, wireInt(o.Step)})
		}
	}
	if len(outputs) == 0 {
		return nil
	}
	return x.call(ctx, http.MethodPost, "runs/outputs", nil, map[string]any{"run_id": there.Info.ID, "models": outputs}, nil)
}

func (x *Exporter) loggedModel(ctx context.Context, m *track.LoggedModel, run, experiment string) (wireModel, error) {
	var made struct {
		Model wireModel `json:"model"`
	}
	found, known, err := x.findModel(ctx, m.ID, experiment)
	if err != nil {
		return wireModel{}, err
	}
	made.Model = found
	whole := known && modelStatusOf(made.Model.Info.Status) == m.Status
	x.mu.Lock()
	countOne(&x.result.Models, known, whole)
	x.models[m.ID] = made.Model
	x.mu.Unlock()
	if whole {
		return made.Model, nil
	}
	if !known {
		params := []wirePair{}
		for _, p := range m.Params {
			params = append(params, wirePair{p.Key, p.Value})
		}
		if err := x.call(ctx, http.MethodPost, "logged-models", nil, map[string]any{
			"experiment_id": experiment, "name": m.Name, "model_type": m.Type, "source_run_id": run, "params": params[:min(len(params), 100)],
			"tags": append(pairsOf(m.Tags), wirePair{originTag, m.ID}),
		}, &made); err != nil {
			return wireModel{}, err
		}
		x.mu.Lock()
		x.models[m.ID] = made.Model
		x.mu.Unlock()
	}
	id := made.Model.Info.ID
	if err := x.measured(ctx, m, run, id); err != nil {
		return made.Model, err
	}
	files, err := assetsOf(ctx, x.origin.Tracking, m.ID, "")
	if err != nil {
		return made.Model, err
	}
	if err := x.send(ctx, "logged model "+m.Name, made.Model.Info.Files, files); err != nil {
		return made.Model, err
	}
	if m.Status == track.ModelPending {
		return made.Model, nil
	}
	return made.Model, x.call(ctx, http.MethodPatch, "logged-models/"+url.PathEscape(id), nil, map[string]any{"model_id": id, "status": m.Status}, nil)
}

// measured sends what the run that made a model measured with it.
func (x *Exporter) measured(ctx context.Context, m *track.LoggedModel, run, id string) error {
	var metrics []wireMetric
	for _, p := range m.Metrics {
		if p.Run == m.Run {
			metrics = append(metrics, wireMetric{
				Key: p.Key, Value: wireFloat(p.Value), Timestamp: wireInt(p.Timestamp), Step: wireInt(p.Step), Model: id, Dataset: p.Dataset, Digest: p.Digest,
			})
		}
	}
	for part := range slices.Chunk(metrics, track.MaxBatchMetrics) {
		if err := x.call(ctx, http.MethodPost, "runs/log-batch", nil, map[string]any{"run_id": run, "metrics": part}, nil); err != nil {
			return err
		}
	}
	return nil
}

// registered gives the registered models to the server: versions whose files came
// from runs that are there.
func (x *Exporter) registered(ctx context.Context, dry bool) error {
	models, err := x.origin.Registry.Models(ctx, registry.Query{})
	if err != nil {
		return err
	}
	for _, m := range models {
		versions, err := x.origin.Registry.Versions(ctx, registry.Query{Filter: track.Filter{{Entity: track.Attributes, Key: "name", Op: track.Equal, Text: m.Name}}})
		if err != nil {
			return err
		}
		if err := x.registeredModel(ctx, m, versions, dry); err != nil {
			return fmt.Errorf("registered model %s: %w", m.Name, err)
		}
	}
	return nil
}

func (x *Exporter) registeredModel(ctx context.Context, m registry.Model, versions []registry.Version, dry bool) error {
	var page struct {
		Versions []wireVersion `json:"model_versions"`
	}
	err := x.call(ctx, http.MethodGet, "model-versions/search", url.Values{"filter": {"name = '" + strings.ReplaceAll(m.Name, "'", "''") + "'"}, "max_results": {"10000"}}, nil, &page)
	if err != nil {
		return err
	}
	if !dry {
		err := x.call(ctx, http.MethodPost, "registered-models/create", nil, map[string]any{"name": m.Name, "description": m.Description, "tags": registryPairs(m.Tags)}, nil)
		if err != nil && !isTaken(err) {
			return err
		}
	}
	numbers := map[int]string{}
	slices.Reverse(versions) // the lowest number first
	for _, v := range versions {
		source, run, model, err := x.sourceThere(ctx, v)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(page.Versions, func(w wireVersion) bool {
			return slices.Contains(w.Tags, wirePair{originTag, v.ID}) || w.Run == run && int64(w.Created) == v.Created // it came from there
		}); i >= 0 {
			numbers[v.Number] = strconv.FormatInt(int64(page.Versions[i].Version), 10)
			x.result.Versions.Same++
			continue
		}
		if dry && x.chosen[v.RunID] && source == "" {
			x.result.Versions.New++ // its run will be there
			continue
		}
		if source == "" {
			x.problem(fmt.Sprintf("version %d of %s", v.Number, m.Name), fmt.Errorf("its files belong to no run that is on the server"))
			continue
		}
		x.result.Versions.New++
		if dry {
			continue
		}
		var made struct {
			Version wireVersion `json:"model_version"`
		}
		body := map[string]any{
			"name": m.Name, "source": source, "run_id": run, "description": v.Description, "tags": append(registryPairs(v.Tags), wirePair{originTag, v.ID}),
		}
		if model != "" {
			body["model_id"] = model
		}
		if err := x.call(ctx, http.MethodPost, "model-versions/create", nil, body, &made); err != nil {
			return err
		}
		number := strconv.FormatInt(int64(made.Version.Version), 10)
		numbers[v.Number] = number
		if v.Stage != registry.NoStage && v.Stage != "" {
			if err := x.call(ctx, http.MethodPost, "model-versions/transition-stage", nil, map[string]any{
				"name": m.Name, "version": number, "stage": v.Stage, "archive_existing_versions": false,
			}, nil); err != nil {
				return err
			}
		}
	}
	if dry {
		return nil
	}
	for _, a := range m.Aliases {
		if number := numbers[a.Version]; number != "" {
			if err := x.call(ctx, http.MethodPost, "registered-models/alias", nil, map[string]any{"name": m.Name, "alias": a.Name, "version": number}, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func registryPairs(tags []registry.Tag) []wirePair {
	out := make([]wirePair, 0, len(tags))
	for _, t := range tags {
		out = append(out, wirePair{t.Key, t.Value})
	}
	return out
}

// sourceThere is where the files of a version are on the server, with the run and
// the logged model that they belong to there.
func (x *Exporter) sourceThere(ctx context.Context, v registry.Version) (source, run, model string, err error) {
	there, ok := x.runs[v.RunID]
	if ok {
		run = there.Info.ID
	}
	if v.LoggedModel != "" {
		id, err := x.modelThere(ctx, v.LoggedModel, there.Info.Experiment)
		if err != nil || id != "" {
			return "models:/" + id, run, id, err
		}
	}
	if !ok {
		return "", "", "", nil
	}
	for _, uri := range []string{v.Storage, v.Source} {
		if _, below, found := strings.Cut(uri, "/"+v.RunID+"/artifacts"); found {
			return trimSlash(there.Info.Files) + below, run, "", nil
		}
		if below, found := strings.CutPrefix(uri, "runs:/"+v.RunID); found {
			return trimSlash(there.Info.Files) + below, run, "", nil
		}
	}
	if v.Details.Path != "" {
		return trimSlash(there.Info.Files) + "/" + v.Details.Path, run, "", nil
	}
	return "", run, "", nil
}

// modelThere is the id of a logged model on the server, "" when it is not there.
func (x *Exporter) modelThere(ctx context.Context, id, experiment string) (string, error) {
	if m, known := x.models[id]; known {
		return m.Info.ID, nil
	}
	var got struct {
		Model wireModel `json:"model"`
	}
	err := x.call(ctx, http.MethodGet, "logged-models/"+url.PathEscape(id), nil, nil, &got)
	if err == nil || !isMissing(err) {
		return got.Model.Info.ID, err
	}
	if experiment == "" || isOld(err) {
		return "", nil
	}
	m, _, err := x.findModel(ctx, id, experiment)
	return m.Info.ID, err
}

// findModel looks for a logged model by the tag that names its origin.
func (x *Exporter) findModel(ctx context.Context, id, experiment string) (wireModel, bool, error) {
	var page struct {
		Models []wireModel `json:"models"`
	}
	err := x.call(ctx, http.MethodPost, "logged-models/search", nil, map[string]any{
		"experiment_ids": []string{experiment}, "filter": "tags.`" + originTag + "` = '" + id + "'", "max_results": 1,
	}, &page)
	if err != nil || len(page.Models) == 0 {
		return wireModel{}, false, err
	}
	return page.Models[0], true, nil
}
