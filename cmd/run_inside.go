package cmd

import (
	"context"
	"errors"
	"os"
	"sync"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/loopback"
	"github.com/mlops-cli/mlops/pkg/mlflow"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
)

// The variables by which MLflow's clients find their server. ourURI is set to the
// same as theirs: so a run inside of a stage knows that it was not the user who
// set it.
const (
	mlflowURI  = "MLFLOW_TRACKING_URI"
	ourURI     = "MLOPS_TRACKING_URI"
	mlflowUser = "MLFLOW_TRACKING_USERNAME"
)

// inside lets MLflow's clients in the stages of a run log to it.
type inside struct {
	app      *app
	ctx      context.Context //nolint:containedctx // of the run, never done: events have none, and end also what was interrupted
	listener *loopback.Listener

	mu     sync.Mutex
	tokens map[string]loopback.Access // by address of the stage
	opened *insideParts
}

// insideParts are opened when the first client asks.
type insideParts struct {
	tracking track.Store
	local    *artifact.Local
}

func newInside(ctx context.Context, a *app) *inside {
	i := &inside{app: a, ctx: context.WithoutCancel(ctx), tokens: map[string]loopback.Access{}}
	i.listener = loopback.New(loopback.Config{Open: i.open, Routes: i.routes})
	return i
}

// ours reports whether clients may be pointed at us: a server that the user chose
// stays chosen.
func ours(env map[string]string) bool {
	chosen, set := env[mlflowURI]
	if !set {
		chosen = os.Getenv(mlflowURI)
	}
	return chosen == "" || chosen == os.Getenv(ourURI) && !set
}

// environ is what the processes of a stage get. Stages of a group log the same
// names: each gets a run of its own.
func (i *inside) environ(ctx context.Context, run *track.Run, stage *stagefile.Stage) (map[string]string, error) {
	if !ours(stage.Env) {
		return nil, nil
	}
	own := ""
	if stage.Group != "" {
		own = stage.Name
	}
	return i.start(ctx, stage.Address(), loopback.Session{Run: run, Own: own})
}

// start begins a session, or goes on with it when the stage is tried again.
func (i *inside) start(ctx context.Context, address string, s loopback.Session) (map[string]string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	access, known := i.tokens[address]
	if !known {
		var err error
		if access, err = i.listener.Start(ctx, s); err != nil {
			return nil, err
		}
		i.tokens[address] = access
	}
	vars := map[string]string{
		mlflowURI: access.URL, ourURI: access.URL, "MLFLOW_TRACKING_TOKEN": access.Token, "MLFLOW_RUN_ID": access.RunID,
		"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true", // the address is gone with the run
	}
	if s.Run.ExperimentID != "" {
		vars["MLFLOW_EXPERIMENT_ID"] = s.Run.ExperimentID
	}
	for _, name := range []string{mlflowUser, "MLFLOW_TRACKING_PASSWORD", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_REGISTRY_URI"} {
		if os.Getenv(name) != "" {
			vars[name] = "" // what is meant for another server would win over ours
		}
	}
	return vars, nil
}

// event implements listener.
func (i *inside) event(e pipeline.Event) {
	if e.Type != pipeline.StageEnded {
		return
	}
	status := track.Finished
	if e.Err != nil {
		status = track.Failed
	}
	if err := i.stop(e.Name, status); err != nil {
		i.app.io.Warn("%v", err)
	}
}

// stop ends the session of a stage.
func (i *inside) stop(address string, status track.Status) error {
	i.mu.Lock()
	access, known := i.tokens[address]
	delete(i.tokens, address)
	i.mu.Unlock()
	if !known {
		return nil
	}
	return i.listener.End(i.ctx, access.Token, status)
}

// end implements listener: whatever is left ends with the run.
func (i *inside) end(pipeline.Result, error) error {
	i.mu.Lock()
	var left []string
	for address := range i.tokens {
		left = append(left, address)
	}
	i.mu.Unlock()
	var all []error
	for _, address := range left {
		all = append(all, i.stop(address, track.Killed))
	}
	all = append(all, i.listener.Close())
	if i.opened != nil {
		all = append(all, i.opened.local.Close())
	}
	return errors.Join(all...)
}

// open opens the records.
func (i *inside) open(context.Context) (track.Store, error) {
	parts, err := i.parts()
	if err != nil {
		return nil, err
	}
	return parts.tracking, nil
}

func (i *inside) parts() (*insideParts, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.opened != nil {
		return i.opened, nil
	}
	tracking, err := i.app.tracking(i.ctx)
	if err != nil {
		return nil, err
	}
	r, err := i.app.repo(i.ctx)
	if err != nil {
		return nil, err
	}
	st, err := r.Store(i.ctx)
	if err != nil {
		return nil, err
	}
	i.opened = &insideParts{tracking: tracking, local: artifact.NewLocal(st)}
	return i.opened, nil
}

// routes are those of MLflow's protocol over what a session may write.
func (i *inside) routes(_ context.Context, s track.Store) ([]route.Route, error) {
	parts, err := i.parts()
	if err != nil {
		return nil, err
	}
	models, err := i.app.registry(i.ctx)
	if err != nil {
		return nil, err
	}
	files := artifact.New(s, parts.local, parts.local)
	return append(mlflow.New(s, models, files).Routes(), mlflow.FileRoutes(files, models, i.app.clock)...), nil
}

// listen opens the listener that the clients of a project log to.
func (p *projectRun) listen(ctx context.Context) (vars []string, end func() error, err error) {
	vars = []string{runIDVariable + "=" + p.run.ID}
	if !ours(nil) {
		return vars, func() error { return nil }, nil
	}
	i := newInside(ctx, p.app)
	access, err := i.start(ctx, p.entry.Name, loopback.Session{Run: &p.run})
	if err != nil {
		return nil, nil, err
	}
	for name, value := range access {
		vars = append(vars, name+"="+value)
	}
	return vars, func() error { return i.end(pipeline.Result{}, nil) }, nil
}
