package trackdb

import (
	"context"
	"database/sql"
	"errors"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

// modelRow is what writes need to know of a logged model.
type modelRow struct {
	seq int64
	run string
}

// openModel finds the logged model that a write is about.
func openModel(ctx context.Context, tx *db.Tx, id string) (modelRow, error) {
	var m modelRow
	err := tx.QueryRowContext(ctx, "SELECT seq, run FROM logged_models WHERE id = ? AND deleted = 0"+tx.Dialect().ForUpdate(), id).Scan(&m.seq, &m.run)
	if errors.Is(err, sql.ErrNoRows) {
		return m, noModel(id)
	}
	return m, err
}

func noModel(id string) error {
	return errs.New(errs.NotFound, "%w", &track.MissingError{What: track.OfLoggedModel, ID: id})
}

// modelChanged marks a model, and the run it travels with, as changed.
func (s *Service) modelChanged(ctx context.Context, tx *db.Tx, m modelRow) error {
	if _, err := tx.ExecContext(ctx, "UPDATE logged_models SET updated = ? WHERE seq = ?", s.now(), m.seq); err != nil {
		return err
	}
	if m.run == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, "UPDATE runs SET record = NULL WHERE id = ? AND record IS NOT NULL", m.run)
	return err
}

// changeModel changes a model that is not deleted.
func (s *Service) changeModel(ctx context.Context, id string, change func(tx *db.Tx, seq int64) error) error {
	return s.db.Update(ctx, func(tx *db.Tx) error {
		m, err := openModel(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := change(tx, m.seq); err != nil {
			return err
		}
		return s.modelChanged(ctx, tx, m)
	})
}

// CreateLoggedModel implements track.ModelRecorder.
func (s *Service) CreateLoggedModel(ctx context.Context, m track.LoggedModel) (track.LoggedModel, error) {
	if m.ID == "" {
		m.ID = track.NewModelID()
	}
	if !track.IsModelID(m.ID) {
		return m, errs.New(errs.Usage, "%q is no id of a logged model", m.ID)
	}
	if m.Status == "" {
		m.Status = track.ModelPending
	}
	if m.Created == 0 {
		m.Created = s.now()
	}
	m.Updated = max(m.Updated, m.Created)
	if err := (track.Batch{Params: m.Params, Tags: m.Tags}).Check(); err != nil {
		return m, err
	}
	err := s.db.Update(ctx, func(tx *db.Tx) error {
		e, err := activeExperiment(ctx, tx, m.ExperimentID)
		if err != nil {
			return err
		}
		seq, err := insertModel(ctx, tx, e.id, m)
		if err != nil {
			return err
		}
		if seq == 0 {
			return errs.New(errs.Conflict, "%w", &track.ExistsError{What: track.OfLoggedModel, Name: m.ID})
		}
		if err := s.logModel(ctx, tx, seq, m); err != nil {
			return err
		}
		if err := s.modelChanged(ctx, tx, modelRow{seq, m.Run}); err != nil {
			return err
		}
		return s.event(ctx, tx, "loggedmodel.created", m.ID, map[string]any{"name": m.Name, "run": m.Run})
	})
	if err != nil {
		return m, err
	}
	return s.LoggedModel(ctx, m.ID)
}

// insertModel stores a model without what belongs to it; 0 when its id is taken.
func insertModel(ctx context.Context, tx *db.Tx, experiment int64, m track.LoggedModel) (seq int64, err error) {
	err = tx.QueryRowContext(ctx, `INSERT INTO logged_models (id, experiment, name, type, run, status, message, created, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING seq`,
		m.ID, experiment, m.Name, m.Type, m.Run, m.Status, m.Message, m.Created, m.Updated).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return seq, err
}

// logModel adds params and tags to a model.
func (s *Service) logModel(ctx context.Context, tx *db.Tx, seq int64, m track.LoggedModel) error {
	if err := s.logModelParams(ctx, tx, seq, m.ID, m.Params); err != nil {
		return err
	}
	return s.setModelTags(ctx, tx, seq, m.Tags)
}

func (s *Service) logModelParams(ctx context.Context, tx *db.Tx, seq int64, id string, params []track.Param) error {
	position := s.position()
	added, err := insert(ctx, tx, "INSERT INTO model_params (model, key, value, position)", "ON CONFLICT (model, key) DO NOTHING", 4, params,
		func(p track.Param) []any { position++; return []any{seq, p.Key, p.Value, position} })
	if err != nil || added == int64(len(params)) {
		return err
	}
	for _, p := range params {
		var old string
		if err := tx.QueryRowContext(ctx, "SELECT value FROM model_params WHERE model = ? AND key = ?", seq, p.Key).Scan(&old); err != nil {
			return err
		}
		if old != p.Value {
			return errs.New(errs.Conflict, "%w", &track.ParamError{What: track.OfLoggedModel, ID: id, Key: p.Key, Old: old, New: p.Value})
		}
	}
	return nil
}

func (s *Service) setModelTags(ctx context.Context, tx *db.Tx, seq int64, tags []track.Tag) error {
	position := s.position()
	_, err := insert(ctx, tx, "INSERT INTO model_tags (model, key, value, position)", "ON CONFLICT (model, key) DO UPDATE SET value = excluded.value", 4,
		lastByKey(tags), func(t track.Tag) []any { position++; return []any{seq, t.Key, t.Value, position} })
	return err
}

// logModelMetrics stores the points that a run measured with logged models.
func (s *Service) logModelMetrics(ctx context.Context, tx *db.Tx, run string, metrics []track.Metric) error {
	byModel := map[string][]track.Metric{}
	var models []string
	for _, m := range metrics {
		if m.Model == "" {
			continue
		}
		if byModel[m.Model] == nil {
			models = append(models, m.Model)
		}
		byModel[m.Model] = append(byModel[m.Model], m)
	}
	for _, id := range models {
		m, err := openModel(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := insertModelMetrics(ctx, tx, m.seq, run, byModel[id]); err != nil {
			return err
		}
		if err := s.modelChanged(ctx, tx, m); err != nil {
			return err
		}
	}
	return nil
}

func insertModelMetrics(ctx context.Context, tx *db.Tx, seq int64, run string, metrics []track.Metric) error {
	_, err := insert(ctx, tx, "INSERT INTO model_metrics (model, key, timestamp, step, run, value, dataset, digest)",
		"ON CONFLICT (model, key, timestamp, step, run) DO NOTHING", 8, metrics, func(p track.Metric) []any {
			step := p.Step
			if step == track.NextStep {
				step = 0
			}
			return []any{seq, p.Key, p.Timestamp, step, run, number(p.Value), p.Dataset, p.Digest}
		})
	return err
}

// FinishLoggedModel implements track.ModelRecorder.
func (s *Service) FinishLoggedModel(ctx context.Context, id string, status track.ModelStatus, message string) error {
	return s.changeModel(ctx, id, func(tx *db.Tx, seq int64) error {
		if _, err := tx.ExecContext(ctx, "UPDATE logged_models SET status = ?, message = ? WHERE seq = ?", status, message, seq); err != nil {
			return err
		}
		return s.event(ctx, tx, "loggedmodel.finished", id, map[string]any{"status": status})
	})
}

// DeleteLoggedModel implements track.ModelRecorder.
func (s *Service) DeleteLoggedModel(ctx context.Context, id string) error {
	return s.changeModel(ctx, id, func(tx *db.Tx, seq int64) error {
		if _, err := tx.ExecContext(ctx, "UPDATE logged_models SET deleted = ? WHERE seq = ?", s.now(), seq); err != nil {
			return err
		}
		return s.event(ctx, tx, "loggedmodel.deleted", id, nil)
	})
}

// forgetModels removes for good the models that were deleted at that time (ms)
// or before, and the experiments of which nothing is left.
func forgetModels(ctx context.Context, tx *db.Tx, before int64) error {
	for _, text := range []string{
		`DELETE FROM logged_models WHERE deleted BETWEEN 1 AND ?1
			OR experiment IN (SELECT id FROM experiments WHERE deleted BETWEEN 1 AND ?1)`,
		`DELETE FROM experiments WHERE deleted BETWEEN 1 AND ?1 AND id <> 0
			AND NOT EXISTS (SELECT 1 FROM runs WHERE experiment = experiments.id)`,
	} {
		if _, err := tx.ExecContext(ctx, text, before); err != nil {
			return err
		}
	}
	return nil
}

// SetLoggedModelTags implements track.ModelRecorder.
func (s *Service) SetLoggedModelTags(ctx context.Context, id string, tags []track.Tag) error {
	if err := (track.Batch{Tags: tags}).Check(); err != nil {
		return err
	}
	return s.changeModel(ctx, id, func(tx *db.Tx, seq int64) error { return s.setModelTags(ctx, tx, seq, tags) })
}

// DeleteLoggedModelTag implements track.ModelRecorder.
func (s *Service) DeleteLoggedModelTag(ctx context.Context, id, key string) error {
	return s.changeModel(ctx, id, func(tx *db.Tx, seq int64) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM model_tags WHERE model = ? AND key = ?", seq, key)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return errs.New(errs.NotFound, "%w", &track.MissingError{What: track.OfLoggedModel, ID: id, Tag: key})
	})
}

// LogModelParams implements track.ModelRecorder.
func (s *Service) LogModelParams(ctx context.Context, id string, params []track.Param) error {
	if err := (track.Batch{Params: params}).Check(); err != nil {
		return err
	}
	return s.changeModel(ctx, id, func(tx *db.Tx, seq int64) error { return s.logModelParams(ctx, tx, seq, id, params) })
}
