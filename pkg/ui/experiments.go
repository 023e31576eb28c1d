package ui

import (
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

type experimentsPage struct {
	Experiments []experimentRow
	Deleted     bool
	May         bool // the bin can be looked at
}

type experimentRow struct {
	track.Experiment

	Running int
	Latest  *track.Run
	Note    string // its first line
}

func (u *pages) experiments(w http.ResponseWriter, r *http.Request) error {
	b := experimentsPage{Deleted: r.URL.Query().Has("deleted"), May: u.Groups != nil}
	if b.Deleted && b.May {
		all, err := u.Groups.SearchExperiments(r.Context(), track.ExperimentQuery{Removed: true})
		if err != nil {
			return err
		}
		for _, e := range all {
			if route.Allow(r.Context(), route.Read, route.Subject{Kind: route.Experiment, ID: e.ID}) == nil {
				b.Experiments = append(b.Experiments, experimentRow{Experiment: e})
			}
		}
		return u.show(w, r, http.StatusOK, "experiments.html", page{Title: "Deleted experiments", Nav: "experiments", Crumbs: []crumb{{"Experiments", "/experiments"}}, Body: b})
	}
	all, err := u.experimentList(r.Context())
	if err != nil {
		return err
	}
	running, err := u.Runs.Runs(r.Context(), track.Query{Statuses: []track.Status{track.Running}, Bare: true})
	if err != nil {
		return err
	}
	count := map[string]int{}
	for i := range running {
		count[running[i].Experiment]++
	}
	for _, e := range all {
		row := experimentRow{Experiment: e, Running: count[e.Name], Note: firstLine(noteOf(e))}
		latest, err := u.Runs.Runs(r.Context(), track.Query{Experiment: e.Name, Bare: true, Limit: 1})
		if err != nil {
			return err
		}
		if len(latest) > 0 {
			row.Latest = &latest[0]
		}
		b.Experiments = append(b.Experiments, row)
	}
	return u.show(w, r, http.StatusOK, "experiments.html", page{Title: "Experiments", Nav: "experiments", Body: b})
}

// experiment leads to the runs of one, by the id that MLflow's clients print.
func (u *pages) experiment(w http.ResponseWriter, r *http.Request) error {
	all, err := u.experimentList(r.Context())
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	for _, e := range all {
		if e.ID == id || e.Name == id {
			http.Redirect(w, r, "/runs?experiment="+queryEscape(e.Name), http.StatusFound)
			return nil
		}
	}
	return errs.New(errs.NotFound, "no experiment %q", id)
}

// experimentPage is what is known of an experiment beside its runs.
type experimentPage struct {
	Experiment track.Experiment
	Note       template.HTML
	RawNote    string
	Tags       []track.Tag
	Latest     []track.Run
	May        bool
}

// experimentOf finds the experiment that a request names by its id, also one in
// the bin.
func (u *pages) experimentOf(r *http.Request, access route.Access) (track.Experiment, error) {
	id := r.PathValue("id")
	if err := route.Allow(r.Context(), access, route.Subject{Kind: route.Experiment, ID: id}); err != nil {
		return track.Experiment{}, err
	}
	if u.Groups == nil {
		return track.Experiment{}, errs.New(errs.NotFound, "no experiment %q", id)
	}
	return u.Groups.Experiment(r.Context(), id)
}

// latestRuns is how many runs the page of an experiment lists.
const latestRuns = 8

func (u *pages) experimentAbout(w http.ResponseWriter, r *http.Request) error {
	e, err := u.experimentOf(r, route.Read)
	if err != nil {
		return err
	}
	b := experimentPage{Experiment: e, RawNote: noteOf(e), May: route.Allow(r.Context(), route.Write, route.Subject{Kind: route.Experiment, ID: e.ID}) == nil}
	b.Note = markdown(b.RawNote)
	b.Tags = slices.DeleteFunc(slices.Clone(e.Tags), func(t track.Tag) bool { return strings.HasPrefix(t.Key, "mlflow.") })
	if !e.Deleted {
		if b.Latest, err = u.Runs.Runs(r.Context(), track.Query{Experiment: e.Name, Limit: latestRuns}); err != nil {
			return err
		}
	}
	return u.show(w, r, http.StatusOK, "experiment.html", page{Title: e.Name, Nav: "experiments", Crumbs: []crumb{{"Experiments", "/experiments"}}, Body: b})
}

// editExperiment changes one by a form.
func (u *pages) editExperiment(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Usage, "the form is not as it should be: %w", err)
	}
	e, err := u.experimentOf(r, route.Write)
	if err != nil {
		return err
	}
	ctx, to := r.Context(), "/experiments/"+e.ID+"/about"
	switch do := r.PostForm.Get("do"); do {
	case "rename":
		err = u.Groups.RenameExperiment(ctx, e.ID, strings.TrimSpace(r.PostForm.Get("name")))
	case "note":
		err = u.Groups.SetExperimentTags(ctx, e.ID, []track.Tag{{Key: track.NoteTag, Value: strings.ReplaceAll(r.PostForm.Get("note"), "\r\n", "\n")}})
	case "tag":
		err = u.Groups.SetExperimentTags(ctx, e.ID, []track.Tag{{Key: strings.TrimSpace(r.PostForm.Get("key")), Value: r.PostForm.Get("value")}})
	case "delete":
		err, to = u.Groups.DeleteExperiment(ctx, e.ID), "/experiments?deleted"
	case "restore":
		err = u.Groups.RestoreExperiment(ctx, e.ID)
	default:
		err = errs.New(errs.Usage, "an experiment cannot be %q", do)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// noteOf is the note of an experiment, where MLflow's clients keep it.
func noteOf(e track.Experiment) string {
	for _, t := range e.Tags {
		if t.Key == track.NoteTag {
			return t.Value
		}
	}
	return ""
}

// firstLine is the beginning of a note without its marks.
func firstLine(note string) string {
	for line := range strings.Lines(note) {
		if line = strings.Trim(line, "# *_>-\t\r\n"); line != "" {
			return line
		}
	}
	return ""
}
