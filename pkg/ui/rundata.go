package ui

import (
	"context"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
)

// dataPage is what a run read and made, and where that came from and went.
type dataPage struct {
	*runHead

	Inputs   []assetRow
	Outputs  []assetRow
	Datasets []datasetRow
	Drawing  template.HTML
}

type assetRow struct {
	track.Asset

	Runs []track.Run // that made it, or read it
	URL  string
}

type datasetRow struct {
	track.DatasetInput

	Context string
	Rows    string
}

// Lineage looks this far.
const (
	lineageAssets = 30 // of a run
	lineageRuns   = 4  // of an asset
)

func (u *pages) runData(w http.ResponseWriter, r *http.Request) error {
	return u.showRun(w, r, "data", "run_data.html", nil, func(h *runHead) (any, error) {
		b := dataPage{runHead: h}
		link := u.dataLinks(r.Context())
		g := newGraph("Lineage of " + h.Run.Name)
		g.add(box{ID: "run", Title: h.Run.Name, Sub: "this run", Class: "skip on"})
		for _, d := range h.Run.Datasets {
			row := datasetRow{DatasetInput: d}
			for _, t := range d.Tags {
				if t.Key == "mlflow.data.context" {
					row.Context = t.Value
				}
			}
			var profile map[string]any
			if json.Unmarshal([]byte(d.Profile), &profile) == nil {
				if n, ok := profile["num_rows"].(float64); ok {
					row.Rows = count(int64(n))
				}
			}
			b.Datasets = append(b.Datasets, row)
			id := "dataset " + d.Name + d.Digest
			g.add(box{ID: id, Title: d.Name, Sub: strings.TrimSpace(row.Context + " " + short(d.Digest)), Class: "data none"})
			g.connect(id, "run")
		}
		for i, a := range h.Run.Assets {
			if a.Role != track.Input && a.Role != track.Output {
				continue
			}
			row, err := u.assetRow(r.Context(), h.Run, a, i < lineageAssets)
			if err != nil {
				return nil, err
			}
			if a.Role == track.Input {
				row.URL = link(a.Path)
			}
			id := string(a.Role) + " " + a.Path
			g.add(box{ID: id, Title: a.Path, Sub: short(a.ID) + " · " + byteSize(a.Size), Class: "data none", URL: row.URL})
			for j := range row.Runs {
				other := &row.Runs[j]
				g.add(box{ID: other.ID, Title: other.Name, Sub: u.ago(other.StartTime), Class: "skip", URL: "/runs/" + other.ID})
			}
			if a.Role == track.Input {
				b.Inputs = append(b.Inputs, row)
				g.connect(id, "run")
				for _, maker := range row.Runs {
					g.connect(maker.ID, id)
				}
			} else {
				b.Outputs = append(b.Outputs, row)
				g.connect("run", id)
				for _, reader := range row.Runs {
					g.connect(id, reader.ID)
				}
			}
		}
		if len(g.nodes) > 1 {
			b.Drawing = g.SVG()
		}
		return b, nil
	})
}

// assetRow finds which other runs made what this one read, and read what it
// made.
func (u *pages) assetRow(ctx context.Context, run *track.Run, a track.Asset, look bool) (assetRow, error) {
	row := assetRow{Asset: a}
	other := track.Output
	if a.Role == track.Output {
		other = track.Input
		row.URL = "/runs/" + run.ID + "/outputs/" + escapePath(a.Path)
	}
	if !look || a.ID == (oid.ID{}) {
		return row, nil
	}
	runs, err := u.Runs.Runs(ctx, track.Query{Bare: true, Assets: true, Limit: 4 * lineageRuns, Filter: track.Filter{
		{Entity: track.Datasets, Key: "digest", Op: track.Equal, Text: a.ID.String()},
		{Entity: track.Datasets, Key: "context", Op: track.Equal, Text: string(other)},
	}})
	if err != nil {
		return row, err
	}
	runs = visible(ctx, runs)
	for i := range runs {
		for _, b := range runs[i].Assets {
			if b.Role == other && b.ID == a.ID && runs[i].ID != run.ID && len(row.Runs) < lineageRuns {
				row.Runs = append(row.Runs, runs[i])
				break
			}
		}
	}
	return row, nil
}
