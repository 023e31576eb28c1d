package migrate

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/store"
)

func pointerOuts(name string, text []byte) ([]theirs, error) {
	wants, err := pointerWants(repo.ForeignFile{Path: name, Text: text})
	all := make([]theirs, len(wants))
	for i, w := range wants {
		all[i] = theirs{path: w.path, sum: w.Sum, remote: w.Remote, exec: w.Exec, source: w.source}
	}
	return all, err
}

func (e *Elsewhere) lockOuts(ctx context.Context, name string, text []byte) ([]theirs, error) {
	lock, err := dvc.ParseLock(name, text)
	if err != nil {
		return nil, broken(name, err)
	}
	dirs := map[string]string{}
	file, err := stagefile.Load(func(p string) ([]byte, error) { return e.read(ctx, p) }, path.Join(path.Dir(name), stagefile.DVCFileName))
	if err == nil {
		for i := range file.Stages {
			dirs[file.Stages[i].Name] = file.Stages[i].Wdir
		}
	}
	var all []theirs
	for _, s := range lock.Stages {
		dir, ok := dirs[s.Name]
		if !ok {
			dir = path.Dir(name)
		}
		for _, o := range s.Outs {
			if !o.Sum.IsZero() && !stagefile.IsExternal(o.Path) {
				all = append(all, theirs{path: path.Join(dir, o.Path), sum: o.Sum, remote: o.Remote, exec: o.Exec})
			}
		}
	}
	return all, nil
}

// fromDVC brings data of a repository of DVC.
func (e *Elsewhere) fromDVC(ctx context.Context, st *store.Store, t theirs, below string, d Delivery) (o repo.Object, err error) {
	origin, err := e.origin(ctx, t.root)
	if err != nil {
		return o, err
	}
	b := &bringer{store: st, sums: &sums{open: d.To.Index}, task: d.Report.Task("fetching DVC's data", progress.Unknown, progress.Unknown)}
	defer b.task.Done()
	if e.local != "" {
		b.caches = origin.cacheDirs()
	}
	sum := t.sum
	var why error
	a, found, problems, err := b.part(ctx, sum, below)
	if err == nil && !found && len(problems) == 0 {
		if b.remote, why = origin.connect(ctx, t.remote, d.Connect); why == nil {
			a, found, problems, err = b.part(ctx, sum, below)
		}
	}
	if err == nil && !found && len(problems) == 0 && t.source != nil && t.source.Path != "" {
		return fromSource(ctx, t.source, below, d)
	}
	switch {
	case err != nil:
		return o, err
	case len(problems) > 0:
		return o, errors.Join(problems...)
	case !found && why != nil:
		return o, why
	case !found:
		return o, errs.New(errs.NotFound, "%s (%s) is neither in DVC's cache nor in the remote of %s", t.path, sum.Hex, e.URL).
			Hint("there: dvc push")
	}
	return a.objectAt(t.path, t.exec), nil
}

// fromSource brings what DVC imported from where it is from.
func fromSource(ctx context.Context, src *dvc.Source, below string, d Delivery) (o repo.Object, err error) {
	o, _, err = bringFrom(ctx, Source{Repo: src.URL, Path: path.Join(src.Path, below), Rev: cmp.Or(src.RevLock, src.Rev)}, d)
	return o, err
}

// origin is the configuration of DVC at the commit; what is only on this machine
// counts where the repository is.
func (e *Elsewhere) origin(ctx context.Context, root string) (*Origin, error) {
	if e.local != "" {
		return openOrigin(filepath.Join(e.local, filepath.FromSlash(root)))
	}
	text, err := e.read(ctx, path.Join(root, dvcDir, "config"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// A relative path is of the repository that was cloned, where that is on this machine.
	base := filepath.Join(strings.TrimPrefix(e.URL, "file://"), filepath.FromSlash(root))
	c, err := dvc.ParseConfig(dvc.ConfigFile{Path: filepath.Join(base, dvcDir, "config"), Text: text})
	if err != nil {
		return nil, errs.New(errs.Usage, "%w", err)
	}
	return &Origin{Root: base, Config: c}, nil
}

// part brings what is named by a sum, or of a directory what is below a path.
func (b *bringer) part(ctx context.Context, s dvc.Sum, below string) (a alias, found bool, problems []error, err error) {
	if below == "" {
		got, problems, err := b.bring(ctx, []dvc.Sum{s})
		a, found = got[s]
		return a, found, problems, err
	}
	text, err := b.bytesOf(ctx, s)
	if errors.Is(err, errAbsent) {
		return a, false, nil, nil
	}
	if err != nil {
		return a, false, nil, err
	}
	manifest, err := dvc.ParseManifest(text)
	if err != nil {
		return a, false, nil, errs.New(errs.Corrupt, "%s: %w", s.Hex, err)
	}
	var some dvc.Manifest
	for _, f := range manifest {
		if f.Path == below {
			got, problems, err := b.bring(ctx, []dvc.Sum{s.File(f.Hex)})
			a, found = got[s.File(f.Hex)]
			return a, found, problems, err
		}
		if rel, ok := strings.CutPrefix(f.Path, below+"/"); ok {
			some = append(some, dvc.File{Path: rel, Hex: f.Hex})
		}
	}
	if len(some) == 0 {
		return a, false, nil, errs.New(errs.NotFound, "%s is not in the directory of sum %s", below, s.Hex)
	}
	// A directory of these files alone: DVC would give it this manifest.
	part, sum := some.Encode(s.Algorithm)
	b.extra = map[dvc.Sum][]byte{sum: part}
	got, problems, err := b.bring(ctx, []dvc.Sum{sum})
	a, found = got[sum]
	return a, found, problems, err
}
