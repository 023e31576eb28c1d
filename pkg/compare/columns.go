package compare

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Workspace is the ref that names the files as they are now.
const Workspace = "workspace"

// Ends puts both ends of a range A..B in its place; A.. goes to the workspace.
func Ends(refs []string) (ends []string) {
	for _, ref := range refs {
		if a, b, ok := strings.Cut(ref, ".."); ok && a != "" && !strings.HasPrefix(b, ".") {
			ends = append(ends, a, cmp.Or(b, Workspace))
			continue
		}
		ends = append(ends, ref)
	}
	return ends
}

// defaultLimit is how many runs stand for an experiment.
const defaultLimit = 5

// columns finds what the refs name, in their order, each once.
func (c *Comparer) columns(ctx context.Context, q Request) ([]Column, error) {
	limit := cmp.Or(q.Limit, defaultLimit)
	if len(q.Refs) == 0 {
		return c.latest(ctx, limit)
	}
	var columns []Column
	var ids []string // of runs, which are read in one go
	for _, ref := range Ends(q.Refs) {
		found, runs, err := c.column(ctx, ref, limit)
		if err != nil {
			return nil, err
		}
		for _, id := range runs {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
				columns = append(columns, Column{ID: id})
			}
		}
		if found != nil {
			columns = append(columns, *found)
		}
	}
	if len(columns) == 1 && columns[0].ID == "" && columns[0].Name != Workspace {
		now, err := c.revision(ctx, Workspace, "")
		if err != nil {
			return nil, err
		}
		columns = append(columns, *now)
	}
	return columns, c.readRuns(ctx, columns, ids)
}

// column finds one ref: a revision is returned whole, runs by their ids.
func (c *Comparer) column(ctx context.Context, ref string, limit int) (*Column, []string, error) {
	if ref == Workspace {
		col, err := c.revision(ctx, Workspace, "")
		return col, nil, err
	}
	id, err := c.runs.Resolve(ctx, ref)
	if err == nil {
		return nil, []string{id}, nil
	}
	if !errs.Is(err, errs.NotFound) && !errs.Is(err, errs.Conflict) {
		return nil, nil, err
	}
	experiments, xerr := c.runs.Experiments(ctx)
	if xerr != nil {
		return nil, nil, xerr
	}
	known := make([]string, 0, len(experiments))
	for _, x := range experiments {
		if x.Name == ref && x.Runs > 0 {
			newest, err := c.runs.Runs(ctx, track.Query{Experiment: ref, Limit: limit, Bare: true})
			return nil, oldestFirst(newest), err
		}
		known = append(known, x.Name)
	}
	if errs.Is(err, errs.Conflict) {
		return nil, nil, err // several runs, and it is nothing else
	}
	commit, rerr := c.revs.Commit(ctx, ref)
	if errs.Is(rerr, errs.NotFound) {
		names, nerr := c.revs.Names(ctx)
		if nerr != nil {
			return nil, nil, nerr
		}
		err = unknown(ref, "no run, no experiment and no git revision", err, append(known, names...))
		if hints := errs.Hints(rerr); len(hints) > 0 {
			err = errs.New(errs.NotFound, "%w", err).Hint("%s", hints[len(hints)-1])
		}
		return nil, nil, err
	}
	if rerr != nil {
		return nil, nil, rerr
	}
	col, err := c.revision(ctx, ref, commit)
	return col, nil, err
}

// unknown keeps the hints of the failed look-up among runs.
func unknown(ref, what string, noRun error, known []string) error {
	e := errs.New(errs.NotFound, "%q is %s", ref, what).DidYouMean(ref, known)
	for _, hint := range errs.Hints(noRun) {
		e = e.Hint("%s", hint)
	}
	return e
}

func oldestFirst(newest []track.Run) []string {
	ids := make([]string, len(newest))
	for i, r := range newest {
		ids[len(newest)-1-i] = r.ID
	}
	return ids
}

// latest returns the last runs of the experiment of the newest run, the oldest first.
func (c *Comparer) latest(ctx context.Context, limit int) ([]Column, error) {
	newest, err := c.runs.Runs(ctx, track.Query{Limit: 1, Bare: true})
	if err != nil {
		return nil, err
	}
	if len(newest) == 0 {
		return nil, errs.New(errs.NotFound, "compare: no run is recorded yet").
			Hint("mlops run records one; or name two git revisions: mlops compare HEAD~1 HEAD")
	}
	runs, err := c.runs.Runs(ctx, track.Query{Experiment: newest[0].Experiment, Limit: limit, Bare: true})
	if err != nil {
		return nil, err
	}
	ids := oldestFirst(runs)
	columns := make([]Column, len(ids))
	for i, id := range ids {
		columns[i].ID = id
	}
	return columns, c.readRuns(ctx, columns, ids)
}

// readRuns fills the columns of runs.
func (c *Comparer) readRuns(ctx context.Context, columns []Column, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	runs, err := c.runs.Runs(ctx, track.Query{IDs: ids, Deleted: true, Assets: true})
	if err != nil {
		return err
	}
	byID := make(map[string]*track.Run, len(runs))
	for i := range runs {
		byID[runs[i].ID] = &runs[i]
	}
	for i := range columns {
		if run := byID[columns[i].ID]; run != nil {
			columns[i] = columnOf(run)
		}
	}
	return nil
}

func columnOf(run *track.Run) Column {
	col := Column{
		ID: run.ID, Name: run.Name, Experiment: run.Experiment, Status: run.Status,
		StartTime: run.StartTime, EndTime: run.EndTime, Commit: run.Git.Commit, Dirty: run.Git.Dirty,
		params: make(map[string]string, len(run.Params)), metrics: make(map[string]track.Summary, len(run.Metrics)),
		data: make(map[string]string, len(run.Assets)),
	}
	for _, p := range run.Params {
		col.params[p.Key] = p.Value
	}
	for _, m := range run.Metrics {
		col.metrics[m.Key] = m
	}
	for _, a := range run.Assets {
		if !a.Source() { // the code has rows of its own; `runs diff` compares it whole
			col.data[a.Path] = a.ID.String()
		}
	}
	return col
}

// sortColumns orders the columns. A metric with a direction puts the best
// first; columns without the value come last.
func sortColumns(columns []Column, q Request, rules rules) error {
	if q.Sort == "" {
		if q.Reverse {
			slices.Reverse(columns)
		}
		return nil
	}
	metrics := keysOf(columns, func(c *Column) map[string]track.Summary { return c.metrics })
	params := keysOf(columns, func(c *Column) map[string]string { return c.params })
	var order func(a, b *Column) int
	key := q.Sort
	switch {
	case key == "name":
		order = func(a, b *Column) int { return cmp.Compare(a.Name, b.Name) }
	case key == "start":
		order = func(a, b *Column) int { return cmp.Compare(a.StartTime, b.StartTime) }
	case slices.Contains(metrics, key):
		direction := rules.of(key)
		order = func(a, b *Column) int {
			ma, oka := a.metrics[key]
			mb, okb := b.metrics[key]
			va, vb := float64(choose(ma, q.Value, direction)), float64(choose(mb, q.Value, direction))
			if by := cmp.Compare(rank(!oka || math.IsNaN(va), q.Reverse), rank(!okb || math.IsNaN(vb), q.Reverse)); by != 0 {
				return by
			}
			if direction == Up {
				return cmp.Compare(vb, va)
			}
			return cmp.Compare(va, vb)
		}
	case slices.Contains(params, key):
		order = func(a, b *Column) int {
			va, oka := a.params[key]
			vb, okb := b.params[key]
			return cmp.Or(cmp.Compare(rank(!oka, q.Reverse), rank(!okb, q.Reverse)), natural(va, vb))
		}
	default:
		return errs.New(errs.NotFound, "sort: no metric or param %q in what is compared", key).
			DidYouMean(key, slices.Concat(metrics, params))
	}
	slices.SortStableFunc(columns, func(a, b Column) int {
		if q.Reverse {
			return order(&b, &a)
		}
		return order(&a, &b)
	})
	return nil
}

// rank puts what is missing last, also when the order is turned round.
func rank(missing, reverse bool) int {
	if missing != reverse {
		return 1
	}
	return 0
}

// natural orders numbers by value and the rest as text.
func natural(a, b string) int {
	x, errA := strconv.ParseFloat(a, 64)
	y, errB := strconv.ParseFloat(b, 64)
	if errA == nil && errB == nil {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(a, b)
}
