package main_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sandbox is a git repository with data that nothing else uses.
type sandbox struct {
	*testing.T
	dir string
	env []string
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	root := t.TempDir()
	s := &sandbox{T: t, dir: filepath.Join(root, "repo")}
	if err := os.MkdirAll(filepath.Join(s.dir, "data", "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.env = append(os.Environ(),
		"HOME="+root, "XDG_CONFIG_HOME="+root, "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	s.write("data/a", "a\n")
	s.write("data/sub/b", "b\n")
	s.write("one.bin", strings.Repeat("0123456789abcdef", 8<<10)) // large enough to be loose
	s.run("git", "init", "-q", "-b", "main")
	s.run("mlops", "init")
	return s
}

// commitData tracks the data and commits.
func (s *sandbox) commitData() {
	s.Helper()
	s.run("mlops", "add", "data", "one.bin")
	s.run("git", "add", "-A")
	s.run("git", "commit", "-qm", "data")
}

func (s *sandbox) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func (s *sandbox) write(name, text string) {
	s.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o644); err != nil {
		s.Fatal(err)
	}
}

func (s *sandbox) remove(name string) {
	s.Helper()
	if err := os.Remove(s.path(name)); err != nil {
		s.Fatal(err)
	}
}

func (s *sandbox) read(name string) string {
	s.Helper()
	b, err := os.ReadFile(s.path(name))
	if err != nil {
		s.Fatal(err)
	}
	return string(b)
}

func (s *sandbox) same(name, want string) {
	s.Helper()
	if got := s.read(name); got != want {
		s.Errorf("%s holds %.60q, want %.60q", name, got, want)
	}
}

func (s *sandbox) missing(name string) {
	s.Helper()
	if _, err := os.Lstat(s.path(name)); !errors.Is(err, os.ErrNotExist) {
		s.Errorf("%s is there (%v)", name, err)
	}
}

// start runs a command with further environment and returns all it printed.
func (s *sandbox) start(env []string, args ...string) (string, error) {
	c := exec.CommandContext(s.Context(), args[0], args[1:]...)
	c.Dir = s.dir
	c.Env = append(slices.Clip(s.env), env...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	return out.String(), err
}

// run runs a command that must succeed.
func (s *sandbox) run(args ...string) string {
	s.Helper()
	out, err := s.start(nil, args...)
	if err != nil {
		s.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// kill runs a command that must be killed at point.
func (s *sandbox) kill(point string, args ...string) {
	s.Helper()
	out, err := s.start([]string{faultEnv + "=kill " + point + " 1"}, args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.String() != "signal: killed" {
		s.Fatalf("%s was not killed at %s: %v\n%s", strings.Join(args, " "), point, err, out)
	}
}
