package compare

import (
	"cmp"
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/plot"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Runs is what compare reads of runs; track.Reader has it.
type Runs interface {
	Resolve(ctx context.Context, ref string) (string, error)
	Run(ctx context.Context, id string) (track.Run, error)
	Runs(ctx context.Context, q track.Query) ([]track.Run, error)
	History(ctx context.Context, id, key string) ([]track.Metric, error)
	Experiments(ctx context.Context) ([]track.Experiment, error)
}

// Request says what to compare and what to show.
type Request struct {
	Refs     []string // ids, prefixes or names of runs; experiments; git revisions; A..B; "workspace". None: the last runs
	Limit    int      // how many of the newest runs stand for an experiment; 0 is 5
	All      bool     // also what is the same everywhere
	Metrics  []string // only these: a key, or a pattern with *
	Sort     string   // a metric, a param, "name" or "start"; "" as given
	Reverse  bool     // the other way round
	Value    Value    // which of a metric's values to show
	Maximize []string // keys or patterns of metrics of which more is better
	Minimize []string // and less
}

// Value chooses one number of a series.
type Value string

// The values of a series that can be shown.
const (
	Last Value = "last"
	Min  Value = "min"
	Max  Value = "max"
	Best Value = "best" // by direction; the last where it is unknown
)

// Column is one of the things compared.
type Column struct {
	ID         string       `json:"run_id"` // "" for a revision
	Name       string       `json:"name"`   // of the run, or the revision as typed
	Experiment string       `json:"experiment,omitempty"`
	Status     track.Status `json:"status,omitempty"`
	StartTime  int64        `json:"start_time,omitempty"`
	EndTime    int64        `json:"end_time,omitempty"`
	Commit     string       `json:"commit,omitempty"`
	Dirty      bool         `json:"dirty,omitempty"`

	params  map[string]string
	metrics map[string]track.Summary
	data    map[string]string
	points  map[string][]plot.Point // of a revision; those of runs stay in the database

	problems []Problem
}

// Row is a param with its value in each column, nil where there is none.
type Row struct {
	Key    string    `json:"key"`
	Values []*string `json:"values"`
}

// MetricRow is a metric with its value in each column.
type MetricRow struct {
	Key    string         `json:"key"`
	Values []*track.Value `json:"values"`
	Best   *int           `json:"best"` // the column with the best value; nil when the direction is unknown or all are equal

	Direction Direction `json:"-"`
	Points    []int64   `json:"-"` // how many points each column has
}

// DataRow is a path with the id of what it holds in each column.
type DataRow struct {
	Path   string    `json:"path"`
	Kind   string    `json:"kind"` // data or code
	Values []*string `json:"values"`
}

// Result is what a comparison found.
type Result struct {
	Runs    []Column    `json:"runs"`
	Params  []Row       `json:"params"`
	Metrics []MetricRow `json:"metrics"`
	Data    []DataRow   `json:"data"`

	Same     int       `json:"-"` // rows left out because all their values are equal
	Problems []Problem `json:"-"` // files of revisions that could not be read
}

// Comparer compares the runs and revisions of one repository.
type Comparer struct {
	runs Runs
	revs Revisions
}

// New returns a Comparer.
func New(runs Runs, revs Revisions) *Comparer { return &Comparer{runs, revs} }

// Compare does what the request says.
func (c *Comparer) Compare(ctx context.Context, q Request) (*Result, error) {
	columns, err := c.columns(ctx, q)
	if err != nil {
		return nil, err
	}
	rules := rules{maximize: q.Maximize, minimize: q.Minimize}
	if err := sortColumns(columns, q, rules); err != nil {
		return nil, err
	}
	r := &Result{Runs: columns, Params: []Row{}, Metrics: []MetricRow{}, Data: []DataRow{}}
	for _, col := range columns {
		r.Problems = append(r.Problems, col.problems...)
	}
	if err := checkMetrics(columns, q.Metrics); err != nil {
		return nil, err
	}
	all := q.All || len(columns) == 1
	r.addParams(all)
	r.addMetrics(q, rules, all)
	r.addData(all)
	return r, c.addCode(ctx, r)
}

// checkMetrics refuses names of metrics that no column has. A pattern may match
// nothing.
func checkMetrics(columns []Column, wanted []string) error {
	known := keysOf(columns, func(c *Column) map[string]track.Summary { return c.metrics })
	for _, word := range wanted {
		if strings.ContainsAny(word, "*?[") || slices.ContainsFunc(known, func(key string) bool { return matchesAny([]string{word}, key) }) {
			continue
		}
		names := slices.Clone(known)
		for _, key := range known {
			if _, short, ok := strings.Cut(key, ":"); ok {
				names = append(names, short)
			}
		}
		return errs.New(errs.NotFound, "no metric %q in what is compared", word).DidYouMean(word, names)
	}
	return nil
}

func (r *Result) addParams(all bool) {
	for _, key := range keysOf(r.Runs, func(c *Column) map[string]string { return c.params }) {
		values, differ := pick(r.Runs, func(c *Column) (string, bool) { v, ok := c.params[key]; return v, ok })
		if differ || all {
			r.Params = append(r.Params, Row{key, values})
		} else {
			r.Same++
		}
	}
}

func (r *Result) addData(all bool) {
	for _, key := range keysOf(r.Runs, func(c *Column) map[string]string { return c.data }) {
		values, differ := pick(r.Runs, func(c *Column) (string, bool) { v, ok := c.data[key]; return v, ok })
		if differ || all {
			r.Data = append(r.Data, DataRow{key, "data", values})
		} else {
			r.Same++
		}
	}
}

func (r *Result) addMetrics(q Request, rules rules, all bool) {
	for _, key := range keysOf(r.Runs, func(c *Column) map[string]track.Summary { return c.metrics }) {
		if len(q.Metrics) > 0 && !matchesAny(q.Metrics, key) {
			continue
		}
		row := MetricRow{Key: key, Direction: rules.of(key), Points: make([]int64, len(r.Runs))}
		values, differ := pick(r.Runs, func(c *Column) (track.Value, bool) {
			m, ok := c.metrics[key]
			return choose(m, q.Value, row.Direction), ok
		})
		for i := range r.Runs {
			row.Points[i] = r.Runs[i].metrics[key].Count
		}
		if !differ && !all && len(q.Metrics) == 0 {
			r.Same++
			continue
		}
		row.Values, row.Best = values, best(values, row.Direction)
		r.Metrics = append(r.Metrics, row)
	}
}

// addCode adds the files that differ between the commits of the columns. More
// commits than a person can look at side by side are not looked at.
func (c *Comparer) addCode(ctx context.Context, r *Result) error {
	var commits []string
	for _, col := range r.Runs {
		if col.Commit != "" && !slices.Contains(commits, col.Commit) {
			commits = append(commits, col.Commit)
		}
	}
	if len(commits) < 2 || len(commits) > SideBySide {
		return nil
	}
	changed, err := c.revs.Changed(ctx, commits)
	if errs.Is(err, errs.NotFound) {
		return nil // a commit that this clone does not have: nothing is known of its code
	}
	if err != nil {
		return err
	}
	for _, p := range slices.Sorted(maps.Keys(changed)) {
		if strings.HasPrefix(p, ".mlops/") || strings.HasSuffix(p, ".mlops") || path.Base(p) == "mlops.lock" || path.Base(p) == ".gitignore" || slices.ContainsFunc(r.Data, func(d DataRow) bool { return d.Path == p }) {
			continue // shown as data, or kept by mlops itself
		}
		values := make([]*string, len(r.Runs))
		for i, col := range r.Runs {
			if at := slices.Index(commits, col.Commit); at >= 0 && changed[p][at] != "" {
				values[i] = &changed[p][at]
			}
		}
		r.Data = append(r.Data, DataRow{p, "code", values})
	}
	return nil
}

// SideBySide is how many columns fit next to each other for a reader.
const SideBySide = 8

// keysOf returns every key of any column, sorted.
func keysOf[V any](columns []Column, of func(*Column) map[string]V) []string {
	seen := map[string]bool{}
	for i := range columns {
		for key := range of(&columns[i]) {
			seen[key] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// pick returns one value for each column and whether they differ. NaN equals NaN.
func pick[V cmp.Ordered](columns []Column, of func(*Column) (V, bool)) (values []*V, differ bool) {
	values = make([]*V, len(columns))
	for i := range columns {
		if v, ok := of(&columns[i]); ok {
			values[i] = &v
		}
		if i > 0 {
			a, b := values[0], values[i]
			differ = differ || (a == nil) != (b == nil) || a != nil && cmp.Compare(*a, *b) != 0
		}
	}
	return values, differ
}

func choose(m track.Summary, v Value, d Direction) track.Value {
	switch {
	case v == Min, v == Best && d == Down:
		return m.Min
	case v == Max, v == Best && d == Up:
		return m.Max
	default:
		return m.Value
	}
}
