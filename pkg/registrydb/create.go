package registrydb

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/track"
)

// CreateModel implements registry.Registrar.
func (s *Service) CreateModel(ctx context.Context, m registry.Model) (registry.Model, error) {
	if err := registry.CheckName(m.Name); err != nil {
		return registry.Model{}, err
	}
	if err := checkTags(m.Tags); err != nil {
		return registry.Model{}, err
	}
	err := s.db.Update(ctx, func(tx *db.Tx) error {
		seq, fresh, err := s.ensureModel(ctx, tx, m.Name, cmp.Or(m.Created, s.now()))
		if err != nil {
			return err
		}
		if !fresh {
			return registry.Exists(m.Name).Hint("mlops model show %s", m.Name)
		}
		if m.Description != "" {
			if _, err := tx.ExecContext(ctx, "UPDATE registered_models SET description = ?, described = ? WHERE seq = ?", m.Description, s.now(), seq); err != nil {
				return err
			}
		}
		if err := s.putTags(ctx, tx, seq, 0, m.Tags); err != nil {
			return err
		}
		return s.event(ctx, tx, registry.ModelCreated, m.Name, said(map[string]any{}, m.Tags, m.Description))
	})
	if err != nil {
		return registry.Model{}, err
	}
	return s.Model(ctx, m.Name)
}

// ensureModel finds a model that is there, or makes it. One that was deleted
// begins anew: its tags and aliases are gone, its numbers that others know stay used.
func (s *Service) ensureModel(ctx context.Context, tx *db.Tx, name string, created int64) (seq int64, fresh bool, err error) {
	res, err := tx.ExecContext(ctx, "INSERT INTO registered_models (name, created, updated) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING", name, created, created)
	if err != nil {
		return 0, false, err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, false, err
	}
	found, err := rowsOf(ctx, tx, "SELECT "+modelColumns+" FROM registered_models m WHERE m.name = ?", name)
	if err != nil || len(found) == 0 {
		return 0, false, err
	}
	m := found[0]
	if n > 0 || m.Created > m.deleted {
		return m.seq, n > 0, nil
	}
	created = max(created, m.deleted+1)
	_, err = tx.ExecContext(ctx, "UPDATE registered_models SET created = ?, updated = ?, record = NULL WHERE seq = ?", created, created, m.seq)
	return m.seq, true, err
}

func checkTags(tags []registry.Tag) error {
	for _, t := range tags {
		if err := registry.CheckTag(t.Key, t.Value); err != nil {
			return err
		}
	}
	return nil
}

// said adds to the data of an event what there is of tags and description.
func said(data map[string]any, tags []registry.Tag, description string) map[string]any {
	if len(tags) > 0 {
		m := map[string]string{}
		for _, t := range tags {
			m[t.Key] = t.Value
		}
		data["tags"] = m
	}
	if description != "" {
		data["description"] = description
	}
	return data
}

// CreateVersion implements registry.Registrar.
func (s *Service) CreateVersion(ctx context.Context, v registry.Version) (registry.Version, error) {
	if err := checkTags(v.Tags); err != nil {
		return registry.Version{}, err
	}
	v.ID = cmp.Or(v.ID, track.NewID())
	v.User = cmp.Or(v.User, s.who(ctx))
	v.Stage = cmp.Or(v.Stage, registry.NoStage)
	v.Status = cmp.Or(v.Status, registry.Ready)
	err := s.db.Update(ctx, func(tx *db.Tx) error {
		m, err := s.model(ctx, tx, v.Model)
		if err != nil {
			return err
		}
		v.Created = max(cmp.Or(v.Created, s.now()), m.Created)
		// The row of the model is written first: servers that share a database take turns here.
		if _, err := tx.ExecContext(ctx, "UPDATE registered_models SET updated = ? WHERE seq = ?", max(v.Created, m.Updated), m.seq); err != nil {
			return err
		}
		var known int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM model_versions WHERE id = ?", v.ID).Scan(&known); err != nil {
			return err
		}
		if known > 0 {
			return errs.New(errs.Conflict, "%w", &registry.ExistsError{Model: v.Model, Version: v.ID})
		}
		if v.Number, err = nextNumber(ctx, tx, m.seq); err != nil {
			return err
		}
		seq, err := insertVersion(ctx, tx, m.seq, versionRow{Version: v, placed: v.Created})
		if err != nil {
			return err
		}
		if err := s.putTags(ctx, tx, m.seq, seq, v.Tags); err != nil {
			return err
		}
		data := map[string]any{"version": v.Number, "source": v.Source}
		if v.RunID != "" {
			data["run_id"] = v.RunID
		}
		return s.event(ctx, tx, registry.VersionCreated, v.Model, said(data, v.Tags, v.Description))
	})
	if err != nil {
		return registry.Version{}, err
	}
	if err := fault.At(ctx, "register.created"); err != nil {
		return registry.Version{}, err
	}
	return s.Version(ctx, v.Model, v.Number)
}

// nextNumber is the first number of a model that was never used.
func nextNumber(ctx context.Context, tx *db.Tx, model int64) (number int, err error) {
	var top int
	err = db.Each(ctx, tx, []any{&top}, func() error {
		number = max(number, top)
		return nil
	}, `SELECT floor FROM registered_models WHERE seq = ?
		UNION ALL SELECT coalesce(max(number), 0) FROM model_versions WHERE model = ?
		UNION ALL SELECT coalesce(max(w.number), 0) FROM model_waiting w JOIN registered_models m ON m.name = w.name WHERE m.seq = ?`, model, model, model)
	return number + 1, err
}

func insertVersion(ctx context.Context, tx *db.Tx, model int64, v versionRow) (seq int64, err error) {
	details, err := json.Marshal(v.Details)
	if err != nil {
		return 0, err
	}
	described := v.described
	if described == 0 && v.Description != "" {
		described = v.Created
	}
	err = tx.QueryRowContext(ctx, `INSERT INTO model_versions (model, number, placed, id, created, updated, deleted, sent, author, stage, staged, status, status_text,
		source, storage, run, run_link, logged_model, description, described, object, details)
		VALUES (`+marks(22)+") RETURNING seq",
		model, v.Number, v.placed, v.ID, v.Created, max(v.Updated, v.Created), v.deleted, v.sent, v.User, v.Stage, v.staged, v.Status, v.StatusText,
		v.Source, v.Storage, v.RunID, v.RunLink, v.LoggedModel, v.Description, described, orNull(v.Details.Object), string(details)).Scan(&seq)
	return seq, err
}

// Rename implements registry.Registrar.
func (s *Service) Rename(ctx context.Context, name, newName string) (registry.Model, error) {
	if err := registry.CheckName(newName); err != nil {
		return registry.Model{}, err
	}
	err := s.db.Update(ctx, func(tx *db.Tx) error {
		m, err := s.model(ctx, tx, name)
		if err != nil {
			return err
		}
		taken, err := rowsOf(ctx, tx, "SELECT "+modelColumns+" FROM registered_models m WHERE m.name = ?", newName)
		if err != nil {
			return err
		}
		for _, other := range taken {
			if other.Created > other.deleted {
				return registry.Exists(newName).Hint("mlops model show %s", newName)
			}
			// What is left of a deleted model makes room; its numbers stay used.
			if _, err := tx.ExecContext(ctx, "DELETE FROM registered_models WHERE seq = ?", other.seq); err != nil {
				return err
			}
			m.floor, m.deleted = max(m.floor, other.floor), max(m.deleted, other.deleted)
		}
		now := max(s.now(), m.deleted+1)
		// The row goes on under the new name; the old name is left behind as deleted.
		if _, err := tx.ExecContext(ctx, "UPDATE registered_models SET name = ?, updated = ?, deleted = 0, floor = ?, created = ?, record = NULL WHERE seq = ?",
			newName, now, m.floor, max(m.Created, m.deleted+1), m.seq); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE model_versions SET placed = ?, record = NULL WHERE model = ?", now, m.seq); err != nil {
			return err
		}
		if err := s.bury(ctx, tx, m, now); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE experiment_tags SET value = ? WHERE key = ? AND value = ?", newName, registry.ExperimentTag, name); err != nil {
			return err
		}
		return s.event(ctx, tx, registry.ModelRenamed, newName, map[string]any{"from": name, "name": newName})
	})
	if err != nil {
		return registry.Model{}, err
	}
	return s.Model(ctx, newName)
}

// bury leaves the name of a model behind as deleted, if others may know it.
func (s *Service) bury(ctx context.Context, tx *db.Tx, m modelRow, now int64) error {
	var sent int64
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(number), 0) FROM model_versions WHERE model = ? AND sent = 1", m.seq).Scan(&sent); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO registered_models (name, created, updated, deleted, floor) VALUES (?, ?, ?, ?, ?)",
		m.Name, m.Created, now, max(now, m.Created), max(m.floor, sent))
	return err
}

// Delete implements registry.Registrar.
func (s *Service) Delete(ctx context.Context, ref registry.Ref) error {
	if ref.Alias != "" {
		return wantNumber(ref)
	}
	return s.db.Update(ctx, func(tx *db.Tx) error {
		if ref.Number > 0 {
			return s.deleteVersion(ctx, tx, ref)
		}
		m, err := s.model(ctx, tx, ref.Name)
		if err != nil {
			return err
		}
		now := max(s.now(), m.Created)
		if _, err := tx.ExecContext(ctx, "UPDATE registered_models SET name = '' WHERE seq = ?", m.seq); err != nil {
			return err
		}
		if err := s.bury(ctx, tx, m, now); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM model_waiting WHERE name = ?", m.Name); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM registered_models WHERE seq = ?", m.seq); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM experiment_tags WHERE key = ? AND value = ?", registry.ExperimentTag, m.Name); err != nil {
			return err
		}
		return s.event(ctx, tx, registry.ModelDeleted, ref.Name, nil)
	})
}

// wantNumber refuses a Ref with an alias where a thing is meant, not a name of it.
func wantNumber(ref registry.Ref) error {
	return errs.New(errs.Usage, "%s is an alias, which may move: name the version by its number", ref).Hint("mlops model show %s", ref)
}

// deleteVersion empties a version; its number stays used.
func (s *Service) deleteVersion(ctx context.Context, tx *db.Tx, ref registry.Ref) error {
	v, err := s.version(ctx, tx, ref.Name, ref.Number)
	if err != nil {
		return err
	}
	now := max(s.now(), v.Created)
	if err := emptyVersion(ctx, tx, v.seq, now); err != nil {
		return err
	}
	if err := s.dropAliases(ctx, tx, v, now); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE registered_models SET updated = ? WHERE seq = ?", now, v.model); err != nil {
		return err
	}
	return s.event(ctx, tx, registry.VersionDeleted, ref.Name, map[string]any{"version": ref.Number})
}

func emptyVersion(ctx context.Context, tx *db.Tx, seq, at int64) error {
	if _, err := tx.ExecContext(ctx, `UPDATE model_versions SET deleted = ?, updated = ?, source = '', storage = '', run = '', run_link = '', logged_model = '',
		description = '', described = 0, object = NULL, details = '{}', stage = 'None', staged = 0, status_text = '', record = NULL WHERE seq = ?`, at, at, seq); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM registry_tags WHERE model = (SELECT model FROM model_versions WHERE seq = ?) AND version = ?", seq, seq); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM model_approvals WHERE version = ?", seq)
	return err
}

// dropAliases takes all aliases off a version.
func (s *Service) dropAliases(ctx context.Context, tx *db.Tx, v versionRow, now int64) error {
	names, err := column(ctx, tx, "SELECT name FROM model_aliases WHERE model = ? AND version = ? AND deleted = 0", v.model, v.ID)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(slices.Values(names)) {
		if err := s.moveAlias(ctx, tx, v.model, name, v.ID, now, true); err != nil {
			return err
		}
		if err := s.event(ctx, tx, registry.AliasDeleted, v.Model, map[string]any{"alias": name, "version": v.Number}); err != nil {
			return err
		}
	}
	return nil
}
