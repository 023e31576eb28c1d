package dvc

import (
	"fmt"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// Lock is the content of a dvc.lock.
type Lock struct {
	Stages   []Stage        // in the order of the file
	Datasets map[string]any // by name: the whole entry as paramfile decodes it
}

// Stage is what a stage read and wrote when it last ran. Its paths are relative
// to its working directory.
type Stage struct {
	Name   string
	Cmd    []string // one, or those of a list
	IsList bool
	Deps   []Out
	Params map[string]map[string]any // file → key path → value as paramfile decodes it
	Outs   []Out
}

// Stage returns the entry of that name.
func (l *Lock) Stage(name string) (Stage, bool) {
	for _, s := range l.Stages {
		if s.Name == name {
			return s, true
		}
	}
	return Stage{}, false
}

// ParseLock reads a dvc.lock. Name is its path, for errors.
func ParseLock(name string, text []byte) (*Lock, error) {
	v, err := paramfile.ParseYAML(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w: %w", name, ErrFormat, err)
	}
	top := asMapping(v, name, &err)
	stages := top.get("stages")
	if !top.has("schema") && !top.has("stages") && top.m != nil {
		stages = v // version 1: the stages are at the top
	}
	l := &Lock{Datasets: map[string]any{}}
	for _, item := range top.list("datasets") {
		d := asMapping(item, name+": datasets", &err)
		l.Datasets[d.text("name")] = item
	}
	if stages == nil {
		return l, err
	}
	all := asMapping(stages, name+": stages", &err)
	if all.m == nil {
		return nil, err
	}
	for _, key := range all.m.Keys() {
		l.Stages = append(l.Stages, parseStage(key, all.get(key), name, &err))
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// ParseStage reads an entry of the run cache.
func ParseStage(name string, text []byte) (Stage, error) {
	v, err := paramfile.ParseYAML(text)
	if err != nil {
		return Stage{}, fmt.Errorf("read %s: %w: %w", name, ErrFormat, err)
	}
	s := parseStage("", v, name, &err)
	return s, err
}

func parseStage(name string, v any, file string, err *error) Stage {
	what := file + ": " + name
	m := asMapping(v, what, err)
	s := Stage{Name: name, Params: map[string]map[string]any{}}
	switch cmd := m.get("cmd").(type) {
	case string:
		s.Cmd = []string{cmd}
	case []any:
		s.IsList = true
		for _, c := range cmd {
			s.Cmd = append(s.Cmd, paramfile.Text(c))
		}
	case nil:
	default:
		fail(err, "%s: cmd is neither text nor a list", what)
	}
	for _, item := range m.list("deps") {
		s.Deps = append(s.Deps, parseOut(item, what+": deps", err))
	}
	for _, item := range m.list("outs") {
		s.Outs = append(s.Outs, parseOut(item, what+": outs", err))
	}
	if v := m.get("params"); v != nil {
		files := asMapping(v, what+": params", err)
		if files.m != nil {
			for _, file := range files.m.Keys() {
				s.Params[file] = values(files.get(file), what, err)
			}
		}
	}
	return s
}

func values(v any, what string, err *error) map[string]any {
	out := map[string]any{}
	if v == nil {
		return out
	}
	m := asMapping(v, what+": params", err)
	if m.m == nil {
		return out
	}
	for _, key := range m.m.Keys() {
		out[key] = m.get(key)
	}
	return out
}
