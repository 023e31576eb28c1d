//go:build unix

package main_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is a user without rights, whom root can be for a test: permissions do
// not bind root.
const nobody = 65534

// TestWithoutPermission: what may not be read or written is named, and the rest
// is done.
func TestWithoutPermission(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	run := asNobody(s)

	if err := os.Chmod(s.path("data/sub/b"), 0); err != nil {
		t.Fatal(err)
	}
	code, out := run("add", "data", "one.bin")
	if code != 3 || !strings.Contains(out, "data/sub/b: permission denied") {
		t.Fatalf("exit code %d, want 3 and the name of the file that cannot be read:\n%s", code, out)
	}
	s.missing("data.mlops")
	s.read("one.bin.mlops")

	if err := os.Chmod(s.path("data/sub/b"), 0o644); err != nil {
		t.Fatal(err)
	}
	packs := s.path(".mlops/packs")
	if err := os.Chmod(packs, 0o555); err != nil {
		t.Fatal(err)
	}
	if code, out := run("add", "data"); code != 1 || !strings.Contains(out, "permission denied") {
		t.Errorf("a store that cannot be written: exit code %d\n%s", code, out)
	}
	s.missing("data.mlops")
	if code, out := run("status"); code != 0 {
		t.Errorf("status of a store that cannot be written: exit code %d\n%s", code, out)
	}
	if err := os.Chmod(packs, 0o755); err != nil {
		t.Fatal(err)
	}
	if code, out := run("add", "data"); code != 0 {
		t.Fatalf("exit code %d once it can be written\n%s", code, out)
	}

	if err := errors.Join(os.Remove(s.path("data/sub/b")), os.Chmod(s.path("data/sub"), 0o555)); err != nil {
		t.Fatal(err)
	}
	if code, out := run("checkout"); code == 0 || !strings.Contains(out, "data/sub") || !strings.Contains(out, "permission denied") {
		t.Errorf("checkout into a directory that cannot be written: exit code %d\n%s", code, out)
	}
	s.same("data/a", "a\n")
	if err := os.Chmod(s.path("data/sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if code, out := run("checkout"); code != 0 {
		t.Errorf("checkout once it can be written: exit code %d\n%s", code, out)
	}
	s.same("data/sub/b", "b\n")
}

// TestServerWithoutPermission: a server says at once that it could not write, and
// serves what is there where that is wanted.
func TestServerWithoutPermission(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	run := asNobody(s)
	if code, out := run("log", "start", "--name", "here"); code != 0 {
		t.Fatal(out)
	}
	if err := errors.Join(os.Chmod(s.path(".mlops/index.db"), 0o444), os.Chmod(s.path(".mlops"), 0o555)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Chmod(s.path(".mlops"), 0o755); err != nil {
			t.Error(err)
		}
	})
	if code, out := run("server", "--port", "0"); code != 1 || !strings.Contains(out, "writable for you") || !strings.Contains(out, "--read-only serves what is there") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// asNobody gives the sandbox away and returns a function that runs mlops there
// as its new owner. Nobody may not pass through the folders of this process, so
// the program is copied.
func asNobody(s *sandbox) func(args ...string) (int, string) {
	s.Helper()
	program := "mlops"
	var who *syscall.Credential
	if os.Geteuid() == 0 {
		who = &syscall.Credential{Uid: nobody, Gid: nobody}
		root, err := os.MkdirTemp("", "mlops-nobody-")
		if err != nil {
			s.Fatal(err)
		}
		s.Cleanup(func() {
			if err := os.RemoveAll(root); err != nil {
				s.Error(err)
			}
		})
		moved := filepath.Join(root, "repo")
		program = filepath.Join(root, "bin", "mlops")
		if err := errors.Join(os.CopyFS(moved, os.DirFS(s.dir)), copyProgram(program), giveAway(root)); err != nil {
			s.Fatal(err)
		}
		s.dir = moved
		s.env = append(s.env, "HOME="+root, "XDG_CONFIG_HOME="+root, "TMPDIR="+root)
	}
	return func(args ...string) (int, string) {
		s.Helper()
		c := exec.CommandContext(s.Context(), program, args...)
		c.Dir, c.Env = s.dir, s.env
		c.SysProcAttr = &syscall.SysProcAttr{Credential: who}
		out, err := c.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			s.Fatal(err)
		}
		return c.ProcessState.ExitCode(), string(out)
	}
}

func copyProgram(to string) error {
	from, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		return errors.Join(err, in.Close())
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close(), in.Close())
}

func giveAway(root string) error {
	return filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	})
}
