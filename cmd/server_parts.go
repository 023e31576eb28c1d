package cmd

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"

	"github.com/mlops-cli/mlops/pkg/api"
	"github.com/mlops-cli/mlops/pkg/mlflow"
	"github.com/mlops-cli/mlops/pkg/project"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/server"
	"github.com/mlops-cli/mlops/pkg/version"
	"github.com/mlops-cli/mlops/pkg/webhook"
)

// serverParts is what a server serves.
type serverParts struct {
	what    string // for people
	routes  []route.Route
	metrics []server.Collector
	auth    server.Authenticator // nil: nobody has to sign in
	sender  *webhook.Sender      // nil: nothing is delivered
}

// start does what goes on beside requests, and returns what ends it.
func (p *serverParts) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	if p.sender != nil {
		work.Go(func() { p.sender.Run(ctx) })
	}
	return func() {
		cancel()
		work.Wait()
	}
}

// open opens what is served.
func (o *serverOptions) open(ctx context.Context, log *slog.Logger) (*serverParts, error) {
	if err := o.places.Check(); err != nil {
		return nil, err
	}
	if err := o.wantsFiles(); err != nil {
		return nil, err
	}
	var err error
	if o.places.Dir, err = filepath.Abs("."); err != nil { // --store goes elsewhere
		return nil, err
	}
	index, err := o.records(ctx)
	if err != nil {
		return nil, err
	}
	if err := o.mayWrite(ctx, index); err != nil {
		return nil, err
	}
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return nil, err
	}
	files, err := o.openFiles(ctx, tracking)
	if err != nil {
		return nil, err
	}
	models := registrydb.New(index, o.app.clock)
	hooks := webhook.NewKeeper(index, o.app.clock, o.anyHook)
	sender := webhook.NewSender(hooks, log)
	pages, err := o.pages(ctx, tracking, models, files)
	if err != nil {
		return nil, err
	}
	own := api.Deps{
		Version: version.Get().Version, Clock: o.app.clock, Tracking: tracking, Models: models, Projects: project.New(index, o.app.clock), Files: files,
	}
	if err := o.addRepository(ctx, &own); err != nil {
		return nil, err
	}
	parts := &serverParts{
		what:    o.what(index),
		metrics: []server.Collector{databaseMetrics(index)},
		routes:  slices.Concat(pages, mlflow.New(tracking, models, files).At(o.places).Routes(), mlflow.FileRoutes(files, models, o.app.clock), mlflow.HookRoutes(hooks, sender), api.Routes(own)),
	}
	if !o.readOnly { // what was delivered is noted
		parts.sender = sender
	}
	return parts, nil
}
