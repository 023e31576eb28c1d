package mlruns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// sent is a file that goes to a server.
type sent struct {
	path string
	id   oid.ID
	size int64
}

// runFiles sends what a run kept, as send does.
func (x *Exporter) runFiles(ctx context.Context, r *track.Run, root string, outputs bool) (whole bool, err error) {
	var assets []track.Asset
	for _, a := range r.Assets {
		switch {
		case a.Role == track.Artifact || a.Role == track.Model:
		case a.Role == track.Output && outputs:
			a.Path = path.Join("outputs", a.Path)
		default:
			continue
		}
		assets = append(assets, a)
	}
	return x.send(ctx, "run "+r.Name, root, assets)
}

// send sends the files of assets to a root. Files that are not here, or that the
// server does not take, are a problem of theirs; with the former it is not whole.
func (x *Exporter) send(ctx context.Context, what, root string, assets []track.Asset) (whole bool, err error) {
	files, missing, err := x.list(ctx, what, assets)
	if err != nil || len(files) == 0 {
		return missing == 0, err
	}
	put, err := x.putter(ctx, root)
	if err != nil {
		x.problem(what, err)
		return missing == 0, nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	for _, f := range files {
		g.Go(func() error {
			err := put(ctx, f)
			if refused(err) {
				x.problem(what, fmt.Errorf("the server does not take %s: %w", f.path, err))
				return nil
			}
			if err != nil {
				return errs.New(errs.KindOf(err), "send %s: %w", f.path, err)
			}
			x.mu.Lock()
			defer x.mu.Unlock()
			x.result.Files++
			x.result.Bytes += f.size
			x.task.Add(0, f.size)
			return nil
		})
	}
	return missing == 0, g.Wait()
}

// refused reports whether a server will never take what it was sent, such as a file
// of that name.
func refused(err error) bool {
	e, ok := errors.AsType[*apiError](err)
	return ok && (e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound || e.Status == http.StatusRequestEntityTooLarge)
}

// list finds the files of assets that are here, and counts those that are not.
func (x *Exporter) list(ctx context.Context, what string, assets []track.Asset) (out []sent, missing int, err error) {
	add := func(p string, id oid.ID, size int64) {
		if !x.origin.Objects.Has(id) {
			missing++
			return
		}
		out = append(out, sent{p, id, size})
	}
	for _, a := range assets {
		if a.Kind != "dir" {
			add(a.Path, a.ID, a.Size)
			continue
		}
		err := tree.Walk(ctx, x.origin.Objects, a.ID, func(p string, e tree.Entry) error {
			if e.Kind == tree.File {
				add(path.Join(a.Path, p), e.ID, e.Size)
			}
			return nil
		})
		if errs.Is(err, errs.NotFound) {
			missing++
		} else if err != nil {
			return nil, 0, err
		}
	}
	if missing > 0 {
		x.problem(what, errs.New(errs.NotFound, "%d of its files are not on this machine", missing).Hint("fetch them: mlops pull, then type the same command again"))
	}
	return out, missing, nil
}

// putter finds out how files get to a root that a server named.
func (x *Exporter) putter(ctx context.Context, root string) (func(context.Context, sent) error, error) {
	scheme, _, _ := strings.Cut(root, ":")
	switch scheme {
	case "mlflow-artifacts":
		u, err := url.Parse(root)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, f sent) error {
			return x.upload(ctx, path.Join(strings.Trim(u.Path, "/"), f.path), f)
		}, nil
	case "s3", "gs", "azblob":
		at, err := x.places.inBucket(ctx, root)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, f sent) error {
			return at.Put(ctx, at.prefix+f.path, f.size, func() (io.ReadCloser, error) { return x.origin.Objects.Open(ctx, f.id) }, remote.PutOptions{})
		}, nil
	case "file":
		dir := localPath(root)
		if _, err := os.Stat(filepath.Dir(filepath.Dir(dir))); err == nil {
			return func(ctx context.Context, f sent) error {
				return x.writeLocal(ctx, filepath.Join(dir, filepath.FromSlash(f.path)), f)
			}, nil
		}
	}
	return nil, errs.New(errs.Remote, "the server keeps files at %s, which cannot be written from here", root).
		Hint("start it with --serve-artifacts, which is its default")
}

// upload sends a file through the server.
func (x *Exporter) upload(ctx context.Context, p string, f sent) error {
	var opened []io.Closer
	resp, err := x.client.send(ctx, http.MethodPut, x.base+"/api/2.0/mlflow-artifacts/artifacts/"+escape(p), func() (io.Reader, int64) {
		r, err := x.origin.Objects.Open(ctx, f.id)
		if err != nil {
			return failing{err}, f.size
		}
		opened = append(opened, r)
		return r, f.size
	}, "application/octet-stream")
	if err == nil {
		err = resp.Body.Close()
	}
	for _, c := range opened {
		_ = c.Close() // the client has closed it as a body
	}
	return err
}

// failing is a body that cannot be read.
type failing struct{ err error }

// Read returns the error.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (x *Exporter) writeLocal(ctx context.Context, file string, f sent) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	r, err := x.origin.Objects.Open(ctx, f.id)
	if err != nil {
		return err
	}
	w, err := os.Create(file)
	if err != nil {
		return errors.Join(err, r.Close())
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close(), r.Close())
}
