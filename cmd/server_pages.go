package cmd

import (
	"context"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/reproduce"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/trackdb"
	"github.com/mlops-cli/mlops/pkg/ui"
	"github.com/mlops-cli/mlops/pkg/version"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// pages are what a browser is shown. A store of its own has runs and models;
// data, pipelines and code are those of a repository.
func (o *serverOptions) pages(ctx context.Context, tracking *trackdb.Service, models *registrydb.Service, files *artifact.Store) ([]route.Route, error) {
	d := ui.Deps{
		Version: version.Get().Version, Clock: o.app.clock, Models: models,
		Runs: tracking, Groups: tracking, Events: tracking, Curves: tracking, Logged: tracking, Files: files, Compare: compare.New(tracking, noRevisions{}),
	}
	if o.app.index != nil {
		d.Name = databaseName(o.app.index.Path())
		return ui.Routes(d)
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		return nil, err
	}
	st, err := r.Store(ctx)
	if err != nil {
		return nil, err
	}
	d.Name, d.Objects = filepath.Base(r.Root), st
	if o.store != "" {
		return ui.Routes(d)
	}
	engine, err := o.app.engineOf(r)
	if err != nil {
		return nil, err
	}
	w := workspace.New(r, progress.Nop{})
	releaser, err := o.app.releaser(ctx, false)
	if err != nil {
		return nil, err
	}
	releaser.Files = files
	d.Release = releaser
	d.Root, d.Data, d.Engine = r.Root, w, engine
	d.Code, d.Compare = reproduce.New(r, w, tracking), compare.New(tracking, revisions{Repo: r})
	return ui.Routes(d)
}

// databaseName is what people call the database that a URL leads to.
func databaseName(address string) string {
	u, err := url.Parse(address)
	if err != nil || strings.Trim(u.Path, "/") == "" {
		return address
	}
	return strings.Trim(u.Path, "/")
}

// noRevisions are those of a store without a repository.
type noRevisions struct{}

// Commit says that there is none.
func (noRevisions) Commit(_ context.Context, rev string) (string, error) {
	return "", errs.New(errs.NotFound, "%q: this store has no repository, and so no revisions", rev)
}

// Names says that there are none.
func (noRevisions) Names(context.Context) ([]string, error) { return nil, nil }

// Open says that there are none.
func (noRevisions) Open(context.Context, string) (compare.Files, error) {
	return nil, errs.New(errs.NotFound, "this store has no repository, and so no files")
}

// Changed says that nothing is.
func (noRevisions) Changed(context.Context, []string) (map[string][]string, error) { return nil, nil }
