package ui

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// maxRows is how many runs the table takes; a filter reaches those beyond.
const maxRows = 20_000

type runsPage struct {
	Experiments []track.Experiment
	Experiment  string
	Deleted     bool
	May         bool // the user may change runs of some experiment
}

// runs is the page of the table.
func (u *pages) runs(w http.ResponseWriter, r *http.Request) error {
	experiments, err := u.experimentList(r.Context())
	if err != nil {
		return err
	}
	q := r.URL.Query()
	write := route.ScopeOf(r.Context(), route.Write, route.SomeExperiments)
	b := runsPage{Experiments: experiments, Experiment: q.Get("experiment"), Deleted: q.Has("deleted"), May: write.All || len(write.Of) > 0}
	return u.show(w, r, http.StatusOK, "runs.html", page{Title: "Runs", Nav: "runs", Scripts: []string{"runs.js"}, Imports: []string{"rows.js", "filter.js", "columns.js"}, Wide: true, Body: b})
}

// experimentList is the experiments that the user may see.
func (u *pages) experimentList(ctx context.Context) ([]track.Experiment, error) {
	all, err := u.Runs.Experiments(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(e track.Experiment) bool {
		return route.Allow(ctx, route.Read, route.Subject{Kind: route.Experiment, ID: e.ID}) != nil
	}), nil
}

// query reads what the table asks for from the address.
func query(r *http.Request) (q track.Query, err error) {
	v := r.URL.Query()
	q = track.Query{Experiment: v.Get("experiment"), Removed: v.Has("deleted"), Limit: maxRows + 1}
	if s := route.ScopeOf(r.Context(), route.Read, route.SomeExperiments); !s.All {
		q.Experiments = append([]string{}, s.Of...)
	}
	if text := strings.TrimSpace(v.Get("filter")); text != "" {
		if q.Filter, err = parseFilter(text); err != nil {
			return q, err
		}
	}
	return q, nil
}

// parseFilter reads the filter language; words without a comparison are a part
// of the name.
func parseFilter(text string) (track.Filter, error) {
	if !strings.ContainsAny(text, "=<>'\"`") && !slices.ContainsFunc(strings.Fields(strings.ToUpper(text)), func(w string) bool {
		return slices.Contains([]string{"LIKE", "ILIKE", "IN", "IS"}, w)
	}) {
		return track.Filter{{Entity: track.Attributes, Key: "run_name", Op: track.ILike, Text: "%" + text + "%"}}, nil
	}
	return track.ParseFilter(text)
}

// columnsOf are the columns that a request names; nil when it names none.
func columnsOf(r *http.Request) []string {
	v := r.URL.Query()
	if !v.Has("cols") {
		return nil
	}
	out := []string{}
	for _, key := range v["cols"] {
		if key != "" {
			out = append(out, key)
		}
	}
	return out
}

// visible leaves out the runs of experiments that the user may not see.
func visible(ctx context.Context, runs []track.Run) []track.Run {
	may := map[string]bool{}
	return slices.DeleteFunc(runs, func(r track.Run) bool {
		ok, known := may[r.Experiment]
		if !known {
			ok = route.Allow(ctx, route.Read, route.Subject{Kind: route.ExperimentName, ID: r.Experiment}) == nil
			may[r.Experiment] = ok
		}
		return !ok
	})
}

// runsFeed is the rows of the table.
func (u *pages) runsFeed(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r)
	if err != nil {
		return err
	}
	now := u.Clock.Now().UnixMilli()
	runs, err := u.Runs.Runs(r.Context(), q)
	if err != nil {
		return err
	}
	runs = visible(r.Context(), runs)
	more := len(runs) > maxRows
	runs = runs[:min(len(runs), maxRows)]
	f := newFeed(runs, columnsOf(r), idWidth(runs), now)
	f.More = more
	return sendJSON(w, r, f)
}

// changesFeed is the rows that are running, or that started or ended since the
// time that the last answer named.
func (u *pages) changesFeed(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r)
	if err != nil {
		return err
	}
	since, err := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
	if err != nil {
		return errs.New(errs.Usage, "since: %w", err)
	}
	// Clocks of the machines that log differ, and a time of a run is older than
	// the moment when it can be seen.
	since -= (10 * time.Second).Milliseconds()
	now := u.Clock.Now().UnixMilli()
	seen := map[string]bool{}
	var changed []track.Run
	ask := func(q track.Query) error {
		runs, err := u.Runs.Runs(r.Context(), q)
		for i := range runs {
			if !seen[runs[i].ID] {
				seen[runs[i].ID] = true
				changed = append(changed, runs[i])
			}
		}
		return err
	}
	running := q
	running.Statuses = []track.Status{track.Running, track.Scheduled}
	if err := ask(running); err != nil {
		return err
	}
	for _, key := range []string{"start_time", "end_time"} {
		recent := q
		recent.Filter = append(slices.Clone(q.Filter), track.Condition{Entity: track.Attributes, Key: key, Op: track.GreaterEqual, Number: float64(since)})
		if err := ask(recent); err != nil {
			return err
		}
	}
	changed = visible(r.Context(), changed)
	slices.SortStableFunc(changed, func(a, b track.Run) int { return int(b.StartTime - a.StartTime) })
	cols := columnsOf(r)
	if cols == nil {
		cols = []string{}
	}
	return sendJSON(w, r, newFeed(changed, cols, 32, now))
}

// selection is the runs that a change is about.
type selection struct {
	Runs  []string `json:"runs"` // ids, or beginnings of them
	Key   string   `json:"key"`
	Value string   `json:"value"`
}

// readSelection decodes the body of a change, with ids in full, of runs that
// the user may change.
func (u *pages) readSelection(r *http.Request) (s selection, err error) {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return s, errs.New(errs.Usage, "the request is not as it should be: %w", err)
	}
	if len(s.Runs) == 0 {
		return s, errs.New(errs.Usage, "no run is selected")
	}
	for i, ref := range s.Runs {
		// A removed run is not found by its name, or a part of its id.
		if track.CheckID(ref) != nil {
			if s.Runs[i], err = u.Runs.Resolve(r.Context(), ref); err != nil {
				return s, err
			}
		}
		if err := route.Allow(r.Context(), route.Write, route.Subject{Kind: route.Run, ID: s.Runs[i]}); err != nil {
			return s, err
		}
	}
	return s, nil
}

// change does something to each selected run.
func (u *pages) change(w http.ResponseWriter, r *http.Request, do func(ctx context.Context, s selection, id string) error) error {
	s, err := u.readSelection(r)
	if err != nil {
		return err
	}
	for _, id := range s.Runs {
		if err := do(r.Context(), s, id); err != nil {
			return err
		}
	}
	return sendJSON(w, r, map[string]int{"changed": len(s.Runs)})
}

func (u *pages) deleteRuns(w http.ResponseWriter, r *http.Request) error {
	return u.change(w, r, func(ctx context.Context, _ selection, id string) error { return u.Runs.Delete(ctx, id) })
}

func (u *pages) restoreRuns(w http.ResponseWriter, r *http.Request) error {
	return u.change(w, r, func(ctx context.Context, _ selection, id string) error { return u.Runs.Restore(ctx, id) })
}

func (u *pages) tagRuns(w http.ResponseWriter, r *http.Request) error {
	return u.change(w, r, func(ctx context.Context, s selection, id string) error {
		return u.Runs.SetTags(ctx, id, []track.Tag{{Key: s.Key, Value: s.Value}})
	})
}
