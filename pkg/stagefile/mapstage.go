package stagefile

import (
	"maps"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// mapStage is a stage with map and do: what its items are made of, once the
// list is known.
type mapStage struct {
	loader *loader
	pair   pair
	do     *yaml.Node
	list   string
}

// mapped adds the placeholder of a map stage: its one dependency is the list,
// its command is the template of those of its items.
func (l *loader) mapped(p pair, list, do *yaml.Node, seen map[string]bool) error {
	if err := l.checkDo(do); err != nil {
		return err
	}
	if err := checkHoles(list); err != nil {
		return err
	}
	if seen[p.name] {
		return at(p.key, "stage %s is there twice", p.name)
	}
	seen[p.name] = true
	b := &builder{Stage: Stage{Name: p.name, File: l.file.Path, Pos: Pos{p.key.Line, p.key.Column}, Wdir: l.file.Dir}, scope: *l.scope}
	var err error
	if b.Map, _, err = b.data(list, "map"); err != nil {
		return err
	}
	if IsExternal(b.Map) {
		return at(list, "map: %s: the list must be a file of the repository", b.Map)
	}
	b.Deps = []Dep{{Path: b.Map, Pos: Pos{list.Line, list.Column}}}
	body, err := pairs(do, "do")
	if err != nil {
		return err
	}
	cmd, _ := lookup(body, "cmd")
	b.Cmd, b.CmdIsList = rawTexts(cmd)
	if desc, ok := lookup(body, "desc"); ok {
		b.Desc = follow(desc).Value
	}
	b.MapOuts = outTemplates(body, b.Wdir)
	if l.file.mapStages == nil {
		l.file.mapStages = map[string]mapStage{}
	}
	l.file.mapStages[p.name] = mapStage{l, p, do, b.Map}
	l.file.Stages = append(l.file.Stages, b.Stage)
	return nil
}

// rawTexts are the texts of cmd before ${} is filled in.
func rawTexts(n *yaml.Node) (texts []string, isList bool) {
	if n = follow(n); n.Kind != yaml.SequenceNode {
		return []string{n.Value}, false
	}
	for _, x := range n.Content {
		texts = append(texts, follow(x).Value)
	}
	return texts, true
}

// outTemplates are the paths of the outs of a stage before ${} is filled in.
func outTemplates(body []pair, dir string) []string {
	if n, ok := lookup(body, "wdir"); ok {
		dir = rel(dir, follow(n).Value)
	}
	var out []string
	for _, section := range []string{"outs", "metrics", "plots"} {
		n, ok := lookup(body, section)
		if !ok {
			continue
		}
		for _, x := range follow(n).Content {
			if isText(x) {
				out = append(out, rel(dir, follow(x).Value))
				continue
			}
			for i := 0; i+1 < len(follow(x).Content); i += 2 {
				out = append(out, rel(dir, follow(x).Content[i].Value))
			}
		}
	}
	return out
}

// Expand makes the stages of the map stage name from the bytes of its list:
// a JSON, YAML or TOML list or mapping, whose items give stages as those of
// foreach do (name@item, name@key, or the index where an item is not a single
// value). The error is of kind errs.Usage; the file itself does not change.
func (f *File) Expand(name string, list []byte) ([]Stage, error) {
	m, ok := f.mapStages[name]
	if !ok {
		return nil, errs.New(errs.NotFound, "%s has no map stage %q", f.Path, name)
	}
	data, err := paramfile.Parse(m.list, list)
	if err != nil {
		return nil, errs.New(errs.Usage, "expand stage %s: %w", name, err)
	}
	return f.ExpandOver(name, data)
}

// ExpandOver is Expand for a list that is decoded already, as by paramfile.
func (f *File) ExpandOver(name string, data any) ([]Stage, error) {
	m, ok := f.mapStages[name]
	if !ok {
		return nil, errs.New(errs.NotFound, "%s has no map stage %q", f.Path, name)
	}
	l := *m.loader
	l.file = &File{Path: f.Path, Dir: f.Dir}
	l.problems, l.parsed = nil, maps.Clone(l.parsed)
	v := newValue(data, "", "", m.list)
	if v.isScalar() {
		return nil, errs.New(errs.Usage, "expand stage %s: expected a list or a mapping in %s, found a %s", name, m.list, paramfile.TypeName(data))
	}
	l.generate(m.pair, m.do, m.pair.key, loopOver(v), map[string]bool{})
	return l.file.Stages, l.source.fail(l.problems)
}
