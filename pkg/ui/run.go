package ui

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// runHead is what all pages of a run have.
type runHead struct {
	Run      *track.Run
	Tab      string
	Counts   runCounts
	Children []track.Run
	Parent   *track.Run
	May      bool // the user may change it
	Running  bool
}

// runCounts are the numbers beside the tabs.
type runCounts struct{ Curves, Files, Data, Stages int }

// runOf finds the run that a request names and asks whether the user may.
func (u *pages) runOf(r *http.Request, access route.Access) (track.Run, error) {
	ref := r.PathValue("id")
	id := ref
	if track.CheckID(ref) != nil {
		var err error
		if id, err = u.Runs.Resolve(r.Context(), ref); err != nil {
			return track.Run{}, err
		}
	}
	if err := route.Allow(r.Context(), access, route.Subject{Kind: route.Run, ID: id}); err != nil {
		return track.Run{}, err
	}
	return u.Runs.Run(r.Context(), id)
}

// showRun shows one page of a run; body adds what the page has of its own.
func (u *pages) showRun(w http.ResponseWriter, r *http.Request, tab, file string, scripts []string, body func(h *runHead) (any, error)) error {
	run, err := u.runOf(r, route.Read)
	if err != nil {
		return err
	}
	h, err := u.head(r.Context(), &run, tab)
	if err != nil {
		return err
	}
	b, err := body(h)
	if err != nil {
		return err
	}
	crumbs := []crumb{{"Runs", "/runs"}, {run.Experiment, "/runs?experiment=" + queryEscape(run.Experiment)}}
	if h.Parent != nil {
		crumbs = append(crumbs, crumb{h.Parent.Name, "/runs/" + h.Parent.ID})
	}
	return u.show(w, r, http.StatusOK, file, page{Title: run.Name, Nav: "runs", Scripts: append([]string{"run.js"}, scripts...), Styles: stylesOf(scripts), Imports: importsOf(scripts), Crumbs: crumbs, Body: b})
}

func (u *pages) head(ctx context.Context, run *track.Run, tab string) (*runHead, error) {
	h := &runHead{Run: run, Tab: tab, Counts: runCounts{Curves: len(run.Metrics), Stages: len(run.Stages)}, Running: !run.Status.Over()}
	for _, a := range run.Assets {
		if a.Role == track.Artifact || a.Role == track.Output || a.Role == track.Model {
			h.Counts.Files++
		}
		if a.Role == track.Input || a.Role == track.Output {
			h.Counts.Data++
		}
	}
	if h.Running && run.Kind != track.Script {
		now, err := u.atWork(run.ID)
		if err != nil {
			return nil, err
		}
		h.Counts.Stages += len(now)
	}
	h.Counts.Files += len(run.ModelOutputs)
	h.Counts.Data += len(run.Datasets)
	h.May = route.Allow(ctx, route.Write, route.Subject{Kind: route.Run, ID: run.ID}) == nil
	if run.Parent != "" {
		// A parent that was deleted for good is only an id.
		if parent, err := u.Runs.Runs(ctx, track.Query{IDs: []string{run.Parent}, Bare: true, Deleted: true}); err != nil {
			return nil, err
		} else if len(parent) == 1 {
			h.Parent = &parent[0]
		}
	}
	return h, nil
}

// overview is the first page of a run.
type overview struct {
	*runHead

	Metrics  []track.Summary
	System   []track.Summary
	Tags     []track.Tag
	Facts    []fact
	Machine  []track.Tag // what clients of MLflow keep for themselves
	Note     any
	RawNote  string
	More     int     // children that are not listed
	Versions []crumb // of models that were made of it
}

type fact struct {
	Name, Text, URL string
	Mono            bool
	Time            int64 // ms
}

// shownChildren is how many children the page of a run lists.
const shownChildren = 50

func (u *pages) run(w http.ResponseWriter, r *http.Request) error {
	return u.showRun(w, r, "", "run.html", nil, func(h *runHead) (any, error) {
		run := h.Run
		o := overview{runHead: h, RawNote: run.Note}
		for _, m := range run.Metrics {
			if strings.HasPrefix(m.Key, "system/") {
				o.System = append(o.System, m)
			} else {
				o.Metrics = append(o.Metrics, m)
			}
		}
		for _, t := range run.Tags {
			switch {
			case t.Key == track.NoteTag && o.RawNote == "":
				o.RawNote = t.Value
			case !strings.HasPrefix(t.Key, "mlflow."):
				o.Tags = append(o.Tags, t)
			}
		}
		o.Note = markdown(o.RawNote)
		o.Facts, o.Machine = u.facts(run)
		children, err := u.Runs.Runs(r.Context(), track.Query{Parent: run.ID, Limit: shownChildren + 1})
		if err != nil {
			return nil, err
		}
		if len(children) > shownChildren {
			children, o.More = children[:shownChildren], 1
		}
		h.Children = children
		if o.Versions, err = u.versionsOf(r.Context(), run.ID); err != nil {
			return nil, err
		}
		return o, nil
	})
}

// versionsOf are the registered versions that were made of a run.
func (u *pages) versionsOf(ctx context.Context, run string) ([]crumb, error) {
	if u.Models == nil {
		return nil, nil
	}
	versions, err := u.Models.Versions(ctx, registry.Query{Bare: true, Filter: track.Filter{{Entity: track.Attributes, Key: "run_id", Op: track.Equal, Text: run}}})
	if err != nil {
		return nil, err
	}
	var all []crumb
	for _, v := range versions {
		if route.Allow(ctx, route.Read, route.Subject{Kind: route.Model, ID: v.Model}) == nil {
			all = append(all, crumb{v.Model + " " + strconv.Itoa(v.Number), "/models/" + escapePath(v.Model) + "/" + strconv.Itoa(v.Number)})
		}
	}
	return all, nil
}

// facts is what is known of how the run came about, and the tags of MLflow's
// clients that are for programs.
func (u *pages) facts(run *track.Run) (all []fact, machine []track.Tag) {
	add := func(name, text string, mono bool) {
		if text != "" {
			all = append(all, fact{Name: name, Text: text, Mono: mono})
		}
	}
	add("Run", run.ID, true)
	all = append(all, fact{Name: "Experiment", Text: run.Experiment, URL: "/runs?experiment=" + queryEscape(run.Experiment)})
	add("Kind", string(run.Kind), false)
	all = append(all, fact{Name: "Started", Time: run.StartTime})
	if run.EndTime > 0 {
		all = append(all, fact{Name: "Ended", Time: run.EndTime})
	}
	add("Took", u.took(run.StartTime, run.EndTime), false)
	add("User", run.User, false)
	add("Command", strings.Join(run.Command, " "), true)
	add("Source", run.Source, true)
	commit := run.Git.Commit
	if commit != "" && run.Git.Branch != "" {
		commit = short(commit) + " on " + run.Git.Branch
	}
	if run.Git.Dirty {
		commit += ", with uncommitted changes"
	}
	add("Commit", commit, true)
	add("Remote", run.Git.Remote, true)
	for _, key := range sortedKeys(run.Environment) {
		add(key, run.Environment[key], false)
	}
	hidden := []string{"note.content", "runName", "user"}
	if run.Source != "" {
		hidden = append(hidden, "source.name")
	}
	for _, t := range run.Tags {
		rest, ok := strings.CutPrefix(t.Key, "mlflow.")
		switch {
		case !ok || slices.Contains(hidden, rest):
		case len(t.Value) >= 200 || strings.ContainsAny(t.Value[:min(len(t.Value), 1)], "[{"):
			machine = append(machine, t)
		default:
			add(rest, t.Value, true)
		}
	}
	return all, machine
}

// formRun reads a form about one run.
func (u *pages) formRun(r *http.Request) (track.Run, error) {
	if err := r.ParseForm(); err != nil {
		return track.Run{}, errs.New(errs.Usage, "the form is not as it should be: %w", err)
	}
	return u.runOf(r, route.Write)
}

// edit changes a run by a form and shows it again.
func (u *pages) edit(do func(ctx context.Context, r *http.Request, run *track.Run) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		run, err := u.formRun(r)
		if err != nil {
			return err
		}
		if err := do(r.Context(), r, &run); err != nil {
			return err
		}
		http.Redirect(w, r, "/runs/"+run.ID, http.StatusSeeOther)
		return nil
	}
}

func (u *pages) editNote(ctx context.Context, r *http.Request, run *track.Run) error {
	return u.Runs.SetNote(ctx, run.ID, strings.ReplaceAll(r.PostForm.Get("note"), "\r\n", "\n"))
}

func (u *pages) editName(ctx context.Context, r *http.Request, run *track.Run) error {
	return u.Runs.Rename(ctx, run.ID, strings.TrimSpace(r.PostForm.Get("name")))
}

func (u *pages) editTag(ctx context.Context, r *http.Request, run *track.Run) error {
	if key := r.PostForm.Get("remove"); key != "" {
		return u.Runs.DeleteTags(ctx, run.ID, []string{key})
	}
	return u.Runs.SetTags(ctx, run.ID, []track.Tag{{Key: strings.TrimSpace(r.PostForm.Get("key")), Value: r.PostForm.Get("value")}})
}

func (u *pages) editDeleted(ctx context.Context, r *http.Request, run *track.Run) error {
	if r.PostForm.Get("restore") != "" {
		return u.Runs.Restore(ctx, run.ID)
	}
	return u.Runs.Delete(ctx, run.ID)
}

// importsOf are the modules that pages with charts import.
func importsOf(scripts []string) []string {
	if len(scripts) > 0 {
		return []string{"charts.js", "uplot/uPlot.esm.js"}
	}
	return nil
}

// stylesOf are the style sheets that go with scripts.
func stylesOf(scripts []string) []string {
	if len(scripts) > 0 {
		return []string{"uplot/uPlot.min.css"}
	}
	return nil
}
