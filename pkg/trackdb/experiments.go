package trackdb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

// experiment returns the number of a named experiment, making it when missing.
func (s *Service) experiment(ctx context.Context, tx *db.Tx, name string) (int64, error) {
	id, deleted, err := experimentNamed(ctx, tx, name)
	if err != nil || id >= 0 {
		if deleted {
			return 0, errs.New(errs.Conflict, "%w", &track.DeletedError{What: track.OfExperiment, ID: strconv.FormatInt(id, 10)}).
				Hint("its name is %s: choose another one, or restore it", name)
		}
		return id, err
	}
	return s.insertExperiment(ctx, tx, track.Experiment{Name: name})
}

// experimentNamed looks an experiment up; without one id is -1.
func experimentNamed(ctx context.Context, tx *db.Tx, name string) (id int64, deleted bool, err error) {
	err = tx.QueryRowContext(ctx, "SELECT id, deleted > 0 FROM experiments WHERE name = ?", name).Scan(&id, &deleted)
	if errors.Is(err, sql.ErrNoRows) {
		return -1, false, nil
	}
	return id, deleted, err
}

// insertExperiment stores an experiment. Another server may be faster: then its
// number is returned.
func (s *Service) insertExperiment(ctx context.Context, tx *db.Tx, e track.Experiment) (id int64, err error) {
	now := s.now()
	err = tx.QueryRowContext(ctx, "INSERT INTO experiments (name, created, updated, location) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING RETURNING id",
		e.Name, now, now, e.Location).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		id, _, err = experimentNamed(ctx, tx, e.Name)
		return id, err
	}
	if err != nil {
		return 0, err
	}
	return id, s.event(ctx, tx, track.ExperimentCreated, e.Name, nil)
}

// experimentRow is what writes need to know of an experiment.
type experimentRow struct {
	id      int64
	name    string
	deleted int64
}

// openExperiment finds the experiment that a write is about.
func openExperiment(ctx context.Context, tx *db.Tx, id string) (experimentRow, error) {
	var r experimentRow
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return r, noExperiment(id)
	}
	err = tx.QueryRowContext(ctx, "SELECT id, name, deleted FROM experiments WHERE id = ?"+tx.Dialect().ForUpdate(), n).Scan(&r.id, &r.name, &r.deleted)
	if errors.Is(err, sql.ErrNoRows) {
		return r, noExperiment(id)
	}
	return r, err
}

func noExperiment(id string) error {
	return errs.New(errs.NotFound, "%w", &track.MissingError{What: track.OfExperiment, ID: id})
}

// activeExperiment finds an experiment that may get runs.
func activeExperiment(ctx context.Context, tx *db.Tx, id string) (experimentRow, error) {
	var r experimentRow
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return r, noExperiment(id)
	}
	err = tx.QueryRowContext(ctx, "SELECT id, name, deleted FROM experiments WHERE id = ?", n).Scan(&r.id, &r.name, &r.deleted)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return r, noExperiment(id)
	case r.deleted > 0:
		return r, errs.New(errs.Conflict, "%w", &track.DeletedError{What: track.OfExperiment, ID: id})
	}
	return r, err
}

// CreateExperiment implements track.ExperimentCurator.
func (s *Service) CreateExperiment(ctx context.Context, e track.Experiment) (track.Experiment, error) {
	if err := track.CheckName("experiment", e.Name, track.MaxExperiment); err != nil {
		return e, err
	}
	var id int64
	err := s.db.Update(ctx, func(tx *db.Tx) error {
		old, deleted, err := experimentNamed(ctx, tx, e.Name)
		if err != nil {
			return err
		}
		if old >= 0 {
			return errs.New(errs.Conflict, "%w", &track.ExistsError{What: track.OfExperiment, Name: e.Name, Deleted: deleted})
		}
		now := s.now()
		e.Created, e.Updated = cmp.Or(e.Created, now), cmp.Or(e.Updated, now)
		id = 0
		if e.ID != "" {
			if id, err = keepID(ctx, tx, e); err != nil {
				return err
			}
		}
		if id == 0 {
			err = tx.QueryRowContext(ctx, "INSERT INTO experiments (name, created, updated, location) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING RETURNING id",
				e.Name, e.Created, e.Updated, e.Location).Scan(&id)
		}
		if errors.Is(err, sql.ErrNoRows) { // another server was faster
			return errs.New(errs.Conflict, "%w", &track.ExistsError{What: track.OfExperiment, Name: e.Name})
		}
		if err != nil {
			return err
		}
		if err := setExperimentTags(ctx, tx, id, e.Tags); err != nil {
			return err
		}
		return s.event(ctx, tx, track.ExperimentCreated, e.Name, nil)
	})
	if err != nil {
		return e, err
	}
	return s.Experiment(ctx, strconv.FormatInt(id, 10))
}

// keepID stores an experiment under the number that it comes with; 0 when that is
// taken.
func keepID(ctx context.Context, tx *db.Tx, e track.Experiment) (id int64, err error) {
	number, err := strconv.ParseInt(e.ID, 10, 64)
	if err != nil {
		return 0, noExperiment(e.ID)
	}
	err = tx.QueryRowContext(ctx, "INSERT INTO experiments (id, name, created, updated, location) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING id",
		number, e.Name, e.Created, e.Updated, e.Location).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err == nil && tx.Dialect() == db.Postgres {
		_, err = tx.ExecContext(ctx, "SELECT setval(pg_get_serial_sequence('experiments', 'id'), (SELECT max(id) FROM experiments))")
	}
	return id, err
}

// changeExperiment changes an experiment that is not deleted.
func (s *Service) changeExperiment(ctx context.Context, id, kind string, data map[string]any, change func(*db.Tx, experimentRow) error) error {
	return s.db.Update(ctx, func(tx *db.Tx) error {
		r, err := openExperiment(ctx, tx, id)
		if err != nil {
			return err
		}
		if r.deleted > 0 {
			return errs.New(errs.Conflict, "%w", &track.DeletedError{What: track.OfExperiment, ID: id})
		}
		if err := change(tx, r); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE experiments SET updated = ? WHERE id = ?", s.now(), r.id); err != nil {
			return err
		}
		return s.event(ctx, tx, kind, r.name, data)
	})
}

// RenameExperiment implements track.ExperimentCurator.
func (s *Service) RenameExperiment(ctx context.Context, id, name string) error {
	if err := track.CheckName("experiment", name, track.MaxExperiment); err != nil {
		return err
	}
	return s.changeExperiment(ctx, id, "experiment.renamed", map[string]any{"name": name}, func(tx *db.Tx, r experimentRow) error {
		other, deleted, err := experimentNamed(ctx, tx, name)
		if err != nil {
			return err
		}
		if other >= 0 && other != r.id {
			return errs.New(errs.Conflict, "%w", &track.ExistsError{What: track.OfExperiment, Name: name, Deleted: deleted})
		}
		if _, err := tx.ExecContext(ctx, "UPDATE experiments SET name = ? WHERE id = ?", name, r.id); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE runs SET record = NULL WHERE experiment = ?", r.id)
		return err
	})
}

// DeleteExperiment implements track.ExperimentCurator.
func (s *Service) DeleteExperiment(ctx context.Context, id string) error {
	now := s.now()
	return s.changeExperiment(ctx, id, "experiment.deleted", nil, func(tx *db.Tx, r experimentRow) error {
		for _, text := range []string{
			"UPDATE experiments SET deleted = ? WHERE id = ?", "UPDATE runs SET deleted = ? WHERE experiment = ? AND deleted = 0",
		} {
			if _, err := tx.ExecContext(ctx, text, now, r.id); err != nil {
				return err
			}
		}
		return nil
	})
}

// RestoreExperiment implements track.ExperimentCurator.
func (s *Service) RestoreExperiment(ctx context.Context, id string) error {
	return s.db.Update(ctx, func(tx *db.Tx) error {
		r, err := openExperiment(ctx, tx, id)
		if err != nil {
			return err
		}
		if r.deleted == 0 {
			return noExperiment(id)
		}
		if _, err := tx.ExecContext(ctx, "UPDATE experiments SET deleted = 0, updated = ? WHERE id = ?", s.now(), r.id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE runs SET deleted = 0 WHERE experiment = ?", r.id); err != nil {
			return err
		}
		return s.event(ctx, tx, "experiment.restored", r.name, nil)
	})
}

// SetExperimentTags implements track.ExperimentCurator.
func (s *Service) SetExperimentTags(ctx context.Context, id string, tags []track.Tag) error {
	for _, t := range tags {
		if err := track.CheckKey("tag", t.Key); err != nil {
			return err
		}
	}
	return s.changeExperiment(ctx, id, "experiment.tagged", nil, func(tx *db.Tx, r experimentRow) error {
		return setExperimentTags(ctx, tx, r.id, tags)
	})
}

func setExperimentTags(ctx context.Context, tx *db.Tx, id int64, tags []track.Tag) error {
	_, err := insert(ctx, tx, "INSERT INTO experiment_tags (experiment, key, value)",
		"ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value", 3, lastByKey(tags),
		func(t track.Tag) []any { return []any{id, t.Key, t.Value} })
	return err
}

// DeleteExperimentTag implements track.ExperimentCurator.
func (s *Service) DeleteExperimentTag(ctx context.Context, id, key string) error {
	return s.changeExperiment(ctx, id, "experiment.untagged", map[string]any{"keys": []string{key}}, func(tx *db.Tx, r experimentRow) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM experiment_tags WHERE experiment = ? AND key = ?", r.id, key)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return errs.New(errs.NotFound, "%w", &track.MissingError{What: track.OfExperiment, ID: id, Tag: key})
	})
}

// Experiment implements track.ExperimentReader.
func (s *Service) Experiment(ctx context.Context, id string) (track.Experiment, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return track.Experiment{}, noExperiment(id)
	}
	return s.oneExperiment(ctx, id, "e.id = ?", n)
}

// ExperimentByName implements track.ExperimentReader.
func (s *Service) ExperimentByName(ctx context.Context, name string) (track.Experiment, error) {
	return s.oneExperiment(ctx, name, "e.name = ?", name)
}

func (s *Service) oneExperiment(ctx context.Context, what, where string, arg any) (track.Experiment, error) {
	list, err := s.experiments(ctx, " WHERE "+where, arg)
	if err != nil {
		return track.Experiment{}, err
	}
	if len(list) == 0 {
		return track.Experiment{}, noExperiment(what)
	}
	return list[0], nil
}

// Experiments implements track.Reader.
func (s *Service) Experiments(ctx context.Context) ([]track.Experiment, error) {
	return s.experiments(ctx, " WHERE e.deleted = 0 ORDER BY e.name")
}

// experiments reads experiments and their tags; more is what follows FROM.
func (s *Service) experiments(ctx context.Context, more string, args ...any) ([]track.Experiment, error) {
	list := []track.Experiment{}
	at := map[string]int{}
	var e track.Experiment
	if err := db.Each(ctx, s.db, []any{&e.ID, &e.Name, &e.Created, &e.Updated, &e.Location, &e.Deleted, &e.Runs}, func() error {
		at[e.ID] = len(list)
		list = append(list, e)
		return nil
	}, `SELECT e.id, e.name, e.created, e.updated, e.location, e.deleted > 0,
		(SELECT count(*) FROM runs WHERE experiment = e.id AND deleted = 0) FROM experiments e`+more, args...); err != nil || len(list) == 0 {
		return list, err
	}
	var id string
	var t track.Tag
	take := func() error {
		if i, ok := at[id]; ok {
			list[i].Tags = append(list[i].Tags, t)
		}
		return nil
	}
	if len(list) > fewRuns {
		return list, db.Each(ctx, s.db, []any{&id, &t.Key, &t.Value}, take, "SELECT experiment, key, value FROM experiment_tags ORDER BY experiment, key")
	}
	numbers := make([]string, len(list))
	for i := range list {
		numbers[i] = list[i].ID
	}
	return list, db.Each(ctx, s.db, []any{&id, &t.Key, &t.Value}, take,
		"SELECT experiment, key, value FROM experiment_tags WHERE experiment IN ("+strings.Join(numbers, ",")+") ORDER BY experiment, key")
}

// SearchExperiments implements track.ExperimentReader.
func (s *Service) SearchExperiments(ctx context.Context, q track.ExperimentQuery) ([]track.Experiment, error) {
	l := &listing{dialect: s.db.Dialect()}
	switch {
	case q.Removed:
		l.must("e.deleted > 0")
	case !q.Deleted:
		l.must("e.deleted = 0")
	}
	columns := func(key string) (column string, numeric bool) {
		switch key {
		case "name":
			return "e.name", false
		case "experiment_id":
			return "CAST(e.id AS TEXT)", false
		case "creation_time":
			return "e.created", true
		default: // last_update_time
			return "e.updated", true
		}
	}
	for _, c := range q.Filter {
		if c.Entity == track.Tags {
			l.keyed("experiment_tags", "experiment", "e.id", "", c)
			continue
		}
		l.attribute(columns, c)
	}
	for i, o := range q.Order {
		if o.Entity == track.Tags {
			l.byKey(i, o, "experiment_tags", "experiment", "e.id", "")
			continue
		}
		if o.Key == "experiment_id" {
			l.order = append(l.order, "e.id"+direction(o))
			continue
		}
		l.byAttribute(columns, o)
	}
	l.order = append(l.order, "e.created DESC", "e.id")
	return s.experiments(ctx, l.tail(q.Limit, q.Offset), l.args()...)
}
