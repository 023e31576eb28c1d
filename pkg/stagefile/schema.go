package stagefile

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// check says what is wrong with a node before templates are resolved. What
// names the node in errors.
type check func(n *yaml.Node, what string) error

// entry is a key that a mapping may have.
type entry struct {
	name  string
	check check
	own   bool // ours: known in mlops.yaml, not in dvc.yaml
}

func fileEntries() []entry {
	return []entry{
		{name: "stages", check: anyNode},
		{name: "datasets", check: anyNode},
		{name: "vars", check: varsNode},
		{name: "params", check: textsNode},
		{name: "metrics", check: textsNode},
		{name: "plots", check: topPlotsNode},
		{name: "artifacts", check: artifactsNode},
		{name: "pools", check: anyNode, own: true},
	}
}

func stageEntries(dvc bool) []entry {
	cmd := entry{name: "cmd", check: cmdNode}
	if dvc {
		cmd.check = looseCmdNode
	}
	return []entry{
		cmd,
		{name: "wdir", check: textNode},
		{name: "deps", check: textsNode},
		{name: "outs", check: outsNode},
		{name: "metrics", check: outsNode},
		{name: "plots", check: plotsNode},
		{name: "params", check: paramsNode},
		{name: "vars", check: varsNode},
		{name: "frozen", check: flagNode},
		{name: "always_changed", check: flagNode},
		{name: "desc", check: textNode},
		{name: "meta", check: anyNode},
		{name: "matrix", check: matrixNode},
		{name: "env", check: envNode, own: true},
		{name: "shell", check: textNode, own: true},
		{name: "timeout", check: textNode, own: true},
		{name: "retries", check: retriesNode, own: true},
		{name: "resources", check: resourcesNode, own: true},
		{name: "pool", check: anyNode, own: true},
		{name: "mutex", check: anyNode, own: true},
		{name: "executor", check: textNode, own: true},
		{name: "image", check: textNode, own: true},
	}
}

func outEntries(plot bool) []entry {
	out := []entry{
		{name: "cache", check: flagNode},
		{name: "persist", check: flagNode},
		{name: "push", check: flagNode},
		{name: "remote", check: textNode},
		{name: "desc", check: textNode},
		{name: "type", check: textNode},
		{name: "labels", check: textsNode},
		{name: "meta", check: anyNode},
		{name: "checkpoint", check: flagNode}, // DVC accepts it and does nothing; so do we
	}
	if plot {
		for _, name := range []string{"template", "x", "y", "x_label", "y_label", "title"} {
			out = append(out, entry{name: name, check: textNode})
		}
		out = append(out, entry{name: "header", check: flagNode})
	}
	return out
}

func artifactEntries() []entry {
	return []entry{
		{name: "path", check: textNode},
		{name: "type", check: textNode},
		{name: "desc", check: textNode},
		{name: "labels", check: textsNode},
		{name: "meta", check: anyNode},
	}
}

// checkMap checks the keys of a mapping and what they hold.
func checkMap(n *yaml.Node, what string, known []entry, dvc bool) ([]pair, error) {
	ps, err := pairs(n, what)
	if err != nil {
		return nil, err
	}
	for _, p := range ps {
		i := slices.IndexFunc(known, func(e entry) bool { return e.name == p.name })
		switch {
		case i < 0:
			names := make([]string, 0, len(known))
			for _, e := range known {
				if !dvc || !e.own {
					names = append(names, e.name)
				}
			}
			return nil, at(p.key, "%sunknown key %q", label(what), p.name).nearest(p.name, names)
		case dvc && known[i].own:
			return nil, at(p.key, "%sdvc.yaml does not know the key %q", label(what), p.name).hint("rename the file to mlops.yaml")
		}
		if err := known[i].check(p.val, p.name); err != nil {
			return nil, err
		}
	}
	return ps, nil
}

// lookup returns the value of a key.
func lookup(ps []pair, name string) (*yaml.Node, bool) {
	for _, p := range ps {
		if p.name == name {
			return p.val, true
		}
	}
	return nil, false
}

func anyNode(*yaml.Node, string) error { return nil }

func isText(n *yaml.Node) bool {
	n = follow(n)
	if n.Kind != yaml.ScalarNode {
		return false
	}
	_, ok := paramfile.Scalar(n).(string)
	return ok
}

func textNode(n *yaml.Node, what string) error {
	if isText(n) {
		return nil
	}
	p := at(n, "%s: expected a text, found %s", what, describe(n))
	if follow(n).Kind == yaml.ScalarNode && !isNull(n) {
		return p.hint("put quotes around it: '%s'", follow(n).Value)
	}
	return p
}

func flagNode(n *yaml.Node, what string) error {
	if m := follow(n); m.Kind == yaml.ScalarNode {
		if _, ok := paramfile.Scalar(m).(bool); ok {
			return nil
		}
	}
	return at(n, "%s: expected true or false, found %s", what, describe(n))
}

// items returns the items of a list.
func items(n *yaml.Node, what string) ([]*yaml.Node, error) {
	n = follow(n)
	if n.Kind != yaml.SequenceNode {
		return nil, at(n, "%s: expected a list, found %s", what, describe(n))
	}
	return n.Content, nil
}

func eachItem(n *yaml.Node, what string, fn check) error {
	list, err := items(n, what)
	if err != nil {
		return err
	}
	for _, x := range list {
		if err := fn(x, what); err != nil {
			return err
		}
	}
	return nil
}

func textsNode(n *yaml.Node, what string) error { return eachItem(n, what, textNode) }

func cmdNode(n *yaml.Node, what string) error {
	if isText(n) {
		if strings.TrimSpace(follow(n).Value) == "" {
			return at(n, "cmd is empty")
		}
		return nil
	}
	if follow(n).Kind == yaml.SequenceNode {
		if len(follow(n).Content) == 0 {
			return at(n, "cmd is an empty list")
		}
		return textsNode(n, what)
	}
	return at(n, "cmd: expected a text or a list of texts, found %s", describe(n))
}

// looseCmdNode checks cmd no further than DVC does.
func looseCmdNode(n *yaml.Node, _ string) error {
	if isText(n) || follow(n).Kind == yaml.SequenceNode {
		return nil
	}
	return at(n, "cmd: expected a text or a list of texts, found %s", describe(n))
}

// textKeys refuses keys that are no texts.
func textKeys(ps []pair, what string) error {
	for _, p := range ps {
		if !isText(p.key) {
			return at(p.key, "%s: expected a text, found %s", what, describe(p.key)).hint("put quotes around it: '%s'", follow(p.key).Value)
		}
	}
	return nil
}

func varsNode(n *yaml.Node, what string) error {
	return eachItem(n, what, func(x *yaml.Node, what string) error {
		if isText(x) || follow(x).Kind == yaml.MappingNode {
			return nil
		}
		return at(x, "%s: expected a file name or a mapping, found %s", what, describe(x))
	})
}

func matrixNode(n *yaml.Node, what string) error {
	ps, err := pairs(n, what)
	if err != nil {
		return err
	}
	if err := textKeys(ps, "the name of an axis"); err != nil {
		return err
	}
	for _, p := range ps {
		if !isText(p.val) && follow(p.val).Kind != yaml.SequenceNode {
			return at(p.val, "matrix: axis %s: expected a list, found %s", p.name, describe(p.val))
		}
	}
	return nil
}

func envNode(n *yaml.Node, what string) error {
	ps, err := pairs(n, what)
	if err != nil {
		return err
	}
	for _, p := range ps {
		if p.name == "" || strings.ContainsAny(p.name, "=\x00") {
			return at(p.key, "env: %q cannot be the name of a variable", p.name)
		}
		if m := follow(p.val); m.Kind != yaml.ScalarNode || isNull(m) {
			return at(p.val, "env: variable %s: expected a text or a number, found %s", p.name, describe(p.val))
		}
	}
	return nil
}

// retriesNode checks the keys of the long form; the values are checked when
// their templates are resolved.
func retriesNode(n *yaml.Node, what string) error {
	if follow(n).Kind != yaml.MappingNode {
		return nil
	}
	return keysNode(n, what, "count", "backoff", "max_backoff", "on")
}

func resourcesNode(n *yaml.Node, what string) error {
	return keysNode(n, what, "cpus", "memory", "gpus")
}

func keysNode(n *yaml.Node, what string, names ...string) error {
	known := make([]entry, len(names))
	for i, name := range names {
		known[i] = entry{name: name, check: anyNode}
	}
	_, err := checkMap(n, what, known, false)
	return err
}

func paramsNode(n *yaml.Node, what string) error {
	return eachItem(n, what, func(x *yaml.Node, what string) error {
		if isText(x) {
			return nil
		}
		ps, err := pairs(x, what)
		if err != nil {
			return at(x, "params: expected a key or a file with its keys, found %s", describe(x))
		}
		for _, p := range ps {
			if isNull(p.val) {
				continue
			}
			if err := eachItem(p.val, "params: keys of "+p.name, scalarNode); err != nil {
				return err
			}
		}
		return nil
	})
}

func scalarNode(n *yaml.Node, what string) error {
	if follow(n).Kind != yaml.ScalarNode || isNull(n) {
		return at(n, "%s: expected a text, found %s", what, describe(n))
	}
	return nil
}

func outsNode(n *yaml.Node, what string) error { return outList(n, what, false) }

func plotsNode(n *yaml.Node, what string) error { return outList(n, what, true) }

func outList(n *yaml.Node, what string, plot bool) error {
	return eachItem(n, what, func(x *yaml.Node, what string) error {
		if isText(x) {
			return nil
		}
		ps, err := pairs(x, what)
		if err != nil {
			return at(x, "%s: expected a path or a path with its options, found %s", what, describe(x))
		}
		for _, p := range ps {
			if _, err := checkMap(p.val, what+": "+p.name, outEntries(plot), false); err != nil {
				return err
			}
		}
		return textKeys(ps, what)
	})
}

func topPlotsNode(n *yaml.Node, what string) error {
	return eachItem(n, what, func(x *yaml.Node, what string) error {
		if isText(x) {
			return nil
		}
		ps, err := pairs(x, what)
		if err != nil || len(ps) == 0 {
			return at(x, "plots: expected a path or an id with its axes, found %s", describe(x))
		}
		for _, p := range ps {
			if isNull(p.val) {
				continue
			}
			axis := []entry{
				{name: "x", check: axisNode(false)},
				{name: "y", check: axisNode(true)},
				{name: "x_label", check: textNode},
				{name: "y_label", check: textNode},
				{name: "title", check: textNode},
				{name: "template", check: textNode},
			}
			if _, err := checkMap(p.val, "plots: "+p.name, axis, false); err != nil {
				return err
			}
		}
		return textKeys(ps, "plots")
	})
}

// axisNode checks what stands on an axis: a column, with many several, or a
// mapping of files to theirs.
func axisNode(many bool) check {
	column := func(n *yaml.Node, what string) error {
		if many && follow(n).Kind == yaml.SequenceNode {
			return textsNode(n, what)
		}
		return textNode(n, what)
	}
	return func(n *yaml.Node, what string) error {
		if follow(n).Kind != yaml.MappingNode {
			return column(n, what)
		}
		ps, err := pairs(n, what)
		if err != nil {
			return err
		}
		for _, p := range ps {
			if err := column(p.val, what+": "+p.name); err != nil {
				return err
			}
		}
		return textKeys(ps, what)
	}
}

func artifactsNode(n *yaml.Node, what string) error {
	ps, err := pairs(n, what)
	if err != nil {
		return err
	}
	if err := textKeys(ps, "the name of an artifact"); err != nil {
		return err
	}
	for _, p := range ps {
		in, err := checkMap(p.val, "artifact "+p.name, artifactEntries(), false)
		if err != nil {
			return err
		}
		if _, ok := lookup(in, "path"); !ok {
			return at(p.key, "artifact %s has no path", p.name)
		}
	}
	return nil
}
