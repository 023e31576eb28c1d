package stagefile

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// NewStage is a stage to be written into a pipeline file. Paths are relative
// to Wdir, which is relative to the file.
type NewStage struct {
	Name, Cmd, Wdir, Desc string
	Deps                  []string
	Params                []string // key,key of params.yaml, or file:key,key; file: is all of it
	Outs, OutsNoCache     []string
	OutsPersist           []string
	OutsPersistNoCache    []string
	Metrics               []string
	MetricsNoCache        []string
	Plots, PlotsNoCache   []string
	AlwaysChanged, Frozen bool
}

// AddStage returns the text of the pipeline file name with a stage more: at the
// end of the stages, everything else as it was. With replace a stage of that
// name gives way; without, it is errs.Conflict. Text may be empty.
func AddStage(name string, text []byte, s NewStage, replace bool) ([]byte, error) {
	switch {
	case s.Name == "" || strings.ContainsAny(s.Name, "@:\n"):
		return nil, errs.New(errs.Usage, "add stage %q: a name may not be empty or hold @, : or a line break", s.Name)
	case strings.TrimSpace(s.Cmd) == "":
		return nil, errs.New(errs.Usage, "add stage %s: no command", s.Name).Hint("write it at the end: mlops stage add -n %s python train.py", s.Name)
	}
	e, doc, err := open(name, text)
	if err != nil {
		return nil, err
	}
	if err := e.add(doc, s, replace); err != nil {
		return nil, err
	}
	return e.text(), nil
}

type editor struct {
	name  string
	lines []string
}

func (e *editor) add(doc *yaml.Node, s NewStage, replace bool) error {
	if doc != nil && doc.Kind != yaml.MappingNode && !isNull(doc) {
		return errs.New(errs.Usage, "add stage %s: %s is not a mapping", s.Name, e.name)
	}
	key, stages := child(doc, "stages")
	empty := stages != nil && stages.Kind == yaml.MappingNode && len(stages.Content) == 0 && stages.Line == key.Line
	if stages == nil || isNull(stages) || empty {
		at := len(e.lines)
		if stages != nil {
			e.lines[key.Line-1] = "stages:\n"
			at = max(key.Line, e.endOf(doc, key))
		} else {
			e.lines = append(e.lines, "stages:\n")
			at++
		}
		return e.insert(at, 2, s)
	}
	if stages.Kind != yaml.MappingNode || stages.Style&yaml.FlowStyle != 0 {
		return errs.New(errs.Usage, "add stage %s: stages in %s is not a block of lines", s.Name, e.name).
			Hint("write the stage into %s by hand", e.name)
	}
	indent := key.Column + 1
	if len(stages.Content) > 0 {
		indent = stages.Content[0].Column - 1
	}
	end := e.endOf(doc, key)
	old, _ := child(stages, s.Name)
	if old == nil {
		return e.insert(end, indent, s)
	}
	if !replace {
		return errs.New(errs.Conflict, "add stage %s: %s:%d has a stage of that name", s.Name, e.name, old.Line).
			Hint("replace it with --force")
	}
	if next := following(stages, old); next != nil {
		end = e.trim(next.Line-1, indent)
	}
	e.lines = slices.Delete(e.lines, old.Line-1, end)
	return e.insert(old.Line-1, indent, s)
}

// child returns the key and the value of an entry, or nil.
func child(m *yaml.Node, name string) (key, value *yaml.Node) {
	if m == nil || m.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i], m.Content[i+1]
		}
	}
	return nil, nil
}

// following returns the key after key.
func following(m, key *yaml.Node) *yaml.Node {
	for i := 0; i+2 < len(m.Content); i += 2 {
		if m.Content[i] == key {
			return m.Content[i+2]
		}
	}
	return nil
}

// endOf is the number of lines up to the end of the entry key of m.
func (e *editor) endOf(m, key *yaml.Node) int {
	end := len(e.lines)
	if next := following(m, key); next != nil {
		end = next.Line - 1
	}
	return e.trim(end, 0)
}

// trim steps back over empty lines, and over comments not deeper than indent,
// which belong to what follows.
func (e *editor) trim(end, indent int) int {
	for end > 0 {
		line := e.lines[end-1]
		text := strings.TrimSpace(line)
		isComment := strings.HasPrefix(text, "#") && len(line)-len(strings.TrimLeft(line, " ")) <= indent
		if text != "" && !isComment {
			break
		}
		end--
	}
	return end
}

func (e *editor) insert(at, indent int, s NewStage) error {
	entry, err := s.yaml()
	if err != nil {
		return errs.New(errs.Internal, "add stage %s: %w", s.Name, err)
	}
	text, err := e.encode(entry)
	if err != nil {
		return errs.New(errs.Internal, "add stage %s: %w", s.Name, err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if strings.TrimSpace(line) != "" {
			line = strings.Repeat(" ", indent) + line
		}
		lines = append(lines, line)
	}
	e.lines = slices.Insert(e.lines, at, lines...)
	return nil
}

// field is a key of a stage with what stands there, nil when it shall go.
type field struct {
	key   string
	value *yaml.Node
}

// encode writes lists as those of the file are written: indented below their
// key or, where all are, as DVC does, not.
func (e *editor) encode(n *yaml.Node) ([]byte, error) {
	compact, above := false, "" // the line above that is no comment
	for _, line := range e.lines {
		item, key := strings.TrimLeft(line, " "), strings.TrimLeft(above, " ")
		if item == "" || item[0] == '#' {
			continue
		}
		if strings.HasPrefix(item, "- ") && strings.HasSuffix(strings.TrimSpace(key), ":") && !strings.HasPrefix(key, "- ") {
			if len(above)-len(key) != len(line)-len(item) {
				return paramfile.EncodeYAML(n)
			}
			compact = true
		}
		above = line
	}
	if compact {
		return paramfile.EncodeYAMLCompact(n)
	}
	return paramfile.EncodeYAML(n)
}

// fieldLines is a field as lines of a block.
func (e *editor) fieldLines(f field, indent int) ([]string, error) {
	text, err := e.encode(entryNode(f.key, f.value))
	if err != nil {
		return nil, err
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if strings.TrimSpace(line) != "" {
			line = strings.Repeat(" ", indent) + line
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// fields are the keys that s gives.
func (s NewStage) fields() ([]field, error) {
	var out []field
	text := func(key, v string) {
		if v != "" {
			out = append(out, field{key, str(v)})
		}
	}
	list := func(key string, items []*yaml.Node) {
		if len(items) > 0 {
			out = append(out, field{key, &yaml.Node{Kind: yaml.SequenceNode, Content: items}})
		}
	}
	yes := func(key string, v bool) {
		if v {
			out = append(out, field{key, boolean("true")})
		}
	}
	text("cmd", s.Cmd)
	text("wdir", s.Wdir)
	text("desc", s.Desc)
	list("deps", strs(s.Deps))
	params, err := s.params()
	if err != nil {
		return nil, err
	}
	list("params", params)
	list("outs", slices.Concat(strs(s.Outs), flagged(s.OutsNoCache, "cache", "false"), flagged(s.OutsPersist, "persist", "true"),
		flagged(s.OutsPersistNoCache, "cache", "false", "persist", "true")))
	list("metrics", slices.Concat(strs(s.Metrics), flagged(s.MetricsNoCache, "cache", "false")))
	list("plots", slices.Concat(strs(s.Plots), flagged(s.PlotsNoCache, "cache", "false")))
	yes("frozen", s.Frozen)
	yes("always_changed", s.AlwaysChanged)
	return out, nil
}

// yaml is the stage as an entry of stages, without indentation.
func (s NewStage) yaml() (*yaml.Node, error) {
	fields, err := s.fields()
	if err != nil {
		return nil, err
	}
	body := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range fields {
		body.Content = append(body.Content, str(f.key), f.value)
	}
	return entryNode(s.Name, body), nil
}

func (s NewStage) params() ([]*yaml.Node, error) {
	var out []*yaml.Node
	for _, p := range s.Params {
		file, keys, hasFile := strings.Cut(p, ":")
		if !hasFile {
			file, keys = "", p
		}
		names := slices.DeleteFunc(strings.Split(keys, ","), func(k string) bool { return k == "" })
		switch {
		case !hasFile && len(names) == 0:
			return nil, fmt.Errorf("an empty parameter")
		case !hasFile:
			out = append(out, strs(names)...)
		case len(names) == 0:
			out = append(out, entryNode(file, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}))
		default:
			out = append(out, entryNode(file, &yaml.Node{Kind: yaml.SequenceNode, Content: strs(names)}))
		}
	}
	return out, nil
}

// str is a string that reads back as one under YAML 1.2.
func str(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if _, plain := paramfile.PlainScalar(s).(string); !plain && s != "" {
		n.Style = yaml.SingleQuotedStyle
	}
	return n
}

func strs(list []string) []*yaml.Node {
	out := make([]*yaml.Node, len(list))
	for i, s := range list {
		out[i] = str(s)
	}
	return out
}

func entryNode(key string, v *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{str(key), v}}
}

func boolean(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: text}
}

// flagged are paths with options, given as pairs of a key and true or false.
func flagged(list []string, options ...string) []*yaml.Node {
	out := make([]*yaml.Node, len(list))
	for i, s := range list {
		m := &yaml.Node{Kind: yaml.MappingNode}
		for k := 0; k+1 < len(options); k += 2 {
			m.Content = append(m.Content, str(options[k]), boolean(options[k+1]))
		}
		out[i] = entryNode(s, m)
	}
	return out
}
