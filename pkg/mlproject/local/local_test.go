//go:build unix

package local_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/mlproject"
	"github.com/mlops-cli/mlops/pkg/mlproject/local"
)

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func open(t *testing.T, s local.Source) *local.Checkout {
	t.Helper()
	c, err := local.Open(t.Context(), s, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"}, args...)...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"with/mlproject": "", "without/a.py": ""})
	for word, want := range map[string]bool{
		"https://github.com/a/b": true, "git@github.com:a/b.git#sub": true, "ssh://x/y": true,
		filepath.Join(dir, "with"): true, filepath.Join(dir, "without"): false, filepath.Join(dir, "without") + "#x": true,
		filepath.Join(dir, "absent"): false, "train": false, "dvc.yaml:train": false, "sub/mlops.yaml:train@1": false,
	} {
		if _, ok := local.ParseSource(word, false); ok != want {
			t.Errorf("%s: %v", word, ok)
		}
	}
	if s, ok := local.ParseSource(filepath.Join(dir, "without"), true); !ok || s.IsURL() {
		t.Errorf("%+v, %v", s, ok)
	}
}

func TestVersionsComeFromGit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	write(t, dir, map[string]string{"sub/MLproject": "name: old\n"})
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-qm", "one")
	git(t, dir, "tag", "v1")
	write(t, dir, map[string]string{"sub/MLproject": "name: new\n"})
	git(t, dir, "commit", "-qam", "two")
	for version, want := range map[string]string{"v1": "old", "main": "new"} {
		c := open(t, local.Source{Place: dir, Subdir: "sub", Version: version})
		if c.Project.Name != want || len(c.Git.Commit) != 40 || (c.Git.Branch == "main") != (version == "main") {
			t.Errorf("%s: %s, %+v", version, c.Project.Name, c.Git)
		}
	}
	for _, s := range []local.Source{{Place: dir, Version: "nope"}, {Place: dir, Subdir: "absent"}} {
		if _, err := local.Open(t.Context(), s, t.TempDir()); !errs.Is(err, errs.NotFound) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	for _, s := range []local.Source{{Place: dir, Subdir: "../.."}, {Place: t.TempDir(), Version: "main"}} {
		if _, err := local.Open(t.Context(), s, t.TempDir()); !errs.Is(err, errs.Usage) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

func TestPathParametersAreFoundOrFetched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"MLproject": "", "data.csv": "x"})
	c := open(t, local.Source{Place: dir})
	path := func(text string, given bool) mlproject.Value {
		return mlproject.Value{Parameter: mlproject.Parameter{Key: "p", Type: mlproject.Path}, Text: text, Given: given}
	}
	var asked string
	fetch := func(_ context.Context, uri, dir string) (string, error) {
		asked = uri
		return filepath.Join(dir, "got"), nil
	}
	out, err := c.Locate(t.Context(), []mlproject.Value{path("data.csv", false), path("s3://b/x", true), {Text: "s3://kept"}}, t.TempDir(), fetch)
	if err != nil || out[0].Text != filepath.Join(dir, "data.csv") || asked != "s3://b/x" || filepath.Base(out[1].Text) != "got" || out[2].Text != "s3://kept" {
		t.Errorf("%+v, %v", out, err)
	}
	if _, err := c.Locate(t.Context(), []mlproject.Value{path("data.csv", true)}, t.TempDir(), fetch); !errs.Is(err, errs.NotFound) {
		t.Errorf("a given path is one of the working directory: %v", err)
	}
	broken := errors.New("gone")
	if _, err := c.Locate(t.Context(), []mlproject.Value{path("s3://b/x", true)}, t.TempDir(), func(context.Context, string, string) (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// An environment is made once, by whoever comes first, and anew when anything that
// it is made of changes.
func TestEnvironmentsAreMadeOnce(t *testing.T) {
	home, dir, cache := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, home, map[string]string{"bin/conda": "#!/bin/sh\nif [ \"$1\" = env ]; then mkdir -p \"$6\"; else shift 4; exec \"$@\"; fi\n"})
	if err := os.Chmod(filepath.Join(home, "bin/conda"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("MLFLOW_CONDA_HOME", home)
	write(t, dir, map[string]string{
		"MLproject": "conda_env: env/conda.yaml\n", "env/conda.yaml": "dependencies:\n  - cudatoolkit\n  - pip:\n    - -r more.txt\n",
		"env/more.txt": "-r deep/more.txt\n", "env/deep/more.txt": "# nothing\n",
	})
	c := open(t, local.Source{Place: dir})
	var made atomic.Int64
	prepare := func() local.Environment {
		e, err := c.Prepare(t.Context(), local.EnvRequest{Cache: cache, Output: os.Stderr, Note: func(format string, _ ...any) {
			if strings.HasPrefix(format, "making") {
				made.Add(1)
			}
		}})
		if err != nil || e.Tag() != "conda" {
			t.Errorf("%+v, %v", e, err)
		}
		return e
	}
	var wg sync.WaitGroup
	dirs := make([]string, 3)
	for i := range dirs {
		wg.Go(func() { dirs[i] = prepare().Dir })
	}
	wg.Wait()
	if made.Load() != 1 || dirs[0] != dirs[1] || dirs[1] != dirs[2] {
		t.Errorf("made %d: %v", made.Load(), dirs)
	}
	// A killed process leaves half of one.
	if err := os.Remove(filepath.Join(dirs[0], "mlops-env.json")); err != nil {
		t.Fatal(err)
	}
	if again := prepare().Dir; again != dirs[0] || made.Load() != 2 {
		t.Errorf("made %d: %s", made.Load(), again)
	}
	write(t, dir, map[string]string{"env/deep/more.txt": "# something else\n"})
	e := prepare()
	if e.Dir == dirs[0] || made.Load() != 3 {
		t.Errorf("made %d: %s", made.Load(), e.Dir)
	}
	var out strings.Builder
	if res := c.Run(t.Context(), local.Task{Line: "echo \"it's $A\"", Env: e, Vars: []string{"A=here"}, Output: &out}); res.Err != nil || out.String() != "it's here\n" {
		t.Errorf("%+v: %q", res, out.String())
	}
}

func TestPythonThatIsNotHere(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("uv"); err == nil {
		t.Skip("uv fetches any")
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{"MLproject": "", "python_env.yaml": "python: \"2.3\"\n"})
	c := open(t, local.Source{Place: dir})
	_, err := c.Prepare(t.Context(), local.EnvRequest{Cache: t.TempDir(), Note: func(string, ...any) {}})
	if !errs.Is(err, errs.NotFound) || !strings.Contains(err.Error(), "2.3") {
		t.Error(err)
	}
	if _, err := local.ParseManager("cond"); !errs.Is(err, errs.Usage) {
		t.Error(err)
	}
}
