package paramfile

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// DefaultName is the parameter file that keys are of when none is named.
const DefaultName = "params.yaml"

// Op says what an edit does, as Hydra writes it before a key.
type Op string

// The edits of a parameter.
const (
	OpSet    Op = ""   // replaces the value of a key that is there; a mapping is merged into one
	OpAdd    Op = "+"  // adds a key that is not there
	OpPut    Op = "++" // sets or adds
	OpDelete Op = "~"  // removes a key; with a value only when it has that
)

// Edit is a change of one parameter.
type Edit struct {
	Op    Op     `json:"op,omitempty"`
	File  string `json:"file"`
	Key   string `json:"key"`
	Value string `json:"value"` // as YAML
}

// String writes the edit as --set-param takes it, but for quotes.
func (e Edit) String() string {
	if e.Op == OpDelete && e.Value == "" {
		return string(e.Op) + e.File + ":" + e.Key
	}
	return string(e.Op) + e.File + ":" + e.Key + "=" + e.Value
}

// Apply returns the bytes of the parameter file with the edit made. Comments
// and order stay. A file that lacks the key for OpSet or OpDelete is
// errs.NotFound, one that has it for OpAdd errs.Conflict.
func (e Edit) Apply(data []byte) ([]byte, error) {
	parts, err := e.parts(data)
	if err != nil {
		return nil, err
	}
	if parts == nil {
		return e.apply(data)
	}
	for _, part := range parts {
		if data, err = part.Apply(data); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// parts are the edits that merge a mapping into one that is there, as Hydra
// does; nil for all other edits.
func (e Edit) parts(data []byte) ([]Edit, error) {
	var doc yaml.Node
	if e.Op == OpDelete || yaml.Unmarshal([]byte(e.Value), &doc) != nil || len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, nil //nolint:nilerr // what is no YAML is said by who sets it
	}
	old, err := Parse(e.File, data)
	if err != nil {
		return nil, err
	}
	got, _ := Lookup(old, e.Key)
	if _, ok := got.(*Map); !ok {
		return nil, nil
	}
	op := e.Op
	if op == OpAdd {
		op = OpPut
	}
	parts := []Edit{}
	fields := doc.Content[0].Content
	for i := 0; i < len(fields); i += 2 {
		key := fields[i].Value
		if len(Steps(key)) != 1 || Steps(key)[0] != key {
			return nil, errs.New(errs.Usage, "set %s: the key %q cannot be merged into what is there", e.Key, key).Hint("change %s by hand", e.File)
		}
		value, err := EncodeYAML(fields[i+1])
		if err != nil {
			return nil, err
		}
		parts = append(parts, Edit{op, e.File, e.Key + "." + key, strings.TrimSuffix(string(value), "\n")})
	}
	return parts, nil
}

// apply is Apply for one key.
func (e Edit) apply(data []byte) ([]byte, error) {
	if e.Op == OpSet {
		out, err := Set(e.File, data, e.Key, e.Value)
		if errs.Is(err, errs.NotFound) {
			return nil, errs.New(errs.NotFound, "%w", err).Hint("to add it, write + before the key: +%s=%s", e.Key, e.Value)
		}
		return out, err
	}
	old, err := Parse(e.File, data)
	if err != nil {
		return nil, err
	}
	got, there := Lookup(old, e.Key)
	switch {
	case e.Op == OpPut && there:
		return Set(e.File, data, e.Key, e.Value)
	case e.Op == OpAdd && there:
		return nil, errs.New(errs.Conflict, "add %s:%s: it is there already, with the value %s", e.File, e.Key, Encode(got)).
			Hint("to set it, leave the + away; ++ adds or sets")
	case e.Op == OpDelete && !there:
		var known []string
		for _, leaf := range Flatten(old) {
			known = append(known, leaf.Key)
		}
		return nil, noKey(errs.New(errs.NotFound, "remove %s:%s: no such parameter", e.File, e.Key), e.Key, known)
	}
	var v any
	if e.Op != OpDelete || e.Value != "" {
		if v, err = parseYAML([]byte(e.Value)); err != nil {
			return nil, errs.New(errs.Usage, "set %s: value %q: %w", e.Key, e.Value, err)
		}
	}
	if e.Op == OpDelete && e.Value != "" && Encode(v) != Encode(got) {
		return nil, errs.New(errs.Conflict, "remove %s:%s: it is %s, not %s", e.File, e.Key, Encode(got), Encode(v))
	}
	return e.restructure(data, old, v)
}

// restructure adds or removes a key in the nodes of a YAML or JSON file, or the
// lines of a TOML file.
func (e Edit) restructure(data []byte, old, v any) ([]byte, error) {
	steps := Steps(e.Key)
	if m, ok := old.(*Map); ok {
		if _, whole := m.Get(e.Key); whole {
			steps = []string{e.Key}
		}
	}
	if e.Op != OpDelete && !mayAdd(old, steps) {
		return nil, errs.New(errs.Usage, "add %s:%s: what stands above it is no mapping", e.File, e.Key)
	}
	var out []byte
	var err error
	switch strings.ToLower(path.Ext(e.File)) {
	case ".json":
		want := withKey(old, steps, v, e.Op == OpDelete)
		out = append(indentJSON(want, ""), '\n')
	case ".toml":
		out = lineTOML(data, steps, v, e.Op == OpDelete)
	case ".py":
		out = linePython(data, e.Key, v, e.Op == OpDelete)
	default:
		out, err = nodeYAML(data, steps, e.Value, e.Op == OpDelete)
	}
	if err != nil {
		return nil, err
	}
	got, err := Parse(e.File, out)
	if out == nil || err != nil || Encode(got) != Encode(withKey(old, steps, v, e.Op == OpDelete)) {
		return nil, errs.New(errs.Usage, "%s: cannot change the file without changing more", e).
			Hint("change %s in %s by hand", e.Key, e.File)
	}
	return out, nil
}

func mayAdd(at any, steps []string) bool {
	for _, step := range steps[:len(steps)-1] {
		m, ok := at.(*Map)
		if !ok {
			return at == nil
		}
		if at, ok = m.Get(step); !ok {
			return true
		}
	}
	_, ok := at.(*Map)
	return ok || at == nil
}

// withKey is a copy of v with the key path added or removed.
func withKey(v any, steps []string, x any, remove bool) any {
	if list, ok := v.([]any); ok && remove {
		var out []any
		for i, item := range list {
			if !indexIs(steps[0], i, len(list)) {
				out = append(out, item)
			} else if len(steps) > 1 {
				out = append(out, withKey(item, steps[1:], x, true))
			}
		}
		return out
	}
	m, ok := v.(*Map)
	if !ok {
		m = NewMap()
	}
	if len(steps) == 1 {
		if !remove {
			return m.with(steps[0], x)
		}
		out := NewMap()
		for _, k := range m.keys {
			if k != steps[0] {
				out.Set(k, m.vals[k])
			}
		}
		return out
	}
	below, _ := m.Get(steps[0])
	return m.with(steps[0], withKey(below, steps[1:], x, remove))
}

// nodeYAML edits the nodes of a file and writes it anew, with its comments.
func nodeYAML(data []byte, steps []string, raw string, remove bool) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		doc = yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode, Tag: "!!map"}}}
	}
	at := doc.Content[0]
	for _, step := range steps[:len(steps)-1] {
		below := childNode(at, step)
		if below == nil {
			below = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			addNode(at, step, below)
		}
		if below.Kind == yaml.ScalarNode { // null
			*below = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", HeadComment: below.HeadComment, FootComment: below.FootComment}
		}
		at = below
	}
	last := steps[len(steps)-1]
	if remove {
		dropNode(at, last)
	} else {
		var fresh yaml.Node
		if err := yaml.Unmarshal([]byte(raw), &fresh); err != nil {
			return nil, err
		}
		value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
		if len(fresh.Content) > 0 {
			value = fresh.Content[0]
		}
		addNode(at, last, value)
	}
	return EncodeYAML(&doc)
}

func addNode(m *yaml.Node, key string, v *yaml.Node) {
	if m.Kind == yaml.AliasNode {
		m = m.Alias
	}
	m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, v)
	if len(m.Content) == 2 {
		m.Style = 0
	}
}

func dropNode(m *yaml.Node, key string) {
	child := childNode(m, key)
	for i, n := range m.Content {
		if n == child && m.Kind == yaml.SequenceNode {
			m.Content = append(m.Content[:i:i], m.Content[i+1:]...)
			return
		}
		if n == child && i%2 == 1 {
			m.Content = append(m.Content[:i-1:i-1], m.Content[i+1:]...)
			return
		}
	}
}

// indentJSON writes v with two spaces of indentation and in its order.
func indentJSON(v any, indent string) []byte {
	var items []string
	open, closing := "{", "}"
	switch v := v.(type) {
	case *Map:
		for _, k := range v.keys {
			items = append(items, Encode(k)+": "+string(indentJSON(v.vals[k], indent+"  ")))
		}
	case []any:
		open, closing = "[", "]"
		for _, x := range v {
			items = append(items, string(indentJSON(x, indent+"  ")))
		}
	default:
		return []byte(Encode(v))
	}
	if len(items) == 0 {
		return []byte(open + closing)
	}
	inner := "\n" + indent + "  "
	return []byte(open + inner + strings.Join(items, ","+inner) + "\n" + indent + closing)
}

// lineTOML adds or removes the line of a key in its table.
func lineTOML(data []byte, steps []string, v any, remove bool) []byte {
	table, key := strings.Join(steps[:len(steps)-1], "."), steps[len(steps)-1]
	lines := strings.SplitAfter(string(data), "\n")
	at, in := "", -1 // the last line of the table
	if table == "" {
		in = 0
	}
	for i, line := range lines {
		t := strings.TrimSpace(line)
		if strings.HasPrefix(t, "[") {
			at = strings.Trim(strings.TrimSpace(t), "[] ")
			if at == table {
				in = i + 1
			}
			continue
		}
		name, _, ok := strings.Cut(t, "=")
		if at != table || !ok {
			continue
		}
		in = i + 1
		if remove && strings.Trim(strings.TrimSpace(name), `"'`) == key {
			lines[i] = ""
			return []byte(strings.Join(lines, ""))
		}
	}
	if remove {
		return nil
	}
	line := key + " = " + Encode(v) + "\n"
	if in < 0 {
		return []byte(strings.TrimRight(string(data), "\n") + "\n\n[" + table + "]\n" + line)
	}
	before := strings.Join(lines[:in], "")
	if before != "" && !strings.HasSuffix(before, "\n") {
		before += "\n"
	}
	return []byte(before + line + strings.Join(lines[in:], ""))
}

// linePython adds a constant at the end of a module, or removes one.
func linePython(data []byte, key string, v any, remove bool) []byte {
	if strings.ContainsAny(key, ".[") {
		return nil
	}
	if !remove {
		text := string(data)
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		return []byte(text + key + " = " + pythonText(v) + "\n")
	}
	p, err := readPython(data)
	if err != nil {
		return nil
	}
	span, ok := p.spans[key]
	if !ok {
		return nil
	}
	from := strings.LastIndexByte(string(data[:span[0]]), '\n') + 1
	to := len(data)
	if n := strings.IndexByte(string(data[span[1]:]), '\n'); n >= 0 {
		to = span[1] + n + 1
	}
	return []byte(string(data[:from]) + string(data[to:]))
}
