package paramfile

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// ParseYAML is Parse for YAML that is no parameter file: errors name no file.
func ParseYAML(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not UTF-8 text")
	}
	v, err := parseYAML(data)
	if err == nil && v == nil {
		return NewMap(), nil
	}
	return v, err
}

func parseYAML(data []byte) (any, error) {
	doc, err := YAMLDocument(data)
	if err != nil || doc == nil {
		return nil, err
	}
	return FromYAML(doc)
}

// YAMLDocument parses data, which must hold at most one document, into nodes.
// It returns nil for an empty one.
func YAMLDocument(data []byte) (*yaml.Node, error) {
	if bytes.HasPrefix(data, []byte("%YAML 1.1")) {
		return nil, errors.New("yaml: line 1: YAML 1.1, in which yes and 010 mean something else: take the line out, and quote such values")
	}
	dec := yaml.NewDecoder(bytes.NewReader(withoutDirective(data)))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, err
		}
		return nil, &NodeError{Node: &more, Text: "a second document in the file"}
	}
	root := &doc
	if doc.Kind == yaml.DocumentNode {
		root = doc.Content[0]
	}
	_, err := checkNodes(root, map[*yaml.Node]int{})
	return root, err
}

// withoutDirective makes a comment of the line that says YAML 1.2, which the
// parser does not know and which is what we read anyway.
func withoutDirective(data []byte) []byte {
	const directive = "%YAML 1.2"
	at := bytes.Index(data, []byte(directive))
	if at < 0 || at > 0 && data[at-1] != '\n' || bytes.Contains(data[:at], []byte("\n---")) || bytes.HasPrefix(data, []byte("---")) {
		return data
	}
	data = bytes.Clone(data)
	data[at] = '#'
	return data
}

// checkNodes refuses tags of which nobody here knows what they make of a
// value, and aliases that stand inside their own anchor or blow a small file
// up to a large one. It returns the number of nodes that n unfolds to.
func checkNodes(n *yaml.Node, sizes map[*yaml.Node]int) (int, error) {
	if n.Kind == yaml.AliasNode {
		size := sizes[n.Alias]
		if size == 0 { // its anchor is not closed yet
			return 0, &NodeError{n, "an alias inside its own anchor"}
		}
		return size, nil
	}
	if n.Style&yaml.TaggedStyle != 0 {
		switch n.ShortTag() {
		case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!binary", "!!timestamp", "!!map", "!!seq", "!!set", "!!omap", "!!pairs", "!", "":
		default:
			return 0, &NodeError{n, fmt.Sprintf("unknown tag %s", n.Tag)}
		}
		if _, err := tagged(n); n.Kind == yaml.ScalarNode && err != nil {
			return 0, &NodeError{n, fmt.Sprintf("%q is no %s", n.Value, strings.TrimPrefix(n.ShortTag(), "!!"))}
		}
	}
	size := 1
	for _, x := range n.Content {
		below, err := checkNodes(x, sizes)
		if err != nil {
			return 0, err
		}
		if size += below; size > maxNodes {
			return 0, &NodeError{x, "the file unfolds to too many values"}
		}
	}
	if n.Anchor != "" {
		sizes[n] = size
	}
	return size, nil
}

// tagged is the value of a scalar that says its type: !!float 3.
func tagged(n *yaml.Node) (any, error) {
	v := PlainScalar(n.Value)
	switch n.ShortTag() {
	case "!!int":
		switch v.(type) {
		case int64, *big.Int:
			return v, nil
		}
		return nil, errNotANumber
	case "!!float":
		switch v := v.(type) {
		case int64:
			return float64(v), nil
		case float64:
			return v, nil
		}
		return nil, errNotANumber
	case "!!bool":
		switch strings.ToLower(n.Value) {
		case "true", "yes", "on":
			return true, nil
		case "false", "no", "off":
			return false, nil
		}
		return nil, errNotANumber
	case "!!null":
		return nil, nil //nolint:nilnil // the value is null
	case "!!timestamp":
		return Date(n.Value), nil
	case "!!binary":
		return binary(n.Value)
	default:
		return n.Value, nil
	}
}

// binary decodes base64 as Python does: what is no digit of it is passed over.
func binary(text string) (any, error) {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
	only := strings.Map(func(r rune) rune {
		if strings.ContainsRune(digits, r) {
			return r
		}
		return -1
	}, text)
	raw, err := base64.StdEncoding.DecodeString(only)
	return Bytes(raw), err
}

// NodeError is an error at a place in a YAML file.
type NodeError struct {
	Node *yaml.Node
	Text string
}

// Error is "line 3, column 5: text".
func (e *NodeError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Node.Line, e.Node.Column, e.Text)
}

// maxNodes bounds what aliases may blow a small file up to.
const maxNodes = 1_000_000

// FromYAML makes a value of a node: anchors and merge keys are resolved, a key
// that is there twice is an error. Keys become strings as Text writes them.
func FromYAML(n *yaml.Node) (any, error) {
	c := &converter{left: maxNodes}
	return c.value(n, 0)
}

type converter struct{ left int }

const maxDepth = 500

func (c *converter) value(n *yaml.Node, depth int) (any, error) {
	if c.left--; c.left < 0 || depth > maxDepth {
		return nil, &NodeError{n, "the file unfolds to too many values"}
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return c.value(n.Content[0], depth+1)
	case yaml.AliasNode:
		return c.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, x := range n.Content {
			v, err := c.value(x, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		switch n.ShortTag() {
		case "!!omap":
			return pairList(list), nil
		case "!!pairs":
			return pairs(list), nil
		}
		return list, nil
	case yaml.MappingNode:
		return c.mapping(n, depth)
	case yaml.ScalarNode:
		return Scalar(n), nil
	default:
		return nil, nil
	}
}

// pairList makes one mapping of a list of mappings.
func pairList(list []any) *Map {
	out := NewMap()
	for _, x := range list {
		if m, ok := x.(*Map); ok {
			for _, k := range m.keys {
				out.Set(k, m.vals[k])
			}
		}
	}
	return out
}

// pairs makes [key, value] of each mapping in a list.
func pairs(list []any) []any {
	out := make([]any, 0, len(list))
	for _, x := range list {
		if m, ok := x.(*Map); ok {
			for _, k := range m.keys {
				out = append(out, []any{k, m.vals[k]})
			}
		}
	}
	return out
}

// mapping reads a mapping: what << names comes first, and gives way to the
// mapping's own keys.
func (c *converter) mapping(n *yaml.Node, depth int) (any, error) {
	m, own, seen := NewMap(), map[string]bool{}, map[any]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != "!!merge" {
			continue
		}
		if seen["<<"] {
			return nil, &NodeError{n.Content[i], "key \"<<\" is there twice"}
		}
		seen["<<"] = true
		if err := c.merge(m, n.Content[i+1], depth); err != nil {
			return nil, err
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, x := n.Content[i], n.Content[i+1]
		if k.Tag == "!!merge" {
			continue
		}
		key, err := c.value(k, depth+1)
		if err != nil {
			return nil, err
		}
		name, same := Text(key), Same(key)
		if own[name] || seen[same] {
			return nil, &NodeError{k, fmt.Sprintf("key %q is there twice", name)}
		}
		own[name], seen[same] = true, true
		if _, isText := key.(string); !isText {
			if m.odd == nil {
				m.odd = map[string]bool{}
			}
			m.odd[name] = true
		}
		v, err := c.value(x, depth+1)
		if err != nil {
			return nil, err
		}
		m.Set(name, v)
	}
	return m, nil
}

// merge adds what << names; of a list the first wins.
func (c *converter) merge(m *Map, n *yaml.Node, depth int) error {
	v, err := c.value(n, depth+1)
	if err != nil {
		return err
	}
	from, isList := v.([]any)
	if !isList {
		from = []any{v}
	}
	for _, f := range slices.Backward(from) {
		other, ok := f.(*Map)
		if !ok {
			return &NodeError{n, "<< wants a mapping or a list of mappings"}
		}
		for _, k := range other.keys {
			m.Set(k, other.vals[k])
		}
	}
	return nil
}

// Same is equal for keys that Python takes for one: 1, 1.0 and true.
func Same(key any) any {
	switch key := key.(type) {
	case bool:
		if key {
			return 1.0
		}
		return 0.0
	case int64:
		return float64(key)
	case nil, float64, string:
		return key
	default:
		return Text(key)
	}
}

// Scalar is the value of a scalar node under the YAML 1.2 rules that Python's
// ruamel.yaml uses: 010 is ten, 0o10 eight, yes and on are strings.
func Scalar(n *yaml.Node) any {
	if n.Style&yaml.TaggedStyle != 0 {
		if v, err := tagged(n); err == nil {
			return v
		}
	}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return n.Value
	}
	return PlainScalar(n.Value)
}

var errNotANumber = errors.New("not a number")

// PlainScalar is the value of an unquoted YAML scalar.
func PlainScalar(s string) any {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return math.Inf(1)
	case "-.inf", "-.Inf", "-.INF":
		return math.Inf(-1)
	case ".nan", ".NaN", ".NAN":
		return math.NaN()
	}
	if c := s[0]; c != '+' && c != '-' && c != '.' && (c < '0' || c > '9') {
		return s
	}
	if v, err := integer(s); err == nil {
		return v
	}
	if f, err := decimal(s); err == nil {
		return f
	}
	if isDate(s) {
		return Date(s)
	}
	return s
}

func integer(s string) (any, error) {
	digits := strings.TrimLeft(s[:1], "+-") + s[1:]
	neg := s[0] == '-'
	base, allowed := 10, "0123456789_"
	switch {
	case strings.HasPrefix(digits, "0x"):
		base, allowed, digits = 16, "0123456789abcdefABCDEF_", digits[2:]
	case strings.HasPrefix(digits, "0o"):
		base, allowed, digits = 8, "01234567_", digits[2:]
	case strings.HasPrefix(digits, "0b"):
		base, allowed, digits = 2, "01_", digits[2:]
	}
	if digits == "" || strings.Trim(digits, allowed) != "" || digits[0] == '_' {
		return nil, errNotANumber
	}
	digits = strings.ReplaceAll(digits, "_", "")
	if neg {
		digits = "-" + digits
	}
	if i, err := strconv.ParseInt(digits, base, 64); err == nil {
		return i, nil
	}
	if i, ok := new(big.Int).SetString(digits, base); ok {
		return i, nil
	}
	return nil, errNotANumber
}

// decimal reads [+-]digits[.digits][e±digits] with underscores between digits.
func decimal(s string) (float64, error) {
	t := strings.TrimLeft(s[:1], "+-") + s[1:]
	mantissa, exponent, hasExp := t, "", false
	if i := strings.IndexAny(t, "eE"); i >= 0 {
		mantissa, exponent, hasExp = t[:i], t[i+1:], true
	}
	whole, frac, hasPoint := strings.Cut(mantissa, ".")
	if !hasPoint && !hasExp || strings.Trim(whole+frac, "0123456789_") != "" || strings.Trim(whole+frac, "_") == "" || strings.HasPrefix(whole, "_") {
		return 0, errNotANumber
	}
	if hasExp {
		if e := strings.TrimPrefix(strings.TrimPrefix(exponent, "-"), "+"); e == "" || strings.Trim(e, "0123456789") != "" {
			return 0, errNotANumber
		}
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, errNotANumber
	}
	return f, nil
}

// isDate reports whether s is a YAML timestamp: a date, or a date and a time.
func isDate(s string) bool {
	if len(s) < 8 || s[4] != '-' {
		return false
	}
	ok, err := regexp.MatchString(`^\d{4}-(\d\d-\d\d|\d\d?-\d\d?([Tt]|[ \t]+)\d\d?:\d\d:\d\d(\.\d*)?([ \t]*(Z|[-+]\d\d?(:\d\d)?))?)$`, s)
	return ok && err == nil
}
