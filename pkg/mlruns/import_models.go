package mlruns

import (
	"context"
	"errors"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/track"
)

// loggedModels takes over the logged models of an experiment. It returns, by run,
// what was measured with them and is not here yet.
func (m *Importer) loggedModels(ctx context.Context, e, here track.Experiment) (map[string][]track.ModelMetric, error) {
	measured := map[string][]track.ModelMetric{}
	err := m.source.Models(ctx, e.ID, func(lm *Model) error {
		if from := originOf(lm.Tags); from != "" { // it was exported, from here perhaps
			home, err := m.target.Tracking.LoggedModel(ctx, from)
			if err == nil {
				m.places[placeKey(lm.Place)] = "mlflow-artifacts:/" + home.ExperimentID + "/models/" + from + "/artifacts"
				m.result.Models.Same++
			}
			if !errs.Is(err, errs.NotFound) {
				return err
			}
		}
		w := &modelWork{Model: lm}
		old, err := m.target.Tracking.LoggedModel(ctx, lm.ID)
		if err == nil {
			w.old = &old
			w.had, err = assetsOf(ctx, m.target.Tracking, lm.ID, "")
		} else if errs.Is(err, errs.NotFound) {
			err = nil
		}
		if err != nil {
			return err
		}
		files, err := m.files(ctx, "logged model "+lm.ID, lm.Place)
		if err != nil {
			return err
		}
		w.files = slices.DeleteFunc(files, w.has)
		m.places[placeKey(lm.Place)] = "mlflow-artifacts:/" + here.ID + "/models/" + lm.ID + "/artifacts"
		for _, p := range w.points() {
			measured[p.Run] = append(measured[p.Run], p)
		}
		same := w.same()
		switch {
		case same:
		case m.result.DryRun:
			m.counted(w.files)
		default:
			if err := m.loggedModel(ctx, w, here.ID); err != nil {
				if _, ok := errors.AsType[*track.ExistsError](err); ok {
					m.result.Models.Same++ // it was taken over, and deleted here since
					return nil
				}
				if ctx.Err() != nil || errs.Is(err, errs.Internal) {
					return err
				}
				m.problem("logged model "+lm.ID, err)
				return nil
			}
		}
		m.models[lm.ID] = true
		m.count(&m.result.Models, w.old != nil, same)
		return nil
	}, func(err error) { m.problem("experiment "+e.Name, err) })
	return measured, err
}

// modelWork is a logged model on its way.
type modelWork struct {
	*Model
	old   *track.LoggedModel // as it is here; nil: it is not
	had   []track.Asset      // its files here
	files []File             // those that it lacks
}

func (w *modelWork) has(f File) bool {
	return slices.ContainsFunc(w.had, func(a track.Asset) bool { return a.Path == f.Path && a.Size == f.Size })
}

// same reports whether all of a logged model is here.
func (w *modelWork) same() bool {
	return w.old != nil && w.old.Status == w.Status && len(w.files)+len(w.params())+len(w.tags()) == 0
}

// params are those that it does not have here.
func (w *modelWork) params() []track.Param {
	all := track.Batch{Params: w.Params}.Fit().Params
	if w.old == nil {
		return all
	}
	return newParams(w.old.Params, all)
}

// tags are those that it does not have here; others may have been changed here.
func (w *modelWork) tags() []track.Tag {
	all := track.Batch{Tags: w.Tags}.Fit().Tags
	if w.old == nil {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(t track.Tag) bool {
		return slices.ContainsFunc(w.old.Tags, func(had track.Tag) bool { return had.Key == t.Key })
	})
}

// points are those measured with it that are not here.
func (w *modelWork) points() []track.ModelMetric {
	type place struct {
		run, key        string
		timestamp, step int64
	}
	had := map[place]bool{}
	if w.old != nil {
		for _, p := range w.old.Metrics {
			had[place{p.Run, p.Key, p.Timestamp, p.Step}] = true
		}
	}
	var out []track.ModelMetric
	for _, p := range w.Metrics {
		if !had[place{p.Run, track.FitKey(p.Key), p.Timestamp, p.Step}] {
			p.Model = w.ID
			out = append(out, p)
		}
	}
	return out
}

// loggedModel writes one logged model: its files, then what says that it is whole.
func (m *Importer) loggedModel(ctx context.Context, w *modelWork, experiment string) error {
	t := m.target.Tracking
	assets, err := m.keep(ctx, [][]File{w.files})
	if err != nil {
		return err
	}
	params, tags := w.params(), w.tags()
	if w.old == nil {
		made := w.LoggedModel
		made.Params, made.Tags, made.Metrics = params, tags, nil
		made.ExperimentID, made.Experiment, made.Status = experiment, "", track.ModelPending
		if _, err := t.CreateLoggedModel(ctx, made); err != nil {
			return err
		}
		params, tags = nil, nil
	}
	if len(params) > 0 {
		if err := t.LogModelParams(ctx, w.ID, params); err != nil {
			return err
		}
	}
	if len(tags) > 0 {
		if err := t.SetLoggedModelTags(ctx, w.ID, tags); err != nil {
			return err
		}
	}
	if err := fault.At(ctx, "mlruns.model.made"); err != nil {
		return err
	}
	if len(assets[0]) > 0 {
		if err := t.PutArtifacts(ctx, track.Owner{Model: true, ID: w.ID}, assets[0]); err != nil {
			return err
		}
	}
	if w.Status == track.ModelPending || w.old != nil && w.old.Status == w.Status {
		return nil
	}
	return t.FinishLoggedModel(ctx, w.ID, w.Status, w.Message)
}

// assetsOf are all files of a logged model.
func assetsOf(ctx context.Context, tracking track.Store, id, dir string) ([]track.Asset, error) {
	list, err := tracking.ListArtifacts(ctx, track.Owner{Model: true, ID: id}, dir)
	if err != nil {
		return nil, err
	}
	var out []track.Asset
	for _, a := range list {
		if a.Kind != "dir" || !a.ID.IsZero() {
			out = append(out, a)
			continue
		}
		below, err := assetsOf(ctx, tracking, id, a.Path)
		if err != nil {
			return nil, err
		}
		out = append(out, below...)
	}
	return out, nil
}
