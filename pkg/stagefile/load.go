package stagefile

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// paramsName is the parameter file that every pipeline file reads, when it is
// there, and that keys without a file belong to.
const paramsName = "params.yaml"

// Load reads the pipeline file at name and the parameter files it uses, and
// resolves its templates. Of a pointer it says what data it names. The error is of kind errs.Usage and shows every
// problem with file, line, column and the line itself; the File then holds the
// stages that are good.
func Load(read ReadFunc, name string) (*File, error) {
	if IsPointer(name) {
		return loadPointer(read, name)
	}
	text, err := read(name)
	if err != nil {
		return nil, fmt.Errorf("read pipeline %s: %w", name, err)
	}
	l := &loader{
		file:   &File{Path: name, Dir: path.Dir(name)},
		source: newSource(name, text),
		read:   read,
		dvc:    path.Base(name) != FileName,
		parsed: map[string]parsed{},
	}
	doc, err := paramfile.YAMLDocument(text)
	switch {
	case err != nil:
		l.problems = append(l.problems, l.source.syntax(err))
	case doc != nil && !isNull(doc):
		if err := l.load(doc); err != nil {
			l.problems = append(l.problems, asProblem(err, doc))
		}
	}
	return l.file, l.source.fail(l.problems)
}

type loader struct {
	file     *File
	source   *source
	read     ReadFunc
	dvc      bool // the file follows DVC's schema only
	scope    *scope
	parsed   map[string]parsed // parameter files read so far
	problems []*problem
	schema   []entry // of a stage, once it was asked for
}

type parsed struct {
	value any
	err   error
}

// values reads a parameter file once.
func (l *loader) values(name string) (any, error) {
	if p, ok := l.parsed[name]; ok {
		return p.value, p.err
	}
	var p parsed
	text, err := l.read(name)
	if err != nil {
		p.err = err
	} else {
		p.value, p.err = paramfile.Parse(name, text)
	}
	l.parsed[name] = p
	return p.value, p.err
}

func (l *loader) load(doc *yaml.Node) error {
	top, err := checkMap(doc, "", fileEntries(), l.dvc)
	if err != nil {
		return err
	}
	if err := l.openScope(top); err != nil {
		return err
	}
	if n, ok := lookup(top, "stages"); ok {
		if err := l.stages(n); err != nil {
			return err
		}
	}
	return l.sections(top)
}

// openScope gathers params.yaml and vars.
func (l *loader) openScope(top []pair) error {
	options, err := l.dvcFiles()
	if err != nil {
		return &problem{text: err.Error(), hints: errs.Hints(err), whole: true}
	}
	l.scope = &scope{
		root:    &value{dict: map[string]*value{}},
		loaded:  map[string][]string{},
		files:   l.values,
		options: options,
		dvc:     l.dvc,
	}
	err = l.scope.load(paramsName, l.file.Dir)
	if _, missing := l.values(path.Join(l.file.Dir, paramsName)); err != nil && !errors.Is(missing, fs.ErrNotExist) {
		return err
	}
	n, ok := lookup(top, "vars")
	if !ok {
		return nil
	}
	return l.vars(l.scope, n, l.file.Dir, "vars")
}

// vars merges the entries of a vars list into the scope.
func (l *loader) vars(s *scope, n *yaml.Node, dir, what string) error {
	if err := noHoles(n, what); err != nil {
		return err
	}
	list, err := items(n, what)
	if err != nil {
		return err
	}
	for i, x := range list {
		if isText(x) {
			err = s.load(follow(x).Value, dir)
		} else {
			var v any
			if v, err = paramfile.FromYAML(x); err == nil {
				err = s.merge(s.value(v, "", fmt.Sprintf("%s[%d]", what, i)))
			}
		}
		if err != nil {
			return asProblem(err, x)
		}
	}
	return nil
}

// stages loads every stage; problems of one do not hide the others.
func (l *loader) stages(n *yaml.Node) error {
	ps, err := pairs(n, "stages")
	if err != nil {
		return err
	}
	if err := textKeys(ps, "the name of a stage"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, p := range ps {
		if err := l.definition(p, seen); err != nil {
			l.fail(p.name, asProblem(err, p.key))
		}
	}
	return nil
}

func (l *loader) fail(stage string, p *problem) {
	if p.stage == "" {
		p.stage = stage
	}
	l.problems = append(l.problems, p)
}

// definition loads a stage, or every stage of a foreach or matrix.
func (l *loader) definition(p pair, seen map[string]bool) error {
	switch {
	case p.name == "":
		return at(p.key, "a stage without a name")
	case strings.Contains(p.name, "@"):
		return at(p.key, "the name of a stage may not hold @").hint("@ parts the name of a foreach or matrix stage from its key")
	}
	body, err := pairs(p.val, "")
	if err != nil {
		return err
	}
	loop, isLoop := lookup(body, "foreach")
	do, hasDo := lookup(body, "do")
	if list, isMap := lookup(body, "map"); isMap && !isLoop && !l.dvc {
		if _, err := checkMap(p.val, "map", []entry{{name: "map", check: textNode}, {name: "do", check: anyNode}}, false); err != nil {
			return err
		}
		if !hasDo {
			return at(p.key, "map and do belong together")
		}
		return l.mapped(p, list, do, seen)
	}
	if n, ok := lookup(body, "matrix"); ok && hasDo && !isLoop {
		return at(n, "matrix and do do not go together").hint("write cmd, deps and outs beside matrix")
	}
	if isLoop || hasDo {
		if _, err := checkMap(p.val, "foreach", []entry{{name: "foreach", check: anyNode}, {name: "do", check: anyNode}}, false); err != nil {
			return err
		}
		if !isLoop || !hasDo {
			return at(p.key, "foreach and do belong together")
		}
		return l.foreach(p, loop, do, seen)
	}
	if err := l.checkStage(p.key, p.val); err != nil {
		return err
	}
	if n, ok := lookup(body, "matrix"); ok {
		return l.matrix(p, n, seen)
	}
	return l.stage(p.name, "", p.key, p.val, nil, seen)
}

// checkStage checks the mapping of a stage before any ${} is resolved.
func (l *loader) checkStage(key, n *yaml.Node) error {
	if l.schema == nil {
		l.schema = stageEntries(l.dvc)
	}
	ps, err := checkMap(n, "", l.schema, l.dvc)
	if err != nil {
		return err
	}
	if _, ok := lookup(ps, "cmd"); !ok {
		return at(key, "the stage has no cmd")
	}
	return checkHoles(n)
}

// each is one stage that a loop makes.
type each struct {
	key  string
	loop map[string]*value
}

func (l *loader) foreach(p pair, data, do *yaml.Node, seen map[string]bool) error {
	if err := l.checkDo(do); err != nil {
		return err
	}
	if err := checkHoles(data); err != nil {
		return err
	}
	v, err := l.loopData(data)
	if err != nil {
		return err
	}
	if v.isScalar() {
		return at(data, "foreach: expected a list or a mapping, found a %s", paramfile.TypeName(v.scalar))
	}
	l.generate(p, do, data, loopOver(v), seen)
	return nil
}

// loopData resolves what a loop goes over.
func (l *loader) loopData(n *yaml.Node) (*value, error) {
	v, err := l.scope.resolve(n, 0)
	if err != nil {
		return nil, asProblem(err, n)
	}
	if err := l.scope.noDates(v); err != nil {
		return nil, asProblem(err, n)
	}
	if key := wholeKey(n); key != nil && l.dvc {
		return nil, at(key, "%s: a dvc.yaml cannot take the key of a loop from a value", key.Value).hint("write ${} inside a text: 'x-%s'", key.Value)
	}
	return v, nil
}

// wholeKey finds a key that is one ${}, which DVC cannot use in a loop.
func wholeKey(n *yaml.Node) *yaml.Node {
	n = follow(n)
	for i, x := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if isWhole(follow(x)) {
				return x
			}
			continue
		}
		if bad := wholeKey(x); bad != nil {
			return bad
		}
	}
	return nil
}

func isWhole(n *yaml.Node) bool {
	found := holes(n.Value)
	return n.Kind == yaml.ScalarNode && len(found) == 1 && found[0].end-found[0].start == len(n.Value)
}

// checkDo checks the stage that foreach or map repeats.
func (l *loader) checkDo(do *yaml.Node) error {
	if err := l.checkStage(do, do); err != nil {
		return err
	}
	body, err := pairs(do, "do")
	if err != nil {
		return err
	}
	if m, ok := lookup(body, "matrix"); ok && !l.dvc { // DVC does not look at it
		return at(m, "matrix may not stand inside do")
	}
	return nil
}

// loopOver makes a loop's steps of a list or a mapping. Items of a list are
// named by their text, or by their index when one of them is no single value.
func loopOver(v *value) []each {
	var todo []each
	if v.dict != nil {
		for _, k := range v.keys {
			todo = append(todo, each{k, map[string]*value{"item": v.dict[k], "key": {scalar: k}}})
		}
		return todo
	}
	byIndex := false
	for _, x := range v.list {
		byIndex = byIndex || !x.isPlain()
	}
	for i, x := range v.list {
		key := nameText(x)
		if byIndex {
			key = fmt.Sprint(i)
		}
		todo = append(todo, each{key, map[string]*value{"item": x}})
	}
	return todo
}

func (l *loader) matrix(p pair, n *yaml.Node, seen map[string]bool) error {
	v, err := l.loopData(n)
	if err != nil {
		return err
	}
	todo := []each{{"", map[string]*value{"item": {dict: map[string]*value{}}}}}
	for _, axis := range v.keys {
		list := v.dict[axis]
		if l.dvc {
			list = list.iterate(isWholeAxis(n, axis))
		}
		if list.list == nil {
			return at(n, "matrix: axis %s: expected a list, found a %s", axis, paramfile.TypeName(list.plain()))
		}
		next := make([]each, 0, len(todo)*len(list.list))
		for _, e := range todo {
			for i, x := range list.list {
				next = append(next, e.with(axis, i, x))
			}
		}
		if todo = next; len(todo) > 100_000 {
			return at(n, "matrix: more than 100,000 stages")
		}
	}
	for _, e := range todo {
		e.loop["key"] = &value{scalar: e.key}
	}
	l.generate(p, p.val, n, todo, seen)
	return nil
}

// iterate is v as Python goes over it: the keys of a mapping, the characters of
// a text that is not a value of its own.
func (v *value) iterate(own bool) *value {
	var items []*value
	switch text, isText := v.scalar.(string); {
	case v.dict != nil:
		for _, k := range v.keys {
			items = append(items, &value{scalar: k})
		}
	case isText && !own:
		for _, r := range text {
			items = append(items, &value{scalar: string(r)})
		}
	default:
		return v
	}
	return &value{list: items}
}

// isWholeAxis reports whether the axis of a matrix is written as one ${}.
func isWholeAxis(n *yaml.Node, axis string) bool {
	ps, err := pairs(n, "matrix")
	if err != nil {
		return false
	}
	x, ok := lookup(ps, axis)
	return ok && isWhole(follow(x))
}

// with adds a value of one more axis to a combination.
func (e each) with(axis string, i int, x *value) each {
	item := e.loop["item"].clone()
	item.dict[axis] = x
	item.keys = append(item.keys, axis)
	part := nameText(x)
	if !x.isPlain() {
		part = fmt.Sprintf("%s%d", axis, i)
	}
	if len(item.keys) > 1 {
		part = e.key + "-" + part
	}
	return each{part, map[string]*value{"item": item}}
}

// nameText is a loop's value inside the name of a stage. Booleans that come
// from a parameter file are spelled as Python spells them, as DVC does.
func nameText(v *value) string {
	if b, ok := v.scalar.(bool); ok && v.origin != "" {
		return pythonBool(b)
	}
	return paramfile.Text(v.scalar)
}

// generate makes the stages of a loop. A key that comes again replaces the
// stage made before.
func (l *loader) generate(p pair, body, data *yaml.Node, todo []each, seen map[string]bool) {
	last := map[string]int{}
	for i, e := range todo {
		last[e.key] = i
	}
	for i, e := range todo {
		if last[e.key] != i {
			continue
		}
		name := p.name + "@" + e.key
		var err error
		switch {
		case e.key == "":
			err = at(data, "an empty item gives a stage without a name")
		case strings.Contains(e.key, "@"):
			err = at(data, "key %q: the name of a stage may not hold a second @", e.key)
		default:
			err = l.stage(name, p.name, p.key, body, e.loop, seen)
		}
		if err != nil {
			l.fail(name, asProblem(err, p.key))
		}
	}
}
