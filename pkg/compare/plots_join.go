package compare

import (
	"maps"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/plot"
	"github.com/mlops-cli/mlops/pkg/plot/vega"
)

// DrawnPlot is a plot of several revisions: a chart, or pictures side by side.
type DrawnPlot struct {
	ID     string
	Chart  *vega.Plot   // nil for pictures
	Images *plot.Images // nil for a chart
}

// JoinPlots brings the plots of revisions together by their ids, in the order
// of their first appearance. The workspace comes first.
func JoinPlots(all []PlotsAt, templateOf func(name string) (vega.Template, error)) ([]DrawnPlot, []Problem, error) {
	var ids []string
	byID := map[string][]PlotAt{}
	var problems []Problem
	for _, at := range all {
		problems = append(problems, at.Problems...)
		for _, p := range at.Plots {
			if byID[p.ID] == nil {
				ids = append(ids, p.ID)
			}
			byID[p.ID] = append(byID[p.ID], p)
		}
	}
	drawn := make([]DrawnPlot, 0, len(ids))
	for _, id := range ids {
		group := byID[id]
		if vega.IsImage(group[len(group)-1].At.ID) {
			images := &plot.Images{Title: group[0].At.ID}
			for _, p := range group {
				if p.Image != nil {
					images.Each = append(images.Each, plot.Image{Name: p.At.Revision, Path: p.At.ID, Data: p.Image})
				}
			}
			drawn = append(drawn, DrawnPlot{ID: group[0].At.ID, Images: images})
			continue
		}
		ats := make([]vega.At, len(group))
		for i, p := range group {
			ats[i] = p.At
		}
		chart, err := vega.New(id, ats, templateOf)
		if err != nil {
			return nil, problems, errs.New(errs.KindOf(err), "plot %s: %w", id, err)
		}
		if !chart.Empty() { // what another revision has not is no problem
			sources := map[string]bool{}
			for _, at := range ats {
				for _, source := range at.Props.Sources(at.ID) {
					sources[source] = true
				}
			}
			problems = slices.DeleteFunc(problems, func(p Problem) bool { return p.Absent() && sources[p.Path] })
		}
		for _, p := range chart.Problems {
			problems = append(problems, Problem{Revision: p.Revision, Path: id, Err: p.Err})
		}
		drawn = append(drawn, DrawnPlot{ID: id, Chart: chart})
	}
	return drawn, problems, nil
}

// PlotIDs lists the ids of all plots, for suggestions.
func PlotIDs(all []PlotsAt) []string {
	ids := map[string]bool{}
	for _, at := range all {
		for _, p := range at.Plots {
			ids[p.ID] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}
