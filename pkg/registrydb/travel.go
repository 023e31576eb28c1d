package registrydb

import (
	"context"
	"encoding/json"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/registry"
)

// Export is a model, or a version of one, that may travel.
type Export struct {
	Ref     registry.Ref  // a version by its number
	Version string        // id of the version, "" for a model
	Record  oid.ID        // the id of the bytes that Service.Record returns
	Object  registry.Data // the files of the version; a zero id: none
}

// Exports lists all models and then all versions, also what is left of those
// that were deleted. Only what changed since the last call is read whole.
func (s *Service) Exports(ctx context.Context) ([]Export, error) {
	if err := s.identify(ctx); err != nil {
		return nil, err
	}
	var list []Export
	var e Export
	var id, object oidColumn
	if err := db.Each(ctx, s.db, []any{&e.Ref.Name, &id}, func() error {
		e.Record = oid.ID(id)
		list = append(list, e)
		return nil
	}, "SELECT name, record FROM registered_models WHERE record IS NOT NULL ORDER BY name"); err != nil {
		return nil, err
	}
	var details string
	err := db.Each(ctx, s.db, []any{&e.Ref.Name, &e.Ref.Number, &e.Version, &id, &object, &details}, func() error {
		e.Record, e.Object = oid.ID(id), registry.Data{}
		if object != (oidColumn{}) {
			var d registry.Details
			if err := json.Unmarshal([]byte(details), &d); err != nil {
				return err
			}
			e.Object = registry.Data{Path: d.Path, Kind: d.Kind, ID: d.Object, Size: d.Size, Files: d.Files}
		}
		list = append(list, e)
		return nil
	}, "SELECT m.name, v.number, v.id, v.record, v.object, CASE WHEN v.object IS NULL THEN '' ELSE v.details END"+fromVersions+"WHERE v.record IS NOT NULL ORDER BY m.name, v.number")
	return list, err
}

// identify gives everything the id of its record.
func (s *Service) identify(ctx context.Context) error {
	for _, table := range []string{"registered_models", "model_versions"} {
		var missing []int64
		var seq int64
		if err := db.Each(ctx, s.db, []any{&seq}, func() error {
			missing = append(missing, seq)
			return nil
		}, "SELECT seq FROM "+table+" WHERE record IS NULL"); err != nil {
			return err
		}
		if len(missing) == 0 {
			continue
		}
		if err := s.db.Update(ctx, func(tx *db.Tx) error {
			for _, seq := range missing {
				data, err := encode(ctx, tx, table, seq)
				if err != nil {
					return err
				}
				sum := oid.Sum(data)
				if _, err := tx.ExecContext(ctx, "UPDATE "+table+" SET record = ? WHERE seq = ?", sum[:], seq); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// Record returns the canonical bytes of a model or a version. From then on
// others may know the number of the version.
func (s *Service) Record(ctx context.Context, e Export) (data []byte, err error) {
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		table, query, key := "registered_models", "SELECT seq FROM registered_models WHERE name = ?", e.Ref.Name
		if e.Version != "" {
			table, query, key = "model_versions", "SELECT seq FROM model_versions WHERE id = ?", e.Version
		}
		var seq int64
		if err := tx.QueryRowContext(ctx, query, key).Scan(&seq); err != nil {
			return err
		}
		if e.Version != "" {
			if _, err := tx.ExecContext(ctx, "UPDATE model_versions SET sent = 1 WHERE seq = ? AND sent = 0", seq); err != nil {
				return err
			}
		}
		data, err = encode(ctx, tx, table, seq)
		return err
	})
	return data, err
}

func encode(ctx context.Context, q db.Querier, table string, seq int64) ([]byte, error) {
	if table == "registered_models" {
		return encodeModel(ctx, q, seq)
	}
	return encodeVersion(ctx, q, seq)
}

func encodeModel(ctx context.Context, q db.Querier, seq int64) ([]byte, error) {
	found, err := rowsOf(ctx, q, "SELECT "+modelColumns+" FROM registered_models m WHERE m.seq = ?", seq)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	m := found[0]
	r := registry.ModelRecord{
		Name: m.Name, Created: m.Created, Deleted: m.deleted, Floor: int(m.floor),
		Description: registry.Text{Value: m.Description, Time: m.described}, Aliases: []registry.RecordAlias{},
	}
	if r.Tags, err = recordTags(ctx, q, seq, 0); err != nil {
		return nil, err
	}
	var a registry.RecordAlias
	if err := db.Each(ctx, q, []any{&a.Name, &a.Version, &a.By, &a.Time, &a.Removed}, func() error {
		r.Aliases = append(r.Aliases, a)
		return nil
	}, "SELECT name, version, author, time, deleted > 0 FROM model_aliases WHERE model = ? ORDER BY name", seq); err != nil {
		return nil, err
	}
	return r.Encode()
}

func encodeVersion(ctx context.Context, q db.Querier, seq int64) ([]byte, error) {
	found, err := versionRows(ctx, q, "WHERE v.seq = ?", seq)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	v := found[0]
	r := registry.VersionRecord{
		Model: v.Model, Number: v.Number, Placed: v.placed, ID: v.ID, Created: v.Created, Deleted: v.deleted, User: v.User,
		Stage: registry.Text{Value: string(v.Stage), Time: v.staged}, Status: v.Status, StatusText: v.StatusText,
		Source: v.Source, Storage: v.Storage, RunID: v.RunID, RunLink: v.RunLink, LoggedModel: v.LoggedModel,
		Description: registry.Text{Value: v.Description, Time: v.described}, Approvals: []registry.Approval{},
	}
	if err := json.Unmarshal([]byte(v.details), &r.Details); err != nil {
		return nil, err
	}
	if r.Tags, err = recordTags(ctx, q, v.model, seq); err != nil {
		return nil, err
	}
	var a registry.Approval
	if err := db.Each(ctx, q, []any{&a.By, &a.Time, &a.Alias, &a.Note}, func() error {
		r.Approvals = append(r.Approvals, a)
		return nil
	}, "SELECT author, time, alias, note FROM model_approvals WHERE version = ? ORDER BY time, author, alias", seq); err != nil {
		return nil, err
	}
	return r.Encode()
}

func recordTags(ctx context.Context, q db.Querier, model, version int64) ([]registry.RecordTag, error) {
	tags := []registry.RecordTag{}
	var t registry.RecordTag
	err := db.Each(ctx, q, []any{&t.Key, &t.Value, &t.Time, &t.Removed}, func() error {
		tags = append(tags, t)
		return nil
	}, "SELECT key, value, time, deleted > 0 FROM registry_tags WHERE model = ? AND version = ? ORDER BY key", model, version)
	return tags, err
}

// Objects calls fn for the files of every version that is there, and of those
// that wait. Only says that the version was never pushed.
func (s *Service) Objects(ctx context.Context, fn func(ref registry.Ref, data registry.Data, only bool) error) error {
	rows, err := versionRows(ctx, s.db, "WHERE v.object IS NOT NULL AND v.deleted = 0")
	if err != nil {
		return err
	}
	report := func(ref registry.Ref, d *registry.Details, only bool) error {
		return fn(ref, registry.Data{Path: d.Path, Kind: d.Kind, ID: d.Object, Size: d.Size, Files: d.Files}, only)
	}
	for i := range rows {
		var d registry.Details
		if err := json.Unmarshal([]byte(rows[i].details), &d); err != nil {
			return err
		}
		if err := report(rows[i].Ref(), &d, rows[i].sent == 0); err != nil {
			return err
		}
	}
	waiting, err := s.Waiting(ctx)
	if err != nil {
		return err
	}
	for i := range waiting {
		if v := &waiting[i]; !v.Details.Object.IsZero() {
			if err := report(registry.Ref{Name: v.Model, Number: v.Number}, &v.Details, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// Waiting lists the versions that were fetched and whose number another one has
// here, by model and number.
func (s *Service) Waiting(ctx context.Context) ([]registry.VersionRecord, error) {
	return waiting(ctx, s.db, "")
}

func waiting(ctx context.Context, q db.Querier, where string, args ...any) (list []registry.VersionRecord, err error) {
	texts, err := column(ctx, q, "SELECT record FROM model_waiting "+where+" ORDER BY name, number, id", args...)
	if err != nil {
		return nil, err
	}
	for _, text := range texts {
		_, v, err := registry.DecodeRecord([]byte(text))
		if err != nil {
			return nil, err
		}
		if v == nil {
			return nil, errs.New(errs.Corrupt, "a record that waits is no version")
		}
		list = append(list, *v)
	}
	return list, nil
}
