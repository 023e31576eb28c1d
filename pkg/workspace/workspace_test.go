package workspace_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

func open(t *testing.T, root string) *workspace.Workspace {
	t.Helper()
	if _, err := repo.Init(t.Context(), root, repo.InitOptions{NoGit: true}); err != nil {
		t.Fatal(err)
	}
	r, err := repo.Find(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return workspace.New(r, progress.Nop{})
}

func put(t *testing.T, root, name, text string) {
	t.Helper()
	file := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCacheNeverLies edits files at random, without waiting, and compares what
// the stat cache says with what a workspace without one says.
func TestCacheNeverLies(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	w := open(t, root)
	rnd := rand.New(rand.NewPCG(7, 7))
	for round := range 60 {
		for range 1 + rnd.IntN(4) {
			name := fmt.Sprintf("data/d%d/f%d", rnd.IntN(3), rnd.IntN(4))
			if rnd.IntN(4) == 0 {
				if err := os.RemoveAll(filepath.Join(root, name)); err != nil {
					t.Fatal(err)
				}
			} else {
				put(t, root, name, fmt.Sprint(rnd.IntN(9))) // the same size: only times tell
			}
		}
		put(t, root, "data/one", fmt.Sprint(rnd.IntN(9)))
		ask := w.Hash
		if rnd.IntN(3) == 0 {
			ask = w.Save
		}
		got, err := ask(t.Context(), []string{"data", "data/one"})
		if err != nil {
			t.Fatal(err)
		}
		fresh := t.TempDir()
		if err := os.CopyFS(filepath.Join(fresh, "data"), os.DirFS(filepath.Join(root, "data"))); err != nil {
			t.Fatal(err)
		}
		want, err := open(t, fresh).Hash(t.Context(), []string{"data", "data/one"})
		if err != nil {
			t.Fatal(err)
		}
		for p := range want {
			if got[p] != want[p] {
				t.Fatalf("round %d: the cache says %+v, the files %+v", round, got[p], want[p])
			}
		}
	}
}

func TestSaveAndRestoreAreInverse(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	w := open(t, root)
	rnd := rand.New(rand.NewPCG(1, 9))
	var versions []repo.Object
	for range 6 {
		for range 30 {
			name := fmt.Sprintf("data/%d/%d/f%d", rnd.IntN(3), rnd.IntN(3), rnd.IntN(5))
			put(t, root, name, fmt.Sprint(rnd.Int64()))
		}
		if err := w.Remove(t.Context(), fmt.Sprintf("data/%d", rnd.IntN(3))); err != nil {
			t.Fatal(err)
		}
		got, err := w.Save(t.Context(), []string{"data"})
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, got["data"])
	}
	for range 20 {
		want := versions[rnd.IntN(len(versions))]
		if rnd.IntN(5) == 0 {
			if err := w.Remove(t.Context(), "data"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Restore(t.Context(), []repo.Object{want}, workspace.RestoreOptions{}); err != nil {
			t.Fatal(err)
		}
		got, err := w.Hash(t.Context(), []string{"data"})
		if err != nil || got["data"] != want {
			t.Fatalf("restored %+v, want %+v (%v)", got["data"], want, err)
		}
	}
}

func TestRestoreKeepsWhatIsNotSaved(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	w := open(t, root)
	put(t, root, "data/a", "old")
	saved, err := w.Save(t.Context(), []string{"data"})
	if err != nil {
		t.Fatal(err)
	}
	put(t, root, "data/a", "new")
	put(t, root, "data/b", "extra")
	objs := []repo.Object{saved["data"]}
	if _, err := w.Restore(t.Context(), objs, workspace.RestoreOptions{}); !errs.Is(err, errs.Conflict) {
		t.Fatalf("error is %v, want a conflict", err)
	}
	if text, err := os.ReadFile(filepath.Join(root, "data", "a")); err != nil || string(text) != "new" {
		t.Fatalf("data/a is %q (%v) after a refused restore", text, err)
	}
	if _, err := w.Restore(t.Context(), objs, workspace.RestoreOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(root, "data", "b")); !os.IsNotExist(err) {
		t.Fatalf("data/b is still there: %v", err)
	}
}

func TestSaveAgainAfterObjectsWereRemoved(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	w := open(t, root)
	put(t, root, "data/a", "text")
	saved, err := w.Save(t.Context(), []string{"data"})
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"packs", "objects"} {
		if err := os.RemoveAll(filepath.Join(root, ".mlops", dir)); err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, root) // another process
	if _, err := again.Save(t.Context(), []string{"data"}); err != nil {
		t.Fatal(err)
	}
	absent, err := again.Absent(t.Context(), []repo.Object{saved["data"]})
	if err != nil || len(absent) > 0 {
		t.Fatalf("absent after saving again: %v (%v)", absent, err)
	}
}
