package mlmodel

import (
	"encoding/json"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/registry"
)

// Description is what Make writes of a model.
type Description struct {
	Data      string   // path of the model below the directory of the file
	Flavors   []string // none: only what is known of the model is written
	Signature *registry.Signature
	Example   string // path of an input example, "" for none
	RunID     string
	ID        string // 32 hex digits
	Created   time.Time
	Licence   string
}

// Make describes a model that came without a file.
func Make(d Description) *Model {
	flavors := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range d.Flavors {
		set(flavors, name, mapping("data", d.Data))
	}
	m := &Model{root: &yaml.Node{Kind: yaml.MappingNode}, Signature: d.Signature}
	set(m.root, "flavors", flavors)
	set(m.root, "model_uuid", text(d.ID))
	set(m.root, "utc_time_created", text(d.Created.UTC().Format("2006-01-02 15:04:05.000000")))
	if d.RunID != "" {
		set(m.root, "run_id", text(d.RunID))
	}
	if d.Example != "" {
		set(m.root, "saved_input_example_info", mapping("artifact_path", d.Example))
	}
	if d.Licence != "" {
		set(m.root, "metadata", mapping("licence", d.Licence))
	}
	if s := d.Signature; s != nil {
		node := &yaml.Node{Kind: yaml.MappingNode}
		for key, part := range map[string]json.RawMessage{"inputs": s.Inputs, "outputs": s.Outputs, "params": s.Params} {
			value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
			if len(part) > 0 && string(part) != "null" {
				value = text(spaced(part))
			}
			set(node, key, value)
		}
		set(m.root, "signature", node)
	}
	return m
}

func set(n *yaml.Node, key string, value *yaml.Node) { n.Content = append(n.Content, text(key), value) }

func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

func mapping(key, value string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	set(n, key, text(value))
	return n
}

// spaced is JSON with a space after each comma and colon, as Python writes it.
func spaced(raw json.RawMessage) string {
	var out strings.Builder
	quoted, escaped := false, false
	for _, c := range string(raw) {
		out.WriteRune(c)
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ':'):
			out.WriteByte(' ')
		}
	}
	return out.String()
}
