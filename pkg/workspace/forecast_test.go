package workspace

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mlops-cli/mlops/pkg/ignore"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
)

// totals remembers the last totals that a task was told.
type totals struct {
	progress.Nop
	files, bytes int64
}

func (t *totals) SetTotal(files, bytes int64) { t.files, t.bytes = files, bytes }

func TestForecastIsWhatWillBeRead(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, size := range map[string]int{"data/a": 10, "data/b": 20, "data/sub/c": 30, "data/sub/left.tmp": 40, "single": 5} {
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, make([]byte, size), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	match := ignore.New()
	match.Add(".", []byte("*.tmp\n"))
	told := &totals{}
	f := &forecast{task: told}
	f.pass(1, 20) // data/b, before the count
	f.count(t.Context(), New(&repo.Repo{Root: root}, nil), []*target{{path: "data", match: match}, {path: "single"}, {path: "missing"}})
	if told.files != 3 || told.bytes != 45 {
		t.Fatalf("%d files, %d bytes are foretold, want 3 and 45", told.files, told.bytes)
	}
	f.pass(1, 10)
	if told.files != 2 || told.bytes != 35 {
		t.Fatalf("%d files, %d bytes are left to read, want 2 and 35", told.files, told.bytes)
	}
}
