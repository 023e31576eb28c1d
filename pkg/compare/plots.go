package compare

import (
	"context"
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/plot/vega"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// PlotQuery says which plots to read, and what is to be different in them.
type PlotQuery struct {
	Targets []string // ids, or files, declared or not; none: all that are declared
	Props   vega.Props
}

// PlotsAt is the plots of one revision.
type PlotsAt struct {
	Revision Revision
	Plots    []PlotAt
	Problems []Problem
}

// PlotAt is one plot at one revision.
type PlotAt struct {
	ID    string // with the pipeline file when several files have a plot of that name
	At    vega.At
	Image []byte // of a picture
}

// definition is a plot as a pipeline file has it. File is "" for outputs and
// for files that the user named.
type definition struct {
	file, id string
	props    vega.Props
}

// ReadPlots reads the definitions of plots and their data at one revision.
func ReadPlots(ctx context.Context, revs Revisions, rev Revision, q PlotQuery) (at PlotsAt, err error) {
	at.Revision = rev
	files, err := revs.Open(ctx, rev.Commit)
	if err != nil {
		return at, err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	loaded, problems, err := pipelines(ctx, files)
	if err != nil {
		return at, err
	}
	c := plotCollector{ctx: ctx, files: files, query: q, found: map[[2]string]int{}, problems: problems}
	for _, f := range loaded {
		if err := c.topLevel(f); err != nil {
			return at, err
		}
	}
	for _, f := range loaded {
		if err := c.outputs(f); err != nil {
			return at, err
		}
	}
	if err := c.named(); err != nil {
		return at, err
	}
	at.Plots, err = c.read(rev.Name)
	at.Problems = c.problems
	for i := range at.Problems {
		at.Problems[i].Revision = rev.Name
	}
	return at, err
}

type plotCollector struct {
	ctx         context.Context //nolint:containedctx // of one call
	files       Files
	query       PlotQuery
	definitions []definition
	found       map[[2]string]int // file and id → place
	problems    []Problem
}

// add adds a definition; what a file says twice is joined.
func (c *plotCollector) add(d definition) {
	d.props = d.props.Over(c.query.Props)
	key := [2]string{d.file, d.id}
	if i, ok := c.found[key]; ok {
		c.definitions[i].props = c.definitions[i].props.Over(d.props)
		return
	}
	c.found[key] = len(c.definitions)
	c.definitions = append(c.definitions, d)
}

// wanted reports whether a target names the plot: its id, or that with its
// file, begins with it; a target may be a regular expression, as in DVC.
func (c *plotCollector) wanted(file, id string) bool {
	if len(c.query.Targets) == 0 {
		return true
	}
	full := id
	if file != "" {
		full = file + "::" + id
	}
	return slices.ContainsFunc(c.query.Targets, func(target string) bool {
		if strings.HasPrefix(id, target) || strings.HasPrefix(full, target) {
			return true
		}
		re, err := regexp.Compile("^(?:" + target + ")")
		return err == nil && (re.MatchString(id) || re.MatchString(full))
	})
}

func (c *plotCollector) topLevel(f *stagefile.File) error {
	var parents []string
	for _, p := range f.Plots {
		parents = append(parents, path.Join(f.Dir, p.ID))
	}
	for _, p := range f.Plots {
		props, err := vega.Parse(p.Def)
		if err != nil {
			c.problems = append(c.problems, Problem{Path: f.Path, Err: errs.New(errs.Usage, "%s: plot %s: %w", f.Path, p.ID, err)})
			continue
		}
		if !c.wanted(f.Path, p.ID) {
			continue
		}
		if props.NamesFiles() {
			c.add(definition{f.Path, p.ID, props.Below(f.Dir)})
			continue
		}
		root := path.Join(f.Dir, p.ID)
		below, err := c.files.List(c.ctx, root)
		if err != nil {
			return err
		}
		for _, file := range below {
			if closest(file, parents) == root { // else another definition knows better
				c.add(definition{f.Path, file, props})
			}
		}
		if below == nil {
			c.add(definition{f.Path, root, props})
		}
	}
	return nil
}

// closest is the longest of parents that a file is, or is below.
func closest(file string, parents []string) string {
	best := ""
	for _, p := range parents {
		if (file == p || strings.HasPrefix(file, p+"/")) && len(p) > len(best) {
			best = p
		}
	}
	return best
}

func (c *plotCollector) outputs(f *stagefile.File) error {
	for _, stage := range f.Stages {
		for _, out := range stage.Outs {
			if !out.Plot || !c.wanted(f.Path, out.Path) {
				continue
			}
			var props vega.Props
			if len(out.Props) > 1 {
				c.problems = append(c.problems, Problem{Path: f.Path, Err: errs.New(errs.Usage, "%s: several plots of %s in a stage: only the first is drawn", f.Path, out.Path).
					Hint("write them into the top-level plots of %s", f.Path)})
			}
			if len(out.Props) > 0 {
				props = propsOf(out.Props[0])
			}
			if err := c.unpack(out.Path, props); err != nil {
				return err
			}
		}
	}
	return nil
}

func propsOf(p stagefile.PlotProps) vega.Props {
	props := vega.Props{Template: p.Template, NoHeader: p.Header != nil && !*p.Header}
	if p.X != "" {
		props.X = vega.Field(p.X)
	}
	if p.Y != "" {
		props.Y = vega.Field(p.Y)
	}
	for _, label := range []struct {
		to   *any
		from string
	}{{&props.XLabel, p.XLabel}, {&props.YLabel, p.YLabel}, {&props.Title, p.Title}} {
		if label.from != "" {
			*label.to = label.from
		}
	}
	return props
}

// unpack adds a file, or every file of a directory.
func (c *plotCollector) unpack(p string, props vega.Props) error {
	below, err := c.files.List(c.ctx, p)
	if err != nil {
		return err
	}
	if below == nil {
		below = []string{p}
	}
	for _, file := range below {
		c.add(definition{"", file, props})
	}
	return nil
}

// named adds targets that are files, declared or not.
func (c *plotCollector) named() error {
	for _, target := range c.query.Targets {
		if slices.ContainsFunc(c.definitions, func(d definition) bool { return d.id == target || strings.HasPrefix(d.id, target+"/") }) {
			continue // it is declared
		}
		_, err := c.files.Read(c.ctx, target)
		below, lerr := c.files.List(c.ctx, target)
		if lerr != nil {
			return lerr
		}
		if err == nil || below != nil {
			if err := c.unpack(target, vega.Props{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// read reads the data of the definitions, each file once.
func (c *plotCollector) read(rev string) ([]PlotAt, error) {
	times := map[string]int{}
	for _, d := range c.definitions {
		times[d.id]++
	}
	data, images := map[string]any{}, map[string][]byte{}
	var plots []PlotAt
	for _, d := range c.definitions {
		at := PlotAt{ID: d.id, At: vega.At{Revision: rev, ID: d.id, Props: d.props, Data: map[string]any{}}}
		if times[d.id] > 1 && d.file != "" {
			at.ID = d.file + "::" + d.id
		}
		for _, source := range d.props.Sources(d.id) {
			if _, ok := data[source]; !ok && images[source] == nil {
				if err := c.load(source, d.props.NoHeader, data, images); err != nil {
					return nil, err
				}
			}
			if v := data[source]; v != nil {
				at.At.Data[source] = v
			}
		}
		at.Image = images[d.id]
		plots = append(plots, at)
	}
	return plots, nil
}

// load reads one source. What cannot be read, or is empty, is no data.
func (c *plotCollector) load(source string, noHeader bool, data map[string]any, images map[string][]byte) error {
	text, err := c.files.Read(c.ctx, source)
	if err == nil && vega.IsImage(source) {
		images[source] = text
		return nil
	}
	data[source] = nil
	if err == nil {
		var v any
		if v, err = vega.Data(source, text, noHeader); err == nil {
			if list, ok := v.([]any); !ok || len(list) > 0 {
				data[source] = v
			}
			return nil
		}
	}
	if c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	c.problems = append(c.problems, Problem{Path: source, Err: err})
	return nil
}
