package trackdb

import (
	"context"
	"errors"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Import takes in records of runs, all or none, and says how many runs were
// not known. A run that is known gets the later of its two names, notes and
// values of each tag; of a script also the params, points, artifacts, datasets
// and models that either copy has, and status and times of the copy that was
// edited last. A run that was deleted or forgotten here stays so.
func (s *Service) Import(ctx context.Context, records ...[]byte) (added int, err error) {
	decoded := make([]track.Record, len(records))
	for i, data := range records {
		if decoded[i], err = track.DecodeRecord(data); err != nil {
			return 0, err
		}
	}
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		added = 0
		for _, r := range decoded {
			fresh, err := s.importRun(ctx, tx, r)
			if err != nil {
				return err
			}
			if fresh {
				added++
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return added, nil
}

func (s *Service) importRun(ctx context.Context, tx *db.Tx, r track.Record) (fresh bool, err error) {
	run := r.Run
	if gone, err := column(ctx, tx, "SELECT id FROM forgotten WHERE id = ?", run.ID); err != nil || len(gone) > 0 {
		return false, err
	}
	known, err := s.open(ctx, tx, run.ID)
	switch {
	case err == nil && !known.status.Over() && known.kind != track.Script:
		return false, errs.New(errs.Conflict, "run %s is %s here and cannot be imported", run.ID, known.status)
	case err == nil:
		return false, s.mergeRun(ctx, tx, known, r)
	case !errs.Is(err, errs.NotFound):
		return false, err
	}
	experiment, deleted, err := s.binned(ctx, tx, run.Experiment)
	if err != nil {
		return false, err
	}
	at, err := s.insertRun(ctx, tx, &run, experiment)
	if err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE runs SET edited = ?, deleted = ? WHERE seq = ?", r.Edited, deleted, at.seq); err != nil {
		return false, err
	}
	batch := batchOf(run)
	batch.Tags, batch.Metrics = nil, metricsIn(r)
	if err := s.logBatch(ctx, tx, at, run.ID, batch); err != nil {
		return false, err
	}
	if err := mergeTags(ctx, tx, at.seq, run.Tags); err != nil {
		return false, err
	}
	for _, c := range r.Corrections {
		if err := noteCorrection(ctx, tx, at.seq, c); err != nil {
			return false, err
		}
	}
	if err := s.mergeModels(ctx, tx, at, r.Models); err != nil {
		return false, err
	}
	return true, s.event(ctx, tx, track.RunImported, run.ID, nil)
}

// binned returns an experiment, made when missing, and since when it is in the
// bin, 0 when it is not: a run of one that is goes there, too.
func (s *Service) binned(ctx context.Context, tx *db.Tx, name string) (id, deleted int64, err error) {
	id, gone, err := experimentNamed(ctx, tx, name)
	switch {
	case err != nil:
	case id < 0:
		id, err = s.insertExperiment(ctx, tx, track.Experiment{Name: name})
	case gone:
		err = tx.QueryRowContext(ctx, "SELECT deleted FROM experiments WHERE id = ?", id).Scan(&deleted)
	}
	return id, deleted, err
}

func metricsIn(r track.Record) []track.Metric {
	var list []track.Metric
	for _, c := range r.Points {
		for i := range c.Times {
			list = append(list, track.Metric{Key: c.Key, Timestamp: c.Times[i], Step: c.Steps[i], Value: float64(c.Values[i])})
		}
	}
	return list
}

// mergeRun brings a run up to date with another copy. What copies disagree on is
// decided by when they were edited, then by what is larger, so that all copies
// agree in the end.
func (s *Service) mergeRun(ctx context.Context, tx *db.Tx, known row, r track.Record) error {
	run := r.Run
	set, key, args := "name = ?1, note = ?2, edited = ?3", "(edited, name, note) < (?3, ?1, ?2)", []any{run.Name, run.Note, r.Edited, known.seq}
	if known.kind == track.Script {
		set += ", status = ?5, start_time = ?6, end_time = ?7, host = '', pid = 0, proc_start = ''"
		key = "(edited, name, note, status, start_time, end_time) < (?3, ?1, ?2, ?5, ?6, ?7)"
		args = append(args, run.Status, run.StartTime, run.EndTime)
	}
	res, err := tx.ExecContext(ctx, "UPDATE runs SET "+set+" WHERE seq = ?4 AND "+key, args...)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if err := mergeTags(ctx, tx, known.seq, run.Tags); err != nil {
		return err
	}
	if known.kind == track.Script {
		if r, err = s.mergeCorrections(ctx, tx, known, r); err != nil {
			return err
		}
		if err := s.mergeScript(ctx, tx, known, r, n > 0); err != nil {
			return err
		}
	}
	return errors.Join(s.mergeModels(ctx, tx, known, r.Models), touched(ctx, tx, known.seq))
}

// mergeScript adds what the other copy of a script has; where both have a param
// or an artifact, that of the later copy stays.
func (s *Service) mergeScript(ctx context.Context, tx *db.Tx, known row, r track.Record, later bool) error {
	tail := "ON CONFLICT (run, key) DO NOTHING"
	if later {
		tail = "ON CONFLICT (run, key) DO UPDATE SET value = excluded.value"
	}
	position := s.position()
	if _, err := insert(ctx, tx, "INSERT INTO params (run, key, value, position)", tail, 4, r.Run.Params,
		func(p track.Param) []any { position++; return []any{known.seq, p.Key, p.Value, position} }); err != nil {
		return err
	}
	if err := logMetrics(ctx, tx, known.seq, metricsIn(r)); err != nil {
		return err
	}
	assets := r.Run.Assets
	if !later {
		have := map[int64]*track.Run{known.seq: {}}
		if err := fillAssets(ctx, tx, have); err != nil {
			return err
		}
		type name struct {
			track.Role
			path string
		}
		there := map[name]bool{}
		for _, a := range have[known.seq].Assets {
			there[name{a.Role, a.Path}] = true
		}
		assets = nil
		for _, a := range r.Run.Assets {
			if !there[name{a.Role, a.Path}] {
				assets = append(assets, a)
			}
		}
	}
	if err := logAssets(ctx, tx, known.seq, assets); err != nil {
		return err
	}
	return s.logInputs(ctx, tx, known, track.Batch{Datasets: r.Run.Datasets, ModelInputs: r.Run.ModelInputs, ModelOutputs: r.Run.ModelOutputs})
}

// mergeModels takes in the logged models of a run. One that is known gets what
// the other copy has and it has not; the later copy decides about the rest.
func (s *Service) mergeModels(ctx context.Context, tx *db.Tx, of row, models []track.ModelRecord) error {
	for _, m := range models {
		seq, err := insertModel(ctx, tx, of.experiment, m.LoggedModel)
		if err != nil {
			return err
		}
		later := seq != 0
		if !later {
			var deleted, updated int64
			if err := tx.QueryRowContext(ctx, "SELECT seq, deleted, updated FROM logged_models WHERE id = ?", m.ID).Scan(&seq, &deleted, &updated); err != nil {
				return err
			}
			if deleted > 0 {
				continue
			}
			if later = updated < m.Updated; later {
				if _, err := tx.ExecContext(ctx, "UPDATE logged_models SET name = ?, type = ?, status = ?, message = ?, updated = ? WHERE seq = ?",
					m.Name, m.Type, m.Status, m.Message, m.Updated, seq); err != nil {
					return err
				}
			}
		}
		if err := s.mergeModel(ctx, tx, seq, m, later); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) mergeModel(ctx context.Context, tx *db.Tx, seq int64, m track.ModelRecord, later bool) error {
	wins := func(conflict, set string) string {
		if later {
			return "ON CONFLICT " + conflict + " DO UPDATE SET " + set
		}
		return "ON CONFLICT " + conflict + " DO NOTHING"
	}
	position := s.position()
	if _, err := insert(ctx, tx, "INSERT INTO model_params (model, key, value, position)", wins("(model, key)", "value = excluded.value"), 4,
		m.Params, func(p track.Param) []any { position++; return []any{seq, p.Key, p.Value, position} }); err != nil {
		return err
	}
	if _, err := insert(ctx, tx, "INSERT INTO model_tags (model, key, value, position)", wins("(model, key)", "value = excluded.value"), 4,
		lastByKey(m.Tags), func(t track.Tag) []any { position++; return []any{seq, t.Key, t.Value, position} }); err != nil {
		return err
	}
	for _, p := range m.Metrics {
		if err := insertModelMetrics(ctx, tx, seq, p.Run, []track.Metric{p.Metric}); err != nil {
			return err
		}
	}
	_, err := insert(ctx, tx, "INSERT INTO model_assets (model, path, kind, id, size, files)",
		wins("(model, path)", "kind = excluded.kind, id = excluded.id, size = excluded.size, files = excluded.files"), 6,
		m.Artifacts, func(a track.Asset) []any { return []any{seq, a.Path, a.Kind, a.ID[:], a.Size, a.Files} })
	return err
}

// mergeTags keeps the later of two tags; of two at the same time the larger,
// so that all copies agree.
func mergeTags(ctx context.Context, tx *db.Tx, seq int64, tags []track.Tag) error {
	_, err := insert(ctx, tx, "INSERT INTO tags (run, key, value, time, deleted)",
		`ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, time = excluded.time, deleted = excluded.deleted
		WHERE (excluded.time, excluded.deleted, excluded.value) > (tags.time, tags.deleted, tags.value)`, 5, tags,
		func(t track.Tag) []any { return []any{seq, t.Key, t.Value, t.Time, t.Removed} })
	return err
}
