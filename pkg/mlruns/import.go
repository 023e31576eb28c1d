package mlruns

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Target is what an import writes to.
type Target struct {
	Tracking track.Store
	Registry registry.Service
	Objects  *store.Store
}

// ImportRequest chooses what is imported.
type ImportRequest struct {
	Experiments []string // names or ids; none for all
	DryRun      bool     // only look
}

// Count says how many of a kind were new, got something new, or were here already.
type Count struct {
	New     int `json:"new"`
	Updated int `json:"updated"`
	Same    int `json:"same"`
}

// Total is all of them.
func (c Count) Total() int { return c.New + c.Updated + c.Same }

// Problem is something that was not taken over.
type Problem struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// ImportResult says what was done, or with DryRun would be.
type ImportResult struct {
	Source      string           `json:"source"`
	DryRun      bool             `json:"dry_run"`
	Experiments Count            `json:"experiments"`
	Runs        Count            `json:"runs"`
	Models      Count            `json:"logged_models"`
	Registered  Count            `json:"registered_models"`
	Versions    Count            `json:"model_versions"`
	Points      int64            `json:"points"` // of runs that were new or updated
	Files       int64            `json:"files"`
	Bytes       int64            `json:"bytes"`
	Ignored     map[string]int64 `json:"ignored"` // what has no place here, by what it is
	Problems    []Problem        `json:"problems"`
}

// Importer takes a source over.
type Importer struct {
	source Source
	target Target
	report progress.Reporter

	mu     sync.Mutex // of problems, while files are looked for side by side
	result ImportResult
	task   progress.Task
	ids    map[string]string // experiment there → here
	models map[string]bool   // logged models that are here
	places map[string]string // place of a run or model there → its root here
}

// NewImporter returns an importer.
func NewImporter(s Source, t Target, r progress.Reporter) *Importer {
	return &Importer{source: s, target: t, report: r, ids: map[string]string{}, models: map[string]bool{}, places: map[string]string{}}
}

// Import takes over what is not here yet. What was done before an error stays, and
// another import goes on from there.
func (m *Importer) Import(ctx context.Context, q ImportRequest) (_ ImportResult, err error) {
	m.result = ImportResult{Source: m.source.Name(), DryRun: q.DryRun, Problems: []Problem{}, Ignored: map[string]int64{}}
	all, err := m.source.Experiments(ctx)
	if err != nil {
		return m.result, err
	}
	chosen, err := choose(all, q.Experiments)
	if err != nil {
		return m.result, err
	}
	m.task = m.report.Task("importing", progress.Unknown, progress.Unknown)
	defer m.task.Done()
	if !q.DryRun {
		release, err := m.target.Objects.Hold(ctx)
		if err != nil {
			return m.result, err
		}
		defer func() { err = errors.Join(err, release()) }()
	}
	for _, e := range chosen {
		if err := m.experiment(ctx, e); err != nil {
			return m.result, fmt.Errorf("experiment %s: %w", e.Name, err)
		}
	}
	if err := m.registry(ctx, len(q.Experiments) > 0); err != nil {
		return m.result, fmt.Errorf("registered models: %w", err)
	}
	ignored, err := m.source.Ignored(ctx)
	for what, n := range ignored {
		if n > 0 {
			m.result.Ignored[what] = n
		}
	}
	return m.result, err
}

// choose returns those experiments that words name.
func choose(all []track.Experiment, words []string) ([]track.Experiment, error) {
	if len(words) == 0 {
		return all, nil
	}
	var out []track.Experiment
	names := make([]string, len(all))
	for i, e := range all {
		names[i] = e.Name
	}
	for _, word := range words {
		i := slices.IndexFunc(all, func(e track.Experiment) bool { return e.Name == word })
		if i < 0 {
			i = slices.IndexFunc(all, func(e track.Experiment) bool { return e.ID == word })
		}
		if i < 0 {
			return nil, errs.New(errs.NotFound, "the source has no experiment %q", word).DidYouMean(word, names)
		}
		out = append(out, all[i])
	}
	return out, nil
}

// problem notes what was not taken over.
func (m *Importer) problem(what string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.result.Problems = append(m.result.Problems, problemOf(what, err))
}

// problemOf puts an error and its hints into one line.
func problemOf(what string, err error) Problem {
	why := err.Error()
	if hints := errs.Hints(err); len(hints) > 0 {
		why += " (" + strings.Join(hints, "; ") + ")"
	}
	return Problem{What: what, Why: why}
}

// experiment takes over one experiment with its logged models and runs.
func (m *Importer) experiment(ctx context.Context, e track.Experiment) error {
	here, err := m.target.Tracking.ExperimentByName(ctx, e.Name)
	known := err == nil
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	switch {
	case known && here.Deleted && !e.Deleted:
		m.problem("experiment "+e.Name, errs.New(errs.Conflict, "it is deleted here"))
		return nil
	case known && here.Deleted:
		m.result.Experiments.Same++ // taken over and deleted before
		return nil
	case known:
		m.result.Experiments.Same++
	default:
		m.result.Experiments.New++
	}
	if !m.result.DryRun {
		if here, err = m.makeExperiment(ctx, e, here, known); err != nil {
			return err
		}
	}
	if known || !m.result.DryRun {
		m.ids[e.ID] = here.ID
	}
	measured, err := m.loggedModels(ctx, e, here)
	if err != nil {
		return err
	}
	if err := m.runs(ctx, e, here, measured); err != nil {
		return err
	}
	if e.Deleted && !m.result.DryRun {
		return m.target.Tracking.DeleteExperiment(ctx, here.ID)
	}
	return nil
}

// makeExperiment makes an experiment here, or adds the tags that it lacks. Where
// its files were does not matter: they are kept here.
func (m *Importer) makeExperiment(ctx context.Context, e, here track.Experiment, known bool) (track.Experiment, error) {
	if !known {
		return m.target.Tracking.CreateExperiment(ctx, track.Experiment{ID: e.ID, Name: e.Name, Created: e.Created, Updated: e.Updated, Tags: e.Tags})
	}
	fresh := slices.DeleteFunc(slices.Clone(e.Tags), func(t track.Tag) bool {
		return slices.ContainsFunc(here.Tags, func(had track.Tag) bool { return had.Key == t.Key })
	})
	if len(fresh) == 0 {
		return here, nil
	}
	return here, m.target.Tracking.SetExperimentTags(ctx, here.ID, fresh)
}

// count notes what became of one thing.
func (m *Importer) count(c *Count, known, same bool) {
	switch {
	case !known:
		c.New++
	case same:
		c.Same++
	default:
		c.Updated++
	}
}

// counted adds files to the result.
func (m *Importer) counted(files []File) {
	for _, f := range files {
		m.result.Files++
		m.result.Bytes += f.Size
	}
}
