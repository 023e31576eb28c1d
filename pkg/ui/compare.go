package ui

import (
	"context"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// maxCompared is how many runs are compared at once.
const maxCompared = 100

// comparePage is runs side by side.
type comparePage struct {
	Result   *compare.Result
	Grid     compare.Grid
	Curves   []string
	System   []string // curves of the machine
	Pictures []picture
	All      bool
	Refs     string
	Choices  []compare.Column
	Data     compareData
	Problems []string
	Down     bool // runs down, keys across: there are many
}

// compareData is what the scripts of the page draw.
type compareData struct {
	Runs    []compareRun         `json:"runs"`
	Params  map[string][]*string `json:"params"`
	Metrics map[string][]any     `json:"metrics"`
}

type compareRun struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Color int    `json:"color"`
}

// picture is one file of all runs that have it.
type picture struct {
	Path string
	Each []pictureOf
}

type pictureOf struct {
	Run    string
	Color  int
	URL    string
	Matrix template.HTML

	at int // which of the runs
}

func (u *pages) compare(w http.ResponseWriter, r *http.Request) error {
	refs := refsOf(r)
	b := comparePage{All: r.URL.Query().Has("all")}
	if len(refs) == 0 {
		return u.show(w, r, http.StatusOK, "compare.html", page{Title: "Compare", Nav: "runs", Body: b})
	}
	if len(refs) > maxCompared {
		return errs.New(errs.Usage, "%d runs are too many to compare: %d at most", len(refs), maxCompared).Hint("select fewer")
	}
	var ids []string
	for _, ref := range refs {
		id, err := u.Runs.Resolve(r.Context(), ref)
		if err != nil {
			return err
		}
		if err := route.Allow(r.Context(), route.Read, route.Subject{Kind: route.Run, ID: id}); err != nil {
			return err
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	result, err := u.Compare.Compare(r.Context(), compare.Request{Refs: ids, All: b.All, Sort: r.URL.Query().Get("sort")})
	if err != nil {
		return err
	}
	b.Result, b.Grid = result, result.Grid(time.UTC)
	for _, key := range result.CurveKeys() {
		if strings.HasPrefix(key, "system/") {
			b.System = append(b.System, key)
		} else {
			b.Curves = append(b.Curves, key)
		}
	}
	b.Refs = strings.Join(ids, ",")
	b.Data = dataOf(result)
	b.Down = len(result.Runs) > compare.SideBySide
	for _, p := range result.Problems {
		b.Problems = append(b.Problems, p.String())
	}
	if b.Pictures, err = u.pictures(r.Context(), result.Runs); err != nil {
		return err
	}
	title := "Compare " + strconv.Itoa(len(ids)) + " runs"
	return u.show(w, r, http.StatusOK, "compare.html", page{
		Title: title, Nav: "runs", Scripts: []string{"compare.js"}, Styles: stylesOf([]string{"compare.js"}), Imports: importsOf([]string{"compare.js"}),
		Crumbs: []crumb{{"Runs", "/runs?runs=" + b.Refs}}, Body: b,
	})
}

func dataOf(result *compare.Result) compareData {
	d := compareData{Params: map[string][]*string{}, Metrics: map[string][]any{}}
	for i, c := range result.Runs {
		d.Runs = append(d.Runs, compareRun{c.ID, c.Name, i % 10})
	}
	for _, p := range result.Params {
		d.Params[p.Key] = p.Values
	}
	for _, m := range result.Metrics {
		values := make([]any, len(m.Values))
		for i, v := range m.Values {
			if v != nil {
				values[i] = *v
			}
		}
		d.Metrics[m.Key] = values
	}
	return d
}

// Pictures side by side: of so many runs, so many files.
const (
	picturedRuns = 12
	pictured     = 24
)

// pictures finds images and confusion matrices that runs have at the same path.
func (u *pages) pictures(ctx context.Context, runs []compare.Column) ([]picture, error) {
	if u.Files == nil || len(runs) > picturedRuns {
		return nil, nil
	}
	at := map[string]int{}
	var all []picture
	for i, c := range runs {
		run, err := u.Runs.Run(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		for _, a := range run.Assets {
			base := "/files/"
			if a.Role == track.Output {
				base = "/outputs/"
			}
			if a.Kind == "dir" || a.Role == track.Input || len(all) >= pictured {
				continue
			}
			shown := pictureOf{Run: run.Name, Color: i % 10}
			if kind := viewerOf(a.Path); kind == asImage {
				shown.URL = "/raw/" + run.ID + base + escapePath(a.Path)
			} else if kind == asTable {
				if shown.Matrix, err = u.matrixOf(ctx, a); err != nil {
					return nil, err
				}
			}
			if shown.URL == "" && shown.Matrix == "" {
				continue
			}
			// What a stage made and the run kept is there twice.
			name := a.Path
			if source, ok := track.SourceFile(name); ok {
				name = source
			}
			n, ok := at[name]
			if !ok {
				n = len(all)
				at[name] = n
				all = append(all, picture{Path: name})
			}
			if each := all[n].Each; len(each) == 0 || each[len(each)-1].at != i {
				shown.at = i
				all[n].Each = append(all[n].Each, shown)
			}
		}
	}
	return all, nil
}

// matrixOf reads a small table for a confusion matrix.
func (u *pages) matrixOf(ctx context.Context, a track.Asset) (template.HTML, error) {
	if a.Size > maxRead {
		return "", nil
	}
	v, err := u.view(ctx, artifact.File{Path: a.Path, Size: a.Size, ID: a.ID}, "")
	if err != nil {
		return "", err
	}
	return v.Matrix, nil
}
