package cmd

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/trackdb"
)

type runsLsOptions struct {
	app *app

	experiment string
	statuses   []string
	tags       []string
	filter     string
	sort       []string
	parent     string
	children   bool
	limit      int
	page       int
	all        bool
	deleted    bool
}

// runsShown is how many runs a table shows unless told otherwise.
const runsShown = 20

func newRunsLsCmd(a *app) *cobra.Command {
	o := &runsLsOptions{app: a}
	c := &cobra.Command{
		Use:   "ls",
		Short: "List runs, the newest first",
		Long: `List runs, the newest first, with the params and metrics that differ between them.
The table shows the newest 20, and of runs that belong to another one, such as the
trials of a sweep, only how many there are; what is asked for by --filter, --tag,
--status, --sort or --parent is looked for among all of them. --json lists every run.

A filter is comparisons joined by AND, in the language of MLflow: metrics.KEY with
< <= > >= = != and a number; params.KEY, tags.KEY and the attributes (run_id,
run_name, status, user_id, start_time, end_time, experiment, kind, parent, source,
commit, branch, note) with = != LIKE ILIKE and a text in quotes.`,
		Example: `  mlops runs ls
  mlops runs ls --experiment digits --status FAILED --limit 100
  mlops runs ls --filter 'metrics.loss < 0.2 and params.lr = "0.1"' --sort loss
  mlops runs ls --parent sweep-1 --sort 'metrics.acc DESC'
  mlops runs ls --json`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return runRunsLs(ctx, o) }),
	}
	f := c.Flags()
	f.StringVar(&o.experiment, "experiment", "", "only runs of this experiment")
	commaListVar(f, &o.statuses, "status", "only runs of this status: RUNNING, SCHEDULED, FINISHED, FAILED, KILLED")
	listVar(f, &o.tags, "tag", "", "only runs with this tag, KEY or KEY=VALUE; may be repeated")
	f.StringVar(&o.filter, "filter", "", "only runs of which this holds, such as 'metrics.loss < 0.2'")
	listVar(f, &o.sort, "sort", "", "order by a metric, params.KEY, tags.KEY or an attribute, with ASC or DESC; may be repeated")
	f.StringVar(&o.parent, "parent", "", "only the children of this run")
	f.BoolVar(&o.children, "children", false, "list children below their parents")
	f.IntVarP(&o.limit, "limit", "n", 0, "how many runs to list (default 20 in a table)")
	f.IntVar(&o.page, "page", 1, "which page of that many, counted from 1")
	f.BoolVar(&o.all, "all", false, "list all runs, and every param and metric")
	f.BoolVar(&o.deleted, "deleted", false, "list also runs that were removed")
	return c
}

func runRunsLs(ctx context.Context, o *runsLsOptions) error {
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	q, err := o.query(ctx, tracking)
	if err != nil {
		return err
	}
	short := q.Limit > 0 && !o.app.io.JSON
	if short {
		q.Limit++ // one more tells whether there are more
	}
	switch {
	case o.children:
		return o.tree(ctx, tracking, q)
	case o.app.io.JSON:
		return o.app.io.List(func(add func(any) error) error {
			return tracking.Stream(ctx, q, func(runs []track.Run) error {
				for i := range runs {
					if err := add(listRun(&runs[i])); err != nil {
						return err
					}
				}
				return nil
			})
		})
	case !short:
		return o.stream(ctx, tracking, q)
	}
	runs, err := tracking.Runs(ctx, q)
	if err != nil {
		return err
	}
	more := len(runs) == q.Limit
	if more {
		runs = runs[:q.Limit-1]
	}
	if err := o.app.io.Result(nil, func(w io.Writer) error { return o.table(runs, nil).Write(w) }); err != nil {
		return err
	}
	return o.remarks(ctx, tracking, q, runs, more)
}

// query is what the flags ask for.
func (o *runsLsOptions) query(ctx context.Context, tracking *trackdb.Service) (q track.Query, err error) {
	q = track.Query{Experiment: o.experiment, Deleted: o.deleted, Limit: o.limit, Counts: !o.app.io.JSON}
	for _, s := range o.statuses {
		status := track.Status(strings.ToUpper(s))
		if !slices.Contains(track.Statuses(), status) {
			return q, errs.New(errs.Usage, "unknown status %q", s).Hint("the statuses are RUNNING, SCHEDULED, FINISHED, FAILED and KILLED")
		}
		q.Statuses = append(q.Statuses, status)
	}
	switch {
	case o.limit < 0:
		return q, errs.New(errs.Usage, "--limit %d is less than nothing", o.limit)
	case o.page < 1:
		return q, errs.New(errs.Usage, "--page %d: the first page is 1", o.page)
	case o.children && o.parent != "":
		return q, errs.New(errs.Usage, "--children and --parent cannot be combined").Hint("--parent lists the children of one run")
	}
	if q.Limit == 0 && !o.all && (!o.app.io.JSON || o.page > 1) {
		q.Limit = runsShown
	}
	q.Offset = (o.page - 1) * q.Limit
	if q.Filter, err = track.ParseFilter(o.filter); err != nil {
		return q, err
	}
	for _, tag := range o.tags {
		c := track.Condition{Entity: track.Tags, Op: track.Like, Text: "%"}
		var valued bool
		if c.Key, c.Text, valued = strings.Cut(tag, "="); valued {
			c.Op = track.Equal
		} else {
			c.Text = "%"
		}
		q.Filter = append(q.Filter, c)
	}
	if err := checkExperiment(ctx, tracking, o.experiment); err != nil {
		return q, err
	}
	if o.parent != "" {
		if q.Parent, err = tracking.Resolve(ctx, o.parent); err != nil {
			return q, err
		}
	}
	for _, text := range o.sort {
		order, err := parseSort(ctx, tracking, text)
		if err != nil {
			return q, err
		}
		q.Order = append(q.Order, order)
	}
	searches := len(q.Filter) + len(q.Order) + len(q.Statuses)
	q.Top = o.children || !o.app.io.JSON && !o.all && q.Parent == "" && searches == 0
	return q, nil
}

// parseSort reads an order. A key that is no attribute is a metric.
func parseSort(ctx context.Context, tracking *trackdb.Service, text string) (track.Order, error) {
	order, err := track.ParseOrder(text)
	if key, _, _ := strings.Cut(strings.TrimSpace(text), " "); err != nil && !strings.Contains(key, ".") {
		if as, merr := track.ParseOrder("metrics." + text); merr == nil {
			order, err = as, nil
		}
	}
	if err != nil {
		return order, err
	}
	order.Numbers = true
	return order, checkKey(ctx, tracking, order.Entity, order.Key)
}

// checkKey names the nearest when no run has such a param, metric or tag.
func checkKey(ctx context.Context, tracking *trackdb.Service, entity track.Entity, key string) error {
	keys, err := tracking.Keys(ctx, entity)
	if err != nil || keys == nil || slices.Contains(keys, key) {
		return err
	}
	return errs.New(errs.NotFound, "no run has %s.%s", entity, key).DidYouMean(key, keys)
}

// remarks says what a table does not show.
func (o *runsLsOptions) remarks(ctx context.Context, tracking *trackdb.Service, q track.Query, runs []track.Run, more bool) error {
	say := o.app.io.Note
	switch {
	case len(runs) > 0 && more:
		say("these are %d of them; more: --page %d; all: --all", len(runs), o.page+1)
	case len(runs) > 0:
	case q.Offset > 0:
		say("page %d is behind the last run", o.page)
	case len(q.Filter) > 0:
		for _, c := range q.Filter {
			if err := checkKey(ctx, tracking, c.Entity, c.Key); err != nil {
				return err
			}
		}
		say("no run is like that")
	case q.Parent != "":
		say("run %s has no children", o.parent)
	case q.Experiment != "" || len(q.Statuses) > 0:
		say("no run is like that")
	default:
		say("no runs yet; 'mlops run' records one")
	}
	return nil
}

// checkExperiment names the nearest when there is no such experiment.
func checkExperiment(ctx context.Context, tracking track.Reader, name string) error {
	if name == "" {
		return nil
	}
	experiments, err := tracking.Experiments(ctx)
	if err != nil {
		return err
	}
	known := make([]string, len(experiments))
	for i, x := range experiments {
		known[i] = x.Name
	}
	if !slices.Contains(known, name) {
		return errs.New(errs.NotFound, "experiment %q does not exist", name).DidYouMean(name, known)
	}
	return nil
}

// listedRun is a run in the JSON of runs ls; docs/json.md is its contract.
type listedRun struct {
	RunID      string                 `json:"run_id"`
	Name       string                 `json:"name"`
	Experiment string                 `json:"experiment"`
	Kind       track.Kind             `json:"kind"`
	Status     track.Status           `json:"status"`
	Parent     *string                `json:"parent"`     // null for a run that is no child
	StartTime  int64                  `json:"start_time"` // ms since 1970
	EndTime    *int64                 `json:"end_time"`   // null while it runs
	Params     map[string]string      `json:"params"`
	Metrics    map[string]track.Value `json:"metrics"`
	Tags       map[string]string      `json:"tags"`
	Deleted    bool                   `json:"deleted,omitempty"`
}

func listRun(r *track.Run) listedRun {
	l := listedRun{
		RunID: r.ID, Name: r.Name, Experiment: r.Experiment, Kind: r.Kind, Status: r.Status, StartTime: r.StartTime, Deleted: r.Deleted,
		Params: make(map[string]string, len(r.Params)), Metrics: make(map[string]track.Value, len(r.Metrics)), Tags: make(map[string]string, len(r.Tags)),
	}
	if r.EndTime > 0 {
		l.EndTime = &r.EndTime
	}
	if r.Parent != "" {
		l.Parent = &r.Parent
	}
	for _, p := range r.Params {
		l.Params[p.Key] = p.Value
	}
	for _, m := range r.Metrics {
		l.Metrics[m.Key] = m.Value
	}
	for _, t := range r.Tags {
		l.Tags[t.Key] = t.Value
	}
	return l
}
