package trackdb

import (
	"context"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/track"
)

// LoggedModel implements track.ModelReader.
func (s *Service) LoggedModel(ctx context.Context, id string) (track.LoggedModel, error) {
	list, err := s.models(ctx, s.db, " WHERE m.id = ? AND m.deleted = 0", id)
	if err != nil {
		return track.LoggedModel{}, err
	}
	if len(list) == 0 {
		return track.LoggedModel{}, noModel(id)
	}
	return list[0], nil
}

// models reads logged models with all that belongs to them; more is what follows
// FROM.
func (s *Service) models(ctx context.Context, q querier, more string, args ...any) ([]track.LoggedModel, error) {
	list := []track.LoggedModel{}
	at := map[int64]int{}
	var seqs []int64
	var seq int64
	var m track.LoggedModel
	if err := db.Each(ctx, q, []any{&seq, &m.ID, &m.ExperimentID, &m.Experiment, &m.Name, &m.Type, &m.Run, &m.Status, &m.Message, &m.Created, &m.Updated}, func() error {
		at[seq] = len(list)
		list, seqs = append(list, m), append(seqs, seq)
		return nil
	}, `SELECT m.seq, m.id, m.experiment, e.name, m.name, m.type, m.run, m.status, m.message, m.created, m.updated
		FROM logged_models m JOIN experiments e ON e.id = m.experiment`+more, args...); err != nil || len(list) == 0 {
		return list, err
	}
	before, test, arg := q.Dialect().Among("model", seqs)
	from := func(table string) string { return " FROM " + before + table + " WHERE " + test + " ORDER BY model, " }
	var key, value string
	if err := db.Each(ctx, q, []any{&seq, &key, &value}, func() error {
		list[at[seq]].Params = append(list[at[seq]].Params, track.Param{Key: key, Value: value})
		return nil
	}, "SELECT model, key, value"+from("model_params")+"position, key", arg); err != nil {
		return nil, err
	}
	if err := db.Each(ctx, q, []any{&seq, &key, &value}, func() error {
		list[at[seq]].Tags = append(list[at[seq]].Tags, track.Tag{Key: key, Value: value})
		return nil
	}, "SELECT model, key, value"+from("model_tags")+"position, key", arg); err != nil {
		return nil, err
	}
	var p track.ModelMetric
	var number valueColumn
	err := db.Each(ctx, q, []any{&seq, &p.Key, &p.Timestamp, &p.Step, &p.Run, &number, &p.Dataset, &p.Digest}, func() error {
		p.Value, p.Model = float64(number), list[at[seq]].ID
		list[at[seq]].Metrics = append(list[at[seq]].Metrics, p)
		return nil
	}, "SELECT model, key, timestamp, step, run, value, dataset, digest"+from("model_metrics")+"key, timestamp, step, run", arg)
	return list, err
}

// LoggedModels implements track.ModelReader.
func (s *Service) LoggedModels(ctx context.Context, q track.ModelQuery) ([]track.LoggedModel, error) {
	l := &listing{dialect: s.db.Dialect(), root: q.Root}
	l.must("m.deleted = 0")
	if q.Experiments != nil {
		l.must("m.experiment IN (" + numbers(q.Experiments) + ")")
	}
	on, onArgs := datasetTest(q.Datasets)
	measured := false
	for _, c := range q.Filter {
		switch c.Entity {
		case track.Metrics:
			measured = true
			l.has("model_metrics", "model", "m.seq", func(value string) (string, []any) {
				test, args := l.numberTest(value, c)
				return "key = ? AND " + test + on, append(append([]any{c.Key}, args...), onArgs...)
			})
		case track.Params:
			l.keyed("model_params", "model", "m.seq", "", c)
		case track.Tags:
			l.keyed("model_tags", "model", "m.seq", "", c)
		case track.Attributes, track.Datasets:
			l.attribute(l.modelColumn, c)
		}
	}
	if on != "" && !measured {
		l.must("EXISTS (SELECT 1 FROM model_metrics WHERE model = m.seq"+on+")", onArgs...)
	}
	for i, o := range q.Order {
		switch o.Entity {
		case track.Metrics:
			l.byModelMetric(i, o)
		case track.Params:
			l.byKey(i, o.Order, "model_params", "model", "m.seq", "")
		case track.Tags:
			l.byKey(i, o.Order, "model_tags", "model", "m.seq", "")
		case track.Attributes, track.Datasets:
			l.byAttribute(l.modelColumn, o.Order)
		}
	}
	l.order = append(l.order, "m.created DESC", "m.id")
	return s.models(ctx, s.db, l.tail(q.Limit, q.Offset), l.args()...)
}

// byModelMetric sorts by the value that was measured last.
func (l *listing) byModelMetric(i int, o track.ModelOrder) {
	as := "o" + strconv.Itoa(i)
	on, args := "", []any{o.Key}
	if o.Dataset.Name != "" || o.Dataset.Digest != "" {
		var more []any
		on, more = datasetTest([]track.DatasetKey{o.Dataset})
		args = append(args, more...)
	}
	l.joins = append(l.joins, " LEFT JOIN (SELECT model, value, row_number() OVER (PARTITION BY model ORDER BY timestamp DESC, step DESC, run) AS place"+
		" FROM model_metrics WHERE key = ?"+on+") "+as+" ON "+as+".model = m.seq AND "+as+".place = 1")
	l.joinArgs = append(l.joinArgs, args...)
	value := as + ".value"
	l.order = append(l.order, value+" IS NULL", value+" = "+nan, value+direction(o.Order))
}

// datasetTest asks whether a metric was measured on one of some datasets.
func datasetTest(datasets []track.DatasetKey) (test string, args []any) {
	if len(datasets) == 0 {
		return "", nil
	}
	var either []string
	for _, d := range datasets {
		var all []string
		if d.Name != "" {
			all, args = append(all, "dataset = ?"), append(args, d.Name)
		}
		if d.Digest != "" {
			all, args = append(all, "digest = ?"), append(args, d.Digest)
		}
		if len(all) > 0 {
			either = append(either, "("+strings.Join(all, " AND ")+")")
		}
	}
	if len(either) == 0 {
		return "", nil
	}
	return " AND (" + strings.Join(either, " OR ") + ")", args
}

// modelColumn is where an attribute of a logged model is.
func (l *listing) modelColumn(key string) (column string, numeric bool) {
	switch key {
	case "model_id":
		return "m.id", false
	case "name", "model_name":
		return "m.name", false
	case "model_type":
		return "m.type", false
	case "source_run_id":
		return "m.run", false
	case "experiment_id":
		return "CAST(m.experiment AS TEXT)", false
	case "artifact_uri":
		return "(SELECT " + l.location() + " FROM experiments WHERE id = m.experiment) || '/models/' || m.id || '/artifacts'", false
	case "creation_timestamp", "creation_timestamp_ms", "creation_time":
		return "m.created", true
	case "last_updated_timestamp", "last_updated_timestamp_ms", "last_updated_time":
		return "m.updated", true
	default: // status
		return "m.status", false
	}
}
