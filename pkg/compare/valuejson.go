package compare

import (
	"maps"
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
		b = paramfile.AppendJSON(b, doc)
		b = append(b, '}')
	}
	return b
}

// MarshalJSON writes {"old": …, "new": …}, and "diff" for numbers.
func (c Change) MarshalJSON() ([]byte, error) {
	b := paramfile.AppendJSON([]byte(`{"old":`), c.Old)
	b = paramfile.AppendJSON(append(b, `,"new":`...), c.New)
	if c.Diff != nil {
		b = paramfile.AppendJSON(append(b, `,"diff":`...), c.Diff)
	}
	return append(b, '}'), nil
}
