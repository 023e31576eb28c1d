package migrate

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/transfer"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Elsewhere is a commit of another repository, of mlops or of DVC.
type Elsewhere struct {
	URL    string
	Commit string

	git   repo.Git
	local string // where its files stand, "" when only git's are on this machine
	files map[string]string
}

// OpenElsewhere opens a repository at a revision, "" for the one that is checked
// out or the default branch. One that is not on this machine is cloned into the
// empty directory tmp.
func OpenElsewhere(ctx context.Context, url, rev, tmp string) (*Elsewhere, error) {
	git, local, err := repo.OtherGit(ctx, url, tmp)
	if err != nil {
		return nil, err
	}
	if rev == "" {
		rev = "HEAD"
	}
	e := &Elsewhere{URL: url, git: git, local: local}
	if e.Commit, err = git.Commit(ctx, rev); err != nil {
		return nil, err
	}
	e.files, err = git.Files(ctx, e.Commit)
	return e, err
}

func (e *Elsewhere) read(ctx context.Context, name string) ([]byte, error) {
	id, ok := e.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return e.git.Blob(ctx, id)
}

// Delivery is how Bring gets at objects.
type Delivery struct {
	To      *repo.Repo // whose store gets them
	Connect Connect
	Report  progress.Reporter
}

// Bring brings what stands at a path of the repository into a store, and nothing
// else: from the repository's own store or DVC's cache where they are on this
// machine, from its default remote, or from git.
func (e *Elsewhere) Bring(ctx context.Context, p string, d Delivery) (o repo.Object, err error) {
	p = path.Clean(p)
	if outside(p) {
		return o, errs.New(errs.Usage, "%s is not a path inside %s", p, e.URL)
	}
	st, err := d.To.Store(ctx)
	if err != nil {
		return o, err
	}
	known, err := e.tracked(ctx, p)
	if err != nil {
		return o, err
	}
	var failed error
	for _, t := range known {
		below, inside := "", t.path == p
		if !inside {
			below, inside = strings.CutPrefix(p, t.path+"/")
		}
		switch {
		case !inside:
			continue
		case t.sum.IsZero():
			o, err = e.fromMlops(ctx, st, t, below, d)
		default:
			o, err = e.fromDVC(ctx, st, t, below, d)
		}
		if err == nil || ctx.Err() != nil {
			return o, err
		}
		if failed == nil { // DVC may have what mlops did not push
			failed = err
		}
	}
	if failed != nil {
		return o, failed
	}
	if o, err = e.fromGit(ctx, st, p); !errs.Is(err, errs.NotFound) {
		return o, err
	}
	names := slices.Collect(maps.Keys(e.files))
	for name := range e.files {
		names = append(names, strings.TrimSuffix(strings.TrimSuffix(name, dvc.Ext), repo.PointerExt))
	}
	return o, errs.New(errs.NotFound, "%s is not in %s at %s", p, e.URL, e.Commit[:12]).DidYouMean(p, names)
}

// theirs is a path that a file of the other repository tracks.
type theirs struct {
	path   string // from the root of git
	root   string // of the repository of mlops or DVC, "." for that of git
	object repo.Object
	sum    dvc.Sum // of data of DVC; else zero
	remote string
	exec   bool
	source *dvc.Source // of an import of DVC, which its own remote may not have
}

// tracked reads what the files that may know of a path track.
func (e *Elsewhere) tracked(ctx context.Context, p string) (all []theirs, err error) {
	for _, name := range slices.Sorted(maps.Keys(e.files)) {
		base, dir := path.Base(name), path.Dir(name)
		isOurs := repo.IsPointer(base) && !repo.Internal(dir)
		data := strings.TrimSuffix(strings.TrimSuffix(name, dvc.Ext), repo.PointerExt)
		near := p == data || strings.HasPrefix(p, data+"/")
		isLock := base == dvc.LockName || base == stagefile.LockName
		if !isLock && !near || !isOurs && !isLock && !dvc.IsPointer(base) {
			continue
		}
		text, err := e.read(ctx, name)
		if err != nil {
			return nil, err
		}
		var some []theirs
		switch {
		case isOurs:
			o, err := repo.ParsePointer(name, text)
			if err != nil {
				return nil, err
			}
			some = []theirs{{path: o.Path, object: o}}
		case base == stagefile.LockName:
			some, err = oursOf(name, text)
		case base == dvc.LockName:
			some, err = e.lockOuts(ctx, name, text)
		default:
			some, err = pointerOuts(name, text)
		}
		if err != nil {
			return nil, err
		}
		for _, t := range some {
			t.root = e.rootOf(dir, t.sum.IsZero())
			all = append(all, t)
		}
	}
	// Ours hold where both know a path.
	slices.SortStableFunc(all, func(a, b theirs) int {
		switch {
		case a.sum.IsZero() == b.sum.IsZero():
			return 0
		case a.sum.IsZero():
			return -1
		}
		return 1
	})
	return all, nil
}

func oursOf(name string, text []byte) ([]theirs, error) {
	lock, err := stagefile.ParseLock(name, text)
	if err != nil {
		return nil, err
	}
	var all []theirs
	for _, r := range lock.Records() {
		for _, a := range r.Outs {
			if !a.NoCache && !stagefile.IsExternal(a.Path) {
				all = append(all, theirs{path: a.Path, object: repo.FromAsset(a)})
			}
		}
	}
	return all, nil
}

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

// rootOf is the nearest root above a directory.
func (e *Elsewhere) rootOf(dir string, ours bool) string {
	mark := dvcDir + "/config"
	if ours {
		mark = repo.Dir + "/" + repo.ConfigFile
	}
	for ; ; dir = path.Dir(dir) {
		if _, ok := e.files[path.Join(dir, mark)]; ok || dir == "." {
			return dir
		}
	}
}

// fromGit brings what git itself has at a path.
func (e *Elsewhere) fromGit(ctx context.Context, st *store.Store, p string) (o repo.Object, err error) {
	batch, err := st.NewBatch(ctx)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, batch.Close()) }()
	files := map[string]tree.Entry{}
	for name, id := range e.files {
		rel, inside := strings.CutPrefix(name, p+"/")
		if p == "." {
			rel, inside = name, true
		}
		if name != p && !inside {
			continue
		}
		text, err := e.git.Blob(ctx, id)
		if err != nil {
			return o, err
		}
		object, err := batch.PutBytes(text)
		if err != nil {
			return o, err
		}
		if name == p {
			return repo.Object{Path: p, Kind: tree.File, ID: object, Size: int64(len(text)), Files: 1}, batch.Commit()
		}
		files[rel] = tree.Entry{Kind: tree.File, ID: object, Size: int64(len(text)), Files: 1}
	}
	if len(files) == 0 {
		return o, errs.New(errs.NotFound, "git has no %s", p)
	}
	total, err := buildTree(batch, files)
	if err != nil {
		return o, err
	}
	return repo.Object{Path: p, Kind: tree.Dir, ID: total.ID, Size: total.Size, Files: total.Files}, batch.Commit()
}

// fromMlops brings an object of a repository of mlops, or what is below it.
func (e *Elsewhere) fromMlops(ctx context.Context, st *store.Store, t theirs, below string, d Delivery) (repo.Object, error) {
	if e.local != "" {
		o, err := e.fromStore(ctx, st, t, below)
		if err == nil || !errs.Is(err, errs.NotFound) && !errs.Is(err, errs.NotARepository) {
			return o, err
		}
	}
	text, err := e.read(ctx, path.Join(t.root, repo.Dir, repo.ConfigFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return repo.Object{}, err
	}
	var c repo.Config
	if err := repo.Notes(text, &c); err != nil {
		return repo.Object{}, errs.New(errs.Usage, "read the settings of %s: %w", e.URL, err)
	}
	name := c.Core.Remote
	if name == "" && len(c.Remotes) == 1 {
		name = slices.Collect(maps.Keys(c.Remotes))[0]
	}
	place := c.Remotes[name]
	if place == "" {
		return repo.Object{}, errs.New(errs.NotFound, "%s: its data is not on this machine, and it names no default remote", e.URL).
			Hint("there: mlops remote add --default NAME URL, push, and commit .mlops/config.yaml")
	}
	conn, err := d.Connect(ctx, e.absolute(t.root, place))
	if err != nil {
		return repo.Object{}, err
	}
	tr := transfer.New(d.To, conn, place, d.Report)
	o := t.object
	if below != "" {
		entry, err := tr.LookUp(ctx, o.ID, below)
		if err != nil {
			return o, err
		}
		o = entryObject(entry)
	}
	o.Path = t.path
	_, err = tr.Fetch(ctx, transfer.FetchRequest{Selection: transfer.Selection{Objects: []repo.Object{o}}})
	return o, err
}

// absolute resolves the path of a remote that is relative to its repository.
func (e *Elsewhere) absolute(root, place string) string {
	if strings.Contains(place, "://") || filepath.IsAbs(place) {
		return place
	}
	base := e.local
	if base == "" {
		base = strings.TrimPrefix(e.URL, "file://")
	}
	return filepath.Join(base, filepath.FromSlash(root), filepath.FromSlash(place))
}

func entryObject(e tree.Entry) repo.Object {
	return repo.Object{Kind: e.Kind, Exec: e.Exec, ID: e.ID, Size: e.Size, Files: e.Files}
}

// fromStore copies from the store of a repository on this machine.
func (e *Elsewhere) fromStore(ctx context.Context, to *store.Store, t theirs, below string) (o repo.Object, err error) {
	other, err := repo.Find(ctx, filepath.Join(e.local, filepath.FromSlash(t.root)))
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, other.Close()) }()
	from, err := other.Store(ctx)
	if err != nil {
		return o, err
	}
	o = t.object
	if below != "" {
		entry, err := tree.Lookup(ctx, from, o.ID, below)
		if err != nil {
			return o, err
		}
		o = entryObject(entry)
	}
	return o, copyObjects(ctx, to, from, o)
}

func copyObjects(ctx context.Context, to, from *store.Store, o repo.Object) (err error) {
	batch, err := to.NewBatch(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, batch.Close()) }()
	one := func(id oid.ID, node bool, _ int64) error {
		switch {
		case to.Has(id):
			return nil
		case node:
			data, err := from.Tree(ctx, id)
			if err == nil {
				_, err = batch.PutTree(data)
			}
			return err
		}
		if _, loose := from.LoosePath(id); loose {
			return copyLarge(ctx, batch, to, from, id)
		}
		data, err := from.Get(ctx, id)
		if err == nil {
			_, err = batch.PutBytes(data)
		}
		return err
	}
	if o.Kind == tree.Dir {
		err = tree.Nodes(ctx, from, o.ID, func(oid.ID) bool { return false }, one)
	} else {
		err = one(o.ID, false, o.Size)
	}
	if err != nil {
		return err
	}
	return batch.Commit()
}

func copyLarge(ctx context.Context, batch *store.Batch, to, from *store.Store, id oid.ID) (err error) {
	tmp, err := os.CreateTemp(filepath.Join(to.Dir(), "tmp"), "copy-*")
	if err != nil {
		return err
	}
	if err = errors.Join(from.Materialise(ctx, id, tmp), tmp.Close()); err == nil {
		err = batch.AdoptObject(tmp.Name(), id)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
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
	tmp, err := d.To.TmpDir()
	if err != nil {
		return o, err
	}
	if tmp, err = os.MkdirTemp(tmp, "git-*"); err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	rev := src.RevLock
	if rev == "" {
		rev = src.Rev
	}
	e, err := OpenElsewhere(ctx, src.URL, rev, filepath.Join(tmp, "git"))
	if err != nil {
		return o, err
	}
	return e.Bring(ctx, path.Join(src.Path, below), d)
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
