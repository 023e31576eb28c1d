package migrate

import (
	"context"
	"strings"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/metricfile"
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/track"
)

// expRefs are the refs of DVC's experiments: refs/exps/ab/cdef…/NAME, with the
// commit that they began at.
const expRefs = "refs/exps"

// Runs takes in the records of runs; it knows a run by its id.
type Runs interface {
	Import(ctx context.Context, records ...[]byte) (added int, err error)
}

// experiments takes in each experiment as a run whose id is that of its commit,
// so that it is taken in once.
func (m *Importer) experiments(ctx context.Context) error {
	refs, err := m.repo.Git().Refs(ctx, expRefs)
	if err != nil {
		return err
	}
	var records [][]byte
	for _, ref := range refs {
		baseline, name, ok := experimentOf(ref)
		if !ok {
			continue
		}
		record, err := m.experiment(ctx, ref, baseline, name)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			m.problem(err)
			continue
		}
		records = append(records, record)
	}
	if len(records) == 0 {
		return nil
	}
	m.res.Runs, err = m.runs.Import(ctx, records...)
	return err
}

// experimentOf reads the name of a ref. Those of queues, stashes and of what
// runs at the moment are none.
func experimentOf(ref repo.Ref) (baseline, name string, ok bool) {
	parts := strings.SplitN(strings.TrimPrefix(ref.Name, expRefs+"/"), "/", 3)
	if len(parts) != 3 || len(parts[0]) != 2 || len(parts[1]) < 38 {
		return "", "", false
	}
	return parts[0] + parts[1], parts[2], true
}

func (m *Importer) experiment(ctx context.Context, ref repo.Ref, baseline, name string) ([]byte, error) {
	rev := compare.Revision{Name: name, Commit: ref.Commit}
	params, err := compare.ReadValues(ctx, m.revs, rev, compare.Params, nil)
	if err != nil {
		return nil, err
	}
	metrics, err := compare.ReadValues(ctx, m.revs, rev, compare.Metrics, nil)
	if err != nil {
		return nil, err
	}
	run := track.Run{
		ID: ref.Commit[:32], Name: name, Experiment: track.DefaultExperiment, Kind: track.Pipeline, Status: track.Finished,
		StartTime: ref.Time, EndTime: ref.Time, User: ref.Author, Git: track.Git{Commit: ref.Commit},
		Tags: []track.Tag{{Key: "dvc.baseline", Value: baseline, Time: ref.Time}, {Key: "dvc.experiment", Value: ref.Name, Time: ref.Time}},
	}
	byFile := map[string]map[string]string{}
	for file, v := range params.Files {
		byFile[file] = map[string]string{}
		for _, e := range paramfile.Flatten(v) {
			byFile[file][e.Key] = text(e.Value)
		}
	}
	for key, value := range metricfile.Merge(byFile, nil) {
		run.Params = append(run.Params, track.Param{Key: key, Value: value})
	}
	run.Params = track.Batch{Params: run.Params}.Fit().Params
	numbers := map[string]map[string]float64{}
	for file, v := range metrics.Files {
		numbers[file] = map[string]float64{}
		for _, e := range paramfile.Flatten(v) {
			if n, ok := number(e.Value); ok {
				numbers[file][e.Key] = n
			}
		}
	}
	record := track.Record{Run: run}
	for key, n := range metricfile.Merge(numbers, nil) {
		fit := track.Batch{Metrics: []track.Metric{{Key: key, Value: n}}}.Fit()
		if len(fit.Metrics) == 1 {
			record.Points = append(record.Points, track.Curve{
				Key: fit.Metrics[0].Key, Times: []int64{ref.Time}, Steps: []int64{0}, Values: []track.Value{track.Value(n)},
			})
		}
	}
	return record.Encode()
}

func text(v any) string {
	switch v.(type) {
	case []any, *paramfile.Map, nil:
		return paramfile.Encode(v)
	}
	return paramfile.Text(v)
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}
