package mlflow

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

const (
	maxHistoryPage = 25000 // points of one answer where no page is asked for
	maxHistoryRuns = 100
	maxSample      = 2500 // points of one run for a chart
)

func (s *Service) metrics() []endpoint {
	id := need("run_id", aText)
	byID := about(route.Run, "run_id")
	return []endpoint{
		{
			method: http.MethodPost, path: "runs/log-metric", access: route.Write, about: byID, call: s.logMetric,
			schema: []rule{
				id, need("key", aText), need("value", aFloat), need("timestamp", anInteger), may("step", anInteger),
				may("model_id", aText), may("dataset_name", aText), may("dataset_digest", aText),
			},
		},
		{
			method: http.MethodPost, path: "runs/log-parameter", access: route.Write, about: byID, call: s.logParam,
			schema: []rule{id, need("key", aText), may("value", aText)},
		},
		{
			method: http.MethodPost, path: "runs/log-batch", access: route.Write, about: byID, call: s.logBatch,
			schema: []rule{id, may("metrics", aList), may("params", aList), may("tags", aList)},
		},
		{
			method: http.MethodGet, path: "metrics/get-history", access: route.Read, about: byID, call: s.history,
			schema: []rule{id, need("metric_key", aText), may("page_token", aText), may("max_results", anInteger)},
		},
		{
			method: http.MethodGet, path: "metrics/get-history-bulk-interval", access: route.Read, about: about(route.Run, "run_ids"), call: s.sample,
			schema: []rule{
				need("run_ids", textList), need("metric_key", aText), may("start_step", anInteger), may("end_step", anInteger), may("max_results", anInteger),
			},
		},
		{
			method: http.MethodPost, path: "runs/log-inputs", access: route.Write, about: byID, call: s.logInputs,
			schema: []rule{id, may("datasets", aList), may("models", aList)},
		},
		{
			method: http.MethodPost, path: "runs/outputs", access: route.Write, about: byID, call: s.logOutputs,
			schema: []rule{id, need("models", aList)},
		},
		{
			method: http.MethodPost, path: "runs/log-model", access: route.Write, about: byID, call: s.logModel,
			schema: []rule{id, need("model_json", aText)},
		},
	}
}

// ajax are the endpoints of MLflow's page alone.
func (s *Service) ajax() []endpoint {
	return []endpoint{
		{method: http.MethodGet, path: "metrics/get-history-bulk", access: route.Read, about: about(route.Run, "run_id"), call: s.histories},
		{
			method: http.MethodPost, path: "experiments/search-datasets", access: route.Read, about: about(route.Experiment, "experiment_ids"),
			schema: []rule{may("experiment_ids", textList)}, call: s.searchDatasets,
		},
	}
}

func (s *Service) logMetric(ctx context.Context, in *request, _ *encoder) error {
	m, err := in.metric("")
	if err != nil {
		return err
	}
	return s.log(ctx, in.str("run_id"), track.Batch{Metrics: []track.Metric{m}})
}

func (s *Service) logParam(ctx context.Context, in *request, _ *encoder) error {
	p, err := in.param("")
	if err != nil {
		return err
	}
	return s.tracking.Log(ctx, in.str("run_id"), track.Batch{Params: []track.Param{p}})
}

func (s *Service) logBatch(ctx context.Context, in *request, _ *encoder) error {
	if err := checkRunID(in.str("run_id")); err != nil {
		return err
	}
	metrics, params, tags := in.all("metrics"), in.all("params"), in.all("tags")
	for _, list := range [...]struct {
		name   string
		items  []value
		fields []string
	}{
		{"metrics", metrics, []string{"key", "value", "timestamp"}}, {"params", params, []string{"key"}}, {"tags", tags, []string{"key"}},
	} {
		if err := checkItems(list.name, list.items, list.fields); err != nil {
			return err
		}
	}
	if err := checkCounts(len(metrics), len(params), len(tags)); err != nil {
		return err
	}
	var b track.Batch
	var err error
	if b.Metrics, err = each(metrics, "metrics", (*value).metric); err != nil {
		return err
	}
	if b.Params, err = each(params, "params", (*value).param); err != nil {
		return err
	}
	if b.Tags, err = each(tags, "tags", (*value).tag); err != nil {
		return err
	}
	if err := checkUnique(b.Params); err != nil {
		return err
	}
	return paramsChanged(s.log(ctx, in.str("run_id"), b))
}

// checkItems says which item of a list lacks a field.
func checkItems(list string, items []value, fields []string) error {
	for i := range items {
		for _, name := range fields {
			if v := items[i].get(name); v == nil || v.kind == text && v.text == "" {
				return missing(fmt.Sprintf("%s[%d].%s", list, i, name))
			}
		}
		if v := items[i].get("key"); v.kind != text {
			return badType(fmt.Sprintf("%s[%d].key", list, i), v)
		}
	}
	return nil
}

func checkCounts(metrics, params, tags int) error {
	for _, c := range [...]struct {
		what     string
		n, limit int
	}{
		{"metrics", metrics, track.MaxBatchMetrics},
		{"params", params, track.MaxBatchParams},
		{"tags", tags, track.MaxBatchTags},
		{"metrics, params, and tags", metrics + params + tags, track.MaxBatch},
	} {
		if c.n > c.limit {
			return Errorf(InvalidParameter, "A batch logging request can contain at most %d %s. Got %d %s. Please split up %s across multiple requests and try again.",
				c.limit, c.what, c.n, c.what, c.what)
		}
	}
	return nil
}

func checkUnique(params []track.Param) error {
	seen := make(map[string]bool, len(params))
	var twice []string
	for _, p := range params {
		if seen[p.Key] {
			twice = append(twice, p.Key)
		}
		seen[p.Key] = true
	}
	if len(twice) > 0 {
		return Errorf(InvalidParameter, "Duplicate parameter keys have been submitted: %s. Please ensure the request contains only one param value per param key.", track.PythonList(twice))
	}
	return nil
}

func (s *Service) history(ctx context.Context, in *request, out *encoder) error {
	p := page{limit: int(in.integer("max_results", 0))}
	if p.limit <= 0 && in.has("max_results") {
		return Errorf(InvalidParameter, "Invalid value %d for parameter 'max_results' supplied. It must be a positive integer.", p.limit)
	}
	var err error
	if p.offset, err = readToken(in.str("page_token")); err != nil {
		return err
	}
	all := p.limit == 0
	if all && p.offset > 0 {
		p.limit, all = maxHistoryPage, false
	}
	ask := 0
	if !all {
		ask = p.more()
	}
	points, err := s.tracking.HistoryPage(ctx, in.str("run_id"), in.str("metric_key"), p.offset, ask)
	if missingRun(err) {
		return nil // as MLflow, which only looks for points
	}
	if err != nil {
		return err
	}
	if !all {
		points = turn(p, points, out)
	}
	out.points(points, "")
	return nil
}

// points writes a list of points unless it is empty.
func (e *encoder) points(points []track.Metric, run string) {
	if len(points) == 0 {
		return
	}
	e.list("metrics")
	for _, m := range points {
		e.point(m, run)
	}
	e.endList()
}

func (e *encoder) point(m track.Metric, run string) {
	e.open()
	e.str("key", m.Key)
	e.float("value", m.Value)
	e.integer("timestamp", m.Timestamp)
	e.integer("step", m.Step)
	e.optional("run_id", run)
	e.close()
}

func (s *Service) sample(ctx context.Context, in *request, out *encoder) error {
	q := track.SampleQuery{Runs: in.texts("run_ids"), Key: in.str("metric_key"), Max: int(in.integer("max_results", maxSample))}
	if len(q.Runs) > maxHistoryRuns {
		return Errorf(InvalidParameter, "GetMetricHistoryBulkInterval request must specify at most %d run_ids. Received %d run_ids.%s", maxHistoryRuns, len(q.Runs), seeDocs)
	}
	if q.Max < 1 || q.Max > maxSample {
		return Errorf(InvalidParameter, "max_results must be between 1 and %d.%s", maxSample, seeDocs)
	}
	if in.has("start_step") != in.has("end_step") {
		return Errorf(InvalidParameter, "If either start step or end step are specified, both must be specified.")
	}
	if in.has("start_step") {
		q.Steps = &[2]int64{in.integer("start_step", 0), in.integer("end_step", 0)}
		if q.Steps[0] > q.Steps[1] {
			return Errorf(InvalidParameter, "end_step must be greater than start_step. Found start_step=%d and end_step=%d.", q.Steps[0], q.Steps[1])
		}
	}
	all, err := s.tracking.Sample(ctx, q)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(one track.Series) bool { return len(one.Points) > 0 }) {
		return nil
	}
	out.list("metrics")
	for _, one := range all {
		for _, m := range one.Points {
			out.point(m, one.Run)
		}
	}
	out.endList()
	return nil
}

// histories is get-history of many runs.
func (s *Service) histories(ctx context.Context, in *request, out *encoder) error {
	ids := in.texts("run_id")
	if len(ids) == 0 {
		return Errorf(InvalidParameter, "GetMetricHistoryBulk request must specify at least one run_id.")
	}
	if len(ids) > maxHistoryRuns {
		return Errorf(InvalidParameter, "GetMetricHistoryBulk request cannot specify more than %d run_ids. Received %d run_ids.", maxHistoryRuns, len(ids))
	}
	if !in.has("metric_key") {
		return Errorf(InvalidParameter, "GetMetricHistoryBulk request must specify a metric_key.")
	}
	limit := int(min(in.integer("max_results", maxHistoryPage), maxHistoryPage))
	slices.Sort(ids)
	out.list("metrics")
	for _, id := range slices.Compact(ids) {
		if limit <= 0 {
			break
		}
		points, err := s.tracking.HistoryPage(ctx, id, in.str("metric_key"), 0, limit)
		if err != nil && !missingRun(err) {
			return err
		}
		for _, m := range points {
			out.point(m, id)
		}
		limit -= len(points)
	}
	out.endList()
	return nil
}

func (s *Service) logInputs(ctx context.Context, in *request, _ *encoder) error {
	var b track.Batch
	var err error
	if b.Datasets, err = each(in.all("datasets"), "datasets", (*value).dataset); err != nil {
		return err
	}
	b.ModelInputs, err = each(in.all("models"), "models", func(v *value, _ string) (string, error) { return v.str("model_id"), nil })
	if err != nil {
		return err
	}
	if err := mayUse(ctx, route.Read, route.LoggedModel, slices.Clone(b.ModelInputs)...); err != nil {
		return err
	}
	return s.tracking.Log(ctx, in.str("run_id"), b)
}

// dataset reads and checks one input of a run.
func (v *value) dataset(at string) (track.DatasetInput, error) {
	var d track.DatasetInput
	set := v.get("dataset")
	if set == nil || set.kind != dict {
		return d, Errorf(InvalidParameter, "Missing value for required parameter '%s.dataset'.", at)
	}
	d.Dataset = track.Dataset{
		Name: set.str("name"), Digest: set.str("digest"), SourceType: set.str("source_type"),
		Source: set.str("source"), Schema: set.str("schema"), Profile: set.str("profile"),
	}
	for _, c := range [...]struct {
		what, value string
		limit       int
	}{
		{"name", d.Name, maxDatasetName},
		{"digest", d.Digest, maxDatasetDigest},
		{"source", d.Source, maxDatasetSource},
		{"schema", d.Schema, maxDatasetSchema},
		{"profile", d.Profile, maxProfile},
	} {
		if err := checkLength(c.what, c.value, c.limit); err != nil {
			return d, err
		}
	}
	if d.Name == "" {
		return d, Errorf(InvalidParameter, "Missing value for required parameter '%s.dataset.name'.", at)
	}
	var err error
	d.Tags, err = each(v.all("tags"), at+".tags", func(t *value, _ string) (track.Tag, error) {
		tag := track.Tag{Key: t.str("key"), Value: t.str("value")}
		if err := checkLength("key", tag.Key, maxInputTagKey); err != nil {
			return tag, err
		}
		return tag, checkLength("value", tag.Value, maxInputTag)
	})
	return d, err
}

func (s *Service) logOutputs(ctx context.Context, in *request, _ *encoder) error {
	models, err := each(in.all("models"), "models", func(v *value, _ string) (track.ModelOutput, error) {
		step, _ := v.get("step").integer()
		return track.ModelOutput{Model: v.str("model_id"), Step: step}, nil
	})
	if err != nil {
		return err
	}
	for _, m := range models {
		if err := mayUse(ctx, route.Write, route.LoggedModel, m.Model); err != nil {
			return err
		}
	}
	return s.tracking.Log(ctx, in.str("run_id"), track.Batch{ModelOutputs: models})
}

const modelHistoryTag = "mlflow.log-model.history"

// logModel is what 2.x clients do: the description of a model goes to the end
// of a list in a tag.
func (s *Service) logModel(ctx context.Context, in *request, _ *encoder) error {
	text := in.str("model_json")
	model, err := parseJSON([]byte(text))
	if err != nil || model.kind != dict {
		return Errorf(InvalidParameter, "Malformed model info. \n %s \n is not a valid JSON.", text)
	}
	var absent []string
	for _, name := range []string{"artifact_path", "flavors", "utc_time_created", "run_id"} {
		if model.get(name) == nil {
			absent = append(absent, name)
		}
	}
	if len(absent) > 0 {
		return Errorf(InvalidParameter, "Model json is missing mandatory fields: {'%s'}", strings.Join(absent, "', '"))
	}
	id := in.str("run_id")
	r, _, err := s.run(ctx, id, false)
	if err != nil {
		return err
	}
	history := value{kind: list}
	for _, t := range r.Tags {
		if t.Key == modelHistoryTag {
			if old, err := parseJSON([]byte(t.Value)); err == nil && old.kind == list {
				history = old
			}
		}
	}
	history.items = append(history.items, model)
	return s.tracking.Log(ctx, id, track.Batch{Tags: []track.Tag{{Key: modelHistoryTag, Value: history.python()}}})
}

const (
	maxDatasetExperiments = 20
	maxDatasets           = 1000
)

func (s *Service) searchDatasets(ctx context.Context, in *request, out *encoder) error {
	ids := in.texts("experiment_ids")
	if len(ids) == 0 {
		return Errorf(InvalidParameter, "SearchDatasets request must specify at least one experiment_id.")
	}
	if len(ids) > maxDatasetExperiments {
		return Errorf(InvalidParameter, "SearchDatasets request cannot specify more than %d experiment_ids. Received %d experiment_ids.", maxDatasetExperiments, len(ids))
	}
	for _, id := range ids {
		if err := checkExperimentID(id); err != nil {
			return err
		}
	}
	found, err := s.tracking.Datasets(ctx, ids, maxDatasets)
	if err != nil || len(found) == 0 {
		return err
	}
	out.list("dataset_summaries")
	for _, d := range found {
		out.open()
		out.str("experiment_id", d.ExperimentID)
		out.str("name", d.Name)
		out.str("digest", d.Digest)
		out.optional("context", d.Context)
		out.close()
	}
	out.endList()
	return nil
}
