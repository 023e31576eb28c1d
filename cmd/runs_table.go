package cmd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/plot"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/trackdb"
)

// deepest is how far below a run its children's children are listed.
const deepest = 16

// keysShown is how many params, and metrics, a table has room for.
const keysShown = 4

// table shows runs with the params and metrics that tell them apart.
// Depths, if any, says how far below its parent each stands.
func (o *runsLsOptions) table(runs []track.Run, depths []int) *term.Table {
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
	t := o.header(params, metrics)
	o.rows(t, runs, params, metrics, depths)
	return t
}

func (o *runsLsOptions) header(params, metrics []string) *term.Table {
	return o.app.io.Table(slices.Concat([]string{"ID", "NAME", "EXPERIMENT", "STATUS", "STARTED", "TOOK"}, params, metrics)...)
}

// rows adds a row for each run.
func (o *runsLsOptions) rows(t *term.Table, runs []track.Run, params, metrics []string, depths []int) {
	now := o.app.io.Clock.Now()
	for i := range runs {
		r := &runs[i]
		name := r.Name
		switch {
		case depths != nil && depths[i] > 0:
			name = strings.Repeat("  ", depths[i]-1) + "└ " + name
		case depths == nil && r.Children > 0:
			name += fmt.Sprintf(" (+%d)", r.Children)
		}
		if r.Deleted {
			name += " (removed)"
		}
		row := make([]string, 0, 6+len(params)+len(metrics))
		row = append(row, r.ID[:8], name, r.Experiment, o.app.paintStatus(r.Status), term.Ago(now, time.UnixMilli(r.StartTime)), took(r, now))
		for _, key := range params {
			text := compare.Missing
			if at, found := slices.BinarySearchFunc(r.Params, key, func(p track.Param, key string) int { return cmp.Compare(p.Key, key) }); found {
				text = r.Params[at].Value
			}
			row = append(row, text)
		}
		for _, key := range metrics {
			text := compare.Missing
			if at, found := slices.BinarySearchFunc(r.Metrics, key, func(m track.Summary, key string) int { return cmp.Compare(m.Key, key) }); found {
				text = plot.Number(float64(r.Metrics[at].Value))
			}
			row = append(row, text)
		}
		t.Row(row...)
	}
}

// stream lists any number of runs, with every param and metric.
func (o *runsLsOptions) stream(ctx context.Context, tracking *trackdb.Service, q track.Query) error {
	params, err := tracking.KeysOf(ctx, q, track.Params)
	if err != nil {
		return err
	}
	metrics, err := tracking.KeysOf(ctx, q, track.Metrics)
	if err != nil {
		return err
	}
	t := o.header(params, metrics)
	var some []track.Run
	err = tracking.Stream(ctx, q, func(runs []track.Run) error {
		some = runs[:1]
		o.rows(t, runs, params, metrics, nil)
		return t.Write(o.app.io.Out)
	})
	if err != nil {
		return err
	}
	return o.remarks(ctx, tracking, q, some, false)
}

// tree lists runs with their children, and theirs, below them.
func (o *runsLsOptions) tree(ctx context.Context, tracking *trackdb.Service, q track.Query) error {
	q.Counts = true
	top, err := tracking.Runs(ctx, q)
	if err != nil {
		return err
	}
	more := !o.app.io.JSON && len(top) > 0 && len(top) == q.Limit
	if more {
		top = top[:q.Limit-1]
	}
	var runs []track.Run
	var depths []int
	var cut []track.Run // those that have more children than are listed
	var add func(list []track.Run, depth int) error
	add = func(list []track.Run, depth int) error {
		for _, r := range list {
			runs, depths = append(runs, r), append(depths, depth)
			if r.Children == 0 || depth == deepest {
				continue
			}
			some := track.Query{Parent: r.ID, Deleted: q.Deleted, Counts: true}
			if !o.app.io.JSON && !o.all && r.Children > childrenShown {
				some.Limit = childrenShown
				cut = append(cut, r)
			}
			below, err := tracking.Runs(ctx, some)
			if err == nil {
				err = add(below, depth+1)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := add(top, 0); err != nil {
		return err
	}
	listed := make([]listedRun, len(runs))
	for i := range runs {
		listed[i] = listRun(&runs[i])
	}
	if err := o.app.io.Result(listed, func(w io.Writer) error { return o.table(runs, depths).Write(w) }); err != nil || o.app.io.JSON {
		return err
	}
	for _, r := range cut {
		o.app.io.Note("run %s has %s more: mlops runs ls --parent %.8s", r.Name, term.Count(r.Children-childrenShown), r.ID)
	}
	return o.remarks(ctx, tracking, q, top, more)
}

// childrenShown is how many children of a run 'runs ls --children' lists.
const childrenShown = 100

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
