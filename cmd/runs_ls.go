package cmd

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/plot"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/track"
)

type runsLsOptions struct {
	app *app

	experiment string
	statuses   []string
	limit      int
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
		Long: "List runs, the newest first, with the params and metrics that differ between them.\n" +
			"The table shows the newest 20; --json gives all of them unless --limit is given.",
		Example: "  mlops runs ls\n  mlops runs ls --experiment digits --status FAILED --limit 100\n  mlops runs ls --json",
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return runRunsLs(ctx, o) }),
	}
	f := c.Flags()
	f.StringVar(&o.experiment, "experiment", "", "only runs of this experiment")
	f.StringSliceVar(&o.statuses, "status", nil, "only runs of this status: RUNNING, SCHEDULED, FINISHED, FAILED, KILLED")
	f.IntVarP(&o.limit, "limit", "n", 0, "how many runs to list (default 20 in a table)")
	f.BoolVar(&o.all, "all", false, "list all runs, and every param and metric")
	f.BoolVar(&o.deleted, "deleted", false, "list also runs that were removed")
	return c
}

// listedRun is a run in the JSON of runs ls; docs/json.md is its contract.
type listedRun struct {
	RunID      string                 `json:"run_id"`
	Name       string                 `json:"name"`
	Experiment string                 `json:"experiment"`
	Status     track.Status           `json:"status"`
	StartTime  int64                  `json:"start_time"` // ms since 1970
	EndTime    *int64                 `json:"end_time"`   // null while it runs
	Params     map[string]string      `json:"params"`
	Metrics    map[string]track.Value `json:"metrics"`
	Tags       map[string]string      `json:"tags"`
}

func runRunsLs(ctx context.Context, o *runsLsOptions) error {
	q := track.Query{Experiment: o.experiment, Deleted: o.deleted, Limit: o.limit}
	for _, s := range o.statuses {
		status := track.Status(strings.ToUpper(s))
		if !slices.Contains(track.Statuses(), status) {
			return errs.New(errs.Usage, "unknown status %q", s).Hint("the statuses are RUNNING, SCHEDULED, FINISHED, FAILED and KILLED")
		}
		q.Statuses = append(q.Statuses, status)
	}
	if o.limit < 0 {
		return errs.New(errs.Usage, "--limit %d is less than nothing", o.limit)
	}
	short := o.limit == 0 && !o.all && !o.app.io.JSON
	if short {
		q.Limit = runsShown + 1
	}
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	if err := checkExperiment(ctx, tracking, o.experiment); err != nil {
		return err
	}
	runs, err := tracking.Runs(ctx, q)
	if err != nil {
		return err
	}
	more := short && len(runs) > runsShown
	if more {
		runs = runs[:runsShown]
	}
	listed := make([]listedRun, len(runs))
	for i, r := range runs {
		listed[i] = listRun(&r)
	}
	if err := o.app.io.Result(listed, func(w io.Writer) error { return o.table(runs).Write(w) }); err != nil {
		return err
	}
	if !o.app.io.JSON {
		switch {
		case len(runs) == 0:
			o.app.io.Note("no runs yet; 'mlops run' records one")
		case more:
			o.app.io.Note("these are the newest %d; --all lists every run", runsShown)
		}
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

func listRun(r *track.Run) listedRun {
	l := listedRun{
		RunID: r.ID, Name: r.Name, Experiment: r.Experiment, Status: r.Status, StartTime: r.StartTime,
		Params: make(map[string]string, len(r.Params)), Metrics: make(map[string]track.Value, len(r.Metrics)), Tags: make(map[string]string, len(r.Tags)),
	}
	if r.EndTime > 0 {
		l.EndTime = &r.EndTime
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

// keysShown is how many params, and metrics, a table has room for.
const keysShown = 4

// table shows runs with the params and metrics that tell them apart.
func (o *runsLsOptions) table(runs []track.Run) *term.Table {
	params := tellingKeys(runs, o.all, func(r *track.Run, add func(key, text string)) {
		for _, p := range r.Params {
			add(p.Key, p.Value)
		}
	})
	metrics := tellingKeys(runs, o.all, func(r *track.Run, add func(key, text string)) {
		for _, m := range r.Metrics {
			add(m.Key, m.Value.String())
		}
	})
	t := o.app.io.Table(slices.Concat([]string{"ID", "NAME", "EXPERIMENT", "STATUS", "STARTED", "TOOK"}, params, metrics)...)
	now := o.app.io.Clock.Now()
	for i := range runs {
		r := &runs[i]
		row := []string{r.ID[:8], r.Name, r.Experiment, o.app.paintStatus(r.Status), term.Ago(now, time.UnixMilli(r.StartTime)), took(r, now)}
		if r.Deleted {
			row[1] += " (removed)"
		}
		for _, key := range params {
			row = append(row, textOr(r.Param(key)))
		}
		for _, key := range metrics {
			text := compare.Missing
			if m, ok := r.Metric(key); ok {
				text = plot.Number(float64(m.Value))
			}
			row = append(row, text)
		}
		t.Row(row...)
	}
	return t
}

func textOr(text string, ok bool) string {
	if !ok {
		return compare.Missing
	}
	return text
}

func took(r *track.Run, now time.Time) string {
	end := time.UnixMilli(r.EndTime)
	if r.EndTime == 0 {
		end = now
	}
	return term.Duration(end.Sub(time.UnixMilli(r.StartTime)))
}

// tellingKeys returns the keys whose values differ between runs; those of all
// runs when there is one run, or when all are wanted.
func tellingKeys(runs []track.Run, all bool, visit func(r *track.Run, add func(key, text string))) []string {
	type seen struct {
		text  string
		count int
		vary  bool
	}
	keys := map[string]*seen{}
	for i := range runs {
		visit(&runs[i], func(key, text string) {
			s := keys[key]
			if s == nil {
				s = &seen{text: text}
				keys[key] = s
			}
			s.count++
			s.vary = s.vary || s.text != text
		})
	}
	var telling []string
	for key, s := range keys {
		if all || len(runs) == 1 || s.vary || s.count < len(runs) {
			telling = append(telling, key)
		}
	}
	slices.SortFunc(telling, func(a, b string) int {
		if d := keys[b].count - keys[a].count; d != 0 {
			return d // what most runs have
		}
		return strings.Compare(a, b)
	})
	if !all && len(telling) > keysShown {
		telling = telling[:keysShown]
	}
	slices.Sort(telling)
	return telling
}

// paintStatus colours a status.
func (a *app) paintStatus(s track.Status) string {
	switch s {
	case track.Finished:
		return a.io.Paint(term.Green, string(s))
	case track.Failed, track.Killed:
		return a.io.Paint(term.Red, string(s))
	case track.Running, track.Scheduled:
		return a.io.Paint(term.Yellow, string(s))
	default:
		return string(s)
	}
}
