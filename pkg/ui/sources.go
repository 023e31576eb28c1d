package ui

import (
	"context"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// source is one set of files of a run.
type source struct {
	base string                // of its URLs
	raw  string                // of the URLs of its bytes
	name func(p string) string // of what is at the top, where it is not its path
	list func(dir string) ([]artifact.File, error)
	find func(p string) (artifact.File, error)
}

// maxNodes is how many files of one directory the tree lists.
const maxNodes = 1000

// The sets of files of a run, as they stand in addresses.
const (
	logged = "files"   // what it logged
	made   = "outputs" // what its stages made
	models = "models"  // the models that it logged
)

func (u *pages) source(ctx context.Context, run *track.Run, set string) source {
	s := u.loggedFiles(ctx, run)
	switch set {
	case made:
		s = u.outputs(ctx, run)
	case models:
		s = u.loggedModels(ctx, run)
	}
	s.base, s.raw = "/runs/"+run.ID+"/"+set+"/", "/raw/"+run.ID+"/"+set+"/"
	return s
}

// loggedFiles are the artifacts of a run.
func (u *pages) loggedFiles(ctx context.Context, run *track.Run) source {
	owner := track.Owner{ID: run.ID}
	return source{
		list: func(dir string) ([]artifact.File, error) { return u.Files.List(ctx, owner, dir) },
		find: func(p string) (artifact.File, error) { return u.Files.Find(ctx, owner, p) },
	}
}

// outputs are what the stages of a run made.
func (u *pages) outputs(ctx context.Context, run *track.Run) source {
	var s source
	s.find = func(p string) (artifact.File, error) {
		for _, a := range run.Assets {
			if a.Role != track.Output && a.Role != track.Model {
				continue
			}
			if a.Path == p {
				return artifact.File{Path: p, Dir: a.Kind == "dir", Size: a.Size, ID: a.ID}, nil
			}
			below, inside := strings.CutPrefix(p, a.Path+"/")
			if !inside || a.Kind != "dir" || u.Objects == nil {
				continue
			}
			e, err := tree.Lookup(ctx, u.Objects, a.ID, below)
			if err != nil {
				return artifact.File{}, err
			}
			return artifact.File{Path: p, Dir: e.Kind == tree.Dir, Size: e.Size, ID: e.ID}, nil
		}
		return artifact.File{}, errs.New(errs.NotFound, "run %s has no output %q", run.Name, p)
	}
	s.list = func(dir string) (all []artifact.File, err error) {
		if dir == "" {
			for _, a := range run.Assets {
				if a.Role == track.Output || a.Role == track.Model {
					all = append(all, artifact.File{Path: a.Path, Dir: a.Kind == "dir", Size: a.Size, ID: a.ID})
				}
			}
			return all, nil
		}
		at, err := s.find(dir)
		if err != nil || !at.Dir || u.Objects == nil {
			return nil, err
		}
		err = tree.List(ctx, u.Objects, at.ID, func(e tree.Entry) error {
			all = append(all, artifact.File{Path: dir + "/" + e.Name, Dir: e.Kind == tree.Dir, Size: e.Size, ID: e.ID})
			return nil
		})
		return all, err
	}
	return s
}

// loggedModels are the models that a run logged, each a directory called by its
// id.
func (u *pages) loggedModels(ctx context.Context, run *track.Run) source {
	var s source
	s.name = func(id string) string {
		if u.Logged != nil {
			if m, err := u.Logged.LoggedModel(ctx, id); err == nil { // it may be deleted: then it has an id only
				return m.Name
			}
		}
		return id
	}
	owner := func(p string) (o track.Owner, below string, err error) {
		id, below, _ := strings.Cut(p, "/")
		if !slices.ContainsFunc(run.ModelOutputs, func(m track.ModelOutput) bool { return m.Model == id }) {
			return o, "", errs.New(errs.NotFound, "run %s has no model %q", run.Name, id)
		}
		return track.Owner{Model: true, ID: id}, below, route.Allow(ctx, route.Read, route.Subject{Kind: route.LoggedModel, ID: id})
	}
	s.find = func(p string) (artifact.File, error) {
		o, below, err := owner(p)
		if err != nil || below == "" {
			return artifact.File{Path: p, Dir: true}, err
		}
		f, err := u.Files.Find(ctx, o, below)
		f.Path = p
		return f, err
	}
	s.list = func(dir string) (all []artifact.File, err error) {
		if dir == "" {
			for _, m := range run.ModelOutputs {
				all = append(all, artifact.File{Path: m.Model, Dir: true})
			}
			return all, nil
		}
		o, below, err := owner(dir)
		if err != nil {
			return nil, err
		}
		list, err := u.Files.List(ctx, o, below)
		for _, f := range list {
			f.Path = o.ID + "/" + f.Path
			all = append(all, f)
		}
		return all, err
	}
	return s
}

// nodes lists a directory, and the directories on the way to the file at.
func (s source) nodes(dir, at string) ([]fileNode, error) {
	list, err := s.list(dir)
	if err != nil {
		return nil, err
	}
	var out []fileNode
	seen := map[string]bool{}
	for _, f := range list[:min(len(list), maxNodes)] {
		n := fileNode{Name: strings.TrimPrefix(f.Path, dir+"/"), URL: s.base + escapePath(f.Path), Dir: f.Dir, Size: f.Size, Current: f.Path == at}
		if dir == "" {
			n.Name = f.Path
			if s.name != nil {
				n.Name = s.name(f.Path)
				if seen[n.Name] { // models may have the same name
					n.Name += " " + short(strings.TrimPrefix(f.Path, "m-"))
				}
				seen[n.Name] = true
			}
		}
		if !f.Dir && viewerOf(f.Path) == asImage {
			n.Image = s.raw + escapePath(f.Path)
		}
		if f.Dir && (f.Path == at || strings.HasPrefix(at, f.Path+"/")) {
			n.Open = true
			n.Children, err = s.nodes(f.Path, at)
			if errs.Is(err, errs.NotFound) {
				err = nil // a directory whose listing is not here
			}
			if err != nil {
				return nil, err
			}
		}
		out = append(out, n)
	}
	return out, nil
}
