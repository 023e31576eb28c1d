package stagefile

import (
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// Model is an entry of the top-level models of a file: what must hold before an
// alias of a registered model moves.
type Model struct {
	Name  string // "*" stands for every model that has no entry of its own
	Gates []Gates
	Pos   Pos
}

// Gates are the conditions for one alias.
type Gates struct {
	Alias     string
	Metrics   []MetricGate // by name
	Stages    []string     // of the version's run, that must have succeeded
	Tags      []TagGate    // of the version or of its run, by key
	Signature string       // "", "compatible" or "same"
	Approvals int          // how many people must have approved
	Approvers []string     // of these; none: of anybody
}

// MetricGate bounds a metric of the version's run.
type MetricGate struct {
	Name      string
	Better    string   // "higher", "lower", or "" for what the name says
	Tolerance float64  // by how much it may be worse than that of the version that has the alias
	Min, Max  *float64 // nil: no bound
	Absolute  bool     // only the bounds count, not the version that has the alias
}

// TagGate wants a tag to have a value; "" wants any.
type TagGate struct{ Key, Value string }

const anyModel = "*"

// GatesFor returns the gates of an alias of a model.
func (f *File) GatesFor(model, alias string) (Gates, bool) {
	for _, name := range []string{model, anyModel} {
		i := slices.IndexFunc(f.Models, func(m Model) bool { return m.Name == name })
		if i < 0 {
			continue
		}
		j := slices.IndexFunc(f.Models[i].Gates, func(g Gates) bool { return g.Alias == alias })
		if j >= 0 {
			return f.Models[i].Gates[j], true
		}
		return Gates{}, false // its own entry replaces the one for every model
	}
	return Gates{}, false
}

func modelEntries() []entry {
	return []entry{
		{name: "gates", check: gatesNode, doc: "What must hold before an alias moves, by the alias, such as production.", json: map[string]any{
			"type": "object", "additionalProperties": jsonObject(gateEntries()),
		}},
	}
}

func gateEntries() []entry {
	return []entry{
		{name: "metrics", check: metricGatesNode, doc: "Metrics that must not be worse than those of the version that has the alias now.", json: map[string]any{
			"type": "object", "additionalProperties": jsonAny(map[string]any{"type": "null"}, jsonObject(metricGateEntries())),
		}},
		textsEntry("stages", "Stages of the version's run that must have succeeded, such as a check of the data."),
		{name: "tags", check: tagGatesNode, doc: "Tags that the version, or its run, must have, with their values; an empty value means any.", json: map[string]any{
			"type": "object", "additionalProperties": jsonType("string", "number", "boolean"),
		}},
		{
			name: "signature", check: oneOf("compatible", "same"), doc: "compatible: who calls the version that has the alias can call this one; same: nothing differs.",
			json: map[string]any{"enum": []string{"compatible", "same"}},
		},
		{name: "approvals", check: approvalsNode, doc: "How many people must have approved, or also who.", json: jsonAny(
			map[string]any{"type": "integer", "minimum": 1},
			jsonObject(approvalEntries()),
		)},
	}
}

func metricGateEntries() []entry {
	return []entry{
		{name: "better", check: oneOf("higher", "lower"), doc: "What is better; where nothing is said the name of the metric tells.", json: map[string]any{"enum": []string{"higher", "lower"}}},
		{name: "tolerance", check: numberNode, doc: "By how much it may be worse.", json: map[string]any{"type": "number", "minimum": 0}},
		{name: "min", check: numberNode, doc: "The least value.", json: jsonType("number")},
		{name: "max", check: numberNode, doc: "The greatest value.", json: jsonType("number")},
		flagEntry("absolute", "true: only min and max count, not the version that has the alias."),
	}
}

func approvalEntries() []entry {
	return []entry{
		{name: "count", check: anyNode, doc: "How many people.", json: map[string]any{"type": "integer", "minimum": 1}},
		textsEntry("by", "Of these people."),
	}
}

// oneOf takes one of some words.
func oneOf(words ...string) check {
	return func(n *yaml.Node, what string) error {
		if err := textNode(n, what); err != nil {
			return err
		}
		if word := follow(n).Value; !slices.Contains(words, word) {
			return at(n, "%s: expected %s, found %q", what, strings.Join(words, " or "), word).nearest(word, words)
		}
		return nil
	}
}

func numberNode(n *yaml.Node, what string) error {
	if _, ok := numberOf(n); !ok {
		return at(n, "%s: expected a number, found %s", what, describe(n))
	}
	return nil
}

func numberOf(n *yaml.Node) (float64, bool) {
	n = follow(n)
	if n.Kind != yaml.ScalarNode {
		return 0, false
	}
	switch v := paramfile.Scalar(n).(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	return 0, false
}

func modelsNode(n *yaml.Node, what string) error {
	return named(n, what, "the name of a model", func(p pair) error {
		_, err := checkMap(p.val, "model "+p.name, modelEntries(), false)
		return err
	})
}

func gatesNode(n *yaml.Node, what string) error {
	return named(n, what, "an alias", func(p pair) error {
		if p.name == "latest" {
			return at(p.key, "gates: latest is the highest version and cannot be moved")
		}
		_, err := checkMap(p.val, "gates of "+p.name, gateEntries(), false)
		return err
	})
}

func metricGatesNode(n *yaml.Node, what string) error {
	return named(n, what, "the name of a metric", func(p pair) error {
		if isNull(p.val) {
			return nil
		}
		_, err := checkMap(p.val, "metric "+p.name, metricGateEntries(), false)
		return err
	})
}

func tagGatesNode(n *yaml.Node, what string) error {
	return named(n, what, "the key of a tag", func(p pair) error {
		if m := follow(p.val); m.Kind != yaml.ScalarNode || isNull(m) {
			return at(p.val, "tag %s: expected a text or a number, found %s", p.name, describe(p.val)).hint(`write "" for any value`)
		}
		return nil
	})
}

// named checks a mapping whose keys are names.
func named(n *yaml.Node, what, key string, fn func(pair) error) error {
	ps, err := pairs(n, what)
	if err != nil {
		return err
	}
	if err := textKeys(ps, key); err != nil {
		return err
	}
	for _, p := range ps {
		if err := fn(p); err != nil {
			return err
		}
	}
	return nil
}

func approvalsNode(n *yaml.Node, what string) error {
	if follow(n).Kind == yaml.ScalarNode {
		return positive(n, what)
	}
	ps, err := checkMap(n, what, approvalEntries(), false)
	if err != nil {
		return err
	}
	if c, ok := lookup(ps, "count"); ok {
		return positive(c, what+": count")
	}
	return nil
}

func positive(n *yaml.Node, what string) error {
	if f, ok := numberOf(n); !ok || f < 1 || f != math.Trunc(f) || f > math.MaxInt32 {
		return at(n, "%s: expected a number of people, found %s", what, describe(n))
	}
	return nil
}

// models reads the top-level models of a file, which were checked.
func (l *loader) models(n *yaml.Node) error {
	if err := noHoles(n, "models"); err != nil {
		return err
	}
	ps, err := pairs(n, "models")
	if err != nil {
		return err
	}
	for _, p := range ps {
		in, err := pairs(p.val, p.name)
		if err != nil {
			return err
		}
		m := Model{Name: p.name, Pos: Pos{Line: p.key.Line, Column: p.key.Column}}
		if gates, ok := lookup(in, "gates"); ok {
			list, err := pairs(gates, "gates")
			if err != nil {
				return err
			}
			for _, g := range list {
				made, err := gatesOf(g)
				if err != nil {
					return err
				}
				m.Gates = append(m.Gates, made)
			}
		}
		l.file.Models = append(l.file.Models, m)
	}
	return nil
}

func gatesOf(p pair) (Gates, error) {
	g := Gates{Alias: p.name}
	in, err := pairs(p.val, p.name)
	if err != nil {
		return g, err
	}
	for _, e := range in {
		switch e.name {
		case "metrics":
			g.Metrics, err = metricGates(e.val)
		case "stages":
			for _, x := range follow(e.val).Content {
				g.Stages = append(g.Stages, follow(x).Value)
			}
		case "tags":
			var tags []pair
			tags, err = pairs(e.val, "tags")
			for _, t := range tags {
				value := ""
				if !isNull(t.val) {
					value = follow(t.val).Value
				}
				g.Tags = append(g.Tags, TagGate{Key: t.name, Value: value})
			}
		case "signature":
			g.Signature = follow(e.val).Value
		case "approvals":
			err = g.approvals(e.val)
		}
		if err != nil {
			return g, err
		}
	}
	return g, nil
}

func (g *Gates) approvals(n *yaml.Node) error {
	if f, ok := numberOf(n); ok {
		g.Approvals = int(f)
		return nil
	}
	in, err := pairs(n, "approvals")
	if err != nil {
		return err
	}
	if by, ok := lookup(in, "by"); ok {
		for _, x := range follow(by).Content {
			g.Approvers = append(g.Approvers, follow(x).Value)
		}
	}
	g.Approvals = 1
	if c, ok := lookup(in, "count"); ok {
		f, _ := numberOf(c)
		g.Approvals = int(f)
	}
	if len(g.Approvers) > 0 && g.Approvals > len(g.Approvers) {
		return at(n, "approvals: %d people cannot approve when only %d may", g.Approvals, len(g.Approvers))
	}
	return nil
}

func metricGates(n *yaml.Node) ([]MetricGate, error) {
	ps, err := pairs(n, "metrics")
	if err != nil {
		return nil, err
	}
	var list []MetricGate
	for _, p := range ps {
		g := MetricGate{Name: p.name}
		if isNull(p.val) {
			list = append(list, g)
			continue
		}
		in, err := pairs(p.val, p.name)
		if err != nil {
			return nil, err
		}
		for _, e := range in {
			f, _ := numberOf(e.val)
			switch e.name {
			case "better":
				g.Better = follow(e.val).Value
			case "tolerance":
				if f < 0 {
					return nil, at(e.val, "tolerance: %v is less than nothing", f)
				}
				g.Tolerance = f
			case "min":
				g.Min = &f
			case "max":
				g.Max = &f
			case "absolute":
				g.Absolute = follow(e.val).Value == "true"
			}
		}
		if g.Absolute && g.Min == nil && g.Max == nil {
			return nil, at(p.key, "metric %s is absolute but has neither min nor max", p.name)
		}
		list = append(list, g)
	}
	return list, nil
}
