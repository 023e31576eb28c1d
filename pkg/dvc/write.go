package dvc

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// SetStages returns the text of a dvc.lock with entries in the place of those of
// their names, or at the end. Everything else stays as it says. Text may be empty.
func SetStages(name string, text []byte, stages ...Stage) ([]byte, error) {
	doc := &yaml.Node{}
	if err := yaml.Unmarshal(text, doc); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, ErrFormat, err)
	}
	if len(doc.Content) == 0 {
		doc = &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{mappingNode()}}
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode || len(top.Content) > 0 && child(top, "schema") == nil {
		return nil, fmt.Errorf("%s: it is not a lock of schema 2.0: %w", name, ErrFormat)
	}
	if child(top, "schema") == nil {
		set(top, "schema", &yaml.Node{Kind: yaml.ScalarNode, Value: "2.0", Style: yaml.SingleQuotedStyle})
	}
	all := child(top, "stages")
	if all == nil || all.Kind != yaml.MappingNode {
		all = mappingNode()
		set(top, "stages", all)
	}
	all.Style &^= yaml.FlowStyle
	for _, s := range stages {
		set(all, s.Name, s.node())
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	e.CompactSeqIndent()
	if err := e.Encode(doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b.Bytes(), e.Close()
}

func mappingNode() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode} }

func child(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func set(n *yaml.Node, key string, v *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content[i+1] = v
			return
		}
	}
	n.Content = append(n.Content, textNode(key), v)
}

// textNode is a string, quoted as DVC does where it would be something else.
func textNode(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if _, plain := paramfile.PlainScalar(s).(string); !plain {
		n.Style = yaml.SingleQuotedStyle
	}
	return n
}

func (s Stage) node() *yaml.Node {
	n := mappingNode()
	if s.IsList {
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for _, c := range s.Cmd {
			list.Content = append(list.Content, textNode(c))
		}
		set(n, "cmd", list)
	} else {
		set(n, "cmd", textNode(strings.Join(s.Cmd, "\n")))
	}
	if len(s.Deps) > 0 {
		set(n, "deps", outNodes(s.Deps))
	}
	if len(s.Params) > 0 {
		set(n, "params", paramNodes(s.Params))
	}
	if len(s.Outs) > 0 {
		set(n, "outs", outNodes(s.Outs))
	}
	return n
}

func outNodes(outs []Out) *yaml.Node {
	sorted := slices.Clone(outs)
	slices.SortFunc(sorted, func(a, b Out) int { return strings.Compare(a.Path, b.Path) })
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, o := range sorted {
		n := mappingNode()
		set(n, "path", textNode(o.Path))
		if o.Sum.Algorithm == MD5 {
			set(n, "hash", textNode(MD5))
		}
		set(n, "md5", textNode(o.Sum.Hex))
		set(n, "size", intNode(o.Size))
		if o.Sum.IsDir() {
			set(n, "nfiles", intNode(o.Files))
		}
		if o.Exec {
			set(n, "isexec", &yaml.Node{Kind: yaml.ScalarNode, Value: "true"})
		}
		list.Content = append(list.Content, n)
	}
	return list
}

func intNode(v int64) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(v, 10)}
}

// paramNodes writes params.yaml first, then the other files by name.
func paramNodes(params map[string]map[string]any) *yaml.Node {
	n := mappingNode()
	files := make([]string, 0, len(params))
	for file := range params {
		files = append(files, file)
	}
	slices.SortFunc(files, func(a, b string) int {
		if (a == paramfile.DefaultName) != (b == paramfile.DefaultName) {
			if a == paramfile.DefaultName {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, file := range files {
		values := mappingNode()
		keys := make([]string, 0, len(params[file]))
		for key := range params[file] {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			set(values, key, valueNode(params[file][key]))
		}
		set(n, file, values)
	}
	return n
}

func valueNode(v any) *yaml.Node {
	switch x := v.(type) {
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	case string:
		return textNode(x)
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(x)}
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		if len(x) == 0 {
			n.Style = yaml.FlowStyle
		}
		for _, item := range x {
			n.Content = append(n.Content, valueNode(item))
		}
		return n
	case *paramfile.Map:
		n := mappingNode()
		if len(x.Keys()) == 0 {
			n.Style = yaml.FlowStyle
		}
		for _, key := range x.Keys() {
			item, _ := x.Get(key)
			n.Content = append(n.Content, textNode(key), valueNode(item))
		}
		return n
	case float64:
		text := paramfile.Text(x)
		switch text {
		case "inf", "-inf", "nan":
			text = strings.Replace(strings.Replace("."+text, ".-", "-.", 1), "..", ".", 1)
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: text}
	default: // integers and dates
		return &yaml.Node{Kind: yaml.ScalarNode, Value: paramfile.Text(v)}
	}
}
