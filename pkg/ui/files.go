package ui

import (
	"html/template"
	"net/http"
	"path"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/route"
)

// filesPage is the files of a run, and one of them shown.
type filesPage struct {
	*runHead

	Logged  []fileNode // what the run logged
	Outputs []fileNode // what its stages made
	Models  []fileNode // the models that it logged
	Path    string
	File    *fileView
	Dir     []fileNode // what is in the directory at Path
	Gallery []fileNode // the pictures among them
}

// maxGallery is how many files of a directory are looked at for pictures.
const maxGallery = 200

// fileNode is a line of the tree.
type fileNode struct {
	Name, URL string
	Dir       bool
	Size      int64
	Image     string // its bytes, where it is a picture
	Current   bool
	Open      bool
	Children  []fileNode
}

// runFiles is the page of the files of a run, of which one set is looked at.
func (u *pages) runFiles(set string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		return u.showRun(w, r, "files", "run_files.html", nil, func(h *runHead) (any, error) {
			b := filesPage{runHead: h, Path: r.PathValue("path")}
			if u.Files == nil {
				return b, nil
			}
			for _, part := range []struct {
				set   string
				nodes *[]fileNode
			}{{logged, &b.Logged}, {made, &b.Outputs}, {models, &b.Models}} {
				at := ""
				if part.set == set {
					at = b.Path
				}
				var err error
				if *part.nodes, err = u.source(r.Context(), h.Run, part.set).nodes("", at); err != nil {
					return nil, err
				}
			}
			if b.Path == "" {
				return b, nil
			}
			from := u.source(r.Context(), h.Run, set)
			f, err := from.find(b.Path)
			if err != nil {
				return nil, err
			}
			if f.Dir {
				b.Dir, err = from.nodes(f.Path, "")
				for _, n := range b.Dir[:min(len(b.Dir), maxGallery)] {
					if n.Image != "" {
						b.Gallery = append(b.Gallery, n)
					}
				}
				return b, err
			}
			b.File, err = u.view(r.Context(), f, "/raw/"+h.Run.ID+"/"+set+"/"+escapePath(b.Path))
			return b, err
		})
	}
}

// rawFile is the bytes of a file, for the browser to show or to keep.
func (u *pages) rawFile(set string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		run, err := u.runOf(r, route.Read)
		if err != nil {
			return err
		}
		if u.Files == nil {
			return errs.New(errs.NotFound, "no files are kept here")
		}
		f, err := u.source(r.Context(), &run, set).find(r.PathValue("path"))
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
	Types           []string
	Count           int64 // rows in the whole table, where it is known
	MoreColumns     int
	Problems        []string
	Note            string // how the text was read
	Cut             bool   // only the beginning is shown
	Absent          bool   // the bytes are not on this machine
	Matrix          template.HTML
}

func newFileView(f artifact.File, raw string) *fileView {
	return &fileView{Name: path.Base(f.Path), Path: f.Path, Raw: raw, Size: f.Size, ID: f.ID, Kind: viewerOf(f.Path)}
}
