package mlruns

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/mlops-cli/mlops/pkg/track"
)

// rest gives to the server what belongs to no run: experiments without any, logged
// models that none made, and the registered models.
func (x *Exporter) rest(ctx context.Context, dry bool) error {
	experiments, err := x.origin.Tracking.Experiments(ctx)
	if err != nil {
		return err
	}
	for _, e := range experiments {
		there, err := x.experiment(ctx, e.Name, dry)
		if err != nil {
			return err
		}
		models, err := x.origin.Tracking.LoggedModels(ctx, track.ModelQuery{Experiments: []string{e.ID}})
		if err != nil {
			return err
		}
		for _, m := range models {
			if m.Run != "" {
				continue // it went with its run
			}
			if dry {
				err = x.countModel(ctx, m.ID, there)
			} else {
				_, _, err = x.loggedModel(ctx, &m, "", there)
			}
			if isOld(err) {
				x.problem("logged model "+m.Name, errOld)
				continue
			}
			if err != nil {
				return err
			}
		}
	}
	return x.registered(ctx, dry)
}

var errOld = errors.New("the server is of before MLflow 3 and keeps no logged models")

// countModels counts the logged models of a run that would go to the server.
func (x *Exporter) countModels(ctx context.Context, r *track.Run, experiment string) error {
	for _, o := range r.ModelOutputs {
		if err := x.countModel(ctx, o.Model, experiment); err != nil && !isOld(err) {
			return err
		}
	}
	return nil
}

func (x *Exporter) countModel(ctx context.Context, id, experiment string) error {
	known := false
	if experiment != "" {
		var err error
		if _, known, err = x.findModel(ctx, id, experiment); err != nil {
			return err
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	countOne(&x.result.Models, known, known)
	return nil
}

// loggedModels gives the logged models that a run made to a server that knows such.
func (x *Exporter) loggedModels(ctx context.Context, r *track.Run, there wireRun, experiment string) (whole bool, err error) {
	var outputs []wireModelID
	whole = true
	for _, o := range r.ModelOutputs {
		m, err := x.origin.Tracking.LoggedModel(ctx, o.Model)
		if err != nil {
			x.problem("logged model "+o.Model, err)
			continue
		}
		made, all, err := x.loggedModel(ctx, &m, there.Info.ID, experiment)
		if isOld(err) {
			x.problem("logged model "+m.Name, errOld)
			continue
		}
		if err != nil {
			return false, err
		}
		whole = whole && all
		if !slices.ContainsFunc(there.Outputs.Models, func(had wireModelID) bool { return had.Model == made.Info.ID }) {
			outputs = append(outputs, wireModelID{made.Info.ID, wireInt(o.Step)})
		}
	}
	if len(outputs) == 0 {
		return whole, nil
	}
	return whole, x.call(ctx, http.MethodPost, "runs/outputs", nil, map[string]any{"run_id": there.Info.ID, "models": outputs}, nil)
}

// loggedModel gives one to the server. It is finished there when all of its files
// are.
func (x *Exporter) loggedModel(ctx context.Context, m *track.LoggedModel, run, experiment string) (_ wireModel, whole bool, err error) {
	var made struct {
		Model wireModel `json:"model"`
	}
	found, known, err := x.findModel(ctx, m.ID, experiment)
	if err != nil {
		return wireModel{}, false, err
	}
	made.Model = found
	same := known && modelStatusOf(made.Model.Info.Status) == m.Status
	x.mu.Lock()
	countOne(&x.result.Models, known, same)
	x.models[m.ID] = made.Model
	x.mu.Unlock()
	if same {
		return made.Model, true, nil
	}
	if !known {
		params := []wirePair{}
		for _, p := range m.Params {
			params = append(params, wirePair{p.Key, p.Value})
		}
		tags := slices.DeleteFunc(pairsOf(m.Tags), func(t wirePair) bool { return t.Key == "mlflow.modelVersions" }) // the server writes it
		if err := x.call(ctx, http.MethodPost, "logged-models", nil, map[string]any{
			"experiment_id": experiment, "name": m.Name, "model_type": m.Type, "source_run_id": run, "params": params[:min(len(params), 100)],
			"tags": append(tags, wirePair{originTag, m.ID}),
		}, &made); err != nil {
			return wireModel{}, false, err
		}
		x.mu.Lock()
		x.models[m.ID] = made.Model
		x.mu.Unlock()
	}
	id := made.Model.Info.ID
	if run != "" {
		if err := x.measured(ctx, m, run, id); err != nil {
			return made.Model, false, err
		}
	}
	files, err := assetsOf(ctx, x.origin.Tracking, m.ID, "")
	if err != nil {
		return made.Model, false, err
	}
	whole, err = x.send(ctx, "logged model "+m.Name, made.Model.Info.Files, files)
	if err != nil || !whole || m.Status == track.ModelPending {
		return made.Model, whole, err
	}
	return made.Model, true, x.call(ctx, http.MethodPatch, "logged-models/"+url.PathEscape(id), nil, map[string]any{"model_id": id, "status": m.Status}, nil)
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
