package mlmodel

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Encode writes the file as MLflow does: keys sorted, lists not indented, lines
// folded after 80 columns, everything but ASCII escaped.
func (m *Model) Encode() []byte {
	w := &writer{}
	w.node(m.root, 0, true)
	w.out.WriteByte('\n')
	return []byte(strings.TrimPrefix(w.out.String(), "\n"))
}

// node writes a value. Inline is set where it may begin on the line of a dash.
func (w *writer) node(n *yaml.Node, indent int, inline bool) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) > 0:
		w.mapping(n, indent, inline)
	case n.Kind == yaml.SequenceNode && len(n.Content) > 0:
		w.sequence(n, indent, inline)
	case n.Kind == yaml.MappingNode:
		w.space("{}")
	case n.Kind == yaml.SequenceNode:
		w.space("[]")
	case n.ShortTag() == "!!str" || n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		w.space("")
		w.scalar(n.Value, indent+2, false)
	default:
		w.space(other(n))
	}
}

// other is a number, bool, null or time as PyYAML writes it.
func other(n *yaml.Node) string {
	switch n.ShortTag() {
	case "!!null":
		return "null"
	case "!!bool":
		return strings.ToLower(n.Value)
	}
	return n.Value
}

// space puts a space before a value where the line has something already.
func (w *writer) space(text string) {
	if w.column > 0 && !strings.HasSuffix(w.out.String(), " ") {
		w.put(" ")
	}
	w.put(text)
}

func (w *writer) mapping(n *yaml.Node, indent int, inline bool) {
	type pair struct{ key, value *yaml.Node }
	pairs := make([]pair, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		pairs = append(pairs, pair{n.Content[i], n.Content[i+1]})
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return strings.Compare(a.key.Value, b.key.Value) })
	for i, p := range pairs {
		if i > 0 || !inline {
			w.fold(indent)
		}
		if p.key.ShortTag() == "!!str" {
			w.scalar(p.key.Value, indent+2, true)
		} else {
			w.put(other(p.key))
		}
		w.put(":")
		value := p.value
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if value.Kind == yaml.SequenceNode { // not indented below its key
			w.node(value, indent, false)
			continue
		}
		below := indent
		if value.Kind == yaml.MappingNode {
			below += 2
		}
		w.node(value, below, false)
	}
}

func (w *writer) sequence(n *yaml.Node, indent int, inline bool) {
	for i, item := range n.Content {
		if i > 0 || !inline {
			w.fold(indent)
		}
		w.put("-")
		if item.Kind == yaml.MappingNode && len(item.Content) > 0 || item.Kind == yaml.SequenceNode && len(item.Content) > 0 {
			w.put(" ")
			w.node(item, indent+2, true)
			continue
		}
		w.node(item, indent, true)
	}
}
