package compare

import (
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// Change is a value that differs between two revisions. Old or New is nil where
// there is none, Diff where the two are not both numbers. A list is text, as
// Python prints it.
type Change struct {
	Old, New, Diff any
}

// Changes holds what differs: path to key to change. The key of a file that
// holds one value only is "".
type Changes map[string]map[string]Change

// DiffValues compares the values of two revisions file by file; with all, also
// what is equal.
func DiffValues(a, b Values, all bool) Changes {
	out := Changes{}
	paths := slices.Concat(slices.Collect(maps.Keys(a.Files)), slices.Collect(maps.Keys(b.Files)))
	for _, p := range paths {
		oldDoc, newDoc := a.Files[p], b.Files[p]
		_, oldTable := oldDoc.(*paramfile.Map)
		_, newTable := newDoc.(*paramfile.Map)
		oldLeaves, newLeaves := leaves(oldDoc), leaves(newDoc)
		if oldTable || newTable || oldDoc == nil || newDoc == nil {
			// A single value beside a table, or beside nothing, says nothing: as in DVC.
			delete(oldLeaves, "")
			delete(newLeaves, "")
		}
		changed := map[string]Change{}
		for key := range maps.Keys(oldLeaves) {
			addChange(changed, key, oldLeaves[key], newLeaves[key], all)
		}
		for key := range maps.Keys(newLeaves) {
			addChange(changed, key, oldLeaves[key], newLeaves[key], all)
		}
		if len(changed) > 0 {
			out[p] = changed
		}
	}
	return out
}

// DiffProblems are the problems of both revisions without those of files that
// only one of them has: the differences show these.
func DiffProblems(a, b Values) []Problem {
	var all []Problem
	for _, pair := range [][2]Values{{a, b}, {b, a}} {
		for _, p := range pair[0].Problems {
			if _, shown := pair[1].Files[p.Path]; !p.Absent() || !shown {
				all = append(all, p)
			}
		}
	}
	return all
}

func addChange(changed map[string]Change, key string, a, b any, all bool) {
	same := equal(a, b)
	if same && !all {
		return
	}
	changed[key] = Change{Old: a, New: b, Diff: subtract(b, a)}
}

// leaves are the values of a document by their keys. An empty table has none.
func leaves(doc any) map[string]any {
	out := map[string]any{}
	for _, leaf := range paramfile.Flatten(doc) {
		v := leaf.Value
		if list, ok := v.([]any); ok {
			v = Python(list)
		}
		out[leaf.Key] = v
	}
	return out
}

// equal compares as Python does: 1, 1.0 and true are the same; NaN differs from
// everything.
func equal(a, b any) bool {
	if x, y := number(a), number(b); x != nil && y != nil {
		if f, ok := x.(float64); ok && math.IsNaN(f) {
			return false
		}
		if f, ok := y.(float64); ok && math.IsNaN(f) {
			return false
		}
		return compareNumbers(x, y) == 0
	}
	return a == b
}

// number is v as *big.Int or float64, nil when it is no number.
func number(v any) any {
	switch n := v.(type) {
	case bool:
		if n {
			return big.NewInt(1)
		}
		return big.NewInt(0)
	case int64:
		return big.NewInt(n)
	case *big.Int:
		return n
	case float64:
		return n
	default:
		return nil
	}
}

func compareNumbers(a, b any) int {
	x, xok := a.(*big.Int)
	y, yok := b.(*big.Int)
	if xok && yok {
		return x.Cmp(y)
	}
	f, g := asFloat(a), asFloat(b)
	switch {
	case f < g:
		return -1
	case f > g:
		return 1
	default:
		return 0
	}
}

func asFloat(v any) float64 {
	switch n := v.(type) {
	case *big.Int:
		f, _ := new(big.Float).SetInt(n).Float64()
		return f
	case float64:
		return n
	default:
		return math.NaN()
	}
}

// subtract is a − b, nil when they are not both numbers.
func subtract(a, b any) any {
	x, y := number(a), number(b)
	if x == nil || y == nil {
		return nil
	}
	m, mok := x.(*big.Int)
	n, nok := y.(*big.Int)
	if mok && nok {
		return new(big.Int).Sub(m, n)
	}
	return asFloat(x) - asFloat(y)
}

// Python prints a value as Python's str does: text within lists is quoted.
func Python(v any) string {
	switch d := v.(type) {
	case []any:
		parts := make([]string, len(d))
		for i, e := range d {
			parts[i] = pythonRepr(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *paramfile.Map:
		parts := make([]string, 0, d.Len())
		for _, key := range d.Keys() {
			value, _ := d.Get(key)
			parts = append(parts, pythonRepr(key)+": "+pythonRepr(value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case bool:
		if d {
			return "True"
		}
		return "False"
	default:
		return paramfile.Text(v)
	}
}

func pythonRepr(v any) string {
	s, ok := v.(string)
	if !ok {
		return Python(v)
	}
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	out := []byte{quote}
	for _, r := range s {
		switch {
		case r == rune(quote), r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\r':
			out = append(out, `\r`...)
		case r == '\t':
			out = append(out, `\t`...)
		case strconv.IsPrint(r):
			out = append(out, string(r)...)
		case r < 0x100:
			out = append(out, `\x`+hex(r, 2)...)
		case r < 0x10000:
			out = append(out, `\u`+hex(r, 4)...)
		default:
			out = append(out, `\U`+hex(r, 8)...)
		}
	}
	return string(append(out, quote))
}

func hex(r rune, digits int) string {
	s := strconv.FormatInt(int64(r), 16)
	return strings.Repeat("0", max(0, digits-len(s))) + s
}
