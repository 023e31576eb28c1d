package fsx_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := fsx.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

func TestWriteFileReplacesWholeAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	write(t, path, "old")
	write(t, path, "new")
	got, err := os.ReadFile(path)
	if err != nil || string(got) != "new" {
		t.Fatalf("content %q, %v", got, err)
	}
	if err := fsx.WriteFile(filepath.Join(dir, "none", "f"), []byte("x"), 0o600); err == nil {
		t.Fatal("writing into a missing directory must fail")
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := fsx.WriteFile(filepath.Join(dir, "d"), []byte("x"), 0o600); err == nil {
		t.Fatal("replacing a directory must fail")
	}
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 2 {
		t.Fatalf("%v left in the directory (%v), want f and d", names, err)
	}
}

func TestCopyAndCloneKeepBytes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src := filepath.Join(dir, "src")
	text := strings.Repeat("0123456789abcdef", 1<<14)
	write(t, src, text)
	in, err := os.Open(src)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	dst := filepath.Join(dir, "dst")
	if err := fsx.Copy(dst, in, int64(len(text))); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(dst); err != nil || string(got) != text {
		t.Fatalf("the copy differs (%v)", err)
	}
	if err := fsx.Copy(dst, in, int64(len(text))); err == nil {
		t.Fatal("a copy over a file that exists must fail")
	}
	err = fsx.Clone(filepath.Join(dir, "clone"), src)
	if errors.Is(err, errors.ErrUnsupported) {
		if _, err := os.Lstat(filepath.Join(dir, "clone")); err == nil {
			t.Fatal("a clone that failed left its file")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "clone")); err != nil || string(got) != text {
		t.Fatalf("the clone differs (%v)", err)
	}
}

func TestMapShowsTheFile(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "abc"} {
		path := filepath.Join(t.TempDir(), "f")
		write(t, path, text)
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := fsx.Map(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if string(m.Data) != text {
			t.Errorf("mapped %q, want %q", m.Data, text)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLockExcludesAndNamesItsHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	a, err := fsx.LockFile(t.Context(), path, fsx.Shared, "mlops add")
	if err != nil {
		t.Fatal(err)
	}
	b, err := fsx.LockFile(t.Context(), path, fsx.Shared, "mlops push")
	if err != nil {
		t.Fatalf("two may share: %v", err)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := fsx.LockFile(short, path, fsx.Exclusive, "mlops gc"); err == nil {
		t.Fatal("exclusive beside shared")
	}
	if err := errors.Join(a.Unlock(), b.Unlock()); err != nil {
		t.Fatal(err)
	}
	c, err := fsx.LockFile(t.Context(), path, fsx.Exclusive, "mlops gc")
	if err != nil {
		t.Fatalf("after both gave it up: %v", err)
	}
	defer c.Unlock()
	short, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = fsx.LockFile(short, path, fsx.Shared, "mlops add")
	if !errs.Is(err, errs.Locked) || !strings.Contains(err.Error(), "mlops gc (process ") {
		t.Fatalf("the message must name who holds it, got %v", err)
	}
}

func TestNowIsAFileTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before, err := fsx.Now(dir)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "f"), "x")
	s, err := fsx.Lstat(filepath.Join(dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Mtime < before {
		t.Fatalf("a file written later has the time %d, before %d", s.Mtime, before)
	}
}

func TestWriteDirectWritesWhatItIsGiven(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 4095, 4096, 4097, 100 << 10, 1<<20 + 3} {
		block := fsx.AlignedBlock(size)
		for i := range block {
			block[i] = byte(i * 7)
		}
		for name, data := range map[string][]byte{"aligned": block, "not aligned": append([]byte{}, block...)[min(1, size):]} {
			path := filepath.Join(t.TempDir(), "f")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(fsx.WriteDirect(f, data), f.Close()); err != nil {
				t.Fatalf("%d bytes, %s: %v", size, name, err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != string(data) {
				t.Errorf("%d bytes, %s: read back %d (%v)", size, name, len(got), err)
			}
		}
	}
}
