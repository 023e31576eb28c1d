package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/mlproject"
)

// Source is where a project comes from.
type Source struct {
	Place   string // a directory, or a URL of git
	Subdir  string // slash path in it
	Version string // branch, tag or commit; "" is what is there, or the default branch
}

// ParseSource reads DIR, DIR#SUBDIR or GIT-URL#SUBDIR. It reports false for words
// that are neither the URL of a git repository nor a directory with a project; any
// directory will do when the caller is sure that it means one.
func ParseSource(word string, sure bool) (Source, bool) {
	place, subdir, _ := strings.Cut(word, "#")
	s := Source{Place: place, Subdir: strings.Trim(subdir, "/")}
	if file, ok := strings.CutPrefix(place, "file://"); ok {
		s.Place = file
	} else if s.IsURL() {
		return s, true
	}
	if info, err := os.Stat(s.Place); err != nil || !info.IsDir() {
		return s, false
	}
	if subdir != "" || sure || s.isBare() {
		return s, true
	}
	_, err := findFile(s.Place)
	return s, err == nil
}

// IsURL reports whether the source is not on this machine.
func (s Source) IsURL() bool {
	host, _, isSCP := strings.Cut(s.Place, ":") // git@host:path
	return strings.Contains(s.Place, "://") || isSCP && strings.Contains(host, "@") && !strings.ContainsAny(host, "/\\")
}

// isBare reports whether the source is a directory that git keeps a repository in.
func (s Source) isBare() bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(s.Place, name)); err != nil {
			return false
		}
	}
	return true
}

// Name is the URL of the source, or the path of the directory.
func (s Source) Name() string {
	name := s.Place
	if abs, err := filepath.Abs(name); err == nil && !s.IsURL() {
		name = abs
	}
	if s.Subdir != "" {
		name += "#" + s.Subdir
	}
	return name
}

// Git is what git knows of a checkout.
type Git struct {
	Commit, Branch, Remote string // "" where there is none
	Top                    string // root of its working tree
	Dirty                  bool
}

// Checkout is a project as it stands in a directory of this machine.
type Checkout struct {
	Project *mlproject.Project
	Dir     string // of the project, absolute
	Git     Git

	tmp *fsx.TempDir
}

// Open checks a project out: a directory is used where it is, unless a version is
// asked for; git's repositories are cloned below tmp. Close it.
func Open(ctx context.Context, s Source, tmp string) (_ *Checkout, err error) {
	c := &Checkout{}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	root := s.Place
	if s.IsURL() || s.Version != "" || s.isBare() {
		if c.tmp, err = fsx.MakeTempDir(tmp, "project-"); err != nil {
			return nil, err
		}
		root = filepath.Join(c.tmp.Path, "code")
		if err := clone(ctx, s, root); err != nil {
			return nil, err
		}
	}
	if s.Subdir != "" && !filepath.IsLocal(filepath.FromSlash(s.Subdir)) {
		return nil, errs.New(errs.Usage, "project %s: %s is not a directory inside of it", s.Place, s.Subdir)
	}
	if c.Dir, err = filepath.Abs(filepath.Join(root, filepath.FromSlash(s.Subdir))); err != nil {
		return nil, err
	}
	if info, serr := os.Stat(c.Dir); serr != nil || !info.IsDir() {
		return nil, errs.New(errs.NotFound, "project %s has no directory %s", s.Place, s.Subdir)
	}
	file, text, err := readFile(c.Dir)
	if err != nil {
		return nil, err
	}
	if c.Project, err = mlproject.Parse(file, text, c.Has); err != nil {
		return nil, err
	}
	c.Git = askGit(ctx, c.Dir)
	if s.Version != "" {
		c.Git.Branch = ""
		if _, err := git(ctx, c.Dir, "rev-parse", "--verify", "--quiet", "refs/remotes/origin/"+s.Version); err == nil {
			c.Git.Branch = s.Version
		}
	}
	return c, nil
}

// SourceName is how MLflow names a source in the tag mlflow.source.name: a
// directory that git keeps is the root of its repository and the path in it.
func (c *Checkout) SourceName(s Source) string {
	switch {
	case s.IsURL():
		return s.Name()
	case c.tmp != nil: // it was cloned from its root
		return "file://" + filepath.ToSlash(s.Name())
	}
	below, err := filepath.Rel(real(c.Git.Top), real(c.Dir))
	if c.Git.Top == "" || err != nil {
		return s.Name()
	}
	name := "file://" + filepath.ToSlash(c.Git.Top)
	if below != "." {
		name += "#" + filepath.ToSlash(below)
	}
	return name
}

// Close removes what was cloned.
func (c *Checkout) Close() error {
	if c.tmp == nil {
		return nil
	}
	return c.tmp.Remove()
}

// Has reports whether the project has a file at a slash path.
func (c *Checkout) Has(p string) bool {
	p = filepath.FromSlash(p)
	info, err := os.Stat(filepath.Join(c.Dir, p))
	return filepath.IsLocal(p) && err == nil && info.Mode().IsRegular()
}

// read returns a file of the project.
func (c *Checkout) read(p string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(c.Dir, filepath.FromSlash(p)))
	if err != nil {
		return nil, errs.New(errs.NotFound, "read project: %w", err)
	}
	return text, nil
}

// findFile is the name of the project's file in a directory.
func findFile(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if mlproject.IsFile(e.Name()) && !e.IsDir() {
			return e.Name(), nil
		}
	}
	return "", fs.ErrNotExist
}

// readFile reads the project's file. A project need not have one.
func readFile(dir string) (name string, text []byte, err error) {
	name, err = findFile(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return mlproject.FileName, nil, nil
	}
	if err == nil {
		text, err = os.ReadFile(filepath.Join(dir, name))
	}
	if err != nil {
		return name, nil, fmt.Errorf("read project: %w", err)
	}
	return name, text, nil
}

// clone puts the files of a git repository at a version into dir.
func clone(ctx context.Context, s Source, dir string) error {
	if err := os.Mkdir(dir, 0o777); err != nil {
		return err
	}
	place := s.Place
	if !s.IsURL() {
		abs, err := filepath.Abs(place)
		if err != nil {
			return err
		}
		top, err := git(ctx, abs, "rev-parse", "--show-toplevel")
		if (err != nil || filepath.Clean(top) != filepath.Clean(real(abs))) && !s.isBare() {
			return errs.New(errs.Usage, "--version wants a git repository, and %s is not the root of one", place).Hint("leave --version away, or name the root: %s#SUBDIR", place)
		}
		place = abs
	}
	if _, err := git(ctx, dir, "clone", "--quiet", "--no-checkout", "--", place, "."); err != nil {
		return errs.New(errs.Remote, "clone %s: %w", s.Place, err).Hint("does 'git ls-remote %s' work?", s.Place)
	}
	version := s.Version
	if version == "" {
		version = "HEAD"
	} else if _, err := git(ctx, dir, "rev-parse", "--verify", "--quiet", "refs/remotes/origin/"+version); err == nil {
		version = "origin/" + version
	}
	if _, err := git(ctx, dir, "checkout", "--quiet", "--detach", version, "--"); err != nil {
		return errs.New(errs.NotFound, "project %s has no version %s: %w", s.Place, s.Version, err).Hint("see those it has: git ls-remote %s", s.Place)
	}
	if _, err := git(ctx, dir, "submodule", "--quiet", "update", "--init", "--recursive"); err != nil {
		return errs.New(errs.Remote, "submodules of %s: %w", s.Place, err)
	}
	return nil
}

// real is a path without symbolic links, where it can be had.
func real(p string) string {
	if r, err := filepath.EvalSymlinks(p); err == nil {
		return r
	}
	return p
}

// askGit finds out what git knows of a directory.
func askGit(ctx context.Context, dir string) Git {
	var g Git
	for _, q := range []struct {
		to   *string
		args []string
	}{
		{&g.Commit, []string{"rev-parse", "--verify", "--quiet", "HEAD"}},
		{&g.Branch, []string{"symbolic-ref", "--short", "--quiet", "HEAD"}},
		{&g.Remote, []string{"remote", "get-url", "origin"}},
		{&g.Top, []string{"rev-parse", "--show-toplevel"}},
	} {
		if text, err := git(ctx, dir, q.args...); err == nil {
			*q.to = text
		}
	}
	if g.Commit != "" {
		text, err := git(ctx, dir, "status", "--porcelain", "--untracked-files=no", "--", ".")
		g.Dirty = err == nil && text != ""
	}
	return g
}

// git runs git in a directory and returns what it printed.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, "git", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "LC_ALL=C", "GIT_TERMINAL_PROMPT=0")
	out, err := c.Output()
	if err == nil {
		return strings.TrimSpace(string(out)), nil
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(exit.Stderr) > 0 {
		line := strings.TrimSpace(string(exit.Stderr))
		if i := strings.LastIndex(line, "fatal: "); i >= 0 {
			line = line[i+len("fatal: "):]
		}
		line, _, _ = strings.Cut(line, "\n")
		return "", errors.New(line)
	}
	return "", err
}
