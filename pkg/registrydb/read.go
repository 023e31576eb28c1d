package registrydb

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/registry"
)

// modelRow is a model with what is not shown.
type modelRow struct {
	seq, deleted, floor, described int64
	registry.Model
}

const modelColumns = "m.seq, m.name, m.created, m.updated, m.deleted, m.floor, m.description, m.described"

func (m *modelRow) dest() []any {
	return []any{&m.seq, &m.Name, &m.Created, &m.Updated, &m.deleted, &m.floor, &m.Description, &m.described}
}

// versionRow is a version with what is not shown.
type versionRow struct {
	seq, model, placed, deleted, sent, staged, described int64
	details                                              string
	object                                               oidColumn
	registry.Version
}

const versionColumns = `v.seq, v.model, m.name, v.number, v.placed, v.id, v.created, v.updated, v.deleted, v.sent, v.author, v.stage, v.staged,
	v.status, v.status_text, v.source, v.storage, v.run, v.run_link, v.logged_model, v.description, v.described, v.object, v.details`

const fromVersions = " FROM model_versions v JOIN registered_models m ON m.seq = v.model "

func (v *versionRow) dest() []any {
	return []any{
		&v.seq, &v.model, &v.Model, &v.Number, &v.placed, &v.ID, &v.Created, &v.Updated, &v.deleted, &v.sent, &v.User, &v.Stage, &v.staged,
		&v.Status, &v.StatusText, &v.Source, &v.Storage, &v.RunID, &v.RunLink, &v.LoggedModel, &v.Description, &v.described, &v.object, &v.details,
	}
}

// alive is the condition that a model is there.
const alive = "m.created > m.deleted"

// model finds a model that is there.
func (s *Service) model(ctx context.Context, q db.Querier, name string) (modelRow, error) {
	found, err := rowsOf(ctx, q, "SELECT "+modelColumns+" FROM registered_models m WHERE m.name = ? AND "+alive, name)
	if err != nil {
		return modelRow{}, err
	}
	if len(found) == 0 {
		return modelRow{}, missingModel(ctx, q, name)
	}
	return found[0], nil
}

func rowsOf(ctx context.Context, q db.Querier, query string, args ...any) (list []modelRow, err error) {
	var m modelRow
	err = db.Each(ctx, q, m.dest(), func() error {
		list = append(list, m)
		return nil
	}, query, args...)
	return list, err
}

func missingModel(ctx context.Context, q db.Querier, name string) error {
	names, err := column(ctx, q, "SELECT m.name FROM registered_models m WHERE "+alive+" ORDER BY m.name LIMIT 1000")
	if err != nil {
		return err
	}
	e := registry.Missing(registry.MissingError{Model: name}).DidYouMean(name, names)
	if len(names) == 0 {
		return e.Hint("mlops model register PATH %s makes it", name)
	}
	return e.Hint("'mlops model ls' lists the models")
}

// version finds a version that is there.
func (s *Service) version(ctx context.Context, q db.Querier, name string, number int) (versionRow, error) {
	m, err := s.model(ctx, q, name)
	if err != nil {
		return versionRow{}, err
	}
	found, err := versionRows(ctx, q, "WHERE v.model = ? AND v.number = ? AND v.deleted = 0", m.seq, number)
	if err != nil {
		return versionRow{}, err
	}
	if len(found) == 0 {
		return versionRow{}, registry.Missing(registry.MissingError{Model: name, Version: number}).
			Hint("'mlops model versions %s' lists what there is", name)
	}
	return found[0], nil
}

func versionRows(ctx context.Context, q db.Querier, rest string, args ...any) (list []versionRow, err error) {
	return versionRowsFrom(ctx, q, fromVersions, rest, args...)
}

func versionRowsFrom(ctx context.Context, q db.Querier, from, rest string, args ...any) (list []versionRow, err error) {
	var v versionRow
	err = db.Each(ctx, q, v.dest(), func() error {
		list = append(list, v)
		return nil
	}, "SELECT "+versionColumns+from+rest, args...)
	return list, err
}

// column returns the texts of a query with one column.
func column(ctx context.Context, q db.Querier, query string, args ...any) (texts []string, err error) {
	var text string
	err = db.Each(ctx, q, []any{&text}, func() error {
		texts = append(texts, text)
		return nil
	}, query, args...)
	return texts, err
}

// Model implements registry.Reader.
func (s *Service) Model(ctx context.Context, name string) (registry.Model, error) {
	m, err := s.model(ctx, s.db, name)
	if err != nil {
		return registry.Model{}, err
	}
	list, err := s.fillModels(ctx, []modelRow{m})
	if err != nil {
		return registry.Model{}, err
	}
	return list[0], nil
}

// fillModels adds tags, aliases and the latest versions.
func (s *Service) fillModels(ctx context.Context, rows []modelRow) ([]registry.Model, error) {
	list := make([]registry.Model, len(rows))
	at := map[int64]int{}
	seqs := make([]any, len(rows))
	for i := range rows {
		list[i] = rows[i].Model
		list[i].Tags, list[i].Aliases = []registry.Tag{}, []registry.Alias{}
		at[rows[i].seq], seqs[i] = i, rows[i].seq
	}
	for part := range slices.Chunk(seqs, 500) {
		in := "(" + marks(len(part)) + ")"
		var seq int64
		var tag registry.Tag
		if err := db.Each(ctx, s.db, []any{&seq, &tag.Key, &tag.Value}, func() error {
			m := &list[at[seq]]
			m.Tags = append(m.Tags, tag)
			return nil
		}, "SELECT model, key, value FROM registry_tags WHERE version = 0 AND deleted = 0 AND model IN "+in+" ORDER BY model, key", part...); err != nil {
			return nil, err
		}
		var alias registry.Alias
		if err := db.Each(ctx, s.db, []any{&seq, &alias.Name, &alias.Version, &alias.By, &alias.Time}, func() error {
			m := &list[at[seq]]
			m.Aliases = append(m.Aliases, alias)
			return nil
		}, `SELECT a.model, a.name, v.number, a.author, a.time FROM model_aliases a JOIN model_versions v ON v.id = a.version AND v.model = a.model
			WHERE a.deleted = 0 AND v.deleted = 0 AND a.model IN `+in+" ORDER BY a.model, a.name", part...); err != nil {
			return nil, err
		}
		var count int
		if err := db.Each(ctx, s.db, []any{&seq, &count}, func() error {
			list[at[seq]].Versions = count
			return nil
		}, "SELECT model, count(*) FROM model_versions WHERE deleted = 0 AND model IN "+in+" GROUP BY model", part...); err != nil {
			return nil, err
		}
		latest, err := versionRows(ctx, s.db, "WHERE (v.model, v.stage, v.number) IN (SELECT model, stage, max(number) FROM model_versions WHERE deleted = 0 AND model IN "+
			in+" GROUP BY model, stage) ORDER BY v.model, v.number", part...)
		if err != nil {
			return nil, err
		}
		filled, err := s.fillVersions(ctx, latest, true)
		if err != nil {
			return nil, err
		}
		for i, v := range filled {
			m := &list[at[latest[i].model]]
			m.Latest = append(m.Latest, v)
		}
	}
	return list, nil
}

// fillVersions adds tags and aliases, and what is not bare.
func (s *Service) fillVersions(ctx context.Context, rows []versionRow, bare bool) ([]registry.Version, error) {
	list := make([]registry.Version, len(rows))
	at := map[int64]int{}
	seqs := make([]any, len(rows))
	for i := range rows {
		v := &list[i]
		*v = rows[i].Version
		v.Tags, v.Aliases, v.Approvals = []registry.Tag{}, []string{}, []registry.Approval{}
		at[rows[i].seq], seqs[i] = i, rows[i].seq
		if !bare {
			if err := json.Unmarshal([]byte(rows[i].details), &v.Details); err != nil {
				return nil, err
			}
		}
	}
	for part := range slices.Chunk(seqs, 500) {
		in := "(" + marks(len(part)) + ")"
		var seq int64
		var tag registry.Tag
		if err := db.Each(ctx, s.db, []any{&seq, &tag.Key, &tag.Value}, func() error {
			v := &list[at[seq]]
			v.Tags = append(v.Tags, tag)
			return nil
		}, "SELECT version, key, value FROM registry_tags WHERE (model, version) IN (SELECT model, seq FROM model_versions WHERE seq IN "+in+
			") AND deleted = 0 ORDER BY version, key", part...); err != nil {
			return nil, err
		}
		var alias string
		if err := db.Each(ctx, s.db, []any{&seq, &alias}, func() error {
			v := &list[at[seq]]
			v.Aliases = append(v.Aliases, alias)
			return nil
		}, "SELECT v.seq, a.name FROM model_aliases a JOIN model_versions v ON v.id = a.version AND v.model = a.model WHERE a.deleted = 0 AND v.seq IN "+
			in+" ORDER BY v.seq, a.name", part...); err != nil {
			return nil, err
		}
		if bare {
			continue
		}
		var a registry.Approval
		if err := db.Each(ctx, s.db, []any{&seq, &a.By, &a.Time, &a.Alias, &a.Note}, func() error {
			v := &list[at[seq]]
			v.Approvals = append(v.Approvals, a)
			return nil
		}, "SELECT version, author, time, alias, note FROM model_approvals WHERE version IN "+in+" ORDER BY version, time, author, alias", part...); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (s *Service) fillVersion(ctx context.Context, row versionRow) (registry.Version, error) {
	list, err := s.fillVersions(ctx, []versionRow{row}, false)
	if err != nil {
		return registry.Version{}, err
	}
	return list[0], nil
}

// Version implements registry.Reader.
func (s *Service) Version(ctx context.Context, name string, number int) (registry.Version, error) {
	row, err := s.version(ctx, s.db, name, number)
	if err != nil {
		return registry.Version{}, err
	}
	return s.fillVersion(ctx, row)
}

// Latest implements registry.Reader.
func (s *Service) Latest(ctx context.Context, name string, stages ...registry.Stage) ([]registry.Version, error) {
	m, err := s.Model(ctx, name)
	if err != nil || len(stages) == 0 {
		return m.Latest, err
	}
	return slices.DeleteFunc(m.Latest, func(v registry.Version) bool { return !slices.Contains(stages, v.Stage) }), nil
}

// Find implements registry.Reader.
func (s *Service) Find(ctx context.Context, ref registry.Ref) (registry.Version, error) {
	if ref.Number > 0 {
		return s.Version(ctx, ref.Name, ref.Number)
	}
	m, err := s.model(ctx, s.db, ref.Name)
	if err != nil {
		return registry.Version{}, err
	}
	newest := "WHERE v.model = ? AND v.deleted = 0 ORDER BY v.number DESC LIMIT 1"
	args := []any{m.seq}
	if ref.Alias != "" && !strings.EqualFold(ref.Alias, registry.Latest) {
		found, err := versionRows(ctx, s.db, `WHERE v.model = ? AND v.deleted = 0
			AND v.id = (SELECT a.version FROM model_aliases a WHERE a.model = v.model AND a.name = ? AND a.deleted = 0)`, m.seq, ref.Alias)
		if err != nil {
			return registry.Version{}, err
		}
		if len(found) > 0 {
			return s.fillVersion(ctx, found[0])
		}
		stage, err := registry.ParseStage(ref.Alias)
		if err != nil {
			return registry.Version{}, s.missingAlias(ctx, m, ref.Alias)
		}
		newest = "WHERE v.model = ? AND v.deleted = 0 AND v.stage = ? ORDER BY v.number DESC LIMIT 1"
		args = append(args, string(stage))
	}
	found, err := versionRows(ctx, s.db, newest, args...)
	if err != nil {
		return registry.Version{}, err
	}
	if len(found) == 0 {
		if len(args) > 1 {
			return registry.Version{}, s.missingAlias(ctx, m, ref.Alias)
		}
		return registry.Version{}, registry.Missing(registry.MissingError{Model: ref.Name, Alias: registry.Latest}).
			Hint("it has no versions yet: mlops model register PATH %s", ref.Name)
	}
	return s.fillVersion(ctx, found[0])
}

func (s *Service) missingAlias(ctx context.Context, m modelRow, alias string) error {
	names, err := column(ctx, s.db, "SELECT name FROM model_aliases WHERE model = ? AND deleted = 0 ORDER BY name", m.seq)
	if err != nil {
		return err
	}
	e := registry.Missing(registry.MissingError{Model: m.Name, Alias: alias}).DidYouMean(alias, names)
	return e.Hint("mlops model alias %s/VERSION %s sets it; 'mlops model show %s' lists the aliases", m.Name, alias, m.Name)
}

// ByObject lists the versions that have these files, the oldest first.
func (s *Service) ByObject(ctx context.Context, object []byte) ([]registry.Version, error) {
	rows, err := versionRows(ctx, s.db, "WHERE v.object = ? AND v.deleted = 0 AND "+alive+" ORDER BY v.created, v.seq", object)
	if err != nil {
		return nil, err
	}
	return s.fillVersions(ctx, rows, true)
}

// ByRun lists the versions that a run made, the oldest first.
func (s *Service) ByRun(ctx context.Context, run string) ([]registry.Version, error) {
	rows, err := versionRows(ctx, s.db, "WHERE v.run = ? AND v.deleted = 0 AND "+alive+" ORDER BY v.created, v.seq", run)
	if err != nil {
		return nil, err
	}
	return s.fillVersions(ctx, rows, true)
}

// Keys lists the keys of the tags of all models, or of all versions.
func (s *Service) Keys(ctx context.Context, versions bool) ([]string, error) {
	op := "="
	if versions {
		op = ">"
	}
	return column(ctx, s.db, "SELECT DISTINCT key FROM registry_tags WHERE deleted = 0 AND version "+op+" 0 ORDER BY key")
}

// marks is n placeholders.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
