package cmd

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/plot"
)

func (o *compareOptions) writePage(ctx context.Context, c *compare.Comparer, r *compare.Result) error {
	page := compare.Page{Title: "Comparison of " + subjects(r), Now: o.app.clock.Now(), Result: r, Curves: map[string][]plot.Series{}}
	for _, key := range r.CurveKeys() {
		curves, err := c.Curves(ctx, r, key, pagePoints)
		if err != nil {
			return err
		}
		page.Curves[key] = curves
	}
	if o.html == "-" {
		return page.WriteHTML(o.app.io.Out)
	}
	var b bytes.Buffer
	if err := page.WriteHTML(&b); err != nil {
		return err
	}
	if err := writeMade(o.html, b.Bytes()); err != nil {
		return err
	}
	o.app.io.Note("wrote %s", o.html)
	return nil
}

// sparkWidth is the width of a curve in a table.
const sparkWidth = 8

// sparks draws the small curves of the metrics that the result shows.
func (o *compareOptions) sparks(ctx context.Context, c *compare.Comparer, r *compare.Result) (map[string][]string, error) {
	all := map[string][]string{}
	for _, m := range r.Metrics {
		if slices.Max(m.Points) < 2 {
			continue
		}
		curves, err := c.Curves(ctx, r, m.Key, 256)
		if err != nil {
			return nil, err
		}
		cells := make([]string, len(r.Runs))
		for i, line := range plot.Spark(curves, sparkWidth) {
			if m.Points[curves[i].Color] > 1 {
				cells[curves[i].Color] = line
			}
		}
		all[m.Key] = cells
	}
	return all, nil
}

// subjects names what is compared.
func subjects(r *compare.Result) string {
	if len(r.Runs) == 2 {
		return r.Runs[0].Name + " and " + r.Runs[1].Name
	}
	if slices.ContainsFunc(r.Runs, func(c compare.Column) bool { return c.ID == "" }) {
		return plural(len(r.Runs), "revision", "revisions")
	}
	return plural(len(r.Runs), "run", "runs")
}

// svgMetrics is how many metrics a picture shows at most.
const svgMetrics = 9

// writeSVG draws one metric, or all that have curves.
func (o *compareOptions) writeSVG(ctx context.Context, c *compare.Comparer, r *compare.Result, plotted string) error {
	keys := r.CurveKeys()
	if plotted != "" {
		keys = []string{plotted}
	}
	if len(keys) == 0 {
		return errs.New(errs.NotFound, "--svg: no metric of what is compared has a curve").
			Hint("a curve comes from a plot file, or from 'mlops log metric' with --step")
	}
	if len(keys) > svgMetrics {
		o.app.io.Warn("%s shows %d of %d metrics; choose one with --plot", o.svg, svgMetrics, len(keys))
		keys = keys[:svgMetrics]
	}
	f := plot.Figure{Apart: true}
	for _, key := range keys {
		curves, err := c.Curves(ctx, r, key, pagePoints)
		if err != nil {
			return err
		}
		one := compare.CurveFigure(key, curves)
		one.Panels[0].Title = one.Title
		f.Panels = append(f.Panels, one.Panels...)
	}
	if len(keys) == 1 {
		f.Title, f.Panels[0].Title = f.Panels[0].Title, ""
	}
	return writeMade(o.svg, f.SVG())
}

// image is what the Markdown names the picture of --svg with.
func (o *compareOptions) image() string {
	if o.svg == "" {
		return ""
	}
	return cmp.Or(o.link, o.svg)
}
