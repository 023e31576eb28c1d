package cmd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/server"
	"github.com/mlops-cli/mlops/pkg/track"
)

// records opens the database of the store: PostgreSQL, which the other parts then
// take for the repository's own, or the index of a repository.
func (o *serverOptions) records(ctx context.Context) (*db.DB, error) {
	if o.app.index != nil {
		return o.app.index, nil
	}
	if db.IsPostgres(o.store) {
		return o.openPostgres(ctx)
	}
	if err := o.enterStore(ctx); err != nil {
		return nil, err
	}
	r, err := o.app.repo(ctx)
	if errs.Is(err, errs.NotARepository) {
		return nil, errs.New(errs.NotARepository, "%w", err).
			Hint("mlops server --store DIR keeps runs in a directory of their own")
	}
	if err != nil {
		return nil, err
	}
	return r.Index(ctx)
}

func (o *serverOptions) openPostgres(ctx context.Context) (*db.DB, error) {
	schema, err := db.ServerSchema()
	if err != nil {
		return nil, err
	}
	index, err := db.OpenPostgres(ctx, o.store, db.Options{Migrations: schema})
	if err != nil {
		return nil, err
	}
	o.app.atEnd(index.Close)
	o.app.index = index
	return index, nil
}

// what names what is served, for people.
func (o *serverOptions) what(index *db.DB) string {
	if o.app.index != nil {
		return index.Path()
	}
	return o.app.repository.Root
}

// openFiles opens the place where the files of runs are: the store, or a bucket.
func (o *serverOptions) openFiles(ctx context.Context, rows track.Artifacts) (*artifact.Store, error) {
	if o.app.index != nil {
		return o.openShared(ctx, rows)
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		return nil, err
	}
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

// openShared opens the bucket of servers that share a database. Uploads stand in
// the system's directory for temporary files until their ids are known.
func (o *serverOptions) openShared(ctx context.Context, rows track.Artifacts) (*artifact.Store, error) {
	bucket, err := o.app.openBucket(ctx, o.files, remote.Options{})
	if err != nil {
		return nil, err
	}
	files := artifact.New(rows, artifact.NewRemote(bucket, artifact.NewSpool(os.TempDir()), nil), nil)
	o.app.atEnd(files.Close)
	return files, nil
}

// wantsFiles refuses a database without a place for files.
func (o *serverOptions) wantsFiles() error {
	if !db.IsPostgres(o.store) || o.files != "" {
		return nil
	}
	return errs.New(errs.Usage, "--store postgres://… keeps no files").
		Hint("--artifacts s3://bucket/prefix (or gs://, azblob://, or a directory that all servers see)")
}

// mayWrite refuses a store that could only be read, before a client finds out.
func (o *serverOptions) mayWrite(ctx context.Context, index *db.DB) error {
	if o.readOnly {
		return nil
	}
	if err := index.Update(ctx, func(*db.Tx) error { return nil }); err != nil {
		return errs.New(errs.KindOf(err), "%w", err).Hint("--read-only serves what is there")
	}
	return nil
}

// enterStore makes the directory of --store what the other parts take for the
// repository.
func (o *serverOptions) enterStore(ctx context.Context) error {
	if o.store == "" || o.app.repository != nil {
		return nil
	}
	if scheme, _, ok := strings.Cut(o.store, ":/"); ok && len(scheme) > 1 { // C:/store is a directory
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
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return errs.New(errs.Usage, "--store %s: it is a file, not a directory", o.store)
	}
	if fresh(filepath.Join(dir, repo.Dir)) {
		if _, err := repo.Init(ctx, dir, repo.InitOptions{NoGit: true, Nested: true}); err != nil {
			return err
		}
	}
	o.app.dir = dir
	return o.app.enter()
}

// fresh reports whether a store is still to be made, or was left half made: it has
// neither settings nor runs.
func fresh(dir string) bool {
	for _, name := range []string{"config.yaml", "index.db"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	return true
}

// databaseMetrics are the lines of /metrics about a database.
func databaseMetrics(index *db.DB) server.Collector {
	return func(e *server.Exposition) {
		c := index.Counts()
		e.One("mlops_db_commits_total", "counter", "Transactions committed; several requests may share one.", float64(c.Commits))
		e.One("mlops_db_updates_total", "counter", "Changes that were answered by commits.", float64(c.Updates))
		e.One("mlops_db_connections", "gauge", "Open connections to the database.", float64(c.Open))
		e.One("mlops_db_connections_in_use", "gauge", "Connections to the database that are in use.", float64(c.Busy))
	}
}
