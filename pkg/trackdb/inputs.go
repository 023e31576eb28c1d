package trackdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/track"
)

// logInputs stores the datasets and logged models that a run read, and those
// that it made. A dataset that the run has read already stays as it is.
func (s *Service) logInputs(ctx context.Context, tx *db.Tx, r row, b track.Batch) error {
	position := s.position()
	for _, d := range b.Datasets {
		position++
		if err := logDataset(ctx, tx, r, d, position); err != nil {
			return err
		}
	}
	type edge struct {
		role track.Role
		track.ModelOutput
	}
	var edges []edge
	for _, id := range b.ModelInputs {
		edges = append(edges, edge{track.Input, track.ModelOutput{Model: id}})
	}
	for _, o := range b.ModelOutputs {
		edges = append(edges, edge{track.Output, o})
	}
	type name struct {
		role  track.Role
		model string
	}
	edges = lastOf(edges, func(e edge) name { return name{e.role, e.Model} })
	_, err := insert(ctx, tx, "INSERT INTO run_models (run, role, model, step, position)",
		"ON CONFLICT (run, role, model) DO UPDATE SET step = excluded.step", 5, edges, func(e edge) []any {
			position++
			return []any{r.seq, e.role, e.Model, e.Step, position}
		})
	return err
}

func logDataset(ctx context.Context, tx *db.Tx, r row, d track.DatasetInput, position int64) error {
	id, err := datasetID(ctx, tx, r.experiment, d.Dataset)
	if err != nil {
		return err
	}
	tags := lastByKey(d.Tags)
	use := ""
	for i := range tags {
		tags[i].Time, tags[i].Removed = 0, false
		if tags[i].Key == track.ContextTag {
			use = tags[i].Value
		}
	}
	slices.SortFunc(tags, func(a, b track.Tag) int { return strings.Compare(a.Key, b.Key) })
	data, err := json.Marshal(orEmpty(tags))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO run_datasets (run, dataset, context, tags, position) VALUES (?, ?, ?, ?, ?) ON CONFLICT (run, dataset) DO NOTHING",
		r.seq, id, use, string(data), position)
	return err
}

// datasetID returns the number of a dataset of an experiment, making it when
// missing.
func datasetID(ctx context.Context, tx *db.Tx, experiment int64, d track.Dataset) (id int64, err error) {
	find := func() error {
		return tx.QueryRowContext(ctx, "SELECT id FROM datasets WHERE experiment = ? AND name = ? AND digest = ?", experiment, d.Name, d.Digest).Scan(&id)
	}
	if err = find(); !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	err = tx.QueryRowContext(ctx, `INSERT INTO datasets (experiment, name, digest, source_type, source, schema, profile)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (experiment, name, digest) DO NOTHING RETURNING id`,
		experiment, d.Name, d.Digest, d.SourceType, d.Source, d.Schema, d.Profile).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) { // another server was faster
		err = find()
	}
	return id, err
}

// fillInputs adds datasets and logged models, in the order they were logged.
func fillInputs(ctx context.Context, q querier, runs map[int64]*track.Run) error {
	var seq int64
	var d track.DatasetInput
	var tags string
	var failed error
	if err := rowsOf(ctx, q, runs, &seq, []any{&d.Name, &d.Digest, &d.SourceType, &d.Source, &d.Schema, &d.Profile, &tags}, func(r *track.Run) {
		d.Tags = nil
		if tags != "[]" {
			failed = errors.Join(failed, json.Unmarshal([]byte(tags), &d.Tags))
		}
		r.Datasets = append(r.Datasets, d)
	}, "i.run, d.name, d.digest, d.source_type, d.source, d.schema, d.profile, i.tags", "run_datasets i JOIN datasets d ON d.id = i.dataset",
		"run", "", ", i.position, d.name, d.digest"); err != nil || failed != nil {
		return errors.Join(err, failed)
	}
	var role track.Role
	var m track.ModelOutput
	return rowsOf(ctx, q, runs, &seq, []any{&role, &m.Model, &m.Step}, func(r *track.Run) {
		if role == track.Input {
			r.ModelInputs = append(r.ModelInputs, m.Model)
			return
		}
		r.ModelOutputs = append(r.ModelOutputs, m)
	}, "run, role, model, step", "run_models", "run", "", ", position, model")
}

// Datasets implements track.DatasetReader.
func (s *Service) Datasets(ctx context.Context, experiments []string, limit int) ([]track.DatasetSummary, error) {
	list := []track.DatasetSummary{}
	var d track.DatasetSummary
	err := db.Each(ctx, s.db, []any{&d.ExperimentID, &d.Name, &d.Digest, &d.Context}, func() error {
		list = append(list, d)
		return nil
	}, "SELECT DISTINCT d.experiment, d.name, d.digest, i.context FROM datasets d JOIN run_datasets i ON i.dataset = d.id WHERE d.experiment IN ("+
		numbers(experiments)+") ORDER BY 1, 2, 3, 4 LIMIT "+strconv.Itoa(limit))
	return list, err
}
