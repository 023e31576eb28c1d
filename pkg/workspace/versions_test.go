package workspace_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// One path's history needs its own pointer only: that another was broken in a
// commit is no matter.
func TestVersionsReadOnePointer(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git")
	}
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q")
	if _, err := repo.Init(t.Context(), dir, repo.InitOptions{}); err != nil {
		t.Fatal(err)
	}
	r, err := repo.Find(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	w := workspace.New(r, progress.Nop{})
	for i, text := range []string{"one", "two two"} {
		write("a", text)
		if _, err := w.Add(t.Context(), workspace.AddRequest{Dir: dir, Paths: []string{"a"}}); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			write("broken.mlops", "<<<<<<< HEAD\n")
		}
		git("add", "-A")
		git("commit", "-qm", text)
		if i == 0 {
			if err := os.Remove(filepath.Join(dir, "broken.mlops")); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := w.Versions(t.Context(), "a", 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Size != 7 || got[1].Size != 3 || got[1].Subject != "one" {
		t.Errorf("got %+v", got)
	}
}
