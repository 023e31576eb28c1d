package paramfile

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Date is a date or a time as it stands in the file, such as 2020-01-31.
type Date string

// Bytes are what !!binary of YAML and b"" of Python hold.
type Bytes string

// Map is a mapping that keeps the order of its keys.
type Map struct {
	keys []string
	vals map[string]any
	odd  map[string]bool // keys that are no strings in the file
}

// NewMap returns an empty map.
func NewMap() *Map { return &Map{vals: map[string]any{}} }

// Set gives key the value v; a new key goes to the end.
func (m *Map) Set(key string, v any) {
	if _, ok := m.vals[key]; !ok {
		m.keys = append(m.keys, key)
	}
	m.vals[key] = v
}

// IsText reports whether key is a string in the file, and not a number or true.
func (m *Map) IsText(key string) bool { return !m.odd[key] }

// Delete removes key, if it is there.
func (m *Map) Delete(key string) {
	if _, ok := m.vals[key]; !ok {
		return
	}
	delete(m.vals, key)
	for i, k := range m.keys {
		if k == key {
			m.keys = append(m.keys[:i], m.keys[i+1:]...)
			return
		}
	}
}

// Get returns the value of key.
func (m *Map) Get(key string) (any, bool) {
	v, ok := m.vals[key]
	return v, ok
}

// Keys returns the keys in the order of the file. The slice is the map's own.
func (m *Map) Keys() []string { return m.keys }

// Len is the number of keys.
func (m *Map) Len() int { return len(m.keys) }

// Entry is one scalar or list inside a value, with its key path.
type Entry struct {
	Key   string
	Value any
}

// Flatten returns the leaves of v in order: scalars, and lists as they are.
// An empty mapping has no leaves.
func Flatten(v any) []Entry {
	var out []Entry
	flatten("", v, &out)
	return out
}

func flatten(prefix string, v any, out *[]Entry) {
	m, ok := v.(*Map)
	if !ok {
		*out = append(*out, Entry{prefix, v})
		return
	}
	for _, k := range m.keys {
		key := k
		if prefix != "" {
			key = prefix + "." + k
		}
		flatten(key, m.vals[k], out)
	}
}

// Lookup returns the value at the key path. A key that itself holds dots is
// found when the path names it whole.
func Lookup(v any, path string) (any, bool) {
	if m, ok := v.(*Map); ok {
		if got, ok := m.vals[path]; ok {
			return got, true
		}
	}
	for _, step := range Steps(path) {
		switch at := v.(type) {
		case *Map:
			next, ok := at.vals[step]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil {
				return nil, false
			}
			if i < 0 {
				i += len(at)
			}
			if i < 0 || i >= len(at) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// Steps splits a key path: a.b[0].c is a, b, 0, c.
func Steps(path string) []string {
	path = strings.ReplaceAll(strings.ReplaceAll(path, "[", "."), "]", "")
	steps := strings.Split(path, ".")
	for i := range steps {
		steps[i] = strings.TrimSpace(steps[i])
	}
	return steps
}

// Text is a scalar as interpolation and people see it: true, None, 0.001, 1e-05.
// Lists and mappings are given as Encode does.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case *big.Int:
		return v.String()
	case float64:
		return floatText(v)
	case string:
		return v
	case Date:
		return string(v)
	case Bytes:
		return v.text()
	default:
		return Encode(v)
	}
}

// text writes bytes as Python does: b'a\xff'.
func (b Bytes) text() string {
	quote := byte('\'')
	if strings.Contains(string(b), "'") && !strings.Contains(string(b), `"`) {
		quote = '"'
	}
	out := []byte{'b', quote}
	for _, c := range []byte(b) {
		switch {
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\r':
			out = append(out, `\r`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c == '\\' || c == quote:
			out = append(out, '\\', c)
		case c < ' ' || c >= 0x7f:
			out = fmt.Appendf(out, `\x%02x`, c)
		default:
			out = append(out, c)
		}
	}
	return string(append(out, quote))
}

// TypeName is the name of v's type for messages: mapping, list, string, number…
func TypeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case int64, *big.Int, float64:
		return "number"
	case string:
		return "string"
	case Date:
		return "date"
	case Bytes:
		return "binary value"
	case []any:
		return "list"
	case *Map:
		return "mapping"
	default:
		return "unknown value"
	}
}

// floatText writes the shortest decimal that reads back as f, in the manner of
// Python: 1.0, 0.001, 1e-05, 1e+16, inf.
func floatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	exp := 0
	if f != 0 {
		sci := strconv.FormatFloat(f, 'e', -1, 64)
		exp, _ = strconv.Atoi(sci[strings.IndexByte(sci, 'e')+1:]) // strconv wrote it: always a number
	}
	if exp < -4 || exp >= 16 {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
