package ui

import (
	"context"
	"html/template"
	"net/http"
	"path"
	"strings"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// filesPage is the files of a run, and one of them shown.
type filesPage struct {
	*runHead

	Logged  []fileNode // what the run logged
	Outputs []fileNode // what its stages made
	Path    string
	File    *fileView
	Dir     []fileNode // what is in the directory at Path
}

// fileNode is a line of the tree.
type fileNode struct {
	Name, URL string
	Dir       bool
	Size      int64
	Current   bool
	Open      bool
	Children  []fileNode
}

// source is one set of files of a run.
type source struct {
	base string // of its URLs
	list func(dir string) ([]artifact.File, error)
	find func(p string) (artifact.File, error)
}

// maxNodes is how many files of one directory the tree lists.
const maxNodes = 1000

// logged are the artifacts of a run.
func (u *pages) logged(ctx context.Context, run *track.Run) source {
	owner := track.Owner{ID: run.ID}
	return source{
		base: "/runs/" + run.ID + "/files/",
		list: func(dir string) ([]artifact.File, error) { return u.Files.List(ctx, owner, dir) },
		find: func(p string) (artifact.File, error) { return u.Files.Find(ctx, owner, p) },
	}
}

// made are the outputs of the stages of a run, and the models.
func (u *pages) made(ctx context.Context, run *track.Run) source {
	s := source{base: "/runs/" + run.ID + "/outputs/"}
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

// nodes lists a directory, and the directories on the way to the file at.
func (s source) nodes(dir, at string) ([]fileNode, error) {
	list, err := s.list(dir)
	if err != nil {
		return nil, err
	}
	var out []fileNode
	for _, f := range list[:min(len(list), maxNodes)] {
		n := fileNode{Name: strings.TrimPrefix(f.Path, dir+"/"), URL: s.base + escapePath(f.Path), Dir: f.Dir, Size: f.Size, Current: f.Path == at}
		if dir == "" {
			n.Name = f.Path
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

// runFiles is the page of the files of a run.
func (u *pages) runFiles(outputs bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		return u.showRun(w, r, "files", "run_files.html", nil, func(h *runHead) (any, error) {
			b := filesPage{runHead: h, Path: r.PathValue("path")}
			if u.Files == nil {
				return b, nil
			}
			logged, made := u.logged(r.Context(), h.Run), u.made(r.Context(), h.Run)
			at := map[bool]string{outputs: b.Path}
			var err error
			if b.Logged, err = logged.nodes("", at[false]); err != nil {
				return nil, err
			}
			if b.Outputs, err = made.nodes("", at[true]); err != nil {
				return nil, err
			}
			if b.Path == "" {
				return b, nil
			}
			from := logged
			if outputs {
				from = made
			}
			f, err := from.find(b.Path)
			if err != nil {
				return nil, err
			}
			if f.Dir {
				b.Dir, err = from.nodes(f.Path, "")
				return b, err
			}
			raw := strings.Replace(from.base, "/runs/", "/raw/", 1) + escapePath(b.Path)
			b.File, err = u.view(r.Context(), f, raw)
			return b, err
		})
	}
}

// rawFile is the bytes of a file, for the browser to show or to keep.
func (u *pages) rawFile(outputs bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		run, err := u.runOf(r, route.Read)
		if err != nil {
			return err
		}
		if u.Files == nil {
			return errs.New(errs.NotFound, "no files are kept here")
		}
		from := u.logged(r.Context(), &run)
		if outputs {
			from = u.made(r.Context(), &run)
		}
		f, err := from.find(r.PathValue("path"))
		if err != nil {
			return err
		}
		if f.Dir {
			return errs.New(errs.Usage, "%s is a directory", f.Path)
		}
		return u.sendFile(w, r, f)
	}
}

// fileView is a file as it is shown.
type fileView struct {
	Name, Path, Raw string
	Size            int64
	ID              oid.ID
	Kind            viewer
	Text            string
	HTML            template.HTML
	Header          []string
	Rows            [][]string
	Numbers         []bool // which columns are numbers
	Cut             bool   // only the beginning is shown
	Absent          bool   // the bytes are not on this machine
	Matrix          template.HTML
}

func newFileView(f artifact.File, raw string) *fileView {
	return &fileView{Name: path.Base(f.Path), Path: f.Path, Raw: raw, Size: f.Size, ID: f.ID, Kind: viewerOf(f.Path)}
}
