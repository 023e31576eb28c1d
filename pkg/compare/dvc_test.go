package compare

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/plot/vega"
)

// answers is what DVC 3.67.1 says of the two revisions of a small project of
// ours: its metrics, params and plots diff with --json.
type answers struct {
	Metrics, Params, ParamsAll, Deps any
	Plots                            struct{ Data map[string]any }
}

// TestAsDVC compares with the recorded answers, value by value.
func TestAsDVC(t *testing.T) {
	t.Parallel()
	cases, err := os.ReadDir("testdata/dvc")
	if err != nil || len(cases) == 0 {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join("testdata/dvc", c.Name())
			var want answers
			text, err := os.ReadFile(filepath.Join(dir, "answers.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			revs := repoFake{"a": readFiles(t, filepath.Join(dir, "a")), "b": readFiles(t, filepath.Join(dir, "b"))}
			for what, want := range map[string]any{"metrics": want.Metrics, "params": want.Params, "paramsall": want.ParamsAll, "deps": want.Deps} {
				same(t, what, want, diffOf(t, revs, what))
			}
			same(t, "plots", any(want.Plots.Data), plotsOf(t, revs, filepath.Join(dir, "a")))
		})
	}
}

func readFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(p)
		rel, rerr := filepath.Rel(dir, p)
		if rerr != nil {
			return rerr
		}
		files[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func diffOf(t *testing.T, revs Revisions, what string) any {
	t.Helper()
	kind := map[string]What{"metrics": Metrics, "params": Params, "paramsall": Params, "deps": Deps}[what]
	var values []Values
	for _, rev := range []string{"a", "b"} {
		v, err := ReadValues(t.Context(), revs, Revision{rev, rev}, kind, nil)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	return decoded(t, DiffValues(values[0], values[1], what == "paramsall"))
}

func decoded(t *testing.T, v any) any {
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

func plotsOf(t *testing.T, revs Revisions, dir string) any {
	t.Helper()
	var all []PlotsAt
	for _, rev := range []string{"a", "b"} {
		at, err := ReadPlots(t.Context(), revs, Revision{rev, rev}, PlotQuery{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, at)
	}
	drawn, _, err := JoinPlots(all, func(name string) (vega.Template, error) {
		text, err := os.ReadFile(filepath.Join(dir, ".dvc/plots", name+".json"))
		if err != nil {
			return vega.BuiltinTemplate(name)
		}
		return vega.NewTemplate(name, text)
	})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for _, d := range drawn {
		entries := []any{}
		switch {
		case d.Images != nil:
			for _, image := range d.Images.Each {
				_, data, _ := strings.Cut(image.DataURL(), ";base64,")
				entries = append(entries, map[string]any{"type": "image", "revisions": []string{image.Name}, "url": "data:image;base64," + data})
			}
		case !d.Chart.Empty():
			spec, err := d.Chart.Spec()
			if err != nil {
				t.Errorf("%s: %v", d.ID, err)
			}
			entries = append(entries, map[string]any{"type": "vega", "revisions": d.Chart.Revisions, "content": spec})
			if f := d.Chart.Figure(); len(f.SVG()) == 0 || len(f.Panels) == 0 {
				t.Errorf("%s is not drawn", d.ID)
			}
		}
		out[d.ID] = entries
	}
	if len(out) == 0 {
		return any(map[string]any(nil))
	}
	return decoded(t, out)
}

// same reports every place where two JSON values differ.
func same(t *testing.T, at string, want, got any) {
	t.Helper()
	w, wok := want.(map[string]any)
	g, gok := got.(map[string]any)
	if wok && gok {
		for _, key := range slices.Sorted(maps.Keys(w)) {
			if _, ok := g[key]; !ok {
				t.Errorf("%s/%s: only DVC has %.300s", at, key, fmt.Sprint(w[key]))
				continue
			}
			same(t, path.Join(at, key), w[key], g[key])
		}
		for key, v := range g {
			if _, ok := w[key]; !ok {
				t.Errorf("%s/%s: DVC has not %.300s", at, key, fmt.Sprint(v))
			}
		}
		return
	}
	wl, wok := want.([]any)
	gl, gok := got.([]any)
	if wok && gok && len(wl) == len(gl) {
		for i := range wl {
			same(t, fmt.Sprintf("%s[%d]", at, i), wl[i], gl[i])
		}
		return
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%s: DVC has %.300s, we have %.300s", at, fmt.Sprint(want), fmt.Sprint(got))
	}
}
