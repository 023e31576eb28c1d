package repo

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// Git asks git, by starting it, about the repository around ours. Its zero
// value is no git repository: then questions are answered with errs.NotFound,
// or with "nothing" where that is an answer.
type Git struct {
	dir string // the root of our repository, at or below git's
}

// Exists reports whether there is a git repository.
func (g Git) Exists() bool { return g.dir != "" }

var errNoGit = errors.New("there is no git repository")

// command makes a git process that reads nothing from the terminal and whose
// output does not depend on the user's language.
func (g Git) command(ctx context.Context, args ...string) (*exec.Cmd, error) {
	if !g.Exists() {
		return nil, errs.New(errs.NotFound, "%w", errNoGit).Hint("git init")
	}
	c := exec.CommandContext(ctx, "git", append([]string{"-C", g.dir, "--no-optional-locks", "-c", "core.quotepath=off"}, args...)...)
	c.Env = append(os.Environ(), "LC_ALL=C", "GIT_TERMINAL_PROMPT=0")
	return c, nil
}

func (g Git) run(ctx context.Context, args ...string) (string, error) {
	c, err := g.command(ctx, args...)
	if err != nil {
		return "", err
	}
	out, err := c.Output()
	if err != nil {
		return "", explainGit(ctx, args[0], err)
	}
	return string(out), nil
}

// waitGit waits for a git that was started, with a buffer for its messages.
func waitGit(ctx context.Context, c *exec.Cmd, verb string) error {
	err := c.Wait()
	if err == nil {
		return nil
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		exit.Stderr = c.Stderr.(*bytes.Buffer).Bytes()
	}
	return explainGit(ctx, verb, err)
}

func explainGit(ctx context.Context, verb string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, exec.ErrNotFound) {
		return errs.New(errs.NotFound, "git is not installed: %w", err).Hint("install git, or work without: mlops init --no-git")
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		text, _, _ := strings.Cut(strings.TrimSpace(string(exit.Stderr)), "\n")
		e := errs.New(errs.Internal, "git %s: %s: %w", verb, strings.TrimPrefix(text, "fatal: "), err)
		if strings.Contains(text, "dubious ownership") {
			e.Hint("git config --global --add safe.directory '*'")
		}
		return e
	}
	return errs.New(errs.Internal, "git %s: %w", verb, err)
}

// Head is the commit that is checked out, "" before the first one.
func (g Git) Head(ctx context.Context) (string, error) {
	if !g.Exists() {
		return "", nil
	}
	id, _, err := g.commit(ctx, "HEAD")
	return id, err
}

// Commit is the commit that rev names. It is errs.NotFound when there is none.
func (g Git) Commit(ctx context.Context, rev string) (string, error) {
	id, ok, err := g.commit(ctx, rev)
	if err == nil && !ok {
		return "", g.noRevision(ctx, rev)
	}
	return id, err
}

func (g Git) commit(ctx context.Context, rev string) (id string, ok bool, err error) {
	c, err := g.command(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	if err != nil {
		return "", false, err
	}
	out, err := c.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil && !strings.Contains(string(exit.Stderr), "ownership") {
		return "", false, nil
	}
	if err != nil {
		return "", false, explainGit(ctx, "rev-parse", err)
	}
	return strings.TrimSpace(string(out)), true, nil
}

// noRevision is the error of a revision that is not there.
func (g Git) noRevision(ctx context.Context, rev string) error {
	e := errs.New(errs.NotFound, "no git revision %q", rev)
	if rev == "HEAD" { // which Head asks for
		return e.Hint("git has no commit yet: git commit")
	}
	if _, ok, err := g.commit(ctx, "HEAD"); err == nil && !ok {
		return e.Hint("git has no commit yet: git commit")
	}
	if a, b, ok := strings.Cut(rev, "..."); ok {
		return e.Hint("two revisions are compared with two dots: %s..%s", a, b)
	}
	if names, err := g.Names(ctx); err == nil {
		e.DidYouMean(rev, names)
	}
	if shallow, err := g.run(ctx, "rev-parse", "--is-shallow-repository"); err == nil && strings.TrimSpace(shallow) == "true" {
		return e.Hint("this clone has not all commits: git fetch --unshallow")
	}
	return e.Hint("see the revisions: git log --oneline --all")
}

// Branch is the branch that is checked out, "" when none is.
func (g Git) Branch(ctx context.Context) (string, error) {
	if !g.Exists() {
		return "", nil
	}
	c, err := g.command(ctx, "symbolic-ref", "--quiet", "--short", "HEAD")
	if err != nil {
		return "", err
	}
	out, err := c.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return "", nil
	}
	if err != nil {
		return "", explainGit(ctx, "symbolic-ref", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Dirty reports whether files that git tracks differ from the commit that is
// checked out.
func (g Git) Dirty(ctx context.Context) (bool, error) {
	if !g.Exists() {
		return false, nil
	}
	out, err := g.run(ctx, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all")
	return out != "", err
}

// Remote is the URL of the remote origin, "" when there is none.
func (g Git) Remote(ctx context.Context) (string, error) { return g.config(ctx, "remote.origin.url") }

// User is the name and e-mail address that commits get, "" where not set.
func (g Git) User(ctx context.Context) (name, email string, err error) {
	if name, err = g.config(ctx, "user.name"); err != nil {
		return "", "", err
	}
	email, err = g.config(ctx, "user.email")
	return name, email, err
}

func (g Git) config(ctx context.Context, key string) (string, error) {
	if !g.Exists() {
		return "", nil
	}
	c, err := g.command(ctx, "config", "--get", key)
	if err != nil {
		return "", err
	}
	out, err := c.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return "", nil
	}
	if err != nil {
		return "", explainGit(ctx, "config", err)
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// Show is the content of the file at path in a revision. It is errs.NotFound
// when it is not there.
func (g Git) Show(ctx context.Context, rev, file string) ([]byte, error) {
	commit, err := g.Commit(ctx, rev)
	if err != nil {
		return nil, err
	}
	var text []byte
	found := false
	err = g.blobs(ctx, commit, func(name string) bool { return name == file }, func(_ string, b []byte) error {
		text, found = b, true
		return nil
	}, file)
	if err == nil && !found {
		return nil, errs.New(errs.NotFound, "%s is not in revision %s", file, rev)
	}
	return text, err
}

// Files lists the files of a revision at or below ours, relative to the root,
// each with git's id of its content. Paths limit the list.
func (g Git) Files(ctx context.Context, rev string, paths ...string) (map[string]string, error) {
	commit, err := g.Commit(ctx, rev)
	if err != nil {
		return nil, err
	}
	return g.files(ctx, commit, paths)
}

// files is Files for the id of a commit or of a git tree.
func (g Git) files(ctx context.Context, id string, paths []string) (map[string]string, error) {
	args := []string{"--literal-pathspecs", "ls-tree", "-r", "-z", id, "--"}
	out, err := g.run(ctx, append(args, paths...)...)
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for rec := range strings.SplitSeq(out, "\x00") {
		head, name, ok := strings.Cut(rec, "\t")
		f := strings.Fields(head)
		if ok && len(f) == 3 && f[1] == "blob" {
			files[name] = f[2]
		}
	}
	return files, nil
}

// blobs calls fn with the content of each wanted file of a commit or git tree.
// It starts two processes whatever the number of files.
func (g Git) blobs(ctx context.Context, id string, wanted func(name string) bool, fn func(name string, text []byte) error, paths ...string) error {
	files, err := g.files(ctx, id, paths)
	if err != nil {
		return err
	}
	var names []string
	for name := range files {
		if wanted(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	var in bytes.Buffer
	for _, name := range names {
		in.WriteString(files[name] + "\n")
	}
	c, err := g.command(ctx, "cat-file", "--batch")
	if err != nil {
		return err
	}
	c.Stdin, c.Stderr = &in, new(bytes.Buffer)
	pipe, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return explainGit(ctx, "cat-file", err)
	}
	err = readBatch(bufio.NewReaderSize(pipe, 1<<16), names, fn)
	if err != nil {
		// git may wait for us to read: end it, its own error would only hide ours.
		return errors.Join(err, c.Cancel(), ignoreExit(c.Wait()))
	}
	return waitGit(ctx, c, "cat-file")
}

func ignoreExit(err error) error {
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil
	}
	return err
}

// readBatch reads what git cat-file --batch writes for names.
func readBatch(r *bufio.Reader, names []string, fn func(string, []byte) error) error {
	for _, name := range names {
		head, err := r.ReadString('\n')
		if err != nil {
			return fmt.Errorf("read %s from git: %w", name, err)
		}
		f := strings.Fields(head)
		if len(f) != 3 {
			return fmt.Errorf("read %s from git: %s", name, strings.TrimSpace(head))
		}
		size, err := strconv.Atoi(f[2])
		if err != nil || size < 0 {
			return fmt.Errorf("read %s from git: size %q", name, f[2])
		}
		text := make([]byte, size+1)
		if _, err := io.ReadFull(r, text); err != nil {
			return fmt.Errorf("read %s from git: %w", name, err)
		}
		if err := fn(name, text[:size]); err != nil {
			return err
		}
	}
	return nil
}

// Tracks lists those files that git tracks at or below paths.
func (g Git) Tracks(ctx context.Context, paths ...string) ([]string, error) {
	if !g.Exists() || len(paths) == 0 {
		return nil, nil
	}
	out, err := g.run(ctx, append([]string{"--literal-pathspecs", "ls-files", "-z", "--"}, paths...)...)
	if err != nil {
		return nil, err
	}
	var files []string
	for name := range strings.SplitSeq(out, "\x00") {
		if name != "" {
			files = append(files, path.Clean(name))
		}
	}
	return files, nil
}
