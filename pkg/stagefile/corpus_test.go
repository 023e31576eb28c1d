package stagefile_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// expectation is what DVC made of a case, as far as this test looks at it.
type expectation struct {
	Stages      map[string]map[string]any `json:"stages"`
	FileErrors  map[string]any            `json:"file_errors"`
	StageErrors map[string]any            `json:"stage_errors"`
	Error       string                    `json:"error"` // of the project as a whole
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
	t.Helper()
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
			if want.FileErrors[p] == nil && want.Error == "" {
				t.Errorf("%s: %v", p, err)
			}
		}
		for i := range f.Stages {
			s := &f.Stages[i]
			got[s.Address()] = asExpected(t, s)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for p := range want.FileErrors {
		if !failed[p] && filepath.Base(p) == "dvc.yaml" {
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
	if _, err := os.Stat(filepath.Join(dir, ".dvcignore")); err == nil || want.Error != "" {
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

// asExpected is the stage as its JSON says.
func asExpected(t *testing.T, s *stagefile.Stage) map[string]any {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	out := map[string]any{}
	if err := dec.Decode(&out); err != nil {
		t.Fatal(err)
	}
	delete(out, "name")
	return out
}
