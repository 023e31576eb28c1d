package migrate

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/repo"
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
