package vega

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// At is what one revision says of a plot: its definition and the data of its
// sources, by file; a source that could not be read is not there.
type At struct {
	Revision string
	ID       string // as in the definition: the path of the data, or a name
	Props    Props
	Data     map[string]any
}

// Problem is a revision whose definition and data do not go together.
type Problem struct {
	Revision string
	Err      error
}

// Template is a Vega-Lite specification with anchors.
type Template struct {
	name    string
	content map[string]any
	builtin bool
}

// NewTemplate reads a template file.
func NewTemplate(name string, text []byte) (Template, error) {
	t := Template{name: name}
	if err := json.Unmarshal(text, &t.content); err != nil || t.content == nil {
		return t, errs.New(errs.Usage, "template %s is not a JSON object: %w", name, err)
	}
	return t, nil
}

// BuiltinTemplate is the template of that name; "" is linear.
func BuiltinTemplate(name string) (Template, error) {
	if name == "" {
		name = "linear"
	}
	content, ok := Builtin(name)
	if !ok {
		return Template{}, errs.New(errs.NotFound, "there is no plot template %q", name).DidYouMean(name, Names()).
			Hint("mlops plots templates lists them; one of your own is a file in .mlops/plots or .dvc/plots")
	}
	return Template{name, content, true}, nil
}

// Plot is one plot of all revisions.
type Plot struct {
	ID                    string
	Title, XLabel, YLabel any
	Revisions             []string // that have datapoints, in order
	Problems              []Problem

	template Template
	points   []*paramfile.Map
	x, y     string
	sources  []pair
	varied   []string // what tells the sources apart: filename, field, or both
	domain   []string // the sources by that
}

// New makes a plot of what the revisions say of it. The definition of the first
// revision counts, and what only a later one says. TemplateOf finds the template
// of a name.
func New(id string, all []At, templateOf func(name string) (Template, error)) (*Plot, error) {
	p := &Plot{ID: id}
	var props Props
	for _, at := range slices.Backward(all) {
		props = props.Over(at.Props)
	}
	known := false
	for _, at := range all {
		c, err := convert(at.ID, props, at.Revision, at.Data)
		if err != nil {
			p.Problems = append(p.Problems, Problem{at.Revision, err})
			continue
		}
		if c == nil {
			continue
		}
		if !slices.Contains(p.Revisions, at.Revision) {
			p.Revisions = append(p.Revisions, at.Revision)
		}
		p.points = append(p.points, c.points...)
		if !known {
			p.x, p.y, p.sources, p.XLabel, p.YLabel = c.x, c.y, c.sources, c.xLabel, c.yLabel
			known = true
		}
	}
	p.Title = props.Title
	if p.Title == nil {
		p.Title = id
	}
	p.vary()
	var err error
	p.template, err = templateOf(props.Template)
	return p, err
}

// Empty reports whether there is nothing to draw.
func (p *Plot) Empty() bool { return len(p.points) == 0 }

// vary finds what tells the sources of y apart.
func (p *Plot) vary() {
	if count(p.sources, func(s pair) string { return s.file }) > 1 {
		p.varied = append(p.varied, fileField)
	}
	if count(p.sources, func(s pair) string { return s.field }) > 1 {
		p.varied = append(p.varied, fieldField)
	}
	for _, s := range p.sources {
		if name := p.sourceName(s.file, s.field); !slices.Contains(p.domain, name) {
			p.domain = append(p.domain, name)
		}
	}
	slices.Sort(p.domain)
}

func (p *Plot) sourceName(file, field string) string {
	switch {
	case len(p.varied) == 2:
		return file + "::" + field
	case slices.Contains(p.varied, fileField):
		return file
	case slices.Contains(p.varied, fieldField):
		return field
	default:
		return ""
	}
}

// told are the datapoints with one field that tells their source, or none.
func (p *Plot) told() []*paramfile.Map {
	out := make([]*paramfile.Map, len(p.points))
	for i, point := range p.points {
		q := clone(point)
		if len(p.varied) == 2 {
			file, _ := q.Get(fileField)
			field, _ := q.Get(fieldField)
			q.Set(strings.Join(p.varied, "::"), paramfile.Text(file)+"::"+paramfile.Text(field))
		}
		for _, key := range []string{fileField, fieldField} {
			if len(p.varied) == 2 || !slices.Contains(p.varied, key) {
				q.Delete(key)
			}
		}
		out[i] = q
	}
	return out
}

// values writes datapoints as JSON: a list of objects.
type values []*paramfile.Map

// MarshalJSON leaves fields in the order of the file.
func (all values) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, point := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = paramfile.AppendJSON(b, point)
	}
	return append(b, ']'), nil
}

// Content is the specification with its anchors.
func (t Template) Content() map[string]any { return t.content }
