package stagefile

import (
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/ignore"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// stage resolves the body of one stage and adds it to the file.
func (l *loader) stage(name, group string, key, body *yaml.Node, loop map[string]*value, seen map[string]bool) error {
	if seen[name] {
		return at(key, "stage %s is there twice", name)
	}
	seen[name] = true
	ps, err := pairs(body, "")
	if err != nil {
		return err
	}
	b := &builder{Stage: Stage{Name: name, File: l.file.Path, Group: group, Pos: Pos{key.Line, key.Column}}, scope: *l.scope}
	b.scope.loop = loop
	if err := b.setWdir(ps, l.file.Dir); err != nil {
		return err
	}
	if n, ok := lookup(ps, "vars"); ok {
		b.scope = *b.scope.clone()
		if err := l.vars(&b.scope, n, b.Wdir, name+".vars"); err != nil {
			return err
		}
	}
	b.scope.used = map[string]map[string]any{}
	if err := b.setWdir(ps, l.file.Dir); err != nil { // again, to note what it used
		return err
	}
	for _, p := range ps {
		if err := b.set(p); err != nil {
			return asProblem(err, p.val)
		}
	}
	if len(b.scope.used) > 0 {
		b.Used = b.scope.used
	}
	l.file.Stages = append(l.file.Stages, b.Stage)
	return nil
}

type builder struct {
	Stage
	scope scope
}

func (b *builder) setWdir(ps []pair, dir string) error {
	b.Wdir = dir
	n, ok := lookup(ps, "wdir")
	if !ok {
		return nil
	}
	if v, err := b.scope.scalar(n, "wdir"); err == nil && v == nil {
		return nil
	}
	text, err := b.scope.name(n, "wdir")
	if err != nil {
		return err
	}
	b.Wdir = rel(dir, text)
	return nil
}

func (b *builder) set(p pair) error {
	var err error
	switch p.name {
	case "cmd":
		return b.setCmd(p.val)
	case "deps":
		return b.setDeps(p.val)
	case "params":
		return b.setParams(p.val)
	case "outs", "metrics", "plots":
		return b.setOuts(p.name, p.val)
	case "env":
		return b.setEnv(p.val)
	case "frozen":
		b.Frozen = flag(p.val)
	case "always_changed":
		b.AlwaysChanged = flag(p.val)
	case "desc":
		b.Desc, err = b.typed(&b.raw, "desc", p.val)
		if b.Desc == "" && err == nil {
			note(&b.raw, "desc", "") // DVC tells an empty one from none
		}
	case "shell":
		b.Shell, err = b.scope.text(p.val, "shell")
	case "timeout":
		return b.setTimeout(p.val)
	case "retries":
		return b.setRetries(p.val)
	case "resources":
		return b.setResources(p.val)
	case "pool":
		return b.setPool(p.val)
	case "mutex":
		return b.setMutex(p.val)
	case "executor":
		b.Executor, err = b.scope.text(p.val, "executor")
	case "image":
		b.Image, err = b.scope.text(p.val, "image")
	case "meta":
		b.Meta, err = b.any(p.val, "meta")
	}
	return err
}

// flag is the value of a node that flagNode has passed.
func flag(n *yaml.Node) bool {
	v, ok := paramfile.Scalar(follow(n)).(bool)
	return ok && v
}

// typed resolves a text; a value of another type is kept in raw for JSON.
func (b *builder) typed(raw *map[string]any, key string, n *yaml.Node) (string, error) {
	v, err := b.scope.scalar(n, key)
	if err != nil {
		return "", err
	}
	text, ok := v.(string)
	if ok {
		return text, nil
	}
	note(raw, key, v)
	return paramfile.Text(v), nil
}

func note(raw *map[string]any, key string, v any) {
	if *raw == nil {
		*raw = map[string]any{}
	}
	(*raw)[key] = v
}

// any resolves a free value, in which ${} may name scalars only.
func (b *builder) any(n *yaml.Node, what string) (any, error) {
	v, err := b.scope.resolve(n, 0)
	if err != nil {
		return nil, err
	}
	if bad := firstComposite(n, v); bad != nil {
		return nil, at(bad, "%s: %s is not a single value", what, follow(bad).Value)
	}
	return v.plain(), nil
}

// firstComposite finds a scalar node that became a mapping or a list.
func firstComposite(n *yaml.Node, v *value) *yaml.Node {
	n = follow(n)
	switch {
	case n.Kind == yaml.ScalarNode && !v.isScalar():
		return n
	case n.Kind == yaml.SequenceNode:
		for i, x := range n.Content {
			if bad := firstComposite(x, v.list[i]); bad != nil {
				return bad
			}
		}
	case n.Kind == yaml.MappingNode:
		ps, err := pairs(n, "")
		if err != nil {
			return nil
		}
		for i, p := range ps {
			if bad := firstComposite(p.val, v.dict[v.keys[i]]); bad != nil {
				return bad
			}
		}
	}
	return nil
}

func (b *builder) setCmd(n *yaml.Node) error {
	list := []*yaml.Node{n}
	if m := follow(n); m.Kind == yaml.SequenceNode {
		list, b.CmdIsList = m.Content, true
	}
	var values []any
	for _, x := range list {
		text, v, err := b.command(x)
		if err != nil {
			return asProblem(err, x)
		}
		b.Cmd, values = append(b.Cmd, text), append(values, v)
	}
	for _, v := range values {
		if _, isText := v.(string); isText {
			continue
		}
		if v = any(values); !b.CmdIsList {
			v = values[0]
		}
		note(&b.raw, "cmd", v)
		break
	}
	return nil
}

// command resolves one command: its text, and what DVC takes it for, which is
// no text where the command is one ${} that names another value.
func (b *builder) command(n *yaml.Node) (string, any, error) {
	if !isText(n) {
		v, err := b.any(n, "cmd")
		return paramfile.Text(v), v, err
	}
	n = follow(n)
	text, err := b.scope.command(n.Value)
	if err != nil || !isWhole(n) {
		return text, text, err
	}
	v, err := b.scope.expand(n.Value)
	if err != nil {
		return "", nil, err
	}
	return text, v.plain(), nil
}

func (b *builder) setDeps(n *yaml.Node) error {
	for _, x := range follow(n).Content {
		p, text, err := b.data(x, "deps")
		if err != nil {
			return err
		}
		b.Deps = append(b.Deps, Dep{Path: p, Text: text, Pos: Pos{x.Line, x.Column}, Glob: !b.scope.dvc && !IsExternal(p) && ignore.HasMeta(p)})
	}
	return nil
}

// data resolves a node to the path of data, relative to the root, and to its text.
func (b *builder) data(n *yaml.Node, what string) (p, text string, err error) {
	if p, text, err = b.path(n, what); err != nil {
		return "", "", err
	}
	if base := path.Base(text); strings.HasSuffix(text, ".dvc") || base == DVCFileName || base == FileName {
		return "", "", at(n, "%s: %s describes data or stages and cannot be data itself", what, text)
	}
	return p, text, nil
}

// path resolves a node to a path relative to the root, and to its text.
func (b *builder) path(n *yaml.Node, what string) (p, text string, err error) {
	text, err = b.scope.name(n, what)
	if err != nil {
		return "", "", err
	}
	if text == "" {
		return "", "", at(n, "%s: an empty path", what)
	}
	if name, ok := strings.CutPrefix(text, remoteScheme); ok && b.scope.dvc {
		name, _, _ = strings.Cut(name, "/")
		if !slices.Contains(b.scope.options.remotes, name) {
			return "", "", at(n, "%s: DVC's settings name no remote %q", what, name).nearest(name, b.scope.options.remotes)
		}
	}
	return rel(b.Wdir, text), text, nil
}

// remoteScheme begins paths in a remote of DVC.
const remoteScheme = "remote://"

// rel makes p, which is written relative to dir, relative to the root.
// Absolute paths and URLs stay as they are.
func rel(dir, p string) string {
	if IsExternal(p) {
		return p
	}
	return path.Join(dir, p)
}

// IsExternal reports whether p is an absolute path or a URL.
func IsExternal(p string) bool {
	if path.IsAbs(p) {
		return true
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	scheme, after, ok := strings.Cut(p, ":")
	if !ok || scheme == "" || !strings.Contains(letters, scheme[:1]) {
		return false
	}
	if len(scheme) == 1 {
		return strings.HasPrefix(after, `\`) || strings.HasPrefix(after, "/")
	}
	return strings.HasPrefix(after, "//") && strings.Trim(scheme, letters+"0123456789+.-") == ""
}

func (b *builder) setParams(n *yaml.Node) error {
	if b.Params == nil {
		b.Params = map[string][]string{}
	}
	for _, x := range follow(n).Content {
		if isText(x) {
			key, err := b.scope.name(x, "params")
			if err != nil {
				return err
			}
			b.addParams(rel(b.Wdir, paramsName), []string{key})
			continue
		}
		ps, err := pairs(x, "params")
		if err != nil {
			return err
		}
		for _, p := range ps {
			file := rel(b.Wdir, paramsName)
			if !isNull(p.key) {
				if file, _, err = b.path(p.key, "params"); err != nil {
					return err
				}
			}
			var keys []string
			if m := follow(p.val); m.Kind == yaml.SequenceNode {
				for _, k := range m.Content {
					key, err := b.scope.scalar(k, "params")
					if err != nil {
						return err
					}
					if yes, ok := key.(bool); ok { // as Python writes it
						key = pythonBool(yes)
					}
					keys = append(keys, paramfile.Text(key))
				}
			}
			b.addParams(file, keys)
		}
	}
	return nil
}

// addParams adds keys of a file; none stands for the whole file, which
// swallows keys.
func (b *builder) addParams(file string, keys []string) {
	had, ok := b.Params[file]
	if len(keys) == 0 || (ok && had == nil) {
		b.Params[file] = nil
		return
	}
	for _, k := range keys {
		if !slices.Contains(had, k) {
			had = append(had, k)
		}
	}
	b.Params[file] = had
}

func (b *builder) setEnv(n *yaml.Node) error {
	ps, err := pairs(n, "env")
	if err != nil {
		return err
	}
	b.Env = make(map[string]string, len(ps))
	for _, p := range ps {
		if b.Env[p.name], err = b.scope.text(p.val, "env "+p.name); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) setTimeout(n *yaml.Node) error {
	text, err := b.scope.text(n, "timeout")
	if err != nil {
		return err
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return at(n, "timeout: %q is not a duration", text).hint("write it as 90s, 15m or 2h30m")
	}
	b.Timeout = d
	return nil
}
