package vega

import (
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// replace puts a value in the place of an anchor: where the anchor is all of a
// text, and, when the value is text itself, within other text too.
func replace(node any, word string, value any, inList bool) any {
	switch d := node.(type) {
	case object:
		out := make(object, len(d))
		for key, v := range d {
			out[key] = replace(v, word, value, false)
		}
		return out
	case list:
		out := make(list, len(d))
		for i, v := range d {
			out[i] = replace(v, word, value, true)
		}
		return out
	case string:
		if d == word {
			return value
		}
		if s, ok := value.(string); ok && !inList {
			return strings.ReplaceAll(d, word, s)
		}
	}
	return node
}

// has reports whether an anchor is all of a text somewhere.
func has(node any, word string) bool {
	switch d := node.(type) {
	case object:
		for _, v := range d {
			if has(v, word) {
				return true
			}
		}
	case list:
		for _, v := range d {
			if has(v, word) {
				return true
			}
		}
	case string:
		return d == word
	}
	return false
}

// filler fills the anchors of one template for one plot.
type filler struct {
	content  any
	optional []string // anchors that the template has and that are not filled yet
}

func (f *filler) fill(name string, value any) {
	f.content = replace(f.content, anchor(name), value, false)
}

func (f *filler) fillOptional(name string, value any) {
	if i := slices.Index(f.optional, name); i >= 0 {
		f.optional = slices.Delete(f.optional, i, i+1)
		f.fill(name, value)
	}
}

// optionalAnchors are those that a template need not have.
const optionalAnchors = "COLOR COLUMN GROUP_BY_X GROUP_BY_Y GROUP_BY PIVOT_FIELD PLOT_HEIGHT PLOT_WIDTH ROW SHAPE STROKE_DASH TOOLTIP ZOOM_AND_PAN"

// mapping gives each of a domain a color, dash or shape, over and over.
func mapping(name, field string, domain []string) object {
	ranges := map[string]list{
		"STROKE_DASH": {list{1, 0}, list{8, 8}, list{8, 4}, list{4, 4}, list{4, 2}, list{2, 1}, list{1, 1}},
		"COLOR":       {"#945dd6", "#13adc7", "#f46837", "#48bb78", "#4299e1", "#ed8936", "#f56565"},
		"SHAPE":       {"circle", "square", "triangle", "diamond"},
	}[name]
	values, names := list{}, list{}
	for i, d := range domain {
		values, names = append(values, ranges[i%len(ranges)]), append(names, d)
	}
	o := object{"field": field, "scale": object{"domain": names, "range": values}}
	if name != "COLOR" {
		o["legend"] = object{"symbolFillColor": "transparent", "symbolStrokeColor": "grey"}
	}
	return o
}

// Spec is the plot as a Vega-Lite specification: its template, filled.
func (p *Plot) Spec() (map[string]any, error) {
	for _, field := range []string{p.x, p.y} {
		if field != "" && !p.hasField(field) {
			return nil, errs.New(errs.NotFound, "plot %s: no record has the field %q", p.ID, field)
		}
	}
	f := filler{content: p.template.content}
	for name := range strings.FieldsSeq(optionalAnchors) {
		if has(f.content, anchor(name)) {
			f.optional = append(f.optional, name)
		}
	}
	points := p.points
	if len(f.optional) > 0 {
		p.fillOptional(&f)
		points = p.told()
	}
	if !has(f.content, anchor("DATA")) {
		return nil, errs.New(errs.Usage, "template %s does not use the anchor %s", p.template.name, anchor("DATA"))
	}
	f.fill("TITLE", p.Title)
	if p.x != "" {
		f.fill("X", escapeField(p.x))
	}
	if p.y != "" {
		f.fill("Y", escapeField(p.y))
	}
	f.fill("X_LABEL", p.XLabel)
	f.fill("Y_LABEL", p.YLabel)
	f.fill("DATA", values(points))
	content, ok := f.content.(object)
	if !ok {
		return nil, errs.New(errs.Usage, "template %s is no JSON object", p.template.name)
	}
	return content, nil
}

func (p *Plot) hasField(name string) bool {
	for _, point := range p.points {
		if _, ok := point.Get(name); ok {
			return true
		}
	}
	return false
}

func (p *Plot) fillOptional(f *filler) {
	f.fillOptional("COLOR", mapping("COLOR", revField, p.Revisions))
	f.fillOptional("ZOOM_AND_PAN", object{"name": "grid", "select": "interval", "bind": "scales"})
	f.fillOptional("PLOT_HEIGHT", 300)
	f.fillOptional("PLOT_WIDTH", 300)
	group, pivot := list{revField}, "datum.rev"
	tip := list{object{"field": revField}, object{"field": p.x}, object{"field": p.y}}
	if len(p.sources) > 1 {
		name := strings.Join(p.varied, "::")
		group, tip = append(group, name), append(tip, object{"field": name})
		for _, key := range p.varied {
			pivot += " + '::' + datum." + key
		}
		side := object{"field": name, "sort": list{}}
		f.fillOptional("ROW", side)
		f.fillOptional("COLUMN", side)
		f.fillOptional("STROKE_DASH", mapping("STROKE_DASH", name, p.domain))
		f.fillOptional("SHAPE", mapping("SHAPE", name, p.domain))
	}
	f.fillOptional("GROUP_BY", group)
	f.fillOptional("GROUP_BY_X", append(slices.Clone(group), p.x))
	f.fillOptional("GROUP_BY_Y", append(slices.Clone(group), p.y))
	f.fillOptional("PIVOT_FIELD", pivot)
	f.fillOptional("TOOLTIP", tip)
	for _, name := range slices.Clone(f.optional) {
		f.fillOptional(name, object{})
	}
}

// escapeField marks what Vega would take for a path within a field.
func escapeField(name string) string {
	return strings.NewReplacer(".", `\.`, "[", `\[`, "]", `\]`).Replace(name)
}
