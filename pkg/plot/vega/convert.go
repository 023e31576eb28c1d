package vega

import (
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// Names of fields that datapoints get.
const (
	revField   = "rev"
	fileField  = "filename"
	fieldField = "field"
	indexField = "step"                 // the number of the record, where x is not given
	anyX       = "dvc_inferred_x_value" // where the fields of x have several names
	anyY       = "dvc_inferred_y_value"
)

// converted is the datapoints of one revision and what is known from them.
type converted struct {
	points         []*paramfile.Map
	x, y           string
	xLabel, yLabel any
	sources        []pair // of y, with short file names
}

// convert makes datapoints of the sources of the plot id. It is nil when there
// are none.
func convert(id string, p Props, rev string, data map[string]any) (*converted, error) {
	x, y, err := p.axes(id, data)
	if err != nil {
		return nil, err
	}
	byFile := map[string][]*paramfile.Map{}
	for file, blob := range data {
		if byFile[file], err = datapoints(blob); err != nil {
			return nil, errs.New(errs.Usage, "%s: %w", file, err)
		}
	}
	xs, ys := x.pairs(), y.pairs()
	for _, at := range slices.Concat(xs, ys) {
		if err := verify(byFile, at); err != nil {
			return nil, err
		}
	}
	if len(xs) > 1 && len(xs) != len(ys) {
		return nil, errs.New(errs.Usage, "cannot have different number of x and y data sources: %d x and %d y", len(xs), len(ys))
	}
	c := &converted{x: indexField, xLabel: labelOf(p.XLabel, xs, x != nil && x.Files != nil, indexField), yLabel: labelOf(p.YLabel, ys, true, "y")}
	severalX := len(xs) > 1 && count(xs, func(at pair) string { return at.field }) > 1
	if severalX {
		c.x = anyX
	} else if len(xs) > 0 {
		c.x = xs[0].field
	}
	severalY := count(ys, func(at pair) string { return at.field }) > 1
	if severalY {
		c.y = anyY
	} else if len(ys) > 0 {
		c.y = ys[0].field
	}
	prefix := commonDir(ys)
	for i, at := range ys {
		short := strings.Trim(at.file[prefix:], `/\`)
		c.sources = append(c.sources, pair{short, at.field})
		points := make([]*paramfile.Map, len(byFile[at.file]))
		for j, record := range byFile[at.file] {
			points[j] = clone(record)
		}
		if severalY {
			copyField(points, anyY, points, at.field)
		}
		if err := setX(points, c.x, xs, i, byFile, at); err != nil {
			return nil, err
		}
		for _, point := range points {
			point.Set(revField, rev)
			point.Set(fileField, short)
			point.Set(fieldField, at.field)
		}
		c.points = append(c.points, points...)
	}
	if len(c.points) == 0 {
		return nil, nil //nolint:nilnil // nothing to draw is no error
	}
	return c, nil
}

// axes completes x and y: fields without a file are of the plot's own, x is
// repeated for every source of y, and y is the last field of the data.
func (p Props) axes(id string, data map[string]any) (x, y *Axis, err error) {
	x, y = p.X, p.Y
	if x != nil && x.Files == nil && len(x.Fields) == 1 {
		name := x.Fields[0]
		if y != nil && y.Files != nil {
			x = &Axis{}
			for _, s := range y.Files {
				fields := make([]string, len(s.Fields))
				for i := range fields {
					fields[i] = name
				}
				x.Files = append(x.Files, Source{s.File, fields})
			}
		} else {
			x = &Axis{Files: []Source{{id, []string{name}}}}
		}
	}
	switch {
	case y == nil:
		blob, ok := data[id]
		if !ok {
			return x, nil, nil
		}
		lists, err := listsOf(blob)
		if err != nil {
			return nil, nil, errs.New(errs.Usage, "%s: %w", id, err)
		}
		for _, list := range lists {
			if record := firstRecord(list); record != nil {
				if keys := record.Keys(); len(keys) > 0 {
					return x, &Axis{Files: []Source{{id, keys[len(keys)-1:]}}}, nil
				}
			}
		}
		return x, nil, nil
	case y.Files == nil:
		y = &Axis{Files: []Source{{id, y.Fields}}}
	}
	return x, y, nil
}

// firstRecord is the first of a list of records; nil when it is none.
func firstRecord(list []any) *paramfile.Map {
	for _, item := range list {
		if _, ok := item.(*paramfile.Map); !ok {
			return nil
		}
	}
	if len(list) == 0 {
		return nil
	}
	record, _ := list[0].(*paramfile.Map)
	return record
}

// listsOf finds the lists in nested mappings; a list itself is the only one.
func listsOf(blob any) ([][]any, error) {
	switch d := blob.(type) {
	case []any:
		return [][]any{d}, nil
	case *paramfile.Map:
		var all [][]any
		for _, key := range d.Keys() {
			v, _ := d.Get(key)
			switch v.(type) {
			case []any, *paramfile.Map:
				below, err := listsOf(v)
				if err != nil {
					return nil, err
				}
				all = append(all, below...)
			}
		}
		return all, nil
	default:
		return nil, errs.New(errs.Usage, "a %s has no records", paramfile.TypeName(blob))
	}
}

// datapoints joins the lists of records by their place: the i-th datapoint has
// the fields of the i-th record of each list. A list whose records differ in
// their fields is no list of datapoints.
func datapoints(blob any) ([]*paramfile.Map, error) {
	lists, err := listsOf(blob)
	if err != nil {
		return nil, err
	}
	var out []*paramfile.Map
	for _, list := range lists {
		first := firstRecord(list)
		if first == nil || !sameFields(list, first) {
			continue
		}
		for i, item := range list {
			if i == len(out) {
				out = append(out, paramfile.NewMap())
			}
			record, _ := item.(*paramfile.Map)
			for _, key := range record.Keys() {
				v, _ := record.Get(key)
				out[i].Set(key, v)
			}
		}
	}
	return out, nil
}

// sameFields: no record has a field that the first has not.
func sameFields(list []any, first *paramfile.Map) bool {
	for _, item := range list {
		record, _ := item.(*paramfile.Map)
		for _, key := range record.Keys() {
			if _, ok := first.Get(key); !ok {
				return false
			}
		}
	}
	return true
}

func verify(byFile map[string][]*paramfile.Map, at pair) error {
	points, ok := byFile[at.file]
	if !ok || len(points) == 0 {
		return nil
	}
	if _, ok := points[0].Get(at.field); ok {
		return nil
	}
	return errs.New(errs.NotFound, "%s has no field %q", at.file, at.field).DidYouMean(at.field, points[0].Keys()).
		Hint("its fields are %s", strings.Join(points[0].Keys(), ", "))
}

// setX gives the points of the i-th source of y their x.
func setX(points []*paramfile.Map, name string, xs []pair, i int, byFile map[string][]*paramfile.Map, y pair) error {
	if len(xs) == 0 {
		for j, point := range points {
			point.Set(indexField, int64(j))
		}
		return nil
	}
	x := xs[0]
	if len(xs) > 1 {
		x = xs[i]
	}
	from := byFile[x.file]
	if len(from) != len(points) {
		return errs.New(errs.Usage, "cannot join %s of %s and %s of %s: they must have the same length, and have %d and %d records", x.field, x.file, y.field, y.file, len(from), len(points))
	}
	copyField(points, name, from, x.field)
	return nil
}

func copyField(points []*paramfile.Map, name string, from []*paramfile.Map, field string) {
	for i, point := range points {
		if v, ok := from[i].Get(field); ok {
			point.Set(name, v)
		}
	}
}

func clone(m *paramfile.Map) *paramfile.Map {
	out := paramfile.NewMap()
	for _, key := range m.Keys() {
		v, _ := m.Get(key)
		out.Set(key, v)
	}
	return out
}

func count(all []pair, of func(pair) string) int {
	seen := map[string]bool{}
	for _, at := range all {
		seen[of(at)] = true
	}
	return len(seen)
}

// labelOf is the label that is given, the only field, or a word for several.
func labelOf(given any, all []pair, named bool, word string) any {
	switch {
	case given != nil:
		return given
	case !named || len(all) == 0:
		return word
	case count(all, func(at pair) string { return at.field }) == 1:
		return all[0].field
	case word == indexField:
		return "x"
	default:
		return word
	}
}

// commonDir is how much of the file names of several sources is the directory
// that all of them share.
func commonDir(all []pair) int {
	if count(all, func(at pair) string { return at.file }) < 2 {
		return 0
	}
	common := strings.Split(path.Clean(all[0].file), "/")
	for _, at := range all[1:] {
		parts := strings.Split(path.Clean(at.file), "/")
		i := 0
		for i < len(common) && i < len(parts) && common[i] == parts[i] {
			i++
		}
		common = common[:i]
	}
	return len(strings.Join(common, "/"))
}
