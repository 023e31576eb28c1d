package vega

import (
	"cmp"
	"path"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// Props is what a definition says. Labels and the title are nil where it says
// nothing; DVC lets them be numbers.
type Props struct {
	Template              string
	X, Y                  *Axis
	XLabel, YLabel, Title any
	NoHeader              bool // CSV files start with data
}

// Axis is the fields of an axis: of the file that the plot is named after, or
// of named files.
type Axis struct {
	Fields []string
	List   bool // written as a list
	Files  []Source
}

// Source is fields of one file.
type Source struct {
	File   string
	Fields []string
}

// pairs are the fields with their files, in order.
func (a *Axis) pairs() []pair {
	var all []pair
	if a == nil {
		return nil
	}
	for _, s := range a.Files {
		for _, field := range s.Fields {
			all = append(all, pair{s.File, field})
		}
	}
	return all
}

type pair struct{ file, field string }

// Field is the axis of one field.
func Field(name string) *Axis { return &Axis{Fields: []string{name}} }

// Parse reads the definition of a top-level plot, as package paramfile decodes
// it; nil says nothing.
func Parse(def any) (Props, error) {
	m, ok := def.(*paramfile.Map)
	if !ok {
		if def == nil {
			return Props{}, nil
		}
		return Props{}, errs.New(errs.Usage, "a plot is a mapping, not a %s", paramfile.TypeName(def))
	}
	var p Props
	for _, key := range m.Keys() {
		v, _ := m.Get(key)
		var err error
		switch key {
		case "template":
			p.Template = paramfile.Text(v)
		case "x":
			p.X, err = parseAxis(v)
		case "y":
			p.Y, err = parseAxis(v)
		case "x_label":
			p.XLabel = v
		case "y_label":
			p.YLabel = v
		case "title":
			p.Title = v
		case "header":
			p.NoHeader = v == false
		}
		if err != nil {
			return p, errs.New(errs.Usage, "%s: %w", key, err)
		}
	}
	return p, nil
}

func parseAxis(v any) (*Axis, error) {
	switch d := v.(type) {
	case string:
		return Field(d), nil
	case []any:
		fields, err := texts(d)
		return &Axis{Fields: fields, List: true}, err
	case *paramfile.Map:
		a := &Axis{}
		for _, file := range d.Keys() {
			value, _ := d.Get(file)
			list, ok := value.([]any)
			if !ok {
				list = []any{value}
			}
			fields, err := texts(list)
			if err != nil {
				return nil, err
			}
			a.Files = append(a.Files, Source{file, fields})
		}
		return a, nil
	default:
		return nil, errs.New(errs.Usage, "neither a field, nor fields, nor files with fields")
	}
}

func texts(list []any) ([]string, error) {
	out := make([]string, len(list))
	for i, v := range list {
		s, ok := v.(string)
		if !ok {
			return nil, errs.New(errs.Usage, "%s is no field", paramfile.Encode(v))
		}
		out[i] = s
	}
	return out, nil
}

// Over returns p with what q says in the place of what p says.
func (p Props) Over(q Props) Props {
	p.Template = cmp.Or(q.Template, p.Template)
	p.NoHeader = q.NoHeader || p.NoHeader
	if q.X != nil {
		p.X = q.X
	}
	if q.Y != nil {
		p.Y = q.Y
	}
	for _, label := range []struct{ to, from *any }{{&p.XLabel, &q.XLabel}, {&p.YLabel, &q.YLabel}, {&p.Title, &q.Title}} {
		if *label.from != nil {
			*label.to = *label.from
		}
	}
	return p
}

// Below returns p with its files relative to dir instead of to their own
// directory.
func (p Props) Below(dir string) Props {
	p.X, p.Y = p.X.below(dir), p.Y.below(dir)
	return p
}

func (a *Axis) below(dir string) *Axis {
	if a == nil || a.Files == nil {
		return a
	}
	out := &Axis{Files: make([]Source, len(a.Files))}
	for i, s := range a.Files {
		out.Files[i] = Source{path.Join(dir, s.File), s.Fields}
	}
	return out
}

// NamesFiles reports whether y is in named files: then the id of the plot is
// no path.
func (p Props) NamesFiles() bool { return p.Y != nil && p.Y.Files != nil }

// Sources lists the files that the plot id reads.
func (p Props) Sources(id string) []string {
	var files []string
	if p.NamesFiles() {
		for _, s := range p.Y.Files {
			files = append(files, s.File)
		}
	} else {
		files = []string{id}
	}
	if p.X != nil && len(p.X.Files) > 0 {
		files = append(files, p.X.Files[0].File)
	}
	seen := map[string]bool{}
	out := files[:0]
	for _, f := range files {
		if !seen[f] {
			out = append(out, f)
		}
		seen[f] = true
	}
	return out
}

// IsImage reports whether a path is that of a picture.
func IsImage(p string) bool {
	switch path.Ext(p) {
	case ".jpg", ".jpeg", ".gif", ".png", ".svg":
		return true
	default:
		return false
	}
}
