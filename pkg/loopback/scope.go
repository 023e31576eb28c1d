package loopback

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// scoped is the records as a session sees them.
type scoped struct {
	track.Store

	own        string // the run that the session is for
	experiment string // its id
	name       string // its name

	mu   sync.Mutex
	mine map[string]bool // runs that it may write
}

// may refuses runs that the session did not make.
func (s *scoped) may(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mine[id] {
		return nil
	}
	return route.Refuse(http.StatusForbidden, "a stage of a run may write to this run (%s) and to those it makes, not to run %s", s.own, id)
}

// Create makes a run of the session: a child of its own run, unless it belongs to
// another one of the session.
func (s *scoped) Create(ctx context.Context, run track.Run) (track.Run, error) {
	if s.may(run.Parent) != nil {
		run.Parent = s.own
	}
	run.Experiment, run.ExperimentID = s.name, s.experiment
	made, err := s.Store.Create(ctx, run)
	if err == nil {
		s.mu.Lock()
		s.mine[made.ID] = true
		s.mu.Unlock()
	}
	return made, err
}

// Log adds to a run. A param that the run has already with a value of the same
// meaning is no other value: params files write null and true where Python writes
// None and True.
func (s *scoped) Log(ctx context.Context, id string, b track.Batch) error {
	if err := s.may(id); err != nil {
		return err
	}
	err := s.Store.Log(ctx, id, b)
	var other *track.ParamError
	if id != s.own || !errors.As(err, &other) {
		return err
	}
	run, rerr := s.Run(ctx, id)
	if rerr != nil {
		return err
	}
	b.Params = slices.DeleteFunc(slices.Clone(b.Params), func(p track.Param) bool {
		had, ok := run.Param(p.Key)
		return ok && sameMeaning(had, p.Value)
	})
	return s.Store.Log(ctx, id, b)
}

// sameMeaning reports whether two texts are one value as two languages write it.
func sameMeaning(a, b string) bool {
	norm := func(text string) string {
		text = strings.ToLower(strings.Trim(text, `"'`))
		if text == "none" {
			return "null"
		}
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return strconv.FormatFloat(n, 'g', -1, 64)
		}
		return text
	}
	return norm(a) == norm(b)
}

// Finish ends a run of the session but its own, which ends with the stage.
func (s *scoped) Finish(ctx context.Context, id string, status track.Status, last track.Batch) error {
	if id == s.own {
		return s.Log(ctx, id, last)
	}
	if err := s.may(id); err != nil {
		return err
	}
	return s.Store.Finish(ctx, id, status, last)
}

// Update changes a run. The session's own ends with the stage, and is called as
// its pipeline says: several stages may have a name for it.
func (s *scoped) Update(ctx context.Context, id string, u track.Update) error {
	if err := s.may(id); err != nil {
		return err
	}
	if id == s.own {
		return nil
	}
	return s.Store.Update(ctx, id, u)
}

// SetTags implements track.Curator.
func (s *scoped) SetTags(ctx context.Context, id string, tags []track.Tag) error {
	return s.guarded(id, func() error { return s.Store.SetTags(ctx, id, tags) })
}

// DeleteTags implements track.Curator.
func (s *scoped) DeleteTags(ctx context.Context, id string, keys []string) error {
	return s.guarded(id, func() error { return s.Store.DeleteTags(ctx, id, keys) })
}

// SetNote implements track.Curator.
func (s *scoped) SetNote(ctx context.Context, id, note string) error {
	return s.guarded(id, func() error { return s.Store.SetNote(ctx, id, note) })
}

// Rename implements track.Curator; see Update.
func (s *scoped) Rename(ctx context.Context, id, name string) error {
	if id == s.own {
		return nil
	}
	return s.guarded(id, func() error { return s.Store.Rename(ctx, id, name) })
}

// Delete implements track.Curator; a run that goes on is not deleted.
func (s *scoped) Delete(ctx context.Context, id string) error {
	if id == s.own {
		return route.Refuse(http.StatusForbidden, "run %s goes on: delete it when it has ended", id)
	}
	return s.guarded(id, func() error { return s.Store.Delete(ctx, id) })
}

// Restore implements track.Curator.
func (s *scoped) Restore(ctx context.Context, id string) error {
	return s.guarded(id, func() error { return s.Store.Restore(ctx, id) })
}

func (s *scoped) guarded(id string, do func() error) error {
	if err := s.may(id); err != nil {
		return err
	}
	return do()
}

// PutArtifacts implements track.Artifacts.
func (s *scoped) PutArtifacts(ctx context.Context, o track.Owner, files []track.Asset) error {
	if !o.Model {
		if err := s.may(o.ID); err != nil {
			return err
		}
	}
	return s.Store.PutArtifacts(ctx, o, files)
}

// DeleteArtifacts implements track.Artifacts.
func (s *scoped) DeleteArtifacts(ctx context.Context, o track.Owner, path string) (int, error) {
	if !o.Model {
		if err := s.may(o.ID); err != nil {
			return 0, err
		}
	}
	return s.Store.DeleteArtifacts(ctx, o, path)
}

// ExperimentByName returns the experiment of the session's run, by whatever name.
func (s *scoped) ExperimentByName(ctx context.Context, name string) (track.Experiment, error) {
	e, err := s.Experiment(ctx, s.experiment)
	e.Name = name
	return e, err
}

// CreateExperiment returns the experiment of the session's run.
func (s *scoped) CreateExperiment(ctx context.Context, e track.Experiment) (track.Experiment, error) {
	return s.ExperimentByName(ctx, e.Name)
}

// CreateLoggedModel makes a model of the experiment of the session's run.
func (s *scoped) CreateLoggedModel(ctx context.Context, m track.LoggedModel) (track.LoggedModel, error) {
	m.ExperimentID, m.Experiment = s.experiment, s.name
	return s.Store.CreateLoggedModel(ctx, m)
}

// RenameExperiment is refused.
func (s *scoped) RenameExperiment(context.Context, string, string) error { return s.noExperiments() }

// DeleteExperiment is refused.
func (s *scoped) DeleteExperiment(context.Context, string) error { return s.noExperiments() }

// RestoreExperiment is refused.
func (s *scoped) RestoreExperiment(context.Context, string) error { return s.noExperiments() }

func (s *scoped) noExperiments() error {
	return route.Refuse(http.StatusForbidden, "a stage of a run does not rename or delete experiments")
}
