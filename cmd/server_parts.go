package cmd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/server"
)

// serverParts is what a server serves.
type serverParts struct {
	what    string // for people
	routes  []route.Route
	metrics []server.Collector
}

// open opens what is served.
func (o *serverOptions) open(ctx context.Context) (*serverParts, error) {
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
	p := &serverParts{what: r.Root}
	return p, nil
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
