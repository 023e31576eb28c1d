package file_test

import (
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/remote/file"
	"github.com/mlops-cli/mlops/pkg/remote/remotetest"
)

func open(t *testing.T) remote.Bucket {
	t.Helper()
	b, err := file.Open(filepath.Join(t.TempDir(), "remote"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDirectoryIsABucket(t *testing.T) {
	t.Parallel()
	remotetest.Suite(t, open)
}

// TestProcessesRace runs this test binary several times at once; each process
// tries to put the same keys.
func TestProcessesRace(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("MLOPS_TEST_RACE_DIR"); dir != "" {
		race(t, dir)
		return
	}
	dir := t.TempDir()
	const processes = 4
	outs := make(chan string, processes)
	for range processes {
		go func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcessesRace$", "-test.v")
			cmd.Env = append(os.Environ(), "MLOPS_TEST_RACE_DIR="+dir)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			outs <- string(out)
		}()
	}
	won := 0
	for range processes {
		won += strings.Count(<-outs, "won log/")
	}
	if won != raceKeys {
		t.Errorf("%d keys were won %d times", raceKeys, won)
	}
}

const raceKeys = 50

func race(t *testing.T, dir string) {
	b, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raceKeys {
		key := "log/" + strings.Repeat("x", i+1)
		err := b.Put(t.Context(), key, 1, remote.Bytes([]byte("x")), remote.PutOptions{IfAbsent: true})
		switch {
		case err == nil:
			t.Logf("won %s", key)
		case !errs.Is(err, errs.Conflict):
			t.Fatal(err)
		}
	}
}

func TestPutCopiesFilesAndLeavesNoTemporaries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src := filepath.Join(dir, "src")
	text := strings.Repeat("pack ", 100000)
	if err := os.WriteFile(src, []byte(text), 0o444); err != nil {
		t.Fatal(err)
	}
	b, err := file.Open(filepath.Join(dir, "remote"))
	if err != nil {
		t.Fatal(err)
	}
	body := func() (io.ReadCloser, error) { return os.Open(src) }
	if err := b.Put(t.Context(), "packs/ab/cd", int64(len(text)), body, remote.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := b.Put(t.Context(), "packs/ab/cd", int64(len(text)), body, remote.PutOptions{IfAbsent: true}); !errs.Is(err, errs.Conflict) {
		t.Fatalf("want conflict, got %v", err)
	}
	broken := func() (io.ReadCloser, error) { return nil, errors.New("gone") }
	if err := b.Put(t.Context(), "packs/ab/ef", 1, broken, remote.PutOptions{}); err == nil {
		t.Fatal("a body that does not open was put")
	}
	got, err := os.ReadFile(filepath.Join(dir, "remote", "packs", "ab", "cd"))
	if err != nil || string(got) != text {
		t.Fatalf("the object is not a file with its bytes (%v)", err)
	}
	names, err := os.ReadDir(filepath.Join(dir, "remote", "packs", "ab"))
	if err != nil || len(names) != 1 {
		t.Fatalf("%v is left (%v)", names, err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "not", "mounted"): "no such file",
		filepath.Join(dir, "f"):              "not a directory",
	} {
		if _, err := file.Open(path); !errs.Is(err, errs.Remote) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, raw := range []string{"file://host/path", "file:///path?region=x"} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.Driver().Open(context.Background(), u); !errs.Is(err, errs.Usage) {
			t.Errorf("%s: %v", raw, err)
		}
	}
	b := open(t)
	for _, key := range []string{"", "../x", "/x", "a//b", ".mlops-x"} {
		if err := b.Put(t.Context(), key, 0, remote.Bytes(nil), remote.PutOptions{}); !errs.Is(err, errs.Usage) {
			t.Errorf("key %q: %v", key, err)
		}
	}
}
