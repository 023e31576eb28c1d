package pipeline_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// answer is what DVC makes of a project; testdata/dvc/record.py says how it
// was recorded.
type answer struct {
	Stages       map[string]map[string]any `json:"stages"`
	Edges        map[string][]string       `json:"edges"`
	FileErrors   map[string]any            `json:"file_errors"`
	GraphError   any                       `json:"graph_error"`
	Error        string                    `json:"error"`
	TopMetrics   map[string][]any          `json:"top_metrics"`
	TopParams    map[string][]any          `json:"top_params"`
	TopPlots     map[string][]any          `json:"top_plots"`
	TopArtifacts map[string]map[string]any `json:"top_artifacts"`
	TopDatasets  map[string][]any          `json:"top_datasets"`
}

// meant are the projects of testdata/dvc that we take otherwise than DVC, as
// docs/dvc.md says.
func meant() map[string]string {
	return map[string]string{
		"yaml-directive-11":            "YAML 1.1 is refused",
		"py-broken":                    "a line of Python that is no assignment is passed over",
		"config-remote-unknown-scheme": "a remote that only a plugin of DVC reads is let be",
	}
}

// TestDVCProjects resolves small projects, made for this test, and real ones,
// and compares with what DVC itself made of them.
func TestDVCProjects(t *testing.T) {
	t.Parallel()
	made, err := filepath.Glob("testdata/dvc/*.txtar")
	if err != nil || len(made) == 0 {
		t.Fatal("no projects", err)
	}
	for _, file := range made {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if meant()[name] != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string][]byte{}
			for _, f := range a.Files {
				files[f.Name] = f.Data
			}
			compareProject(t, files)
		})
	}
	const corpus = "../../../shared/corpus/dvc"
	cases, err := filepath.Glob(corpus + "/*/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Log("SKIPPED: the corpus of real DVC projects is not beside this repository")
	}
	for _, file := range cases {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			t.Parallel()
			compareProject(t, readTree(t, filepath.Dir(file)))
		})
	}
}

func readTree(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && p != "SOURCE" {
			files[p], err = fs.ReadFile(root, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// compareProject lays the files out and compares what we make of them with
// expected.json.
func compareProject(t *testing.T, files map[string][]byte) {
	t.Helper()
	var want answer
	if err := json.Unmarshal(files["expected.json"], &want); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".git"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o666); err != nil && name != "expected.json" {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, repo.Dir), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, repo.Dir, "config.yaml"), []byte("format: 1\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	r, err := repo.Find(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	names, err := r.PipelineFiles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	read := func(p string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, filepath.FromSlash(p))) }
	good, err := pipeline.ReadFiles(read, names)
	refused := want.Error != "" || len(want.FileErrors) > 0
	if (err != nil) != refused {
		t.Errorf("files: %v; DVC says %v%v", err, want.Error, want.FileErrors)
	}
	compareStages(t, good, want)
	compareTop(t, good, want)
	if err == nil {
		compareGraph(t, good, want)
	}
}

func keys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

func compareStages(t *testing.T, good []*stagefile.File, want answer) {
	t.Helper()
	got := map[string]any{}
	for _, f := range good {
		for i := range f.Stages {
			got[f.Stages[i].Address()] = stageAsJSON(t, &f.Stages[i])
		}
	}
	for name, w := range want.Stages {
		if file, _ := w["file"].(string); strings.HasSuffix(file, ".dvc") || want.FileErrors[file] != nil {
			continue
		}
		delete(w, "lock")
		if g := got[name]; !reflect.DeepEqual(g, withSets(w)) {
			t.Errorf("stage %s\n got %v\nwant %v", name, g, w)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("stage %s: DVC has none", name)
	}
}

func stageAsJSON(t *testing.T, s *stagefile.Stage) any {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	delete(out, "name")
	return withSets(out)
}

// withSets makes sets of the keys of params.
func withSets(stage map[string]any) any {
	params, _ := stage["params"].(map[string]any)
	for file, v := range params {
		list, ok := v.([]any)
		if !ok {
			continue
		}
		names := make([]string, len(list))
		for i, x := range list {
			names[i] = fmt.Sprint(x)
		}
		slices.Sort(names)
		params[file] = slices.Compact(names)
	}
	return stage
}

func compareGraph(t *testing.T, good []*stagefile.File, want answer) {
	t.Helper()
	p, err := pipeline.NewProject(good)
	if (err != nil) != (want.GraphError != nil) {
		t.Errorf("graph: %v; DVC says %v", err, want.GraphError)
	}
	if err != nil {
		return
	}
	g, err := p.Subgraph(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string][]string{}
	for from, to := range want.Edges {
		to = slices.DeleteFunc(to, func(on string) bool { return strings.HasSuffix(on, ".dvc") })
		if len(to) > 0 && !strings.HasSuffix(from, ".dvc") {
			wanted[from] = to
		}
	}
	if got := g.Edges(); !reflect.DeepEqual(got, wanted) {
		t.Errorf("edges\n got %v\nwant %v", got, wanted)
	}
}

// compareTop compares the top-level sections. Paths are joined to the
// directory of their file, as we do, and repeated ones are one.
func compareTop(t *testing.T, good []*stagefile.File, want answer) {
	t.Helper()
	for _, f := range good {
		place := func(list []any) (out []string) {
			for _, x := range list {
				text, ok := x.(string)
				if !ok {
					continue // a list or mapping, which no command of DVC can use
				}
				if !stagefile.IsExternal(text) {
					text = path.Join(f.Dir, text)
				}
				if !slices.Contains(out, text) {
					out = append(out, text)
				}
			}
			return out
		}
		if w := place(want.TopMetrics[f.Path]); len(w) > 0 && !slices.Equal(f.Metrics, w) {
			t.Errorf("metrics of %s: got %v, want %v", f.Path, f.Metrics, w)
		}
		if w := place(want.TopParams[f.Path]); len(w) > 0 && !slices.Equal(f.Params, w) {
			t.Errorf("params of %s: got %v, want %v", f.Path, f.Params, w)
		}
		var plots, datasets []any
		for _, p := range f.Plots {
			if p.Def == nil {
				plots = append(plots, p.ID)
			} else {
				plots = append(plots, map[string]any{p.ID: asJSON(t, paramfile.JSON(p.Def))})
			}
		}
		if w := splitPlots(want.TopPlots[f.Path]); !reflect.DeepEqual(plots, w) {
			t.Errorf("plots of %s\n got %v\nwant %v", f.Path, plots, w)
		}
		for _, d := range f.Datasets {
			datasets = append(datasets, asJSON(t, paramfile.JSON(d.Def)))
		}
		w := slices.DeleteFunc(want.TopDatasets[f.Path], func(x any) bool { _, ok := x.(map[string]any); return !ok })
		if len(w) > 0 && !reflect.DeepEqual(datasets, w) {
			t.Errorf("datasets of %s\n got %v\nwant %v", f.Path, datasets, w)
		}
		compareArtifacts(t, f, want.TopArtifacts[f.Path])
	}
}

// splitPlots makes an entry of each id; one without axes is a path.
func splitPlots(list []any) (out []any) {
	for _, x := range list {
		m, ok := x.(map[string]any)
		if !ok {
			if list, isList := x.([]any); isList {
				out = append(out, list...)
			} else {
				out = append(out, x)
			}
			continue
		}
		ids := keys(m)
		slices.Sort(ids)
		for _, id := range ids {
			if m[id] == nil {
				out = append(out, id)
			} else {
				out = append(out, map[string]any{id: m[id]})
			}
		}
	}
	return out
}

func compareArtifacts(t *testing.T, f *stagefile.File, want map[string]any) {
	t.Helper()
	for _, a := range f.Artifacts {
		w, ok := want[a.Name].(map[string]any)
		if !ok {
			t.Errorf("artifact %s of %s: DVC has none", a.Name, f.Path)
			continue
		}
		if where, _ := w["path"].(string); !stagefile.IsExternal(where) && path.Join(f.Dir, where) != a.Path {
			t.Errorf("artifact %s: path %s, want %s", a.Name, a.Path, where)
		}
		if kind, _ := w["type"].(string); kind != a.Type {
			t.Errorf("artifact %s: type %q, want %v", a.Name, a.Type, w["type"])
		}
		if desc := w["desc"]; desc != nil && fmt.Sprint(desc) != a.Desc {
			t.Errorf("artifact %s: desc %q, want %v", a.Name, a.Desc, desc)
		}
		if labels, ok := w["labels"].([]any); ok && fmt.Sprint(labels) != fmt.Sprint(a.Labels) {
			t.Errorf("artifact %s: labels %v, want %v", a.Name, a.Labels, labels)
		}
		if meta := asJSON(t, paramfile.JSON(a.Meta)); !reflect.DeepEqual(meta, w["meta"]) {
			t.Errorf("artifact %s: meta %v, want %v", a.Name, meta, w["meta"])
		}
	}
	if len(want) != len(f.Artifacts) {
		t.Errorf("artifacts of %s: %d, want %d", f.Path, len(f.Artifacts), len(want))
	}
}

func asJSON(t *testing.T, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
