package registrydb

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
)

// Imported is what Import took in.
type Imported struct {
	Added   int // versions that were not known
	Changed int // models and versions that were
}

// Import takes in records, all or none. Of each field the later value wins; what
// was deleted stays so. A version whose number another one has here waits.
func (s *Service) Import(ctx context.Context, records ...[]byte) (res Imported, err error) {
	var models []*registry.ModelRecord
	var versions []*registry.VersionRecord
	for _, data := range records {
		m, v, err := registry.DecodeRecord(data)
		switch {
		case err != nil:
			return res, err
		case m != nil:
			models = append(models, m)
		default:
			versions = append(versions, v)
		}
	}
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		res = Imported{}
		// Versions come first: one that moved to another name is not deleted with the old one.
		for _, v := range versions {
			added, changed, err := s.importVersion(ctx, tx, v)
			if err != nil {
				return err
			}
			res.Added += added
			res.Changed += changed
		}
		for _, m := range models {
			if err := s.importModel(ctx, tx, m); err != nil {
				return err
			}
			res.Changed++
		}
		return nil
	})
	return res, err
}

// rowOf finds the row of a name, also of a deleted model, or makes it.
func rowOf(ctx context.Context, tx *db.Tx, name string, created int64) (modelRow, error) {
	if _, err := tx.ExecContext(ctx, "INSERT INTO registered_models (name, created, updated) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING", name, created, created); err != nil {
		return modelRow{}, err
	}
	found, err := rowsOf(ctx, tx, "SELECT "+modelColumns+" FROM registered_models m WHERE m.name = ?", name)
	if err != nil || len(found) == 0 {
		return modelRow{}, err
	}
	return found[0], nil
}

func (s *Service) importModel(ctx context.Context, tx *db.Tx, r *registry.ModelRecord) error {
	m, err := rowOf(ctx, tx, r.Name, r.Created)
	if err != nil {
		return err
	}
	deleted := max(m.deleted, r.Deleted)
	if deleted > m.deleted {
		if err := s.bringDown(ctx, tx, m, deleted); err != nil {
			return err
		}
		if m, err = rowOf(ctx, tx, r.Name, r.Created); err != nil {
			return err
		}
	}
	// Of the times at which it was made the first after its deletion counts, so that all copies agree.
	created := min(m.Created, r.Created)
	if created <= deleted {
		created = max(m.Created, r.Created)
		if created <= deleted {
			created = min(m.Created, r.Created)
		}
	}
	if _, err := tx.ExecContext(ctx, "UPDATE registered_models SET created = ?, updated = ?, deleted = ?, floor = ?, record = NULL WHERE seq = ?",
		created, max(m.Updated, r.Created, r.Description.Time), deleted, max(m.floor, int64(r.Floor)), m.seq); err != nil {
		return err
	}
	if created <= deleted {
		return nil
	}
	if d := r.Description; d.Time > m.described || d.Time == m.described && d.Value > m.Description {
		if _, err := tx.ExecContext(ctx, "UPDATE registered_models SET description = ?, described = ? WHERE seq = ?", d.Value, d.Time, m.seq); err != nil {
			return err
		}
	}
	if err := mergeTags(ctx, tx, m.seq, 0, r.Tags, deleted); err != nil {
		return err
	}
	for _, a := range r.Aliases {
		if a.Time <= deleted {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO model_aliases (model, name, version, author, time, deleted) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (model, name) DO UPDATE SET version = excluded.version, author = excluded.author, time = excluded.time, deleted = excluded.deleted
			WHERE (excluded.time, excluded.deleted, excluded.version, excluded.author) > (model_aliases.time, model_aliases.deleted, model_aliases.version, model_aliases.author)`,
			m.seq, a.Name, a.Version, a.By, a.Time, flag(a.Removed)); err != nil {
			return err
		}
	}
	return nil
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// bringDown removes what a model had when it was deleted elsewhere; what came
// later stays, and with it the model.
func (s *Service) bringDown(ctx context.Context, tx *db.Tx, m modelRow, at int64) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM registry_tags WHERE model = ? AND (time <= ? OR version IN (SELECT seq FROM model_versions WHERE model = ? AND created <= ?))",
		m.seq, at, m.seq, at); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM model_versions WHERE model = ? AND created <= ?", m.seq, at); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM model_aliases WHERE model = ? AND time <= ?", m.seq, at); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE registered_models SET description = '', described = 0 WHERE seq = ? AND described <= ?", m.seq, at); err != nil {
		return err
	}
	// A version that came later begins the model anew.
	var first int64
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(min(created), 0) FROM model_versions WHERE model = ?", m.seq).Scan(&first); err != nil {
		return err
	}
	if first > 0 && m.Created <= at {
		_, err := tx.ExecContext(ctx, "UPDATE registered_models SET created = ? WHERE seq = ?", first, m.seq)
		return err
	}
	return nil
}

func mergeTags(ctx context.Context, tx *db.Tx, model, version int64, tags []registry.RecordTag, after int64) error {
	for _, t := range tags {
		if t.Time <= after {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO registry_tags (model, version, key, value, time, deleted) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (model, version, key) DO UPDATE SET value = excluded.value, time = excluded.time, deleted = excluded.deleted
			WHERE (excluded.time, excluded.deleted, excluded.value) > (registry_tags.time, registry_tags.deleted, registry_tags.value)`,
			model, version, t.Key, t.Value, t.Time, flag(t.Removed)); err != nil {
			return err
		}
	}
	return nil
}

// importVersion takes in a version, or lets it wait.
func (s *Service) importVersion(ctx context.Context, tx *db.Tx, r *registry.VersionRecord) (added, changed int, err error) {
	m, err := rowOf(ctx, tx, r.Model, r.Created)
	if err != nil {
		return 0, 0, err
	}
	known, err := versionRows(ctx, tx, "WHERE v.id = ?", r.ID)
	if err != nil {
		return 0, 0, err
	}
	if len(known) > 0 {
		return 0, 1, s.mergeVersion(ctx, tx, &known[0], m, r)
	}
	if max(r.Created, r.Placed) <= m.deleted {
		return 0, 0, nil // it went with its model
	}
	free, err := s.free(ctx, tx, m, r.Number)
	if err != nil {
		return 0, 0, err
	}
	if !free {
		return 0, 0, wait(ctx, tx, r)
	}
	return 1, 0, s.place(ctx, tx, m, r)
}

// free reports whether a number can be taken by a version that was fetched. One
// that was deleted before anybody knew it makes room.
func (s *Service) free(ctx context.Context, tx *db.Tx, m modelRow, number int) (bool, error) {
	found, err := versionRows(ctx, tx, "WHERE v.model = ? AND v.number = ?", m.seq, number)
	if err != nil || len(found) == 0 {
		return err == nil, err
	}
	if v := found[0]; v.deleted == 0 || v.sent == 1 {
		return false, nil
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM model_versions WHERE seq = ?", found[0].seq)
	return err == nil, err
}

func wait(ctx context.Context, tx *db.Tx, r *registry.VersionRecord) error {
	data, err := r.Encode()
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO model_waiting (id, name, number, record) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, number = excluded.number, record = excluded.record`, r.ID, r.Model, r.Number, string(data))
	return err
}

// place stores a version that was not known.
func (s *Service) place(ctx context.Context, tx *db.Tx, m modelRow, r *registry.VersionRecord) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM model_waiting WHERE id = ?", r.ID); err != nil {
		return err
	}
	v := versionRow{placed: r.Placed, deleted: r.Deleted, sent: 1, staged: r.Stage.Time, described: r.Description.Time, Version: registry.Version{
		Model: r.Model, Number: r.Number, ID: r.ID, Created: r.Created, Updated: max(r.Created, r.Deleted, r.Stage.Time, r.Description.Time),
		User: r.User, Stage: registry.Stage(r.Stage.Value), Status: r.Status, StatusText: r.StatusText, Source: r.Source, Storage: r.Storage,
		RunID: r.RunID, RunLink: r.RunLink, LoggedModel: r.LoggedModel, Description: r.Description.Value, Details: r.Details,
	}}
	seq, err := insertVersion(ctx, tx, m.seq, v)
	if err != nil {
		return err
	}
	if m.Created <= m.deleted { // it begins the model anew
		if _, err := tx.ExecContext(ctx, "UPDATE registered_models SET created = ?, record = NULL WHERE seq = ?", max(r.Created, m.deleted+1), m.seq); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, "UPDATE registered_models SET updated = ? WHERE seq = ? AND updated < ?", r.Created, m.seq, r.Created); err != nil {
		return err
	}
	if err := mergeTags(ctx, tx, m.seq, seq, r.Tags, 0); err != nil {
		return err
	}
	if err := mergeApprovals(ctx, tx, seq, r.Approvals); err != nil {
		return err
	}
	if r.Deleted > 0 {
		return nil
	}
	return s.event(ctx, tx, registry.VersionImported, r.Model, map[string]any{"version": r.Number, "by": r.User})
}

func mergeApprovals(ctx context.Context, tx *db.Tx, seq int64, approvals []registry.Approval) error {
	for _, a := range approvals {
		if _, err := tx.ExecContext(ctx, "INSERT INTO model_approvals (version, author, time, alias, note) VALUES (?, ?, ?, ?, ?) ON CONFLICT (version, author, time, alias) DO NOTHING",
			seq, a.By, a.Time, a.Alias, a.Note); err != nil {
			return err
		}
	}
	return nil
}

// mergeVersion brings a known version up to date.
func (s *Service) mergeVersion(ctx context.Context, tx *db.Tx, v *versionRow, m modelRow, r *registry.VersionRecord) error {
	if r.Placed > v.placed && (m.seq != v.model || r.Number != v.Number) {
		free, err := s.free(ctx, tx, m, r.Number)
		if err != nil {
			return err
		}
		if !free {
			return wait(ctx, tx, r)
		}
		if err := s.move(ctx, tx, v, m, r.Number, r.Placed); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, "UPDATE model_versions SET sent = 1, record = NULL WHERE seq = ?", v.seq); err != nil {
		return err
	}
	if v.deleted > 0 {
		return nil
	}
	if r.Deleted > 0 {
		return emptyVersion(ctx, tx, v.seq, r.Deleted)
	}
	if t := r.Stage; t.Time > v.staged || t.Time == v.staged && t.Value > string(v.Stage) {
		if err := setStage(ctx, tx, v.seq, registry.Stage(t.Value), t.Time); err != nil {
			return err
		}
	}
	if t := r.Description; t.Time > v.described || t.Time == v.described && t.Value > v.Description {
		if _, err := tx.ExecContext(ctx, "UPDATE model_versions SET description = ?, described = ? WHERE seq = ?", t.Value, t.Time, v.seq); err != nil {
			return err
		}
	}
	if err := mergeTags(ctx, tx, m.seq, v.seq, r.Tags, 0); err != nil {
		return err
	}
	return mergeApprovals(ctx, tx, v.seq, r.Approvals)
}

// move gives a version another number, or another model.
func (s *Service) move(ctx context.Context, tx *db.Tx, v *versionRow, m modelRow, number int, at int64) error {
	if _, err := tx.ExecContext(ctx, "UPDATE model_versions SET model = ?, number = ?, placed = ?, record = NULL WHERE seq = ?", m.seq, number, at, v.seq); err != nil {
		return err
	}
	if m.seq == v.model {
		return nil
	}
	_, err := tx.ExecContext(ctx, "UPDATE registry_tags SET model = ? WHERE model = ? AND version = ?", m.seq, v.model, v.seq)
	return err
}

// Renumber gives a version the next free number of its model, and its old one to
// the version that waits for it. Aliases stay with their versions.
func (s *Service) Renumber(ctx context.Context, name string, number int) (to int, err error) {
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		v, err := s.version(ctx, tx, name, number)
		if err != nil {
			return err
		}
		m, err := s.model(ctx, tx, name)
		if err != nil {
			return err
		}
		next, err := waiting(ctx, tx, "WHERE name = ? AND number = ?", name, number)
		if err != nil {
			return err
		}
		if len(next) == 0 {
			return errs.New(errs.Conflict, "%s/%d stays what it is: no other version was registered under its number", name, number)
		}
		if to, err = nextNumber(ctx, tx, m.seq); err != nil {
			return err
		}
		if err := s.move(ctx, tx, &v, m, to, max(s.now(), v.placed+1)); err != nil {
			return err
		}
		if err := s.place(ctx, tx, m, &next[0]); err != nil {
			return err
		}
		return s.event(ctx, tx, registry.VersionNumbered, name, map[string]any{"version": to, "from": number})
	})
	return to, err
}
