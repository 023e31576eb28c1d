package registrydb

import (
	"cmp"
	"context"
	"maps"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/registry"
)

// Describe implements registry.Curator.
func (s *Service) Describe(ctx context.Context, ref registry.Ref, text string) error {
	return s.curate(ctx, ref, func(tx *db.Tx, m modelRow, v versionRow) (kind string, data map[string]any, err error) {
		now := s.now()
		if ref.Number > 0 {
			_, err = tx.ExecContext(ctx, "UPDATE model_versions SET description = ?, described = ?, updated = ? WHERE seq = ?",
				text, max(now, v.described+1), max(now, v.Updated), v.seq)
			return registry.VersionUpdated, map[string]any{"version": ref.Number, "description": text}, err
		}
		_, err = tx.ExecContext(ctx, "UPDATE registered_models SET description = ?, described = ?, updated = ? WHERE seq = ?",
			text, max(now, m.described+1), max(now, m.Updated), m.seq)
		return registry.ModelUpdated, map[string]any{"description": text}, err
	})
}

// SetTag implements registry.Curator.
func (s *Service) SetTag(ctx context.Context, ref registry.Ref, key, value string) error {
	if err := registry.CheckTag(key, value); err != nil {
		return err
	}
	return s.curate(ctx, ref, func(tx *db.Tx, m modelRow, v versionRow) (string, map[string]any, error) {
		data := map[string]any{"key": key, "value": value}
		kind := registry.ModelTagged
		if ref.Number > 0 {
			kind, data["version"] = registry.VersionTagged, ref.Number
		}
		return kind, data, s.putTags(ctx, tx, m.seq, v.seq, []registry.Tag{{Key: key, Value: value}})
	})
}

// putTags sets tags of a model (version 0) or a version. A change is always
// later than what it changes, whatever the clocks of other machines say.
func (s *Service) putTags(ctx context.Context, tx *db.Tx, model, version int64, tags []registry.Tag) error {
	for _, t := range tags {
		if _, err := tx.ExecContext(ctx, `INSERT INTO registry_tags (model, version, key, value, time) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (model, version, key) DO UPDATE SET value = excluded.value, deleted = 0,
			time = CASE WHEN registry_tags.time < excluded.time THEN excluded.time ELSE registry_tags.time + 1 END`,
			model, version, t.Key, t.Value, s.now()); err != nil {
			return err
		}
	}
	return nil
}

// DeleteTag implements registry.Curator.
func (s *Service) DeleteTag(ctx context.Context, ref registry.Ref, key string) error {
	return s.curate(ctx, ref, func(tx *db.Tx, m modelRow, v versionRow) (string, map[string]any, error) {
		now := s.now()
		res, err := tx.ExecContext(ctx, `UPDATE registry_tags SET deleted = 1, value = '', time = CASE WHEN time < ? THEN ? ELSE time + 1 END
			WHERE model = ? AND version = ? AND key = ? AND deleted = 0`, now, now, m.seq, v.seq, key)
		if err != nil {
			return "", nil, err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return "", nil, err
		}
		if ref.Number > 0 {
			return registry.VersionUntagged, map[string]any{"version": ref.Number, "key": key}, nil
		}
		return registry.ModelUntagged, map[string]any{"key": key}, nil
	})
}

// curate changes a model, or a version where ref has a number, and records the
// event; a change without a kind is none.
func (s *Service) curate(ctx context.Context, ref registry.Ref, change func(*db.Tx, modelRow, versionRow) (kind string, data map[string]any, err error)) error {
	if ref.Alias != "" {
		return wantNumber(ref)
	}
	return s.db.Update(ctx, func(tx *db.Tx) error {
		m, err := s.model(ctx, tx, ref.Name)
		if err != nil {
			return err
		}
		var v versionRow
		table, seq := "registered_models", m.seq
		if ref.Number > 0 {
			if v, err = s.version(ctx, tx, ref.Name, ref.Number); err != nil {
				return err
			}
			table, seq = "model_versions", v.seq
		}
		kind, data, err := change(tx, m, v)
		if err != nil || kind == "" {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE "+table+" SET record = NULL WHERE seq = ?", seq); err != nil {
			return err
		}
		return s.event(ctx, tx, kind, ref.Name, data)
	})
}

// SetAlias implements registry.Curator.
func (s *Service) SetAlias(ctx context.Context, name, alias string, number int) error {
	if err := registry.CheckAlias(alias); err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *db.Tx) error {
		v, err := s.version(ctx, tx, name, number)
		if err != nil {
			return err
		}
		from, err := holder(ctx, tx, v.model, alias)
		if err != nil || from == number {
			return err
		}
		if err := s.moveAlias(ctx, tx, v.model, alias, v.ID, s.now(), false); err != nil {
			return err
		}
		return s.event(ctx, tx, registry.AliasSet, name, map[string]any{"alias": alias, "version": number, "from": from})
	})
}

// holder is the number of the version that has an alias; 0 is none.
func holder(ctx context.Context, tx *db.Tx, model int64, alias string) (number int, err error) {
	err = db.Each(ctx, tx, []any{&number}, func() error { return nil }, `SELECT v.number FROM model_aliases a JOIN model_versions v ON v.id = a.version AND v.model = a.model
		WHERE a.model = ? AND a.name = ? AND a.deleted = 0 AND v.deleted = 0`, model, alias)
	return number, err
}

// moveAlias writes an alias, or that it is gone.
func (s *Service) moveAlias(ctx context.Context, tx *db.Tx, model int64, alias, version string, now int64, gone bool) error {
	deleted := 0
	if gone {
		deleted = 1
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO model_aliases (model, name, version, author, time, deleted) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (model, name) DO UPDATE SET version = excluded.version, author = excluded.author, deleted = excluded.deleted,
		time = CASE WHEN model_aliases.time < excluded.time THEN excluded.time ELSE model_aliases.time + 1 END`,
		model, alias, version, s.who(ctx), now, deleted); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "UPDATE registered_models SET record = NULL WHERE seq = ?", model)
	return err
}

// DeleteAlias implements registry.Curator.
func (s *Service) DeleteAlias(ctx context.Context, name, alias string) error {
	return s.db.Update(ctx, func(tx *db.Tx) error {
		m, err := s.model(ctx, tx, name)
		if err != nil {
			return err
		}
		number, err := holder(ctx, tx, m.seq, alias)
		if err != nil || number == 0 {
			return err
		}
		v, err := s.version(ctx, tx, name, number)
		if err != nil {
			return err
		}
		if err := s.moveAlias(ctx, tx, m.seq, alias, v.ID, s.now(), true); err != nil {
			return err
		}
		return s.event(ctx, tx, registry.AliasDeleted, name, map[string]any{"alias": alias, "version": number})
	})
}

// SetStage implements registry.Curator.
func (s *Service) SetStage(ctx context.Context, name string, number int, stage registry.Stage, archive bool) (registry.Version, error) {
	if archive && stage != registry.Staging && stage != registry.Production {
		return registry.Version{}, registry.Invalid(registry.ArchiveStage, string(stage), 0)
	}
	err := s.db.Update(ctx, func(tx *db.Tx) error {
		v, err := s.version(ctx, tx, name, number)
		if err != nil {
			return err
		}
		now := max(s.now(), v.staged+1)
		var archived []int
		if archive {
			others, err := versionRows(ctx, tx, "WHERE v.model = ? AND v.deleted = 0 AND v.stage = ? AND v.seq <> ? ORDER BY v.number", v.model, string(stage), v.seq)
			if err != nil {
				return err
			}
			for _, other := range others {
				now = max(now, other.staged+1)
			}
			for _, other := range others {
				archived = append(archived, other.Number)
				if err := setStage(ctx, tx, other.seq, registry.Archived, now); err != nil {
					return err
				}
			}
		}
		if err := setStage(ctx, tx, v.seq, stage, now); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE registered_models SET updated = ? WHERE seq = ?", now, v.model); err != nil {
			return err
		}
		data := map[string]any{"version": number, "stage": stage, "from": v.Stage}
		if len(archived) > 0 {
			data["archived"] = archived
		}
		return s.event(ctx, tx, registry.VersionStaged, name, data)
	})
	if err != nil {
		return registry.Version{}, err
	}
	return s.Version(ctx, name, number)
}

func setStage(ctx context.Context, tx *db.Tx, seq int64, stage registry.Stage, at int64) error {
	_, err := tx.ExecContext(ctx, "UPDATE model_versions SET stage = ?, staged = ?, updated = ?, record = NULL WHERE seq = ?", stage, at, at, seq)
	return err
}

// Approve implements registry.Promoter.
func (s *Service) Approve(ctx context.Context, name string, number int, a registry.Approval) error {
	if a.Alias != "" {
		if err := registry.CheckAlias(a.Alias); err != nil {
			return err
		}
	}
	return s.curate(ctx, registry.Ref{Name: name, Number: number}, func(tx *db.Tx, _ modelRow, v versionRow) (string, map[string]any, error) {
		a.By = cmp.Or(a.By, s.who(ctx))
		if a.By == "" {
			return "", nil, errs.New(errs.Usage, "an approval needs a name").Hint("mlops config set user.name NAME")
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO model_approvals (version, author, time, alias, note) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			v.seq, a.By, s.now(), a.Alias, a.Note)
		return registry.VersionApproved, map[string]any{"version": number, "by": a.By, "alias": a.Alias, "note": a.Note}, err
	})
}

// Promote implements registry.Promoter.
func (s *Service) Promote(ctx context.Context, m registry.Move) error {
	if err := registry.CheckAlias(m.Alias); err != nil {
		return err
	}
	err := s.db.Update(ctx, func(tx *db.Tx) error {
		v, err := s.version(ctx, tx, m.Model, m.To)
		if err != nil {
			return err
		}
		now, err := holder(ctx, tx, v.model, m.Alias)
		if err != nil {
			return err
		}
		if now != m.From {
			return errs.New(errs.Conflict, "%s@%s moved to version %d meanwhile", m.Model, m.Alias, now).Hint("type the same command again: the gates are checked against that version")
		}
		if err := s.moveAlias(ctx, tx, v.model, m.Alias, v.ID, s.now(), false); err != nil {
			return err
		}
		data := map[string]any{"alias": m.Alias, "version": m.To, "from": m.From}
		maps.Copy(data, m.Data)
		return s.event(ctx, tx, registry.AliasPromoted, m.Model, data)
	})
	if err != nil {
		return err
	}
	return fault.At(ctx, "promote.moved")
}
