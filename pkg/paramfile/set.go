package paramfile

import (
	"path"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// Set returns the bytes of the parameter file name with the value at the key
// path replaced by raw, which is read as YAML: 0.1, true, text, [1, 2].
// Everything else in the file stays as it is, comments and order too. A key
// that is not there is errs.NotFound with the nearest ones.
func Set(name string, data []byte, key, raw string) ([]byte, error) {
	old, err := Parse(name, data)
	if err != nil {
		return nil, err
	}
	if _, ok := Lookup(old, key); !ok {
		var known []string
		for _, e := range Flatten(old) {
			known = append(known, e.Key)
		}
		return nil, noKey(errs.New(errs.NotFound, "set %s:%s: no such parameter", name, key), key, known)
	}
	v, err := parseYAML([]byte(raw))
	if err != nil {
		return nil, errs.New(errs.Usage, "set %s:%s: value %q: %w", name, key, raw, err)
	}
	want := Encode(with(old, key, v))
	for _, edit := range editors(name) {
		out := edit(data, key, v, raw)
		if out == nil {
			continue
		}
		if got, err := Parse(name, out); err == nil && Encode(got) == want {
			return out, nil
		}
	}
	return nil, errs.New(errs.Usage, "set %s:%s: cannot change the file without changing more", name, key).
		Hint("change %s in %s by hand", key, name)
}

// with returns a copy of v in which the key path has the value x.
func with(v any, key string, x any) any {
	if m, ok := v.(*Map); ok {
		if _, whole := m.Get(key); whole {
			return m.with(key, x)
		}
	}
	return withSteps(v, Steps(key), x)
}

func withSteps(v any, steps []string, x any) any {
	if len(steps) == 0 {
		return x
	}
	switch at := v.(type) {
	case *Map:
		below, _ := at.Get(steps[0])
		return at.with(steps[0], withSteps(below, steps[1:], x))
	case []any:
		out := append([]any(nil), at...)
		for i := range out {
			if got, ok := Lookup(at, steps[0]); ok && indexIs(steps[0], i, len(at)) {
				out[i] = withSteps(got, steps[1:], x)
			}
		}
		return out
	default:
		return v
	}
}

func indexIs(step string, i, n int) bool {
	v := PlainScalar(step)
	k, ok := v.(int64)
	return ok && (int(k) == i || int(k)+n == i)
}

func (m *Map) with(key string, x any) *Map {
	out := NewMap()
	for _, k := range m.keys {
		out.Set(k, m.vals[k])
	}
	out.Set(key, x)
	return out
}

// editor returns the changed text, nil where it cannot.
type editor func(data []byte, key string, v any, raw string) []byte

// editors are the ways to change a file of that name, the gentlest first. What
// an editor returns is checked by reading it again.
func editors(name string) []editor {
	switch strings.ToLower(path.Ext(name)) {
	case ".json":
		return []editor{func(data []byte, key string, v any, _ string) []byte {
			return spliceYAML(data, key, Encode(v))
		}}
	case ".toml":
		return []editor{spliceTOML}
	case ".py":
		return []editor{splicePython}
	default:
		return []editor{
			func(data []byte, key string, _ any, raw string) []byte { return spliceYAML(data, key, raw) },
			func(data []byte, key string, v any, _ string) []byte { return spliceYAML(data, key, Encode(v)) },
			rewriteYAML,
		}
	}
}

// findNode returns the node at the key path.
func findNode(data []byte, key string) (doc, at *yaml.Node) {
	var top yaml.Node
	if err := yaml.Unmarshal(data, &top); err != nil || len(top.Content) == 0 {
		return nil, nil
	}
	at = top.Content[0]
	if n := childNode(at, key); n != nil {
		return &top, n
	}
	for _, step := range Steps(key) {
		if at = childNode(at, step); at == nil {
			return nil, nil
		}
	}
	return &top, at
}

func childNode(n *yaml.Node, step string) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind { //nolint:exhaustive // the others have no children
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if k := n.Content[i]; k.Kind == yaml.ScalarNode && Text(Scalar(k)) == step {
				return n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		for i, x := range n.Content {
			if indexIs(step, i, len(n.Content)) {
				return x
			}
		}
	}
	return nil
}

// spliceYAML replaces the text of a scalar that stands on one line.
func spliceYAML(data []byte, key, text string) []byte {
	_, n := findNode(data, key)
	if n == nil || n.Kind != yaml.ScalarNode || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0 || n.Anchor != "" {
		return nil
	}
	start := offset(data, n.Line, n.Column)
	if start < 0 {
		return nil
	}
	rest := string(data[start:])
	size := 0
	switch {
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		quote := rest[0]
		for size = 1; size < len(rest) && rest[size] != quote; size++ {
			if quote == '"' && rest[size] == '\\' {
				size++
			}
		}
		size++
	case n.Value != "" && strings.HasPrefix(rest, n.Value):
		size = len(n.Value)
	}
	if size == 0 || size > len(rest) {
		return nil
	}
	return []byte(string(data[:start]) + text + rest[size:])
}

// offset is the byte at a line and a column, which counts characters.
func offset(data []byte, line, column int) int {
	at := 0
	for ; line > 1; line-- {
		n := strings.IndexByte(string(data[at:]), '\n')
		if n < 0 {
			return -1
		}
		at += n + 1
	}
	for ; column > 1; column-- {
		if at >= len(data) {
			return -1
		}
		_, size := utf8.DecodeRune(data[at:])
		at += size
	}
	if at >= len(data) {
		return -1
	}
	return at
}

// rewriteYAML writes the whole file anew, with its comments and its order.
func rewriteYAML(data []byte, key string, _ any, raw string) []byte {
	doc, n := findNode(data, key)
	var fresh yaml.Node
	if doc == nil || yaml.Unmarshal([]byte(raw), &fresh) != nil {
		return nil
	}
	value := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	if len(fresh.Content) > 0 {
		value = *fresh.Content[0]
	}
	value.HeadComment, value.LineComment, value.FootComment, value.Anchor = n.HeadComment, n.LineComment, n.FootComment, n.Anchor
	*n = value
	out, err := EncodeYAML(doc)
	if err != nil {
		return nil
	}
	return out
}

// EncodeYAML writes nodes with two spaces of indentation.
func EncodeYAML(doc *yaml.Node) ([]byte, error) { return encodeYAML(doc, false) }

// EncodeYAMLCompact is EncodeYAML with lists not indented below their key.
func EncodeYAMLCompact(doc *yaml.Node) ([]byte, error) { return encodeYAML(doc, true) }

func encodeYAML(doc *yaml.Node, compact bool) ([]byte, error) {
	var b strings.Builder
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if compact {
		enc.CompactSeqIndent()
	}
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	if err := enc.Close(); err != nil {
		return nil, err
	}
	return []byte(b.String()), nil
}

// spliceTOML replaces what stands after "key =" in its table.
func spliceTOML(data []byte, key string, v any, _ string) []byte {
	lines := strings.SplitAfter(string(data), "\n")
	table := ""
	for i, line := range lines {
		t := strings.TrimSpace(line)
		if strings.HasPrefix(t, "[") {
			if end := strings.IndexByte(t, ']'); end > 0 {
				table = strings.TrimSpace(t[1:end]) + "."
			}
			continue
		}
		name, rest, ok := strings.Cut(line, "=")
		if !ok || table+strings.Trim(strings.TrimSpace(name), `"'`) != key {
			continue
		}
		comment := ""
		if n := strings.LastIndex(rest, " #"); n >= 0 {
			comment = strings.TrimRight(rest[n:], "\r\n")
		}
		lines[i] = name + "= " + Encode(v) + comment + rest[len(strings.TrimRight(rest, "\r\n")):]
		return []byte(strings.Join(lines, ""))
	}
	return nil
}

func splicePython(data []byte, key string, v any, _ string) []byte {
	p, err := readPython(data)
	if err != nil {
		return nil
	}
	span, ok := p.spans[key]
	if !ok {
		return nil
	}
	return []byte(string(data[:span[0]]) + pythonText(v) + string(data[span[1]:]))
}

// pythonText writes v as a Python literal.
func pythonText(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case []any:
		items := make([]string, len(v))
		for i, x := range v {
			items[i] = pythonText(x)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case *Map:
		items := make([]string, 0, v.Len())
		for _, k := range v.keys {
			items = append(items, Encode(k)+": "+pythonText(v.vals[k]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	default:
		return Encode(v)
	}
}

// noKey adds to e what a key that is not there may mean: one whose end it is,
// such as train.lr for lr, else the nearest.
func noKey(e *errs.Error, key string, known []string) *errs.Error {
	const few = 3
	var below []string
	for _, k := range known {
		if strings.HasSuffix(k, "."+key) && len(below) < few {
			below = append(below, k)
		}
	}
	if len(below) == 0 {
		return e.DidYouMean(key, known)
	}
	return e.Hint("did you mean %s?", strings.Join(below, ", "))
}
