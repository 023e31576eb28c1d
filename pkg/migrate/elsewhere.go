package migrate

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/store"
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

// bringFrom brings what stands at the path of a source, and says the commit. A
// clone that is made for it is gone afterwards.
func bringFrom(ctx context.Context, src Source, d Delivery) (o repo.Object, commit string, err error) {
	parent, err := d.To.TmpDir()
	if err != nil {
		return o, "", err
	}
	tmp, err := fsx.MakeTempDir(parent, "git-")
	if err != nil {
		return o, "", err
	}
	defer func() { err = errors.Join(err, tmp.Remove()) }()
	e, err := OpenElsewhere(ctx, src.Repo, src.Rev, filepath.Join(tmp.Path, "git"))
	if err != nil {
		return o, "", err
	}
	o, err = e.Bring(ctx, src.Path, d)
	return o, e.Commit, err
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
