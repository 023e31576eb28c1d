package mlmodel

import (
	"encoding/json"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
)

// FileName is the name of the file in the directory of a model.
const FileName = "MLmodel"

// Model is what a file says. All keys are kept, also those that are not known.
type Model struct {
	root      *yaml.Node
	Signature *registry.Signature // nil: none
}

// Parse reads a file.
func Parse(text []byte) (*Model, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, errs.New(errs.Usage, "not YAML: %w", err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errs.New(errs.Usage, "not a mapping")
	}
	size := 0
	if !bounded(doc.Content[0], 0, &size) {
		return nil, errs.New(errs.Usage, "nested too deeply, or too large")
	}
	m := &Model{root: doc.Content[0]}
	if sig := child(m.root, "signature"); sig != nil && sig.Kind == yaml.MappingNode {
		s := registry.Signature{}
		for key, to := range map[string]*json.RawMessage{"inputs": &s.Inputs, "outputs": &s.Outputs, "params": &s.Params} {
			n := child(sig, key)
			if n == nil || n.Tag == "!!null" {
				continue
			}
			if n.Kind != yaml.ScalarNode || !json.Valid([]byte(n.Value)) {
				return nil, errs.New(errs.Usage, "line %d: %s of the signature is no JSON", n.Line, key)
			}
			*to = json.RawMessage(n.Value)
		}
		m.Signature = &s
	}
	return m, nil
}

// bounded says whether a value, with its aliases written out, is of a size that
// a description of a model has.
func bounded(n *yaml.Node, depth int, size *int) bool {
	if *size++; depth > 100 || *size > 100_000 {
		return false
	}
	if n.Kind == yaml.AliasNode {
		return bounded(n.Alias, depth+1, size)
	}
	for _, c := range n.Content {
		if !bounded(c, depth+1, size) {
			return false
		}
	}
	return true
}

// child is the value of a key of a mapping, nil where there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// FlavorNames are the names of the flavors, in the order of the file.
func (m *Model) FlavorNames() []string {
	var names []string
	if flavors := child(m.root, "flavors"); flavors != nil && flavors.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(flavors.Content); i += 2 {
			names = append(names, flavors.Content[i].Value)
		}
	}
	return names
}

// Text is a scalar at the top, such as run_id or model_uuid; "" where there is
// none.
func (m *Model) Text(key string) string {
	if n := child(m.root, key); n != nil && n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		return n.Value
	}
	return ""
}

// Example is the path of the input example, "" for none.
func (m *Model) Example() string {
	if n := child(child(m.root, "saved_input_example_info"), "artifact_path"); n != nil {
		return n.Value
	}
	return ""
}
