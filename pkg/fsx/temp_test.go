package fsx_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/fsx"
)

func TestDeadTemps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	alive, err := fsx.MakeTempDir(dir, "checkout-")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, age time.Duration) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte("12345"), 0o666)); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{path, filepath.Dir(path)} {
			if err := os.Chtimes(p, time.Time{}, time.Now().Add(-age)); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	const old = 48 * time.Hour
	write(filepath.Join(filepath.Base(alive.Path), "half"), old)
	write("checkout-1/half", 0)
	write("checkout-1.lease", 0) // of a process that died
	write("code-2/file", old)    // without a lease, but old
	write("code-3/file", 0)
	write(".clock-4.tmp", old)
	kept := []string{write("store.lock", old), write("remotes/part-00ff", old), write("claims/1", old)}
	orphan := write("unlock-5.lease", 0)

	var found []string
	err = fsx.DeadTemps(dir, time.Now().Add(-24*time.Hour), func(d fsx.DeadTemp) error {
		found = append(found, filepath.Base(d.Path))
		if d.Bytes != 5 {
			t.Errorf("%s has %d bytes", d.Path, d.Bytes)
		}
		return d.Remove()
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if want := []string{".clock-4.tmp", "checkout-1", "code-2"}; !slices.Equal(found, want) {
		t.Errorf("dead are %v, want %v", found, want)
	}
	for _, path := range append(kept, alive.Path, alive.Path+".lease", filepath.Join(dir, "code-3")) {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("it is gone: %v", err)
		}
	}
	for _, path := range []string{orphan, filepath.Join(dir, "checkout-1.lease"), filepath.Join(dir, "code-2")} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there", path)
		}
	}
	if err := alive.Remove(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(alive.Path + "*"); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}
