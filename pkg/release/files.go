package release

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registry/mlmodel"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// fetching reads nodes, and has those that are missing fetched.
type fetching struct {
	p  *Releaser
	st *store.Store
}

// Tree implements tree.Source.
func (f fetching) Tree(ctx context.Context, id oid.ID) ([]byte, error) {
	if !f.st.Has(id) && f.p.Fetch != nil {
		if err := f.p.Fetch(ctx, []repo.Object{{Kind: tree.Dir, ID: id}}); err != nil {
			return nil, err
		}
	}
	return f.st.Tree(ctx, id)
}

// small is how many bytes of a file are read for what it says of the model.
const small = 4 << 20

// read returns a file of a version, nil when it has none at the path.
func (p *Releaser) read(ctx context.Context, o repo.Object, path string) ([]byte, error) {
	st, err := p.store(ctx)
	if err != nil {
		return nil, err
	}
	if o.Kind != tree.Dir {
		return nil, nil
	}
	e, err := tree.Lookup(ctx, fetching{p, st}, o.ID, path)
	if errs.Is(err, errs.NotFound) || err == nil && (e.Kind != tree.File || e.Size > small) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !st.Has(e.ID) && p.Fetch != nil {
		if err := p.Fetch(ctx, []repo.Object{{Kind: tree.File, ID: e.ID}}); err != nil {
			return nil, err
		}
	}
	return st.Get(ctx, e.ID)
}

// objectOfVersion is the files of a version: those in the store, or what the
// client that registered it had logged.
func (p *Releaser) objectOfVersion(ctx context.Context, v *registry.Version) (repo.Object, error) {
	d := &v.Details
	if !d.Object.IsZero() {
		o := objectOf(track.Asset{Path: d.Path, Kind: d.Kind, ID: d.Object, Size: d.Size, Files: d.Files})
		return o, nil
	}
	for _, uri := range []string{v.Source, v.Storage} {
		o, err := p.objectAt(ctx, v, uri)
		if err == nil || !errs.Is(err, errs.NotFound) {
			return o, err
		}
	}
	return repo.Object{}, errs.New(errs.NotFound, "the files of %s are not known here: its source is %s", v.Ref(), v.Source)
}

// Got is what Get wrote.
type Got struct {
	Version registry.Version `json:"version"`
	Path    string           `json:"path"`
	Bytes   int64            `json:"size"`
	Files   int64            `json:"files"`
}

// Get writes the files of a version to a path of the file system where nothing
// stands. They are whole there or not at all. With describe the path becomes a
// directory that has an MLmodel file, which is made where there is none.
func (p *Releaser) Get(ctx context.Context, ref registry.Ref, to string, describe bool) (got Got, err error) {
	v, err := p.reg.Find(ctx, ref)
	if err != nil {
		return got, err
	}
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return got, errs.New(errs.Conflict, "%s is there already", to).Hint("choose another name: mlops model get %s OTHER, or remove it", ref)
	}
	o, err := p.objectOfVersion(ctx, &v)
	if err != nil {
		return got, err
	}
	absent, err := p.work.Absent(ctx, []repo.Object{o})
	if err != nil {
		return got, err
	}
	if len(absent) > 0 {
		if p.Fetch == nil {
			return got, errs.New(errs.NotFound, "the files of %s are not on this machine", v.Ref()).Hint("mlops remote add origin URL says where they are")
		}
		if err := p.Fetch(ctx, absent); err != nil {
			return got, err
		}
	}
	st, err := p.store(ctx)
	if err != nil {
		return got, err
	}
	parent := filepath.Dir(to)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return got, errs.New(errs.Usage, "get %s: %w", ref, err)
	}
	tmp, err := workspace.Workshop(parent)
	if err != nil {
		return got, errs.New(errs.Usage, "get %s: %w", ref, err)
	}
	defer func() { err = errors.Join(err, tmp.Remove()) }()
	made := filepath.Join(tmp.Path, "made")
	if describe {
		err = deliverDescribed(ctx, st, o, &v, made)
	} else {
		err = workspace.Deliver(ctx, st, o, made)
	}
	if err != nil {
		return got, err
	}
	if err := fault.At(ctx, "deliver.written"); err != nil {
		return got, err
	}
	if err := fsx.Rename(made, to); err != nil {
		return got, errs.New(errs.Internal, "get %s: %w", ref, err)
	}
	return Got{Version: v, Path: to, Bytes: o.Size, Files: o.Files}, nil
}

// deliverDescribed writes a directory with a model and its MLmodel file.
func deliverDescribed(ctx context.Context, st *store.Store, o repo.Object, v *registry.Version, to string) error {
	inside := to
	d := mlmodel.Description{
		Data: ".", Flavors: v.Details.Flavors, Signature: v.Details.Signature, Example: v.Details.Example, Licence: v.Details.Licence,
		RunID: v.RunID, ID: v.ID, Created: time.UnixMilli(v.Created),
	}
	if o.Kind != tree.Dir {
		if err := os.Mkdir(to, 0o777); err != nil {
			return err
		}
		d.Data = path.Base(o.Path)
		inside = filepath.Join(to, d.Data)
	}
	if err := workspace.Deliver(ctx, st, o, inside); err != nil {
		return err
	}
	file := filepath.Join(to, mlmodel.FileName)
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fsx.WriteFile(file, mlmodel.Make(d).Encode(), 0o666)
}
