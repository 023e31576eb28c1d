package release

import (
	"context"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Difference is what differs between two versions beyond their runs.
type Difference struct {
	Old       registry.Version `json:"old"`
	New       registry.Version `json:"new"`
	Signature []string         `json:"signature"`   // for people; empty: it is the same
	Breaking  []string         `json:"breaking"`    // why who calls the old one cannot call the new one
	Facts     []Fact           `json:"facts"`       // flavors, licence, stage and the like
	Files     []File           `json:"files"`       // of the model
	Known     bool             `json:"files_known"` // false: the files of one are not on this machine
}

// Fact is a word about a version that differs.
type Fact struct {
	Name string `json:"name"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

// File is a file of a model that differs.
type File struct {
	Path    string `json:"path"`
	Change  string `json:"change"` // added, modified or deleted
	OldSize int64  `json:"old_size"`
	NewSize int64  `json:"new_size"`
}

// RunsOf returns what two versions kept of their runs, or the runs as they are
// now, to be compared.
func (p *Releaser) RunsOf(ctx context.Context, a, b *registry.Version) (x, y track.Run, err error) {
	if x, err = p.runOf(ctx, a); err != nil {
		return x, y, err
	}
	y, err = p.runOf(ctx, b)
	return x, y, err
}

// Diff compares two versions.
func (p *Releaser) Diff(ctx context.Context, older, newer registry.Ref) (d Difference, err error) {
	if d.Old, err = p.find(ctx, older); err != nil {
		return d, err
	}
	if d.New, err = p.find(ctx, newer); err != nil {
		return d, err
	}
	a, b := &d.Old.Details, &d.New.Details
	d.Signature, d.Breaking, d.Facts, d.Files = registry.SignatureDiff(a.Signature, b.Signature), registry.Incompatible(a.Signature, b.Signature), []Fact{}, []File{}
	if d.Signature == nil {
		d.Signature = []string{}
	}
	if d.Breaking == nil {
		d.Breaking = []string{}
	}
	for _, f := range []Fact{
		{"flavors", strings.Join(a.Flavors, ", "), strings.Join(b.Flavors, ", ")},
		{"licence", a.Licence, b.Licence},
		{"stage", string(d.Old.Stage), string(d.New.Stage)},
		{"input example", a.Example, b.Example},
		{"path", a.Path, b.Path},
		{"user", d.Old.User, d.New.User},
	} {
		if f.Old != f.New {
			d.Facts = append(d.Facts, f)
		}
	}
	if a.Card != b.Card {
		d.Facts = append(d.Facts, Fact{"model card", "", "changed"})
	}
	d.Files, d.Known, err = p.diffFiles(ctx, &d.Old, &d.New)
	return d, err
}

// diffFiles compares the files of two versions; known is false where the nodes
// of one are neither here nor to be fetched.
func (p *Releaser) diffFiles(ctx context.Context, a, b *registry.Version) (files []File, known bool, err error) {
	files = []File{}
	x, err := p.objectOfVersion(ctx, a)
	if err == nil {
		var y repo.Object
		if y, err = p.objectOfVersion(ctx, b); err == nil {
			err = p.diffObjects(ctx, x, y, func(f File) { files = append(files, f) })
		}
	}
	if errs.Is(err, errs.NotFound) {
		return []File{}, false, nil
	}
	return files, err == nil, err
}

func (p *Releaser) diffObjects(ctx context.Context, x, y repo.Object, add func(File)) error {
	if x.Same(y) {
		return nil
	}
	if x.Kind != tree.Dir && y.Kind != tree.Dir {
		add(File{Path: y.Path, Change: "modified", OldSize: x.Size, NewSize: y.Size})
		return nil
	}
	st, err := p.store(ctx)
	if err != nil {
		return err
	}
	var a, b oid.ID
	if x.Kind == tree.Dir {
		a = x.ID
	} else {
		add(File{Path: x.Path, Change: "deleted", OldSize: x.Size})
	}
	if y.Kind == tree.Dir {
		b = y.ID
	} else {
		add(File{Path: y.Path, Change: "added", NewSize: y.Size})
	}
	return tree.Diff(ctx, fetching{p, st}, a, b, func(c tree.Change) error {
		f := File{Path: c.Path, Change: "modified"}
		switch {
		case c.Old == nil:
			f.Change, f.NewSize = "added", c.New.Size
		case c.New == nil:
			f.Change, f.OldSize = "deleted", c.Old.Size
		default:
			f.OldSize, f.NewSize = c.Old.Size, c.New.Size
		}
		add(f)
		return nil
	})
}
