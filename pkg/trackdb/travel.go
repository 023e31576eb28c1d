package trackdb

import (
	"context"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Export is a finished run that may travel.
type Export struct {
	RunID   string
	Record  oid.ID        // the id of the bytes that Service.Record returns
	Objects []track.Asset // outputs, artifacts, models and stage logs, but those that are local
}

// Exports lists all finished runs that are not deleted, the oldest first. Only
// runs that changed since the last call are read whole.
func (s *Service) Exports(ctx context.Context) ([]Export, error) {
	if err := s.reap(ctx); err != nil {
		return nil, err
	}
	if err := s.identify(ctx); err != nil {
		return nil, err
	}
	var list []Export
	at := map[int64]int{}
	var e Export
	var seq int64
	var id oidColumn
	if err := db.Each(ctx, s.db, []any{&seq, &e.RunID, &id}, func() error {
		e.Record = oid.ID(id)
		at[seq] = len(list)
		list = append(list, e)
		return nil
	}, "SELECT seq, id, record FROM runs WHERE record IS NOT NULL AND deleted = 0 ORDER BY start_time, id"); err != nil {
		return nil, err
	}
	var a track.Asset
	err := db.Each(ctx, s.db, []any{&seq, &a.Path, &a.Role, &a.Kind, &id, &a.Size, &a.Files}, func() error {
		a.ID = oid.ID(id)
		if i, ok := at[seq]; ok {
			list[i].Objects = append(list[i].Objects, a)
		}
		return nil
	}, `SELECT run, path, role, kind, id, size, files FROM assets WHERE role <> 'input' AND local = 0
		UNION ALL SELECT run, name, 'log', 'file', log, 0, 1 FROM stages WHERE log IS NOT NULL
		UNION ALL SELECT r.seq, a.path, 'artifact', a.kind, a.id, a.size, a.files FROM runs r
			JOIN logged_models m ON m.run = r.id AND m.run <> '' AND m.deleted = 0 JOIN model_assets a ON a.model = m.seq`)
	return list, err
}

// identify gives every finished run the id of its record.
func (s *Service) identify(ctx context.Context) error {
	missing, err := column(ctx, s.db, "SELECT id FROM runs WHERE record IS NULL AND deleted = 0 AND status NOT IN ('RUNNING', 'SCHEDULED')")
	if err != nil || len(missing) == 0 {
		return err
	}
	return s.db.Update(ctx, func(tx *db.Tx) error {
		for _, id := range missing {
			data, err := s.record(ctx, tx, id)
			if err != nil {
				return err
			}
			sum := oid.Sum(data)
			if _, err := tx.ExecContext(ctx, "UPDATE runs SET record = ? WHERE id = ?", sum[:], id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Record returns the canonical bytes of a finished run.
func (s *Service) Record(ctx context.Context, runID string) (data []byte, err error) {
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		data, err = s.record(ctx, tx, runID)
		return err
	})
	return data, err
}

func (s *Service) record(ctx context.Context, q querier, id string) ([]byte, error) {
	seq, run, edited, err := wholeRun(ctx, q, id)
	if err != nil {
		return nil, err
	}
	if !run.Status.Over() {
		return nil, errs.New(errs.Conflict, "run %s is %s: only finished runs travel", id, run.Status)
	}
	r := track.Record{Run: run, Edited: edited}
	r.Run.Tags = []track.Tag{}
	var t track.Tag
	if err := db.Each(ctx, q, []any{&t.Key, &t.Value, &t.Time, &t.Removed}, func() error {
		r.Run.Tags = append(r.Run.Tags, t)
		return nil
	}, "SELECT key, value, time, deleted FROM tags WHERE run = ? ORDER BY key", seq); err != nil {
		return nil, err
	}
	for _, m := range run.Metrics {
		points, err := history(ctx, q, id, m.Key)
		if err != nil {
			return nil, err
		}
		c := track.Curve{Key: m.Key, Times: make([]int64, len(points)), Steps: make([]int64, len(points)), Values: make([]track.Value, len(points))}
		for i, p := range points {
			c.Times[i], c.Steps[i], c.Values[i] = p.timestamp, p.step, track.Value(p.value)
		}
		r.Points = append(r.Points, c)
	}
	if r.Corrections, err = corrections(ctx, q, seq); err != nil {
		return nil, err
	}
	if r.Models, err = s.modelRecords(ctx, q, id); err != nil {
		return nil, err
	}
	return r.Encode()
}

// modelRecords are the logged models that a run made, by id, with params and
// tags by key, so that two machines write the same bytes.
func (s *Service) modelRecords(ctx context.Context, q querier, run string) ([]track.ModelRecord, error) {
	models, err := s.models(ctx, q, " WHERE m.run = ? AND m.run <> '' AND m.deleted = 0 ORDER BY m.id", run)
	if err != nil || len(models) == 0 {
		return nil, err
	}
	records := make([]track.ModelRecord, len(models))
	for i, m := range models {
		slices.SortFunc(m.Params, func(a, b track.Param) int { return strings.Compare(a.Key, b.Key) })
		slices.SortFunc(m.Tags, func(a, b track.Tag) int { return strings.Compare(a.Key, b.Key) })
		records[i].LoggedModel = m
		a := track.Asset{Role: track.Artifact}
		var id oidColumn
		if err := db.Each(ctx, q, []any{&a.Path, &a.Kind, &id, &a.Size, &a.Files}, func() error {
			a.ID = oid.ID(id)
			records[i].Artifacts = append(records[i].Artifacts, a)
			return nil
		}, "SELECT path, kind, id, size, files FROM model_assets WHERE model = (SELECT seq FROM logged_models WHERE id = ?) ORDER BY path", m.ID); err != nil {
			return nil, err
		}
	}
	return records, nil
}
