package pipeline_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/pipeline"
)

// TestCorpusEdges compares the graphs of real DVC projects with those that DVC
// itself builds.
func TestCorpusEdges(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("../../../shared/corpus/dvc/*/expected.json")
	if err != nil || len(cases) == 0 {
		t.Skip("SKIPPED: the corpus of DVC projects is not beside this repository")
	}
	for _, file := range cases {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				Edges      map[string][]string
				GraphError any            `json:"graph_error"`
				FileErrors map[string]any `json:"file_errors"`
			}
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			if len(want.FileErrors) > 0 || strings.Contains(string(text), `.dvc`+`"`) && want.GraphError != nil {
				return // files that are refused, or overlaps with .dvc files
			}
			compareEdges(t, dir, want.Edges, want.GraphError != nil)
		})
	}
}

func compareEdges(t *testing.T, dir string, want map[string][]string, refused bool) {
	t.Helper()
	var names []string
	root := os.DirFS(dir)
	if err := fs.WalkDir(root, ".", func(p string, _ fs.DirEntry, err error) error {
		if filepath.Base(p) == "dvc.yaml" {
			names = append(names, p)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".dvcignore")); err == nil {
		return // which files are read is up to whoever walks the directories
	}
	p, err := pipeline.ReadProject(func(p string) ([]byte, error) { return fs.ReadFile(root, p) }, names)
	if refused {
		if err == nil {
			t.Error("the graph was accepted")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Stages {
		var got, wanted []string
		got = append(got, p.Graph.Deps(s.Address())...)
		for _, on := range want[s.Address()] {
			if !strings.HasSuffix(on, ".dvc") {
				wanted = append(wanted, on)
			}
		}
		slices.Sort(got)
		slices.Sort(wanted)
		if !slices.Equal(got, wanted) {
			t.Errorf("%s depends on %v, DVC says %v", s.Address(), got, wanted)
		}
	}
}
