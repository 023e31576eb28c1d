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
	doc   string
	json  any // what may stand there, as a JSON schema; nil: anything
}

func textEntry(name, doc string) entry {
	return entry{name: name, check: textNode, doc: doc, json: jsonText()}
}

func textsEntry(name, doc string) entry {
	return entry{name: name, check: textsNode, doc: doc, json: jsonList(jsonText())}
}

func flagEntry(name, doc string) entry {
	return entry{name: name, check: flagNode, doc: doc, json: jsonType("boolean")}
}

func anyEntry(name, doc string) entry { return entry{name: name, check: anyNode, doc: doc} }

// our marks an entry that only mlops.yaml has.
func our(e entry, json any) entry {
	e.own = true
	if json != nil {
		e.json = json
	}
	return e
}

func fileEntries() []entry {
	return []entry{
		{name: "stages", check: anyNode, doc: "The stages by their names, which may not hold @.", json: map[string]any{
			"type": "object", "propertyNames": map[string]any{"pattern": "^[^@]+$"},
			"additionalProperties": map[string]any{"anyOf": []any{jsonRef("stage"), jsonRef("foreach"), jsonRef("map")}},
		}},
		{name: "vars", check: varsNode, doc: "Values for ${}: parameter files, file:key,key for some of their keys, or mappings.", json: jsonVars()},
		textsEntry("params", "Parameter files that 'params show' lists besides those of stages."),
		textsEntry("metrics", "Metrics files that are no output of a stage."),
		{name: "plots", check: topPlotsNode, doc: "Plots: a path, or an id with what to draw.", json: jsonPlots()},
		{name: "artifacts", check: artifactsNode, doc: "Names for files and directories, such as models.", json: map[string]any{
			"type": "object", "additionalProperties": jsonObject(artifactEntries(), "path"),
		}},
		anyEntry("datasets", "Datasets that stages name as ds://NAME in their deps."),
		our(entry{name: "pools", check: anyNode, doc: "Slots that stages share, by the name of the pool."}, jsonSlots()),
		our(entry{name: "models", check: modelsNode, doc: "Registered models by their names, with what must hold before their aliases move; * stands for all others."}, map[string]any{
			"type": "object", "additionalProperties": jsonObject(modelEntries()),
		}),
	}
}

func stageEntries(dvc bool) []entry {
	cmd := entry{name: "cmd", check: cmdNode, doc: "The command: a text, of which each line is run, or a list.", json: jsonAny(
		map[string]any{"type": "string", "minLength": 1},
		map[string]any{"type": "array", "items": jsonText(), "minItems": 1},
	)}
	if dvc {
		cmd.check = looseCmdNode
	}
	return []entry{
		cmd,
		textEntry("wdir", "The directory that the command runs in and that all paths of the stage are relative to; relative to this file."),
		textsEntry("deps", "Files and directories that the stage reads; in mlops.yaml also patterns such as data/*.csv."),
		{name: "outs", check: outsNode, doc: "Files and directories that the stage writes.", json: jsonOuts(false)},
		{name: "metrics", check: outsNode, doc: "Outputs that hold metrics.", json: jsonOuts(false)},
		{name: "plots", check: plotsNode, doc: "Outputs that can be drawn.", json: jsonOuts(true)},
		{name: "params", check: paramsNode, doc: "Parameters that the stage reads: keys of params.yaml, or of another file.", json: jsonParams()},
		{name: "vars", check: varsNode, doc: "Values for ${} in this stage only.", json: jsonVars()},
		flagEntry("frozen", "Do not run the stage, whatever changes."),
		flagEntry("always_changed", "Run the stage every time."),
		textEntry("desc", "A description, for people."),
		anyEntry("meta", "Anything, for other programs."),
		{name: "matrix", check: matrixNode, doc: "One stage for each combination of these values, as ${item.NAME}.", json: map[string]any{
			"type": "object", "additionalProperties": jsonAny(jsonText(), map[string]any{"type": "array"}),
		}},
		our(entry{name: "env", check: envNode, doc: "Environment variables of the command. They count as inputs."}, map[string]any{
			"type": "object", "additionalProperties": jsonType("string", "number", "boolean"),
		}),
		our(textEntry("shell", "What the command is given to, such as bash -eu; /bin/sh where nothing is said."), nil),
		our(textEntry("timeout", "How long the command may take: 90s, 15m, 2h30m."), nil),
		our(entry{name: "retries", check: retriesNode, doc: "How often a failed command is tried again."}, jsonAny(
			jsonCount(), jsonObject([]entry{
				{name: "count", doc: "Tries after the first.", json: jsonCount()},
				textEntry("backoff", "The wait before the first retry, doubled before each further one."),
				textEntry("max_backoff", "The longest wait."),
				{name: "on", doc: "Exit codes after which to try again; any where nothing is said.", json: jsonAny(jsonCount(), jsonList(jsonCount()))},
			}))),
		our(entry{name: "resources", check: resourcesNode, doc: "What the stage needs of the machine while it runs."}, jsonObject([]entry{
			{name: "cpus", doc: "Processors.", json: jsonAny(map[string]any{"type": "number", "exclusiveMinimum": 0}, jsonTemplate())},
			{name: "memory", doc: "Memory: 512MiB, 4GiB, or bytes.", json: jsonAny(jsonText(), map[string]any{"type": "integer", "minimum": 1})},
			{name: "gpus", doc: "GPUs.", json: jsonCount()},
		})),
		our(entry{name: "pool", check: anyNode, doc: "Slots of pools that the stage takes while it runs: a name, or names with numbers."}, jsonAny(jsonText(), jsonSlots())),
		our(entry{name: "mutex", check: anyNode, doc: "Names of which no two stages that share one run at once."}, jsonAny(jsonText(), jsonList(jsonText()))),
		our(textEntry("executor", "What runs the stage: local."), nil),
		our(textEntry("image", "The container image, for executors that run one. It counts as an input."), nil),
	}
}

func outEntries(plot bool) []entry {
	out := []entry{
		flagEntry("cache", "false: kept in git, or nowhere, rather than in the store."),
		flagEntry("persist", "true: not removed before the stage runs."),
		flagEntry("push", "false: not pushed."),
		textEntry("remote", "The remote that it is pushed to."),
		textEntry("desc", "A description, for people."),
		textEntry("type", "What it is, such as model."),
		textsEntry("labels", "Labels, for other programs."),
		anyEntry("meta", "Anything, for other programs."),
		flagEntry("checkpoint", "Accepted for old files, and without effect."), // as in DVC
	}
	if plot {
		out = append(out,
			textEntry("template", "The template: linear, scatter, confusion and so on, or a file."),
			textEntry("x", "The column of the x axis."), textEntry("y", "The column of the y axis."),
			textEntry("x_label", "The text at the x axis."), textEntry("y_label", "The text at the y axis."),
			textEntry("title", "The title."), flagEntry("header", "false: the first line is no header."))
	}
	return out
}

func artifactEntries() []entry {
	return []entry{
		textEntry("path", "The file or directory, relative to this file."),
		textEntry("type", "What it is, such as model."),
		textEntry("desc", "A description, for people."),
		textsEntry("labels", "Labels, for other programs."),
		anyEntry("meta", "Anything, for other programs."),
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
