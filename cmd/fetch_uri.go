package cmd

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// fetchURI brings what is at a URI into the empty directory dir: a file of the web,
// a file or prefix of a bucket, or a file or directory of a run (runs:/RUN/PATH).
func (a *app) fetchURI(ctx context.Context, uri, dir string) (string, error) {
	scheme, rest, _ := strings.Cut(uri, ":")
	switch scheme {
	case "http", "https":
		return fetchWeb(ctx, uri, dir)
	case "s3", "gs", "azblob", "mem":
		return a.fetchBucket(ctx, uri, dir)
	case "runs":
		return a.fetchOfRun(ctx, strings.Trim(rest, "/"), dir)
	default:
		return "", errs.New(errs.Usage, "what is at %s cannot be fetched: %s is not known", uri, scheme).
			Hint("known are http, https, s3, gs, azblob and runs:/RUN/PATH")
	}
}

func fetchWeb(ctx context.Context, uri, dir string) (string, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return "", errs.New(errs.Usage, "%w", err)
	}
	resp, err := request(ctx, http.MethodGet, uri)
	if err != nil {
		return "", err
	}
	name := path.Base(u.Path)
	if name == "." || name == "/" {
		name = u.Host
	}
	file := filepath.Join(dir, name)
	if err := errors.Join(writeFrom(file, 0o666, resp.Body), resp.Body.Close()); err != nil {
		return "", errs.New(errs.Remote, "fetch %s: %w", uri, err)
	}
	return file, nil
}

// writeFrom makes a file of what r reads.
func writeFrom(file string, perm os.FileMode, r io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// fetchBucket fetches an object, or all objects below a prefix.
func (a *app) fetchBucket(ctx context.Context, uri, dir string) (string, error) {
	uri = strings.TrimRight(uri, "/")
	parent, base := path.Dir(uri), path.Base(uri)
	b, err := a.openBucket(ctx, strings.Replace(parent, ":/", "://", 1), remote.Options{})
	if err != nil {
		return "", err
	}
	get := func(key string) error {
		r, err := b.Get(ctx, key, 0, -1)
		if err != nil {
			return err
		}
		if !filepath.IsLocal(filepath.FromSlash(key)) {
			return errors.Join(errs.New(errs.Corrupt, "%s: %q is no name of a file", uri, key), r.Close())
		}
		return errors.Join(writeFrom(filepath.Join(dir, filepath.FromSlash(key)), 0o666, r), r.Close())
	}
	err = get(base)
	if err == nil || !errs.Is(err, errs.NotFound) {
		return filepath.Join(dir, base), err
	}
	found := false
	for token := ""; ; {
		page, next, lerr := b.List(ctx, base+"/", token)
		if lerr != nil {
			return "", lerr
		}
		for _, o := range page {
			found = true
			if err := get(o.Key); err != nil {
				return "", err
			}
		}
		if token = next; token == "" {
			break
		}
	}
	if !found {
		return "", errs.New(errs.NotFound, "there is nothing at %s", uri)
	}
	return filepath.Join(dir, base), nil
}

// fetchOfRun writes what a run made or kept at a path.
func (a *app) fetchOfRun(ctx context.Context, name, dir string) (string, error) {
	ref, p, _ := strings.Cut(name, "/")
	tracking, err := a.tracking(ctx)
	if err != nil {
		return "", err
	}
	id, err := tracking.Resolve(ctx, ref)
	if err != nil {
		return "", err
	}
	run, err := tracking.Run(ctx, id)
	if err != nil {
		return "", err
	}
	var paths []string
	found := false
	for _, asset := range run.Assets {
		if asset.Role == track.Input {
			continue
		}
		paths = append(paths, asset.Path)
		below, inside := strings.CutPrefix(p, asset.Path+"/")
		above := p == "" || strings.HasPrefix(asset.Path, p+"/")
		if p != asset.Path && !inside && !above {
			continue
		}
		found = true
		if p == asset.Path || above {
			below = ""
		}
		to := filepath.Join(dir, filepath.FromSlash(asset.Path))
		if below != "" {
			to = filepath.Join(dir, filepath.FromSlash(p))
		}
		if err := a.writeAsset(ctx, asset, below, to); err != nil {
			return "", err
		}
	}
	if !found {
		return "", errs.New(errs.NotFound, "run %s has nothing at %s", run.Name, p).DidYouMean(p, paths)
	}
	return filepath.Join(dir, filepath.FromSlash(p)), nil
}

// writeAsset writes what is at a path below an asset of a run, fetching what is
// not here.
func (a *app) writeAsset(ctx context.Context, asset track.Asset, below, to string) error {
	r, err := a.repo(ctx)
	if err != nil {
		return err
	}
	st, err := r.Store(ctx)
	if err != nil {
		return err
	}
	err = writeObject(ctx, st, asset, below, to)
	if !errs.Is(err, errs.NotFound) || len(r.Config.Remotes) == 0 {
		return err
	}
	want := stagefile.Asset{Path: asset.Path, Kind: stagefile.Kind(asset.Kind), ID: asset.ID, Size: asset.Size, Files: asset.Files}
	if err := errors.Join(os.RemoveAll(to), fetchAssets(ctx, a.defaultTransfer(r), []stagefile.Asset{want})); err != nil {
		return err
	}
	return writeObject(ctx, st, asset, below, to)
}

func writeObject(ctx context.Context, st *store.Store, asset track.Asset, below, to string) error {
	entry := tree.Entry{Kind: tree.File, ID: asset.ID}
	if asset.Kind == "dir" {
		entry.Kind = tree.Dir
	}
	if below != "" {
		var err error
		if entry, err = tree.Lookup(ctx, st, asset.ID, below); err != nil {
			return err
		}
	}
	write := func(file string, e tree.Entry) error {
		perm := os.FileMode(0o666)
		if e.Exec {
			perm = 0o777
		}
		body, err := st.Open(ctx, e.ID)
		if err != nil {
			return err
		}
		return errors.Join(writeFrom(file, perm, body), body.Close())
	}
	if entry.Kind != tree.Dir {
		return write(to, entry)
	}
	if err := os.MkdirAll(to, 0o777); err != nil {
		return err
	}
	return tree.Walk(ctx, st, entry.ID, func(p string, e tree.Entry) error {
		at := filepath.Join(to, filepath.FromSlash(p))
		switch e.Kind {
		case tree.Dir:
			return os.MkdirAll(at, 0o777)
		case tree.File:
			return write(at, e)
		default:
			return nil // links lead elsewhere
		}
	})
}
