package compare

import (
	"encoding/json"
	"maps"
	"math"
	"math/big"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// Shown is the values of several revisions. As JSON it has DVC's shape: name of
// the revision → {"data": {path: {"data": value}}}, and {"error": …} in the
// place of what could not be read.
type Shown []Values

// MarshalJSON writes the revisions in their order.
func (s Shown) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, v := range s {
		if i > 0 {
			b = append(b, ',')
		}
		b = paramfile.AppendString(b, v.Revision.Name)
		b = append(b, `:{"data":{`...)
		b = v.appendFiles(b)
		b = append(b, `}}`...)
	}
	return append(b, '}'), nil
}

func (v Values) appendFiles(b []byte) []byte {
	failed := map[string]error{}
	for _, p := range v.Problems {
		failed[p.Path] = p.Err
	}
	paths := slices.Sorted(maps.Keys(v.Files))
	for _, p := range slices.Sorted(maps.Keys(failed)) {
		if _, ok := v.Files[p]; !ok {
			paths = append(paths, p)
		}
	}
	for i, p := range paths {
		if i > 0 {
			b = append(b, ',')
		}
		b = paramfile.AppendString(b, p)
		doc, ok := v.Files[p]
		if !ok {
			b = append(b, `:{"error":{"type":`...)
			b = paramfile.AppendString(b, errs.KindOf(failed[p]).String())
			b = append(b, `,"msg":`...)
			b = paramfile.AppendString(b, failed[p].Error())
			b = append(b, `}}`...)
			continue
		}
		b = append(b, `:{"data":`...)
		b = appendJSON(b, doc)
		b = append(b, '}')
	}
	return b
}

// MarshalJSON writes {"old": …, "new": …}, and "diff" for numbers.
func (c Change) MarshalJSON() ([]byte, error) {
	b := appendJSON([]byte(`{"old":`), c.Old)
	b = appendJSON(append(b, `,"new":`...), c.New)
	if c.Diff != nil {
		b = appendJSON(append(b, `,"diff":`...), c.Diff)
	}
	return append(b, '}'), nil
}

// appendJSON writes a value of package paramfile in the order of its file.
// NaN and the infinities, which JSON lacks, are text as everywhere in mlops.
func appendJSON(b []byte, v any) []byte {
	switch d := v.(type) {
	case *paramfile.Map:
		b = append(b, '{')
		for i, key := range d.Keys() {
			if i > 0 {
				b = append(b, ',')
			}
			value, _ := d.Get(key)
			b = append(paramfile.AppendString(b, key), ':')
			b = appendJSON(b, value)
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, value := range d {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, value)
		}
		return append(b, ']')
	case string:
		return paramfile.AppendString(b, d)
	case paramfile.Date:
		return paramfile.AppendString(b, string(d))
	case *big.Int:
		return append(b, d.String()...)
	case float64:
		switch {
		case math.IsNaN(d):
			return append(b, `"NaN"`...)
		case math.IsInf(d, 1):
			return append(b, `"Infinity"`...)
		case math.IsInf(d, -1):
			return append(b, `"-Infinity"`...)
		}
		return append(b, paramfile.Text(d)...)
	}
	text, err := json.Marshal(v)
	if err != nil { // no other type has a value that JSON lacks
		return append(b, "null"...)
	}
	return append(b, text...)
}
