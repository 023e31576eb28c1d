package isolate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/isolate"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// newRepo is a repository without git that tracks the directory data.
func newRepo(t *testing.T) (*repo.Repo, *workspace.Workspace) {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"train.py": "print(1)\n", "lib/deep/a.py": "a\n", "data/x": "x\n", "data/large": strings.Repeat("0123456789abcdef", 8<<10),
		"venv/bin/python": "no\n", ".mlopsignore": "venv\n", "ignored.csv": "1\n",
	} {
		write(t, filepath.Join(root, name), text)
	}
	if err := os.Chmod(filepath.Join(root, "train.py"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("lib/deep", filepath.Join(root, "link")); err != nil {
		t.Skip("SKIPPED: no symbolic links")
	}
	if _, err := repo.Init(t.Context(), root, repo.InitOptions{NoGit: true}); err != nil {
		t.Fatal(err)
	}
	r, err := repo.Find(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	w := workspace.New(r, progress.Nop{})
	if _, err := w.Add(t.Context(), workspace.AddRequest{Dir: root, Paths: []string{"data"}}); err != nil {
		t.Fatal(err)
	}
	return r, w
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCopyIsTheWorkspaceOfItsSnapshot(t *testing.T) {
	t.Parallel()
	r, w := newRepo(t)
	write(t, r.Path("data/x"), "changed\n")
	snap, err := isolate.Take(t.Context(), r, w, []string{"ignored.csv", "data/x", "absent"})
	if err != nil {
		t.Fatal(err)
	}
	write(t, r.Path("train.py"), "later\n")
	write(t, r.Path("data/x"), "later\n")
	c, err := isolate.Make(t.Context(), r, snap, "one")
	if err != nil {
		t.Fatal(err)
	}
	root := c.Repo.Root
	if got := read(t, filepath.Join(root, "train.py")) + read(t, filepath.Join(root, "link", "a.py")) + read(t, filepath.Join(root, "data/x")); got != "print(1)\na\nchanged\n" {
		t.Errorf("the copy holds %q", got)
	}
	if len(read(t, filepath.Join(root, "data/large"))) != 128<<10 {
		t.Error("the large file is not whole")
	}
	if info, err := os.Stat(filepath.Join(root, "train.py")); err != nil || info.Mode()&0o100 == 0 {
		t.Errorf("train.py is not executable: %v %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(root, "venv")); err == nil {
		t.Error("what .mlopsignore excludes is in the copy")
	}
	// It shares the store, and what is derived from files is its own.
	found, err := repo.Find(t.Context(), filepath.Join(root, "lib"))
	if err != nil || found.Root != root || found.MetaDir() != r.MetaDir() || found.Home() != r.Root || !found.IsCopy() {
		t.Errorf("the repository of the copy: %+v, %v", found, err)
	}
	if _, err := isolate.Make(t.Context(), r, snap, "one"); err == nil {
		t.Error("a copy is made twice")
	}
	if n, err := isolate.Tidy(t.Context(), r); n != 0 || err != nil {
		t.Errorf("tidy removes a copy at work: %d, %v", n, err)
	}
	if err := c.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(r.MetaDir(), repo.IsolatedName, "*")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

func TestTidyRemovesWhatTheDeadLeft(t *testing.T) {
	t.Parallel()
	r, w := newRepo(t)
	snap, err := isolate.Take(t.Context(), r, w, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := isolate.Make(t.Context(), r, snap, "kept")
	if err != nil {
		t.Fatal(err)
	}
	place, err := kept.Keep()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(place)
	write(t, filepath.Join(dir, "dead.lease"), "{}")
	write(t, filepath.Join(dir, "dead", "file"), "x")
	if n, err := isolate.Tidy(t.Context(), r); n != 1 || err != nil {
		t.Errorf("removed %d, %v", n, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "dead")); err == nil {
		t.Error("the dead copy is there")
	}
	if read(t, filepath.Join(place, "train.py")) != "print(1)\n" {
		t.Error("the kept copy is gone")
	}
}
