package trackdb

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/track"
)

// SetTags implements track.Curator.
func (s *Service) SetTags(ctx context.Context, id string, tags []track.Tag) error {
	return s.Log(ctx, id, track.Batch{Tags: tags})
}

// DeleteTags implements track.Curator.
func (s *Service) DeleteTags(ctx context.Context, id string, keys []string) error {
	return s.curate(ctx, id, "run.untagged", map[string]any{"keys": keys}, func(tx *db.Tx, seq int64) error {
		for _, key := range keys {
			res, err := tx.ExecContext(ctx, "UPDATE tags SET deleted = 1, value = '', time = ? WHERE run = ? AND key = ? AND deleted = 0", s.now(), seq, key)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			if n == 0 {
				have, err := tagKeys(ctx, tx, seq)
				if err != nil {
					return err
				}
				return errs.New(errs.NotFound, "%w", &track.MissingError{What: track.OfRun, ID: id, Tag: key}).DidYouMean(key, have)
			}
		}
		return nil
	})
}

func tagKeys(ctx context.Context, tx *db.Tx, seq int64) ([]string, error) {
	return column(ctx, tx, "SELECT key FROM tags WHERE run = ? AND deleted = 0", seq)
}

// column returns the texts of a query with one column.
func column(ctx context.Context, q querier, query string, args ...any) ([]string, error) {
	var texts []string
	var text string
	err := db.Each(ctx, q, []any{&text}, func() error {
		texts = append(texts, text)
		return nil
	}, query, args...)
	return texts, err
}

// SetNote implements track.Curator.
func (s *Service) SetNote(ctx context.Context, id, note string) error {
	return s.Log(ctx, id, track.Batch{Note: &note})
}

func (s *Service) setNote(ctx context.Context, tx *db.Tx, seq int64, id, note string) error {
	if _, err := tx.ExecContext(ctx, "UPDATE runs SET note = ?, edited = ? WHERE seq = ?", note, s.now(), seq); err != nil {
		return err
	}
	return s.event(ctx, tx, "run.noted", id, nil)
}

// Rename implements track.Curator.
func (s *Service) Rename(ctx context.Context, id, name string) error {
	if err := track.CheckName("run", name, track.MaxName); err != nil {
		return err
	}
	return s.Log(ctx, id, track.Batch{Name: name})
}

func (s *Service) rename(ctx context.Context, tx *db.Tx, seq int64, id, name string) error {
	if _, err := tx.ExecContext(ctx, "UPDATE runs SET name = ?, edited = ? WHERE seq = ?", name, s.now(), seq); err != nil {
		return err
	}
	return s.event(ctx, tx, "run.renamed", id, map[string]any{"name": name})
}

const runDeleted = "run.deleted" // an event

// Delete implements track.Curator. A run that is deleted already stays so.
func (s *Service) Delete(ctx context.Context, id string) error {
	return s.setDeleted(ctx, id, runDeleted, s.now())
}

// Restore implements track.Curator.
func (s *Service) Restore(ctx context.Context, id string) error {
	return s.setDeleted(ctx, id, "run.restored", 0)
}

// Forget removes for good the runs, logged models and experiments that were put
// into the bin at that time (ms) or before, and returns the ids of the runs. Their
// lines in the history stay. The name of an experiment is free again.
func (s *Service) Forget(ctx context.Context, before int64) (ids []string, err error) {
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		if ids, err = column(ctx, tx, "SELECT id FROM runs WHERE deleted > 0 AND deleted <= ? ORDER BY id", before); err != nil {
			return err
		}
		if len(ids) > 0 {
			if err := s.forgetRuns(ctx, tx, ids, before); err != nil {
				return err
			}
		}
		return forgetModels(ctx, tx, before)
	})
	if err != nil {
		return nil, err
	}
	return ids, fault.At(ctx, "gc.forgotten")
}

func (s *Service) forgetRuns(ctx context.Context, tx *db.Tx, ids []string, before int64) error {
	if _, err := tx.ExecContext(ctx, "INSERT INTO forgotten (id, time) SELECT id, CAST(? AS BIGINT) FROM runs WHERE deleted > 0 AND deleted <= ? ON CONFLICT (id) DO NOTHING", s.now(), before); err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.event(ctx, tx, "run.forgotten", id, nil); err != nil {
			return err
		}
	}
	clear(tx.Memory()) // the numbers of runs are used again
	_, err := tx.ExecContext(ctx, "DELETE FROM runs WHERE deleted > 0 AND deleted <= ?", before)
	return err
}

// Removed counts the runs that Forget would remove.
func (s *Service) Removed(ctx context.Context, before int64) (count int, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT count(*) FROM runs WHERE deleted > 0 AND deleted <= ?", before).Scan(&count)
	return count, err
}

func (s *Service) setDeleted(ctx context.Context, id, kind string, at int64) error {
	return s.db.Update(ctx, func(tx *db.Tx) error {
		r, err := s.open(ctx, tx, id)
		if err != nil || r.deleted == (at > 0) {
			return err
		}
		return s.mark(ctx, tx, r, id, kind, at)
	})
}

// mark writes when a run was deleted; 0: it is not.
func (s *Service) mark(ctx context.Context, tx *db.Tx, r row, id, kind string, at int64) error {
	if _, err := tx.ExecContext(ctx, "UPDATE runs SET deleted = ? WHERE seq = ?", at, r.seq); err != nil {
		return err
	}
	return s.event(ctx, tx, kind, id, nil)
}

// curate changes a run that is not deleted and records the event.
func (s *Service) curate(ctx context.Context, id, kind string, data map[string]any, change func(tx *db.Tx, seq int64) error) error {
	return s.db.Update(ctx, func(tx *db.Tx) error {
		r, err := s.open(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := s.logBatch(ctx, tx, r, id, track.Batch{}); err != nil {
			return err // it is deleted
		}
		if err := change(tx, r.seq); err != nil {
			return err
		}
		return s.event(ctx, tx, kind, id, data)
	})
}

// querier is a database or a transaction.
type querier interface {
	db.Querier
	Dialect() db.Dialect
}
