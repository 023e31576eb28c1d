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
		for _, key := range sortedKeys(now[file]) {
			v, had := old[file][key]
			is := paramfile.Encode(now[file][key])
			if !had {
				out = append(out, fmt.Sprintf("%s:%s is new (%s)", file, key, is))
			} else if was := paramfile.Encode(v); was != is {
				out = append(out, fmt.Sprintf("%s:%s changed %s → %s", file, key, was, is))
			}
		}
	}
	for _, file := range sortedKeys(old) {
		for _, key := range sortedKeys(old[file]) {
			if _, still := now[file][key]; !still {
				out = append(out, fmt.Sprintf("%s:%s was removed", file, key))
			}
		}
	}
	return out
}

// outReasons says how the outs on disk differ from those of the record.
func outReasons(s *stagefile.Stage, old *stagefile.Record, on func(path string) (stagefile.Asset, bool)) []string {
	var out []string
	made := assetsByPath(old.Outs)
	for _, o := range s.Outs {
		want, recorded := made[o.Path]
		if !recorded {
			continue // said by inputReasons
		}
		got, there := on(o.Path)
		switch {
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
