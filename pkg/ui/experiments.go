package ui

import (
	"net/http"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

type experimentsPage struct {
	Experiments []experimentRow
}

type experimentRow struct {
	track.Experiment

	Running int
	Latest  *track.Run
}

func (u *pages) experiments(w http.ResponseWriter, r *http.Request) error {
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
	b := experimentsPage{}
	for _, e := range all {
		row := experimentRow{Experiment: e, Running: count[e.Name]}
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
