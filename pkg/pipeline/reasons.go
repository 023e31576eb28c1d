package pipeline

import (
	"fmt"
	"slices"

	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// inputReasons says how the inputs of a stage differ from those of its record.
// Upstream names the stage that made a path in this run, "" for none.
func inputReasons(s *stagefile.Stage, old, now *stagefile.Record, upstream func(path string) string) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if !slices.Equal(old.Cmd, now.Cmd) {
		say("command changed")
	}
	was := assetsByPath(old.Deps)
	is := assetsByPath(now.Deps)
	for _, d := range now.Deps {
		o, had := was[d.Path]
		switch by := upstream(d.Path); {
		case !had:
			say("dependency %s is new", d.Path)
		case o.ID == d.ID && o.Kind == d.Kind:
		case by != "":
			say("stage %s (upstream) ran and changed %s", by, d.Path)
		default:
			say("dependency %s changed", d.Path)
		}
	}
	for _, d := range old.Deps {
		if _, still := is[d.Path]; !still {
			say("dependency %s was removed", d.Path)
		}
	}
	out = append(out, paramReasons(old.Params, now.Params)...)
	for _, name := range sortedKeys(now.Env) {
		if v, had := old.Env[name]; !had {
			say("environment %s is new", name)
		} else if v != now.Env[name] {
			say("environment %s changed %s → %s", name, v, now.Env[name])
		}
	}
	for _, name := range sortedKeys(old.Env) {
		if _, still := now.Env[name]; !still {
			say("environment %s was removed", name)
		}
	}
	made := assetsByPath(old.Outs)
	for _, o := range s.Outs {
		if _, had := made[o.Path]; !had {
			say("output %s is new", o.Path)
		}
		delete(made, o.Path)
	}
	for _, p := range sortedKeys(made) {
		say("output %s is no longer declared", p)
	}
	return out
}

func paramReasons(old, now map[string]map[string]any) []string {
	var out []string
	for _, file := range sortedKeys(now) {
		out = append(out, valueReasons(file+":", old[file], now[file])...)
	}
	for _, file := range sortedKeys(old) {
		if _, still := now[file]; !still {
			out = append(out, valueReasons(file+":", old[file], nil)...)
		}
	}
	return out
}

// valueReasons says which values differ, each by prefix and key. Of a section
// that is one parameter it names the values in it.
func valueReasons(prefix string, old, now map[string]any) []string {
	var out []string
	for _, key := range sortedKeys(now) {
		name, after := prefix+key, paramfile.Encode(now[key])
		value, had := old[key]
		before := paramfile.Encode(value)
		if had && before == after {
			continue
		}
		a, b := leaves(value), leaves(now[key])
		switch {
		case !had:
			out = append(out, fmt.Sprintf("%s is new (%s)", name, after))
		case len(a) > 0 && len(b) > 0:
			out = append(out, valueReasons(name+".", a, b)...)
		default:
			out = append(out, fmt.Sprintf("%s changed %s → %s", name, before, after))
		}
	}
	for _, key := range sortedKeys(old) {
		if _, still := now[key]; !still {
			out = append(out, prefix+key+" was removed")
		}
	}
	return out
}

// leaves are the values of a section by key; nil of any other value.
func leaves(value any) map[string]any {
	m, ok := value.(*paramfile.Map)
	if !ok {
		return nil
	}
	values := map[string]any{}
	for _, e := range paramfile.Flatten(m) {
		values[e.Key] = e.Value
	}
	return values
}

// outReasons says how the outs on disk differ from those of the record. May
// those be missing, it says only which are others.
func outReasons(s *stagefile.Stage, old *stagefile.Record, on func(path string) (stagefile.Asset, bool), mayMiss bool) []string {
	var out []string
	made := assetsByPath(old.Outs)
	for _, o := range s.Outs {
		want, recorded := made[o.Path]
		if !recorded {
			continue // said by inputReasons
		}
		got, there := on(o.Path)
		switch {
		case !there && mayMiss:
		case !there:
			out = append(out, fmt.Sprintf("output %s is missing", o.Path))
		case got.ID != want.ID || got.Kind != want.Kind:
			out = append(out, fmt.Sprintf("output %s changed", o.Path))
		}
	}
	return out
}

func assetsByPath(list []stagefile.Asset) map[string]stagefile.Asset {
	m := make(map[string]stagefile.Asset, len(list))
	for _, a := range list {
		m[a.Path] = a
	}
	return m
}
