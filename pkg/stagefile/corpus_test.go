package stagefile_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// expectation is what DVC made of a case, as far as this test looks at it.
type expectation struct {
	Stages      map[string]map[string]any `json:"stages"`
	FileErrors  map[string]any            `json:"file_errors"`
	StageErrors map[string]any            `json:"stage_errors"`
}

// TestCorpus resolves real dvc.yaml files and compares every stage with what
// DVC itself resolved.
func TestCorpus(t *testing.T) {
	t.Parallel()
	const corpus = "../../../shared/corpus/dvc"
	cases, err := filepath.Glob(corpus + "/*/expected.json")
	if err != nil || len(cases) == 0 {
		t.Skip("SKIPPED: the corpus of DVC projects is not beside this repository")
	}
	for _, file := range cases {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			compareCase(t, dir)
		})
	}
}

func compareCase(t *testing.T, dir string) {
	var want expectation
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&want); err != nil {
		t.Fatal(err)
	}
	got, failed := map[string]map[string]any{}, map[string]bool{}
	root := os.DirFS(dir)
	err = fs.WalkDir(root, ".", func(p string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Base(p) != "dvc.yaml" {
			return err
		}
		f, err := stagefile.Load(func(p string) ([]byte, error) { return fs.ReadFile(root, p) }, p)
		if err != nil {
			failed[p] = true
			if want.FileErrors[p] == nil {
				t.Errorf("%s: %v", p, err)
			}
		}
		for i := range f.Stages {
			s := &f.Stages[i]
			got[s.Address()] = asExpected(s)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for p := range want.FileErrors {
		ofLock := strings.Contains(fmt.Sprint(want.FileErrors[p]), "dvc.lock'") // which is not read here
		if !failed[p] && filepath.Base(p) == "dvc.yaml" && !ofLock {
			t.Errorf("%s was accepted, DVC says %v", p, want.FileErrors[p])
		}
	}
	for key := range want.StageErrors {
		if got[key] != nil {
			t.Errorf("stage %s was accepted", key)
		}
	}
	seen := map[string]bool{}
	for name, w := range want.Stages {
		file, _ := w["file"].(string)
		if strings.HasSuffix(file, ".dvc") {
			continue
		}
		delete(w, "lock")
		seen[name] = true
		compareStage(t, name, normal(w), normal(got[name]))
	}
	if _, err := os.Stat(filepath.Join(dir, ".dvcignore")); err == nil {
		return // which files are read is up to whoever walks the directories
	}
	for name := range got {
		if !seen[name] && len(want.FileErrors) == 0 && want.Stages[name] == nil {
			t.Errorf("stage %s: DVC has none", name)
		}
	}
}

func compareStage(t *testing.T, name string, want, got any) {
	t.Helper()
	w, g := want.(map[string]any), map[string]any{}
	if m, ok := got.(map[string]any); ok {
		g = m
	}
	keys := map[string]bool{}
	for k := range w {
		keys[k] = true
	}
	for k := range g {
		keys[k] = true
	}
	for k := range keys {
		if !reflect.DeepEqual(w[k], g[k]) {
			t.Errorf("stage %s: %s\n got %v\nwant %v", name, k, g[k], w[k])
		}
	}
}

// normal makes values comparable: numbers as text, params keys as sets.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return nil
		}
		out := map[string]any{}
		for k, x := range v {
			out[k] = normal(x)
			if m, ok := x.(map[string]any); ok && k == "params" {
				for file, keys := range m {
					out[k].(map[string]any)[file] = set(keys)
				}
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = normal(v[i])
		}
		return out
	case json.Number:
		return v.String()
	case nil:
		return nil
	default:
		return v
	}
}

func set(keys any) any {
	list, _ := keys.([]any)
	if list == nil {
		return nil
	}
	m := map[string]bool{}
	for _, k := range list {
		m[fmt.Sprint(k)] = true
	}
	out := []string{}
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return fmt.Sprint(out)
}

// asExpected writes a stage in the manner of expected.json.
func asExpected(s *stagefile.Stage) map[string]any {
	out := map[string]any{"file": s.File, "wdir": s.Wdir, "cmd": s.Cmd[0]}
	put := func(key string, v any, is bool) {
		if is {
			out[key] = v
		}
	}
	if s.CmdIsList {
		list := []any{}
		for _, c := range s.Cmd {
			list = append(list, c)
		}
		out["cmd"] = list
	}
	deps := []string{}
	for _, d := range s.Deps {
		deps = append(deps, d.Path)
	}
	sort.Strings(deps)
	put("deps", anys(deps), len(deps) > 0)
	outs := append([]stagefile.Out(nil), s.Outs...)
	sort.SliceStable(outs, func(i, j int) bool { return outs[i].Path < outs[j].Path })
	list := []any{}
	for _, o := range outs {
		list = append(list, outAsExpected(o))
	}
	put("outs", list, len(list) > 0)
	params := map[string]any{}
	for file, keys := range s.Params {
		if keys == nil {
			params[file] = nil
			continue
		}
		params[file] = anys(keys)
	}
	put("params", params, len(params) > 0)
	put("frozen", true, s.Frozen)
	put("always_changed", true, s.AlwaysChanged)
	put("desc", s.Desc, s.Desc != "")
	put("meta", jsonOf(s.Meta), s.Meta != nil)
	put("group", s.Group, s.Group != "")
	used := map[string]any{}
	for file, m := range s.Used {
		values := map[string]any{}
		for k, v := range m {
			values[k] = jsonOf(v)
		}
		used[file] = values
	}
	put("tracked_vars", used, len(used) > 0)
	return out
}

func outAsExpected(o stagefile.Out) map[string]any {
	out := map[string]any{"path": o.Path}
	put := func(key string, v any, is bool) {
		if is {
			out[key] = v
		}
	}
	put("cache", false, o.NoCache)
	put("persist", true, o.Persist)
	put("push", false, o.NoPush)
	put("remote", o.Remote, o.Remote != "")
	put("desc", o.Desc, o.Desc != "")
	put("type", o.Type, o.Type != "")
	put("labels", anys(o.Labels), len(o.Labels) > 0)
	put("meta", jsonOf(o.Meta), o.Meta != nil)
	put("metric", true, o.Metric)
	put("plot", true, o.Plot)
	if len(o.Props) > 0 {
		p := o.Props[0]
		props := map[string]any{}
		for k, v := range map[string]string{"template": p.Template, "x": p.X, "y": p.Y, "x_label": p.XLabel, "y_label": p.YLabel, "title": p.Title} {
			if v != "" {
				props[k] = v
			}
		}
		if p.Header != nil {
			props["header"] = *p.Header
		}
		out["plot"] = props
	}
	return out
}

func anys(in []string) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = s
	}
	return out
}

func jsonOf(v any) any {
	if f, ok := v.(float64); ok && math.IsInf(f, 0) {
		return map[string]any{"__float__": paramfile.Text(f)}
	}
	dec := json.NewDecoder(strings.NewReader(paramfile.Encode(v)))
	dec.UseNumber()
	var out any
	if err := dec.Decode(&out); err != nil {
		return errors.Join(err)
	}
	return out
}
