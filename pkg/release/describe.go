package release

import (
	"cmp"
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registry/mlmodel"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Files are those of runs and logged models; *artifact.Store has them.
type Files interface {
	List(ctx context.Context, o track.Owner, dir string) ([]artifact.File, error)
	Find(ctx context.Context, o track.Owner, path string) (artifact.File, error)
	Open(ctx context.Context, f artifact.File) (io.ReadSeekCloser, error)
}

// Describe fills in what the files that a client logged say of a version that
// names them as its source: how large they are, and what MLmodel and the model
// card say. Files that are not here, or that cannot be read, say nothing.
func Describe(ctx context.Context, files Files, v *registry.Version) error {
	d := &v.Details
	if files == nil || d.Files > 0 {
		return nil
	}
	for _, uri := range []string{v.Source, v.Storage} {
		owner, at, ok := ownerOf(uri, v)
		if !ok {
			continue
		}
		found, err := files.List(ctx, owner, at)
		if err == nil && len(found) == 0 && at != "" {
			var f artifact.File
			if f, err = files.Find(ctx, owner, at); err == nil && !f.Dir {
				found = []artifact.File{f}
			}
		}
		if err != nil && !passable(err) {
			return err
		}
		if len(found) == 0 {
			continue
		}
		d.Size, d.Files = 0, 0
		for _, f := range found {
			d.Size, d.Files = d.Size+f.Size, d.Files+f.Files
		}
		return saidBy(d, func(name string) ([]byte, error) {
			i := slices.IndexFunc(found, func(f artifact.File) bool { return f.Path == path.Join(at, name) && !f.Dir && f.Size <= small })
			if i < 0 {
				return nil, nil
			}
			return readFile(ctx, files, found[i])
		}, true)
	}
	return nil
}

// OwnerOf is the run or the logged model whose files are the source of a version.
func OwnerOf(v *registry.Version) (o track.Owner, known bool) {
	o, _, known = ownerOf(v.Source, v)
	return o, known
}

// passable reports whether an error only means that files say nothing.
func passable(err error) bool {
	kind := errs.KindOf(err)
	return kind == errs.NotFound || kind == errs.Usage || kind == errs.Corrupt
}

func readFile(ctx context.Context, files Files, f artifact.File) (text []byte, err error) {
	r, err := files.Open(ctx, f)
	if err != nil {
		if passable(err) {
			return nil, nil
		}
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return io.ReadAll(io.LimitReader(r, small))
}

// saidBy fills in what files say: read returns one of them, nil where there is
// none. Lenient is for those of others: what is wrong with an MLmodel is passed over.
func saidBy(d *registry.Details, read func(name string) ([]byte, error), lenient bool) error {
	text, err := read(mlmodel.FileName)
	if err != nil {
		return err
	}
	if text != nil {
		m, err := mlmodel.Parse(text)
		switch {
		case err == nil:
			if len(d.Flavors) == 0 {
				d.Flavors = m.FlavorNames()
			}
			slices.Sort(d.Flavors)
			d.Signature, d.Example = m.Signature, m.Example()
		case !lenient:
			return errs.New(errs.Usage, "read %s: %w", path.Join(d.Path, mlmodel.FileName), err)
		}
	}
	for _, name := range []string{"MODEL_CARD.md", "model_card.md", "README.md"} {
		if d.Card != "" {
			break
		}
		text, err := read(name)
		if err != nil {
			return err
		}
		d.Card = strings.ToValidUTF8(string(text), "\uFFFD")
	}
	if r := []rune(d.Card); len(r) > registry.MaxCard {
		d.Card = string(r[:registry.MaxCard])
	}
	d.Licence = cmp.Or(d.Licence, cardField(d.Card, "license"), cardField(d.Card, "licence"))
	return nil
}
