package trackdb

import (
	"context"
	"database/sql"
	"errors"

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
	if err := each(ctx, s.db, []any{&seq, &e.RunID, &id}, func() error {
		e.Record = oid.ID(id)
		at[seq] = len(list)
		list = append(list, e)
		return nil
	}, "SELECT seq, id, record FROM runs WHERE record IS NOT NULL AND deleted = 0 ORDER BY start_time, id"); err != nil {
		return nil, err
	}
	var a track.Asset
	err := each(ctx, s.db, []any{&seq, &a.Path, &a.Role, &a.Kind, &id, &a.Size, &a.Files}, func() error {
		a.ID = oid.ID(id)
		if i, ok := at[seq]; ok {
			list[i].Objects = append(list[i].Objects, a)
		}
		return nil
	}, `SELECT run, path, role, kind, id, size, files FROM assets WHERE role <> 'input' AND local = 0
		UNION ALL SELECT run, name, 'log', 'file', log, 0, 1 FROM stages WHERE log IS NOT NULL`)
	return list, err
}

// identify gives every finished run the id of its record.
func (s *Service) identify(ctx context.Context) error {
	missing, err := column(ctx, s.db, "SELECT id FROM runs WHERE record IS NULL AND deleted = 0 AND status NOT IN ('RUNNING', 'SCHEDULED')")
	if err != nil || len(missing) == 0 {
		return err
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		for _, id := range missing {
			data, err := record(ctx, tx, id)
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
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		data, err = record(ctx, tx, runID)
		return err
	})
	return data, err
}

func record(ctx context.Context, q querier, id string) ([]byte, error) {
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
	if err := each(ctx, q, []any{&t.Key, &t.Value, &t.Time, &t.Removed}, func() error {
		r.Run.Tags = append(r.Run.Tags, t)
		return nil
	}, "SELECT key, value, time, deleted FROM tags WHERE run = ? ORDER BY key", seq); err != nil {
		return nil, err
	}
	var key string
	var timestamp, step int64
	var value valueColumn
	if err := each(ctx, q, []any{&key, &timestamp, &step, &value}, func() error {
		if n := len(r.Points); n == 0 || r.Points[n-1].Key != key {
			r.Points = append(r.Points, track.Curve{Key: key})
		}
		c := &r.Points[len(r.Points)-1]
		c.Times, c.Steps, c.Values = append(c.Times, timestamp), append(c.Steps, step), append(c.Values, track.Value(value))
		return nil
	}, `SELECT s.key, p.timestamp, p.step, p.value FROM series s JOIN points p ON p.series = s.id
		WHERE s.run = ? ORDER BY s.key, p.timestamp, p.step, p.value`, seq); err != nil {
		return nil, err
	}
	return r.Encode()
}

// Import takes in records of runs, all or none, and says how many runs were
// not known. A run that is known gets the later of its two names, notes and
// values of each tag; a run that was deleted or forgotten here stays so.
func (s *Service) Import(ctx context.Context, records ...[]byte) (added int, err error) {
	decoded := make([]track.Record, len(records))
	for i, data := range records {
		if decoded[i], err = track.DecodeRecord(data); err != nil {
			return 0, err
		}
	}
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
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

func (s *Service) importRun(ctx context.Context, tx *sql.Tx, r track.Record) (fresh bool, err error) {
	run := r.Run
	if gone, err := column(ctx, tx, "SELECT id FROM forgotten WHERE id = ?", run.ID); err != nil || len(gone) > 0 {
		return false, err
	}
	known, err := s.open(ctx, tx, run.ID)
	switch {
	case err == nil && !known.status.Over():
		return false, errs.New(errs.Conflict, "run %s is %s here and cannot be imported", run.ID, known.status)
	case err == nil:
		return false, mergeRun(ctx, tx, known.seq, r)
	case !errs.Is(err, errs.NotFound):
		return false, err
	}
	seq, err := s.insertRun(ctx, tx, &run)
	if err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE runs SET edited = ? WHERE seq = ?", r.Edited, seq); err != nil {
		return false, err
	}
	batch := track.Batch{Params: run.Params, Assets: run.Assets, Stages: run.Stages}
	for _, c := range r.Points {
		for i := range c.Times {
			batch.Metrics = append(batch.Metrics, track.Metric{Key: c.Key, Timestamp: c.Times[i], Step: c.Steps[i], Value: float64(c.Values[i])})
		}
	}
	if err := s.logBatch(ctx, tx, row{seq: seq, status: track.Running}, run.ID, batch); err != nil {
		return false, err
	}
	if err := mergeTags(ctx, tx, seq, run.Tags); err != nil {
		return false, err
	}
	return true, s.event(ctx, tx, track.RunImported, run.ID, nil)
}

func mergeRun(ctx context.Context, tx *sql.Tx, seq int64, r track.Record) error {
	_, err := tx.ExecContext(ctx, "UPDATE runs SET name = ?1, note = ?2, edited = ?3 WHERE seq = ?4 AND (edited < ?3 OR edited = ?3 AND (name, note) < (?1, ?2))",
		r.Run.Name, r.Run.Note, r.Edited, seq)
	return errors.Join(err, mergeTags(ctx, tx, seq, r.Run.Tags), touched(ctx, tx, seq))
}

// mergeTags keeps the later of two tags; of two at the same time the larger,
// so that all copies agree.
func mergeTags(ctx context.Context, tx *sql.Tx, seq int64, tags []track.Tag) error {
	_, err := insert(ctx, tx, "INSERT INTO tags (run, key, value, time, deleted)",
		`ON CONFLICT DO UPDATE SET value = excluded.value, time = excluded.time, deleted = excluded.deleted
		WHERE (excluded.time, excluded.deleted, excluded.value) > (tags.time, tags.deleted, tags.value)`, 5, tags,
		func(t track.Tag) []any { return []any{seq, t.Key, t.Value, t.Time, t.Removed} })
	return err
}
