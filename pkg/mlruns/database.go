package mlruns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/track"
)

// database is the source of a tracking store in SQL, of any version of MLflow:
// tables and columns that it does not have yet are empty.
type database struct {
	db     *db.DB
	tables map[string]bool
	*places
}

func openDatabase(ctx context.Context, name string, o OpenOptions) (*database, error) {
	base := "."
	if !db.IsPostgres(name) {
		base = filepath.Dir(name)
	}
	abs, err := filepath.Abs(base)
	if err != nil {
		return nil, err
	}
	d, err := db.OpenForeign(ctx, name)
	if err != nil {
		return nil, err
	}
	s := &database{db: d, tables: map[string]bool{}, places: newPlaces(abs, o)}
	query := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if db.IsPostgres(name) {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = ANY (current_schemas(false))"
	}
	err = s.each(ctx, query, nil, func(r row) error {
		s.tables[r.text("name", "table_name")] = true
		return nil
	})
	if err == nil && !s.tables["runs"] {
		err = errs.New(errs.NotFound, "%s has no table of MLflow's runs", d.Path()).Hint("name the database that 'mlflow server --backend-store-uri' has")
	}
	if err == nil && !s.tables["alembic_version"] {
		err = errs.New(errs.Usage, "%s has a table runs, but it is not MLflow's", d.Path())
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return s, nil
}

// Name implements Source.
func (s *database) Name() string { return s.db.Path() }

// Close implements Source.
func (s *database) Close() error { return errors.Join(s.db.Close(), s.close()) }

// Files implements Source.
func (s *database) Files(ctx context.Context, place string) (Files, error) { return s.open(ctx, place) }

// row is a row by the names of its columns.
type row map[string]any

// text is the first of some columns that is there and no NULL.
func (r row) text(names ...string) string {
	for _, name := range names {
		switch v := r[name].(type) {
		case nil:
		case string:
			return v
		case []byte:
			return string(v)
		case int64:
			return strconv.FormatInt(v, 10)
		default:
			return fmt.Sprint(v)
		}
	}
	return ""
}

func (r row) integer(name string) int64 {
	switch v := r[name].(type) {
	case int64:
		return v
	case int32:
		return int64(v)
	case float64:
		return int64(v)
	}
	n, err := strconv.ParseInt(r.text(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// each calls fn for the rows of a query.
func (s *database) each(ctx context.Context, query string, args []any, fn func(row) error) (err error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("read %s: %w", s.db.Path(), err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	values, to := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		to[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		r := make(row, len(names))
		for i, name := range names {
			r[name] = values[i]
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// all is each over a whole table, where it exists.
func (s *database) all(ctx context.Context, table, rest string, args []any, fn func(row) error) error {
	if !s.tables[table] {
		return nil
	}
	return s.each(ctx, "SELECT * FROM "+table+" "+rest, args, fn)
}

// Ignored implements Source.
func (s *database) Ignored(ctx context.Context) (map[string]int64, error) {
	out := map[string]int64{}
	for table, what := range map[string]string{
		"trace_info": "traces", "assessments": "assessments", "evaluation_datasets": "evaluation datasets", "scorers": "scorers",
		"webhooks": "webhooks", "endpoints": "gateway endpoints", "review_queues": "review queues",
	} {
		if !s.tables[table] {
			continue
		}
		var n int64
		if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			return nil, err
		}
		if n > 0 {
			out[what] = n
		}
	}
	return out, nil
}

// Experiments implements Source.
func (s *database) Experiments(ctx context.Context) ([]track.Experiment, error) {
	tags := map[string][]track.Tag{}
	if err := s.all(ctx, "experiment_tags", "", nil, func(r row) error {
		id := r.text("experiment_id")
		tags[id] = append(tags[id], track.Tag{Key: r.text("key"), Value: r.text("value")})
		return nil
	}); err != nil {
		return nil, err
	}
	var out []track.Experiment
	err := s.all(ctx, "experiments", "ORDER BY experiment_id", nil, func(r row) error {
		id := r.text("experiment_id")
		name := r.text("name")
		if w := r.text("workspace"); w != "" && w != "default" {
			name = w + "/" + name // names are unique within a workspace only
		}
		out = append(out, track.Experiment{
			ID: id, Name: name, Location: r.text("artifact_location"), Created: r.integer("creation_time"), Updated: r.integer("last_update_time"),
			Deleted: r.text("lifecycle_stage") == "deleted", Tags: tags[id],
		})
		return nil
	})
	return out, err
}

// atOnce is how many runs are read together.
const atOnce = 100

// Runs implements Source.
func (s *database) Runs(ctx context.Context, experiment string, fn func(*Run) error, problem func(error)) error {
	number, err := strconv.ParseInt(experiment, 10, 64)
	if err != nil {
		return err
	}
	var runs []*Run
	if err := s.all(ctx, "runs", "WHERE experiment_id = ? ORDER BY start_time, run_uuid", []any{number}, func(r row) error {
		run := &Run{Place: r.text("artifact_uri"), Run: track.Run{
			ID: r.text("run_uuid"), Name: r.text("name"), ExperimentID: experiment, User: r.text("user_id"), StartTime: r.integer("start_time"),
			EndTime: r.integer("end_time"), Deleted: r.text("lifecycle_stage") == "deleted", Source: r.text("source_name"),
			Git: track.Git{Commit: r.text("source_version")},
		}}
		var err error
		if run.Status, err = statusOf(r.text("status")); err != nil {
			problem(fmt.Errorf("run %s: %w", run.ID, err))
			return nil
		}
		runs = append(runs, run)
		return nil
	}); err != nil {
		return err
	}
	for part := range slices.Chunk(runs, atOnce) {
		if err := s.fill(ctx, part); err != nil {
			return err
		}
		for _, r := range part {
			if err := fn(r); err != nil {
				return err
			}
			*r = Run{} // it was taken over: its points need not stay in memory
		}
	}
	return nil
}

// fill reads what belongs to runs.
func (s *database) fill(ctx context.Context, runs []*Run) error {
	byID := map[string]*Run{}
	ids := make([]any, len(runs))
	for i, r := range runs {
		byID[r.ID], ids[i] = r, r.ID
	}
	in := "IN (?" + strings.Repeat(", ?", len(ids)-1) + ")"
	tags := map[string][]track.Tag{}
	if err := errors.Join(
		s.all(ctx, "params", "WHERE run_uuid "+in, ids, func(r row) error {
			run := byID[r.text("run_uuid")]
			run.Params = append(run.Params, track.Param{Key: r.text("key"), Value: r.text("value")})
			return nil
		}),
		s.all(ctx, "tags", "WHERE run_uuid "+in, ids, func(r row) error {
			id := r.text("run_uuid")
			tags[id] = append(tags[id], track.Tag{Key: r.text("key"), Value: r.text("value")})
			return nil
		}),
		s.points(ctx, in, ids, byID),
		s.inputs(ctx, in, ids, byID),
	); err != nil {
		return err
	}
	for id, list := range tags {
		byID[id].TakeTags(list)
	}
	return nil
}

func (s *database) points(ctx context.Context, in string, ids []any, byID map[string]*Run) (err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT run_uuid, "key", value, "timestamp", step, is_nan FROM metrics WHERE run_uuid `+in, ids...)
	if err != nil {
		return fmt.Errorf("read %s: %w", s.db.Path(), err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var id string
	var m track.Metric
	var isNaN any // a boolean, or 0 and 1
	for rows.Next() {
		if err := rows.Scan(&id, &m.Key, &m.Value, &m.Timestamp, &m.Step, &isNaN); err != nil {
			return err
		}
		if isNaN == true || isNaN == int64(1) {
			m.Value = nan()
		}
		run := byID[id]
		run.Points = append(run.Points, m)
	}
	return rows.Err()
}

// inputs reads the datasets and models of runs.
func (s *database) inputs(ctx context.Context, in string, ids []any, byID map[string]*Run) error {
	if !s.tables["inputs"] {
		return nil
	}
	tags := map[string][]track.Tag{}
	if err := s.all(ctx, "input_tags", "WHERE input_uuid IN (SELECT input_uuid FROM inputs WHERE destination_id "+in+")", ids, func(r row) error {
		id := r.text("input_uuid")
		tags[id] = append(tags[id], track.Tag{Key: r.text("name"), Value: r.text("value")})
		return nil
	}); err != nil {
		return err
	}
	if err := s.each(ctx, `SELECT i.input_uuid, i.destination_id, d.* FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id
		WHERE i.source_type = 'DATASET' AND i.destination_id `+in+" ORDER BY i.input_uuid", ids, func(r row) error {
		run := byID[r.text("destination_id")]
		run.Datasets = append(run.Datasets, track.DatasetInput{Tags: tags[r.text("input_uuid")], Dataset: track.Dataset{
			Name: r.text("name"), Digest: r.text("digest"), SourceType: r.text("dataset_source_type"), Source: r.text("dataset_source"),
			Schema: r.text("dataset_schema"), Profile: r.text("dataset_profile"),
		}})
		return nil
	}); err != nil {
		return err
	}
	return s.all(ctx, "inputs", "WHERE source_type IN ('RUN_INPUT', 'RUN_OUTPUT') AND source_id "+in, ids, func(r row) error {
		run := byID[r.text("source_id")]
		if r.text("source_type") == "RUN_INPUT" {
			run.ModelInputs = append(run.ModelInputs, r.text("destination_id"))
		} else {
			run.ModelOutputs = append(run.ModelOutputs, track.ModelOutput{Model: r.text("destination_id"), Step: r.integer("step")})
		}
		return nil
	})
}

// Models implements Source.
func (s *database) Models(ctx context.Context, experiment string, fn func(*Model) error, _ func(error)) error {
	number, err := strconv.ParseInt(experiment, 10, 64)
	if err != nil {
		return err
	}
	byID := map[string]*Model{}
	var models []*Model
	if err := s.all(ctx, "logged_models", "WHERE experiment_id = ? AND lifecycle_stage <> 'deleted' ORDER BY creation_timestamp_ms, model_id", []any{number}, func(r row) error {
		m := &Model{Place: r.text("artifact_location"), LoggedModel: track.LoggedModel{
			ID: r.text("model_id"), ExperimentID: experiment, Name: r.text("name"), Type: r.text("model_type"), Run: r.text("source_run_id"),
			Status: modelStatus(r.integer("status")), Message: r.text("status_message"),
			Created: r.integer("creation_timestamp_ms"), Updated: r.integer("last_updated_timestamp_ms"),
		}}
		byID[m.ID], models = m, append(models, m)
		return nil
	}); err != nil {
		return err
	}
	of := "WHERE experiment_id = ?"
	if err := errors.Join(
		s.all(ctx, "logged_model_params", of, []any{number}, func(r row) error {
			if m := byID[r.text("model_id")]; m != nil {
				m.Params = append(m.Params, track.Param{Key: r.text("param_key"), Value: r.text("param_value")})
			}
			return nil
		}),
		s.all(ctx, "logged_model_tags", of, []any{number}, func(r row) error {
			if m := byID[r.text("model_id")]; m != nil {
				m.Tags = append(m.Tags, track.Tag{Key: r.text("tag_key"), Value: r.text("tag_value")})
			}
			return nil
		}),
		s.all(ctx, "logged_model_metrics", of, []any{number}, func(r row) error {
			m := byID[r.text("model_id")]
			if m == nil {
				return nil
			}
			value, err := strconv.ParseFloat(r.text("metric_value"), 64)
			if r["metric_value"] == nil {
				value, err = nan(), nil
			}
			m.Metrics = append(m.Metrics, track.ModelMetric{Run: r.text("run_id"), Metric: track.Metric{
				Key: r.text("metric_name"), Value: value, Timestamp: r.integer("metric_timestamp_ms"), Step: r.integer("metric_step"),
				Dataset: r.text("dataset_name"), Digest: r.text("dataset_digest"),
			}})
			return err
		}),
	); err != nil {
		return err
	}
	for _, m := range models {
		if err := fn(m); err != nil {
			return err
		}
	}
	return nil
}

// Registry implements Source.
func (s *database) Registry(ctx context.Context) ([]Registered, error) {
	byName := map[string]*Registered{}
	versions := map[string]*Version{}
	at := func(r row) string { return r.text("name") + "\n" + r.text("version") }
	if err := errors.Join(
		s.all(ctx, "registered_models", "", nil, func(r row) error {
			byName[r.text("name")] = &Registered{Model: registry.Model{
				Name: r.text("name"), Created: r.integer("creation_time"), Updated: r.integer("last_updated_time"), Description: r.text("description"),
			}}
			return nil
		}),
		s.all(ctx, "registered_model_tags", "", nil, func(r row) error {
			if m := byName[r.text("name")]; m != nil {
				m.Tags = append(m.Tags, registry.Tag{Key: r.text("key"), Value: r.text("value")})
			}
			return nil
		}),
		s.all(ctx, "registered_model_aliases", "", nil, func(r row) error {
			if m := byName[r.text("name")]; m != nil {
				m.Aliases = append(m.Aliases, registry.Alias{Name: r.text("alias"), Version: int(r.integer("version"))})
			}
			return nil
		}),
		s.all(ctx, "model_versions", "ORDER BY name, version", nil, func(r row) error {
			versions[at(r)] = &Version{Gone: r.text("current_stage") == deletedStage, Version: registry.Version{
				Model: r.text("name"), Number: int(r.integer("version")), Created: r.integer("creation_time"), Updated: r.integer("last_updated_time"),
				Description: r.text("description"), User: r.text("user_id"), Stage: registry.Stage(r.text("current_stage")),
				Status: registry.Status(cmp.Or(r.text("status"), string(registry.Ready))), StatusText: r.text("status_message"),
				Source: r.text("source"), Storage: r.text("storage_location"), RunID: r.text("run_id"), RunLink: r.text("run_link"),
			}}
			return nil
		}),
		s.all(ctx, "model_version_tags", "", nil, func(r row) error {
			if v := versions[at(r)]; v != nil {
				v.Tags = append(v.Tags, registry.Tag{Key: r.text("key"), Value: r.text("value")})
			}
			return nil
		}),
	); err != nil {
		return nil, err
	}
	for _, v := range versions {
		if id, ok := strings.CutPrefix(v.Source, "models:/"); ok && track.IsModelID(id) {
			v.LoggedModel = id
		}
		if m := byName[v.Model]; m != nil {
			m.Versions = append(m.Versions, *v)
		}
	}
	out := make([]Registered, 0, len(byName))
	for _, name := range sortedKeys(byName) {
		m := byName[name]
		slices.SortFunc(m.Versions, func(a, b Version) int { return cmp.Compare(a.Number, b.Number) })
		out = append(out, *m)
	}
	return out, nil
}
