package cmd

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/mlops-cli/mlops/pkg/api"
	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/mlflow"
	"github.com/mlops-cli/mlops/pkg/project"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/server"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/version"
	"github.com/mlops-cli/mlops/pkg/webhook"
)

// serverParts is what a server serves.
type serverParts struct {
	what    string // for people
	routes  []route.Route
	metrics []server.Collector
	auth    server.Authenticator // nil: nobody has to sign in
	sender  *webhook.Sender
}

// start does what goes on beside requests, and returns what ends it.
func (p *serverParts) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { p.sender.Run(ctx) })
	return func() {
		cancel()
		work.Wait()
	}
}

// open opens what is served.
func (o *serverOptions) open(ctx context.Context, log *slog.Logger) (*serverParts, error) {
	if err := o.enterStore(ctx); err != nil {
		return nil, err
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		if errs.Is(err, errs.NotARepository) {
			return nil, errs.New(errs.NotARepository, "%w", err).
				Hint("mlops server --store DIR keeps runs in a directory of their own")
		}
		return nil, err
	}
	index, err := r.Index(ctx)
	if err != nil {
		return nil, err
	}
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return nil, err
	}
	files, err := o.openFiles(ctx, r, tracking)
	if err != nil {
		return nil, err
	}
	models := registrydb.New(index, o.app.clock)
	hooks := webhook.NewKeeper(index, o.app.clock, o.anyHook)
	sender := webhook.NewSender(hooks, log)
	return &serverParts{
		what:   r.Root,
		sender: sender,
		routes: slices.Concat(mlflow.New(tracking, models, files).Routes(), mlflow.FileRoutes(files, models, o.app.clock), mlflow.HookRoutes(hooks, sender), api.Routes(api.Deps{
			Version: version.Get().Version, Clock: o.app.clock, Tracking: tracking, Models: models, Projects: project.New(index, o.app.clock), Files: files,
		})),
	}, nil
}

// openFiles opens the place where the files of runs are: the store, or a bucket.
func (o *serverOptions) openFiles(ctx context.Context, r *repo.Repo, rows track.Artifacts) (*artifact.Store, error) {
	st, err := r.Store(ctx)
	if err != nil {
		return nil, err
	}
	local := artifact.NewLocal(st)
	var blobs artifact.Blobs = local
	if o.files != "" {
		bucket, err := o.app.openBucket(ctx, o.files, remote.Options{})
		if err != nil {
			return nil, err
		}
		blobs = artifact.NewRemote(bucket, local.Spool(), local)
	}
	files := artifact.New(rows, blobs, local)
	o.app.atEnd(files.Close)
	return files, nil
}

// enterStore makes the directory of --store what the other parts take for the
// repository.
func (o *serverOptions) enterStore(ctx context.Context) error {
	if o.store == "" {
		return nil
	}
	if scheme, _, ok := strings.Cut(o.store, "://"); ok {
		return errs.New(errs.Usage, "--store %s: %s is not a kind of store", o.store, scheme).
			Hint("--store takes a directory, or postgres://user@host/database")
	}
	dir, err := filepath.Abs(o.store)
	if err != nil {
		return err
	}
	for _, path := range []*string{&o.files} {
		if *path, err = absolute(*path); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(dir, repo.Dir)); errors.Is(err, fs.ErrNotExist) {
		if _, err := repo.Init(ctx, dir, repo.InitOptions{NoGit: true, Nested: true}); err != nil {
			return err
		}
	}
	o.app.dir = dir
	return o.app.enter()
}
