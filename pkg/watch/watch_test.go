package watch_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/watch"
)

func write(t *testing.T, p, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(p string) string { return filepath.Join(dir, filepath.FromSlash(p)) }
	for _, p := range []string{"params.yaml", "src/train.py", "src/lib/a.py", "out/model", "other/x"} {
		write(t, at(p), "1")
	}
	w := watch.New()
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	set := watch.Set{
		Paths:  []string{at("params.yaml"), at("src"), at("later/deep/file")},
		Ignore: func(p string) bool { return strings.HasPrefix(p, at("src/made")) },
	}
	if err := w.Watch(set); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		do   func()
		want string // the paths below dir
	}{
		{"in place", func() { write(t, at("params.yaml"), "2") }, "params.yaml"},
		{"write and rename", func() {
			write(t, at("params.yaml.tmp"), "3")
			if err := os.Rename(at("params.yaml.tmp"), at("params.yaml")); err != nil {
				t.Error(err)
			}
		}, "params.yaml"},
		{"below a directory", func() { write(t, at("src/lib/a.py"), "2") }, "src/lib/a.py"},
		{"many at once are one", func() {
			write(t, at("src/train.py"), "2")
			time.Sleep(20 * time.Millisecond)
			write(t, at("src/lib/a.py"), "3")
		}, "src/lib/a.py src/train.py"},
		{"a new directory", func() { write(t, at("src/new/b.py"), "1") }, "src/new"},
		{"in the new directory", func() { write(t, at("src/new/b.py"), "2") }, "src/new/b.py"},
		{"what was not there", func() { write(t, at("later/deep/file"), "1") }, "later"},
		{"removed", func() {
			if err := os.Remove(at("src/lib/a.py")); err != nil {
				t.Error(err)
			}
		}, "src/lib/a.py"},
	} {
		// What is not wanted comes first: it must not be told.
		write(t, at("other/x"), c.name)
		write(t, at("src/made/file"), c.name)
		write(t, at("src/.train.py.swp"), c.name)
		c.do()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		paths, err := w.Wait(ctx)
		cancel()
		for i, p := range paths {
			rel, _ := filepath.Rel(dir, p)
			paths[i] = filepath.ToSlash(rel)
		}
		got := strings.Join(paths, " ")
		if err != nil || got != c.want && !strings.HasPrefix(got, c.want+" "+c.want+"/") {
			t.Fatalf("%s: got %q, want %q (%v)", c.name, got, c.want, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	write(t, at("other/x"), "quiet")
	if paths, err := w.Wait(ctx); err == nil {
		t.Errorf("told of %q", paths)
	}
	set.Paths, set.Flat = nil, []string{at("other")}
	if err := w.Watch(set); err != nil {
		t.Fatal(err)
	}
	write(t, at("params.yaml"), "5")
	write(t, at("other/y"), "1")
	paths, err := w.Wait(t.Context())
	if err != nil || len(paths) != 1 || paths[0] != at("other/y") {
		t.Errorf("got %q, %v", paths, err)
	}
}
