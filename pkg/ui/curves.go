package ui

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// curvesPage is the page of charts of a run.
type curvesPage struct {
	*runHead

	Groups []chartGroup
}

// chartGroup is metrics with one prefix.
type chartGroup struct {
	Name   string
	Single []track.Summary // those with one point, of a run that is over: no curve
	Keys   []track.Summary
	System bool
}

// Len is how many metrics it has.
func (g chartGroup) Len() int { return len(g.Single) + len(g.Keys) }

func (u *pages) runCurves(w http.ResponseWriter, r *http.Request) error {
	return u.showRun(w, r, "metrics", "run_metrics.html", []string{"metrics.js"}, func(h *runHead) (any, error) {
		return curvesPage{runHead: h, Groups: chartGroups(h.Run.Metrics, !h.Running)}, nil
	})
}

// chartGroups puts metrics under the word before their first slash, those of
// the machine last.
func chartGroups(all []track.Summary, over bool) []chartGroup {
	var groups []chartGroup
	at := map[string]int{}
	for _, m := range all {
		name, _, found := strings.Cut(m.Key, "/")
		if !found {
			name = ""
		}
		i, ok := at[name]
		if !ok {
			i = len(groups)
			at[name] = i
			groups = append(groups, chartGroup{Name: name, System: name == "system"})
		}
		if over && m.Count == 1 && !groups[i].System {
			groups[i].Single = append(groups[i].Single, m)
			continue
		}
		groups[i].Keys = append(groups[i].Keys, m)
	}
	slices.SortStableFunc(groups, func(a, b chartGroup) int {
		rank := func(g chartGroup) int {
			switch {
			case g.System:
				return 2
			case g.Name == "":
				return 0
			}
			return 1
		}
		return rank(a) - rank(b)
	})
	return groups
}

// curveFeed is the points of one metric of some runs.
type curveFeed struct {
	Key    string      `json:"key"`
	Series []curveLine `json:"series"`
}

type curveLine struct {
	Run   string        `json:"run"`
	Steps []int64       `json:"x"`
	Times []int64       `json:"t"` // ms
	Value []track.Value `json:"y"`
}

// maxPoints is how many points a curve may have: twice what a wide chart has
// pixels for.
const maxPoints = 1500

func (u *pages) curves(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	ids := q["run"]
	if len(ids) == 0 || len(ids) > maxCompared {
		return errs.New(errs.Usage, "curves are of 1 to %s runs", strconv.Itoa(maxCompared))
	}
	for _, id := range ids {
		if err := route.Allow(r.Context(), route.Read, route.Subject{Kind: route.Run, ID: id}); err != nil {
			return err
		}
	}
	series, err := u.Curves.Sample(r.Context(), track.SampleQuery{Runs: ids, Key: q.Get("key"), Max: maxPoints})
	if err != nil {
		return err
	}
	f := curveFeed{Key: q.Get("key"), Series: []curveLine{}}
	for _, s := range series {
		line := curveLine{Run: s.Run}
		for _, p := range s.Points {
			line.Steps = append(line.Steps, p.Step)
			line.Times = append(line.Times, p.Timestamp)
			line.Value = append(line.Value, track.Value(p.Value))
		}
		f.Series = append(f.Series, line)
	}
	return sendJSON(w, r, f)
}
