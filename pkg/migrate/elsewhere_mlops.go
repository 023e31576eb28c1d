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

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/transfer"
	"github.com/mlops-cli/mlops/pkg/tree"
)

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
	tmp, err := os.CreateTemp(filepath.Join(to.Dir(), "tmp"), store.IncomingPrefix+"*")
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
