package cmd

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/plot"
	"github.com/mlops-cli/mlops/pkg/plot/vega"
)

type plotsOptions struct {
	app     *app
	targets []string

	template, x, y, title, xLabel, yLabel string
	noHeader                              bool

	out, svg, png string
	showVega      bool
	pull          bool
}

// defaultPlots is the page that plots write.
const defaultPlots = "plots.html"

func (o *plotsOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&o.template, "template", "t", "", "draw with this `TEMPLATE`")
	f.StringVarP(&o.x, "x", "x", "", "`FIELD` of the x axis")
	f.StringVarP(&o.y, "y", "y", "", "`FIELD` of the y axis")
	f.StringVar(&o.title, "title", "", "title of the plots")
	f.StringVar(&o.xLabel, "x-label", "", "label of the x axis")
	f.StringVar(&o.yLabel, "y-label", "", "label of the y axis")
	f.BoolVar(&o.noHeader, "no-header", false, "CSV and TSV files have no names in their first line: fields are 0, 1, 2…")
	f.StringVarP(&o.out, "out", "o", "", "write the page to `FILE`, or - for stdout (default "+defaultPlots+")")
	f.StringVar(&o.svg, "svg", "", "write each plot as SVG into `DIR`")
	f.StringVar(&o.png, "png", "", "write each plot as PNG into `DIR`")
	f.BoolVar(&o.pull, "pull", false, pullUsage)
	f.BoolVar(&o.showVega, "show-vega", false, "print the Vega-Lite of the one given plot")
	c.MarkFlagsMutuallyExclusive("show-vega", "out")
}

func (o *plotsOptions) props() vega.Props {
	p := vega.Props{Template: o.template, NoHeader: o.noHeader}
	if o.x != "" {
		p.X = vega.Field(o.x)
	}
	if o.y != "" {
		p.Y = vega.Field(o.y)
	}
	for _, label := range []struct {
		to   *any
		from string
	}{{&p.Title, o.title}, {&p.XLabel, o.xLabel}, {&p.YLabel, o.yLabel}} {
		if label.from != "" {
			*label.to = label.from
		}
	}
	return p
}

// plotRevisions completes what was typed: one revision stands beside the
// workspace, and so does HEAD when there are changes. The workspace is first.
func (a *app) plotRevisions(ctx context.Context, args []string) ([]string, error) {
	names := compare.Ends(args)
	if len(names) == 0 {
		r, err := a.repo(ctx)
		if err != nil {
			return nil, err
		}
		dirty, err := r.Git().Dirty(ctx)
		if err != nil {
			return nil, err
		}
		if dirty {
			names = []string{"HEAD"}
		}
	}
	if len(names) < 2 {
		names = append(names, compare.Workspace)
	}
	ordered := names[:0:0]
	for _, first := range []bool{true, false} {
		for _, name := range names {
			if (name == compare.Workspace) == first {
				ordered = append(ordered, name)
			}
		}
	}
	return ordered, nil
}

func (o *plotsOptions) run(ctx context.Context, names []string) error {
	if o.showVega && len(o.targets) != 1 {
		return errs.New(errs.Usage, "--show-vega prints one plot, and %d are named", len(o.targets)).Hint("mlops plots show PLOT --show-vega")
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	for i, target := range o.targets {
		if _, err := os.Stat(target); err == nil {
			if o.targets[i], err = r.Rel(".", target); err != nil {
				return err
			}
		}
	}
	source, err := o.app.readRevisions(ctx, r, o.pull)
	if err != nil {
		return err
	}
	var all []compare.PlotsAt
	for _, name := range names {
		rev, err := compare.Resolve(ctx, r, name)
		if err != nil {
			return err
		}
		at, err := compare.ReadPlots(ctx, source, rev, compare.PlotQuery{Targets: o.targets, Props: o.props()})
		if err != nil {
			return err
		}
		all = append(all, at)
	}
	drawn, problems, err := compare.JoinPlots(all, func(name string) (vega.Template, error) { return findTemplate(r, name) })
	if err != nil {
		return err
	}
	if o.app.io.JSON {
		return o.writeJSON(drawn, problems)
	}
	o.app.tellProblems(problems, o.pull)
	if len(drawn) == 0 {
		return o.nothing(ctx)
	}
	if o.showVega {
		return o.writeVega(drawn)
	}
	drawn = slices.DeleteFunc(drawn, func(d compare.DrawnPlot) bool { // the reason is told
		return d.Chart != nil && d.Chart.Empty() && slices.ContainsFunc(problems, func(p compare.Problem) bool { return p.Path == d.ID })
	})
	return o.write(drawn, names)
}

// nothing explains why there is no plot.
func (o *plotsOptions) nothing(ctx context.Context) error {
	if len(o.targets) == 0 {
		o.app.io.Note("no plots are declared")
		o.app.io.Hint("name a file: mlops plots show loss.csv; or add it to the plots of a stage in mlops.yaml")
		return nil
	}
	e := errs.New(errs.NotFound, "there is no plot %s", strings.Join(o.targets, ", "))
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	at, err := compare.ReadPlots(ctx, revisions{Repo: r}, compare.Revision{Name: compare.Workspace}, compare.PlotQuery{})
	if err != nil {
		return err
	}
	return e.DidYouMean(o.targets[0], compare.PlotIDs([]compare.PlotsAt{at}))
}

func (o *plotsOptions) writeVega(drawn []compare.DrawnPlot) error {
	for _, d := range drawn {
		if d.Chart != nil && !d.Chart.Empty() {
			spec, err := d.Chart.Spec()
			if err != nil {
				return err
			}
			return writeIndented(o.app.io.Out, spec)
		}
	}
	return errs.New(errs.NotFound, "%s has no data to draw", o.targets[0])
}

// write writes the page and the pictures and names them on stdout.
func (o *plotsOptions) write(drawn []compare.DrawnPlot, names []string) error {
	page := plot.Page{Title: "Plots", Subtitle: strings.Join(names, " · ")}
	pictures := pictureFiles{svg: o.svg, png: o.png, used: map[string]bool{}}
	for _, d := range drawn {
		item, err := o.draw(d, &pictures)
		if err != nil {
			return err
		}
		if item != "" {
			page.Items = append(page.Items, item)
		}
	}
	if len(page.Items) == 0 {
		return errs.New(errs.NotFound, "nothing to draw: no plot has data").Hint("mlops run writes the files; 'mlops pull' fetches them")
	}
	written := pictures.written
	if o.out != "" || o.svg == "" && o.png == "" {
		var b bytes.Buffer
		if err := page.Write(&b); err != nil {
			return err
		}
		if o.out == "-" {
			_, err := o.app.io.Out.Write(b.Bytes())
			return err
		}
		name := cmp.Or(o.out, defaultPlots)
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			name = filepath.Join(name, "index.html")
		}
		if err := writeMade(name, b.Bytes()); err != nil {
			return err
		}
		written = append(written, name)
	}
	return o.app.io.Result(written, func(w io.Writer) error {
		for _, name := range written {
			if _, err := fmt.Fprintln(w, name); err != nil {
				return err
			}
		}
		return nil
	})
}

// draw returns the plot as part of a page and writes its pictures.
func (o *plotsOptions) draw(d compare.DrawnPlot, pictures *pictureFiles) (template.HTML, error) {
	if d.Images != nil {
		for _, image := range d.Images.Each {
			if err := pictures.copy(d.ID, image); err != nil {
				return "", err
			}
		}
		return d.Images.HTML(), nil
	}
	if d.Chart.Empty() {
		o.app.io.Warn("%s has no data to draw", d.ID)
		return "", nil
	}
	figure := d.Chart.Figure()
	if err := pictures.write(d.ID, figure); err != nil {
		return "", err
	}
	return figure.HTML()
}

// writeMade writes a file and the directories above it.
func writeMade(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return errs.New(errs.Internal, "write %s: %w", name, err)
	}
	return fsx.Output(name, 0o644, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
