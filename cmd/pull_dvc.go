package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/migrate"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/remote/cloud"
	"github.com/mlops-cli/mlops/pkg/remote/file"
	"github.com/mlops-cli/mlops/pkg/remote/web"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// foreign lists the paths among those typed that only DVC's files name.
func (a *app) foreign(ctx context.Context, paths []string) ([]string, error) {
	r, err := a.repo(ctx)
	if err != nil {
		return nil, err
	}
	tracked, err := r.Tracked(ctx)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, t := range tracked {
		if t.Foreign && t.Cached && inOrAround(t.Path, paths) {
			found = append(found, t.Path)
		}
	}
	return found, nil
}

// pullForeign fetches what only DVC's files name, and restores it. Done means
// that there is nothing else to pull.
func (o *pullOptions) pullForeign(ctx context.Context, typed []string) (done bool, err error) {
	r, err := o.app.repo(ctx)
	if err != nil {
		return false, err
	}
	paths, err := rels(r, typed)
	if err != nil {
		return false, err
	}
	theirs, err := o.app.foreign(ctx, paths)
	if err != nil || len(theirs) == 0 || o.dryRun {
		return false, err
	}
	origin, err := migrate.FindOrigin(r.Root)
	if err != nil {
		return false, err
	}
	connect := func(ctx context.Context, place string) (*remote.Conn, error) {
		return o.app.openToRead(ctx, place, o.jobs)
	}
	res, err := migrate.Fetch(ctx, r, origin, theirs, connect, o.app.io.Progress())
	if err != nil && len(res.Objects)+len(res.Absent) == 0 {
		return false, err
	}
	if res.Files > 0 && !o.app.io.JSON {
		if _, err := fmt.Fprintf(o.app.io.Out, "fetched %s of DVC's data, %s\n", term.Plural(res.Files, "file"), term.Bytes(res.Bytes)); err != nil {
			return false, err
		}
	}
	w, werr := o.app.workspace(ctx)
	if werr != nil {
		return false, werr
	}
	restored, rerr := w.Restore(ctx, res.Objects, workspace.RestoreOptions{Force: o.force})
	if rerr == nil {
		rerr = o.restored(restored)
	}
	if rerr != nil {
		return false, errors.Join(err, rerr)
	}
	if len(res.Absent) > 0 {
		return false, nobodyHas(res.Absent, err)
	}
	return len(r.Config.Remotes) == 0 || len(paths) > 0 && len(theirs) >= len(paths), err
}

// nobodyHas is the error of paths that were not brought, and why, if it is known.
func nobodyHas(paths []string, why error) error {
	const shown = 10
	paths = slices.Compact(slices.Sorted(slices.Values(paths))) // DVC may track one twice
	list := workspace.Quote(paths[:min(len(paths), shown)])
	if more := len(paths) - shown; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	e := errs.New(errs.NotFound, "%s of DVC's data: nobody has it: %s", term.Plural(int64(len(paths)), "path"), list)
	if why == nil {
		return e.Hint("somebody who has it can push it: dvc push")
	}
	e = errs.New(errs.NotFound, "%w\n%w", e, why)
	for _, hint := range errs.Hints(why) {
		e = e.Hint("%s", hint)
	}
	return e
}

// beside adds to an error about data that is not in the store where it may be.
func beside(err error, r *repo.Repo) error {
	if o, oerr := migrate.FindOrigin(r.Root); oerr != nil || o.Root != r.Root {
		return err
	}
	return errs.New(errs.KindOf(err), "%w", err).Hint("DVC may have it: take it over, then type this again: mlops import dvc")
}

// rels turns what was typed into paths relative to the root.
func rels(r *repo.Repo, typed []string) ([]string, error) {
	paths := make([]string, len(typed))
	for i, t := range typed {
		p, err := r.Rel(".", t)
		if err != nil {
			return nil, err
		}
		paths[i] = p
	}
	return paths, nil
}

// openToRead connects to a bucket that is only read.
func (a *app) openToRead(ctx context.Context, url string, jobs int) (*remote.Conn, error) {
	if a.repository != nil {
		url = remoteURL(a.repository.Root, url)
	}
	b, err := remote.Open(ctx, url, remote.Options{Jobs: jobs}, file.Driver(), cloud.Driver(), web.Driver())
	if err != nil {
		return nil, err
	}
	a.atEnd(b.Close)
	return b, nil
}

// inOrAround reports whether a path is one of dirs, in one or around one; it is
// when there are none.
func inOrAround(p string, dirs []string) bool {
	for _, dir := range dirs {
		if dir == "." || p == dir || strings.HasPrefix(p, dir+"/") || strings.HasPrefix(dir, p+"/") {
			return true
		}
	}
	return len(dirs) == 0
}
