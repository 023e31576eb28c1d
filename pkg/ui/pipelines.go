package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
)

type pipelinesPage struct {
	Missing  bool // there is no repository, or no stage
	Problem  string
	Drawing  template.HTML
	Stages   []stageRow
	Chosen   *stageDetail
	Running  []track.Run
	Counts   map[string]int
	Latest   []track.Run
	HasPlan  bool
	Collapse bool
}

type stageRow struct {
	Name, State, Desc string
	Reasons           []string
}

// stageDetail is a stage as the pipeline file has it, with its last runs.
type stageDetail struct {
	stageRow

	File   string
	Line   int
	Cmd    []string
	Deps   []stageEdge
	Outs   []stageEdge
	Params []string
	Runs   []stageRun
	Now    []stageLive // its log, when it is worked on
}

type stageEdge struct {
	Path, Stage string // Stage makes it
	Note        string
}

// stageRun is what happened to a stage in a run.
type stageRun struct {
	Run    track.Run
	Record track.StageRecord
}

// fewStages is up to how many stages the graph shows each; beyond it groups are
// one box.
const fewStages = 60

func (u *pages) pipelines(w http.ResponseWriter, r *http.Request) error {
	b, err := u.pipelineState(r.Context(), r.URL.Query().Get("stage"))
	if err != nil {
		return err
	}
	return u.show(w, r, http.StatusOK, "pipelines.html", page{Title: "Pipelines", Nav: "pipelines", Scripts: []string{"run.js"}, Body: b})
}

func (u *pages) pipelineState(ctx context.Context, chosen string) (*pipelinesPage, error) {
	b := &pipelinesPage{Counts: map[string]int{}}
	if u.Engine == nil {
		b.Missing = true
		return b, nil
	}
	project, err := u.Engine.Project(ctx, nil)
	if err != nil {
		b.Problem = err.Error()
		return b, nil //nolint:nilerr // a broken pipeline file is what the page has to say
	}
	if len(project.Stages) == 0 {
		b.Missing = true
		return b, nil
	}
	steps, err := u.Engine.PlanProject(ctx, project, pipeline.PlanRequest{AllowMissing: true})
	if err != nil {
		b.Problem = err.Error()
	}
	b.HasPlan = err == nil
	if b.Running, err = u.Runs.Runs(ctx, track.Query{Statuses: []track.Status{track.Running}, Bare: true, Limit: 10, Filter: ofPipelines()}); err != nil {
		return nil, err
	}
	live, err := u.runningStages(ctx, b.Running)
	if err != nil {
		return nil, err
	}
	rows := map[string]*stageRow{}
	for i := range project.Stages {
		s := project.Stages[i]
		row := stageRow{Name: s.Address(), State: "none", Desc: s.Desc}
		rows[row.Name] = &row
	}
	for _, s := range steps {
		if row := rows[s.Name]; row != nil {
			row.State, row.Reasons = string(s.Action), s.Reasons
		}
	}
	work, err := u.Engine.AtWork()
	if err != nil {
		return nil, err
	}
	for _, w := range work { // runs of copies of the workspace, and of others, are not among the events
		live[w.Stage] = true
	}
	for name := range live {
		if row := rows[name]; row != nil {
			row.State, row.Reasons = "running", nil
		}
	}
	for _, name := range project.Order {
		if row := rows[name]; row != nil {
			b.Stages = append(b.Stages, *row)
			b.Counts[row.State]++
		}
	}
	drawn, err := drawProject(project, steps, live, rows, chosen)
	if err != nil {
		return nil, err
	}
	b.Drawing = drawn
	if chosen != "" {
		if b.Chosen, err = u.stageDetail(ctx, project, rows, chosen); err != nil {
			return nil, err
		}
		for _, w := range work {
			if w.Stage != b.Chosen.Name {
				continue
			}
			// Who may see the pipeline may not see every run.
			if route.Allow(ctx, route.Read, route.Subject{Kind: route.Run, ID: w.RunID}) != nil {
				continue
			}
			now, err := liveOf(w)
			if err != nil {
				return nil, err
			}
			b.Chosen.Now = append(b.Chosen.Now, now)
		}
	}
	return b, nil
}

// ofPipelines lets through what mlops run recorded.
func ofPipelines() track.Filter {
	return track.Filter{{Entity: track.Attributes, Key: "kind", Op: track.In, List: []string{string(track.Pipeline), string(track.Trial)}}}
}

// drawProject is the graph of the stages, with their state.
func drawProject(project *pipeline.Project, steps []pipeline.Step, live map[string]bool, rows map[string]*stageRow, chosen string) (template.HTML, error) {
	sub := project.Subgraph
	if len(project.Stages) > fewStages {
		sub = project.Collapsed
	}
	g, err := sub(nil, "")
	if err != nil {
		return "", err
	}
	g.Mark(project, steps)
	edges, groups, standings := g.Edges(), g.Groups(), g.Standings()
	out := newGraph("The graph of the pipeline")
	for _, name := range append(slices.Clone(project.Order), sortedKeys(groups)...) {
		s, ok := standings[name]
		if !ok {
			continue
		}
		class := "skip"
		sub := "up to date"
		switch {
		case s.Run > 0:
			class, sub = "run", "will run"
		case s.Restore > 0:
			class, sub = "restore", "from the cache"
		case s.Frozen > 0:
			sub = "frozen"
		case s.Skip == 0:
			class, sub = "none", ""
		}
		if live[name] {
			class, sub = "running", "running"
		}
		if n := groups[name]; n > 0 {
			sub = fmt.Sprintf("%d stages, %d to run", n, s.Run)
		} else if rows[name] == nil {
			continue
		}
		if name == chosen {
			class += " on"
		}
		out.add(box{ID: name, Title: name, Sub: sub, Class: class, URL: "/pipelines?stage=" + queryEscape(name) + "#stage"})
	}
	for to, all := range edges {
		for _, from := range all {
			out.connect(from, to)
		}
	}
	// A map has no order; the drawing must have one.
	slices.SortFunc(out.edges, func(a, b [2]int) int { return (a[0]-b[0])*len(out.nodes) + a[1] - b[1] })
	return out.SVG(), nil
}

// runningStages are the stages that began, in a run that is not over, and have
// not ended.
func (u *pages) runningStages(ctx context.Context, runs []track.Run) (map[string]bool, error) {
	live := map[string]bool{}
	if u.Events == nil {
		return live, nil
	}
	for i := range runs {
		events, err := u.Events.Events(ctx, track.EventQuery{Subject: runs[i].ID, Kinds: []string{"stage"}})
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			var about struct {
				Stage string `json:"stage"`
			}
			if json.Unmarshal([]byte(e.Data), &about) != nil {
				continue
			}
			switch e.Kind {
			case track.StageStarted:
				live[about.Stage] = true
			case track.StageFinished:
				delete(live, about.Stage)
			}
		}
	}
	return live, nil
}

// lastRuns is how many runs of a stage its panel shows.
const lastRuns = 8

func (u *pages) stageDetail(ctx context.Context, project *pipeline.Project, rows map[string]*stageRow, name string) (*stageDetail, error) {
	s, ok := project.Stage(name)
	if !ok {
		return nil, errs.New(errs.NotFound, "no stage %q", name).DidYouMean(name, project.Order)
	}
	d := &stageDetail{stageRow: *rows[s.Address()], File: s.File, Line: s.Pos.Line, Cmd: s.Cmd}
	for _, dep := range s.Deps {
		maker, _ := project.Producer(dep.Path)
		d.Deps = append(d.Deps, stageEdge{Path: dep.Path, Stage: maker})
	}
	for _, out := range s.Outs {
		d.Outs = append(d.Outs, stageEdge{Path: out.Path, Note: outNote(out)})
	}
	for _, file := range sortedKeys(s.Params) {
		if len(s.Params[file]) == 0 {
			d.Params = append(d.Params, file)
		}
		for _, key := range s.Params[file] {
			d.Params = append(d.Params, file+":"+key)
		}
	}
	recent, err := u.Runs.Runs(ctx, track.Query{Bare: true, Limit: 40, Filter: ofPipelines()})
	if err != nil {
		return nil, err
	}
	for i := range recent {
		run, err := u.Runs.Run(ctx, recent[i].ID)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(run.Stages, func(r track.StageRecord) bool { return r.Name == d.Name })
		if at >= 0 && run.Stages[at].Action != "skipped" {
			d.Runs = append(d.Runs, stageRun{run, run.Stages[at]})
		}
		if len(d.Runs) >= lastRuns {
			break
		}
	}
	return d, nil
}

func outNote(o stagefile.Out) string {
	var words []string
	for word, is := range map[string]bool{"metrics": o.Metric, "plot": o.Plot, "not cached": o.NoCache, "kept between runs": o.Persist} {
		if is {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}
