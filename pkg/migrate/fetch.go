package migrate

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Connect opens a bucket of a URL, to be read.
type Connect func(ctx context.Context, place string) (*remote.Conn, error)

// Fetched is what Fetch brought.
type Fetched struct {
	Objects []repo.Object // all that was asked for and is in the store now
	Absent  []string      // paths of what nobody has
	Files   int64         // that were brought
	Bytes   int64
	Remote  int64 // bytes of which came from a remote
}

// Fetch brings what only DVC's files name into the store, from DVC's cache and
// then from its remotes. Paths, relative to the root, narrow it down.
func Fetch(ctx context.Context, r *repo.Repo, o *Origin, paths []string, connect Connect, p progress.Reporter) (res Fetched, err error) {
	reader := NewReader(r)
	files, err := o.files(ctx)
	if err != nil {
		return res, err
	}
	foreign, err := foreignPaths(ctx, r)
	if err != nil {
		return res, err
	}
	var wants []want
	for _, f := range files {
		some, err := wantsHere(reader, f)
		if err != nil {
			return res, err
		}
		for _, w := range some {
			if w.Cache && foreign[w.path] && chosen(w.path, paths) {
				wants = append(wants, w)
			}
		}
	}
	if len(wants) == 0 {
		return res, nil
	}
	st, err := r.Store(ctx)
	if err != nil {
		return res, err
	}
	release, err := st.Hold(ctx)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, release()) }()
	b := &bringer{store: st, sums: reader.sums, caches: o.cacheDirs(), task: p.Task("fetching DVC's data", progress.Unknown, progress.Unknown)}
	defer b.task.Done()
	m := &Importer{repo: r, origin: o, reader: reader, store: st}
	lacking, err := m.lacking(ctx, wants)
	if err != nil {
		return res, err
	}
	var failed []error
	for name, sums := range byRemote(wants, lacking) {
		if b.remote, err = o.connect(ctx, name, connect); err != nil {
			failed = append(failed, err) // what the cache has is brought all the same
		}
		_, problems, err := b.bring(ctx, sums)
		if err != nil {
			return res, err
		}
		failed = append(failed, problems...)
	}
	if err := fromSources(ctx, reader, st, wants, Delivery{To: r, Connect: connect, Report: p}); err != nil {
		failed = append(failed, err)
	}
	res.Files, res.Bytes, res.Remote = b.objects, b.bytes, b.fetched
	objects, err := reader.resolve(ctx, wants)
	if err != nil {
		return res, err
	}
	for _, found := range objects {
		absent, err := reader.data.Absent(ctx, []repo.Object{found.Object})
		if err != nil {
			return res, err
		}
		switch {
		case found.here: // it stands there already
		case len(absent) > 0:
			res.Absent = append(res.Absent, found.Path)
		default:
			res.Objects = append(res.Objects, found.Object)
		}
	}
	if len(res.Absent) == 0 {
		return res, nil
	}
	return res, errors.Join(failed...)
}

// fromSources brings those imports that neither cache nor remote have from the
// repositories that they are from.
func fromSources(ctx context.Context, r *Reader, st *store.Store, wants []want, d Delivery) error {
	var failed []error
	objects, err := r.resolve(ctx, wants)
	if err != nil {
		return err
	}
	for i, w := range wants {
		if w.source == nil || w.source.Path == "" || objects[i].known {
			continue
		}
		o, err := fromSource(ctx, w.source, "", d)
		if err != nil {
			failed = append(failed, errs.New(errs.KindOf(err), "%s: %w", w.path, err))
			continue
		}
		sum, err := sumOfObject(ctx, st, w.Sum.Algorithm, o)
		if err != nil {
			return err
		}
		if sum != w.Sum {
			failed = append(failed, errs.New(errs.NotFound, "%s: %s has something else at %s now", w.path, w.source.URL, w.source.Path).
				Hint("take what is there now: dvc update %s", w.from))
			continue
		}
		if err := r.sums.put(ctx, []alias{{sum: sum, id: o.ID, size: o.Size, files: o.Files}}); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}

// sumOfObject is DVC's sum of an object in the store.
func sumOfObject(ctx context.Context, st *store.Store, algorithm string, o repo.Object) (dvc.Sum, error) {
	one := func(id oid.ID) (s dvc.Sum, err error) {
		body, err := st.Open(ctx, id)
		if err != nil {
			return s, err
		}
		defer func() { err = errors.Join(err, body.Close()) }()
		return dvc.SumOf(algorithm, body)
	}
	if o.Kind != tree.Dir {
		return one(o.ID)
	}
	var manifest dvc.Manifest
	err := tree.Walk(ctx, st, o.ID, func(p string, e tree.Entry) error {
		if e.Kind == tree.Dir {
			return nil
		}
		s, err := one(e.ID)
		manifest = append(manifest, dvc.File{Path: p, Hex: s.Hex})
		return err
	})
	_, sum := manifest.Encode(algorithm)
	return sum, err
}

// foreignPaths are the paths that only DVC's files name.
func foreignPaths(ctx context.Context, r *repo.Repo) (map[string]bool, error) {
	tracked, err := r.Tracked(ctx)
	if err != nil {
		return nil, err
	}
	paths := map[string]bool{}
	for _, t := range tracked {
		if t.Foreign {
			paths[t.Path] = true
		}
	}
	return paths, nil
}

func wantsHere(r *Reader, f repo.ForeignFile) ([]want, error) {
	if path.Base(f.Path) == dvc.LockName {
		return r.lockOuts(f, true)
	}
	return pointerWants(f)
}

func chosen(p string, paths []string) bool {
	return len(paths) == 0 || slices.ContainsFunc(paths, func(dir string) bool {
		return dir == "." || p == dir || strings.HasPrefix(p, dir+"/") || strings.HasPrefix(dir, p+"/")
	})
}

// byRemote sorts the sums that are lacking by the remote that their out names.
func byRemote(wants []want, lacking []dvc.Sum) map[string][]dvc.Sum {
	out := map[string][]dvc.Sum{}
	for _, w := range wants {
		if slices.Contains(lacking, w.Sum) {
			out[w.Remote] = append(out[w.Remote], w.Sum)
		}
	}
	return out
}

// connect opens a remote of DVC, the default one for "".
func (o *Origin) connect(ctx context.Context, name string, connect Connect) (*remote.Conn, error) {
	theirs, ok := o.Config.Find(name)
	if !ok {
		return nil, errs.New(errs.NotFound, "DVC's configuration names no remote to fetch from").
			Hint("dvc remote add --default NAME URL, or fetch with DVC: dvc fetch")
	}
	place, why := theirs.Place()
	if why != "" {
		return nil, errs.New(errs.Usage, "DVC's remote %s (%s): %s", theirs.Name, theirs.URL, why).
			Hint("fetch with DVC, then type the same again: dvc fetch")
	}
	return connect(ctx, place)
}
