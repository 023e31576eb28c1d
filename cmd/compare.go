package cmd

import (
	"cmp"
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/plot"
	"github.com/mlops-cli/mlops/pkg/term"
)

type compareOptions struct {
	app *app
	compare.Request

	value string
	plot  string
	md    bool
	csv   bool
	html  string
	pull  bool
	svg   string
	link  string
}

func newCompareCmd(a *app) *cobra.Command {
	o := &compareOptions{app: a}
	c := &cobra.Command{
		Use:   "compare [RUN | EXPERIMENT | REVISION | A..B]...",
		Short: "Compare runs or git revisions side by side",
		Long: "Compare params, metrics, data and code of runs (by id, prefix or name), of the last\n" +
			"runs of an experiment, or of git revisions; 'workspace' is the files as they are.\n" +
			"Without arguments: the last five runs of the newest run's experiment. Only what\n" +
			"differs is shown.",
		Example: "  mlops compare\n  mlops compare 3fa9c1 swift-otter-417 --plot loss\n  mlops compare main..HEAD --md --svg curves.svg\n  mlops compare digits --limit 20 --sort accuracy --html report.html",
		Args:    cobra.ArbitraryArgs,
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.Refs = args
			return runCompare(ctx, o)
		}),
	}
	f := c.Flags()
	f.BoolVar(&o.All, "all", false, "show also what is the same everywhere")
	f.IntVarP(&o.Limit, "limit", "n", 0, "how many of the newest runs stand for an experiment (default 5)")
	commaListVar(f, &o.Metrics, "metric", "only this metric; may hold *")
	f.StringVar(&o.value, "value", string(compare.Last), "which value of a series: last, min, max or best")
	f.StringVar(&o.Sort, "sort", "", "order by a metric (best first), a param, name or start")
	f.BoolVar(&o.Reverse, "reverse", false, "turn the order round")
	commaListVar(f, &o.Maximize, "maximize", "a metric of which more is better; may hold *")
	commaListVar(f, &o.Minimize, "minimize", "a metric of which less is better; may hold *")
	f.StringVar(&o.plot, "plot", "", "draw the curves of this metric instead of the table")
	f.BoolVar(&o.md, "md", false, "write a Markdown table, for pull requests")
	f.BoolVar(&o.csv, "csv", false, "write CSV, a line for each run")
	f.StringVar(&o.svg, "svg", "", "write the curves to `FILE`; with --md the text shows it")
	f.StringVar(&o.link, "svg-url", "", "where readers of --md find the file of --svg (default its name)")
	f.BoolVar(&o.pull, "pull", false, pullUsage)
	f.StringVar(&o.html, "html", "", "write a page with tables and curves to `FILE`")
	c.MarkFlagsMutuallyExclusive("md", "csv", "html")
	return c
}

// pagePoints is how many points a curve has in a page.
const pagePoints = 400

func runCompare(ctx context.Context, o *compareOptions) error {
	o.Value = compare.Value(o.value)
	if !slices.Contains([]compare.Value{compare.Last, compare.Min, compare.Max, compare.Best}, o.Value) {
		return errs.New(errs.Usage, "--value %q is not last, min, max or best", o.value)
	}
	if o.app.io.JSON && (o.md || o.csv || o.html != "") {
		return errs.New(errs.Usage, "--json does not go together with --md, --csv and --html")
	}
	repo, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	tracking, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	o.Maximize = append(o.Maximize, repo.Config.Compare.Maximize...)
	o.Minimize = append(o.Minimize, repo.Config.Compare.Minimize...)
	revs, err := o.app.readRevisions(ctx, repo, o.pull)
	if err != nil {
		return err
	}
	c := compare.New(tracking, revs)
	r, err := c.Compare(ctx, o.Request)
	if err != nil {
		return err
	}
	o.app.tellProblems(r.Problems, o.pull)
	if o.html != "" {
		return o.writePage(ctx, c, r)
	}
	var plotted string
	var curves []plot.Series
	if o.plot != "" {
		if plotted, err = r.CurveKey(o.plot); err != nil {
			return err
		}
		if curves, err = c.Curves(ctx, r, plotted, 4096); err != nil {
			return err
		}
	}
	if o.svg != "" {
		if err := o.writeSVG(ctx, c, r, plotted); err != nil {
			return err
		}
	}
	if o.csv {
		return r.WriteCSV(o.app.io.Out)
	}
	if plotted != "" && !o.md && !o.app.io.JSON {
		chart := plot.Chart{Title: plotted, Width: cmp.Or(o.app.io.Width(), 80), Height: 20, Color: o.app.io.Color() != term.Plain}
		return chart.Draw(o.app.io.Out, curves)
	}
	var sparks map[string][]string
	if !o.app.io.JSON && len(r.Runs) <= compare.SideBySide {
		if sparks, err = o.sparks(ctx, c, r); err != nil {
			return err
		}
	}
	if o.md {
		return r.WriteMarkdown(o.app.io.Out, compare.Markdown{Title: plotted, Curves: curves, Sparks: sparks, Image: o.image()})
	}
	if err := o.app.io.Result(r, func(w io.Writer) error { return o.app.compareTable(w, r, sparks) }); err != nil {
		return err
	}
	if r.Same > 0 && !o.app.io.JSON {
		o.app.io.Note("%s the same everywhere; --all shows them", plural(r.Same, "row is", "rows are"))
	}
	return nil
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return term.Count(int64(n)) + " " + many
}
