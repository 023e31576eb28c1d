package loopback

import (
	"context"
	"net/http"
	"sync"

	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// session is what the processes of one stage may do.
type session struct {
	config Config
	about  Session
	runID  string

	mu    sync.Mutex
	ready http.Handler
	store *scoped
	over  bool
}

// handler puts the handlers together, once.
func (s *session) handler(ctx context.Context) (http.Handler, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready != nil {
		return s.ready, nil
	}
	all, err := s.config.Open(ctx)
	if err != nil {
		return nil, err
	}
	run, err := all.Run(ctx, s.about.Run.ID)
	if err != nil {
		return nil, err
	}
	if s.about.Own != "" && !s.over {
		if _, err := all.Create(ctx, track.Run{
			ID: s.runID, Name: s.about.Own, Kind: track.Stage, Parent: run.ID, Experiment: run.Experiment, ExperimentID: run.ExperimentID,
			Source: run.Source, Git: run.Git, User: run.User,
		}); err != nil {
			return nil, err
		}
	}
	store := &scoped{Store: all, own: s.runID, experiment: run.ExperimentID, name: run.Experiment, mine: map[string]bool{s.runID: true}}
	routes, err := s.config.Routes(ctx, store)
	if err != nil {
		return nil, err
	}
	mux, err := route.Mux(routes)
	if err != nil {
		return nil, err
	}
	s.ready, s.store = mux, store
	return mux, nil
}

// end ends the session's own run, when it has one.
func (s *session) end(ctx context.Context, status track.Status) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if s.store == nil || s.about.Own == "" {
		return nil
	}
	return s.store.Store.Finish(ctx, s.runID, status, track.Batch{})
}
