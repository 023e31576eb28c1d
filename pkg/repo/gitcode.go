package repo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
)

// Patch returns, for git apply, what differs between head, the id of the commit
// that is checked out, and the files: tracked ones, and below our root new ones
// that git does not ignore and that have at most limit bytes. Whole is false
// when the patch would be longer than limit; then it is nil.
func (r *Repo) Patch(ctx context.Context, head string, limit int64) (patch []byte, whole bool, err error) {
	args := []string{"diff", "--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/", head}
	for attempt := 0; ; attempt++ {
		fresh, err := r.fresh(ctx, limit)
		if err != nil {
			return nil, false, err
		}
		if len(fresh) == 0 {
			return r.git.limited(ctx, nil, limit, args...)
		}
		err = r.withIndex(ctx, true, func(env []string) error {
			if _, err := r.git.with(ctx, env, fresh, "--literal-pathspecs", "add", "--intent-to-add", "--pathspec-from-file=-", "--pathspec-file-nul"); err != nil {
				return err
			}
			patch, whole, err = r.git.limited(ctx, env, limit, args...)
			return err
		})
		if err == nil || attempt == 2 { // a file may go between two questions
			return patch, whole, err
		}
	}
}

// fresh lists the files that git neither tracks nor ignores, each with a NUL.
func (r *Repo) fresh(ctx context.Context, limit int64) ([]byte, error) {
	out, err := r.git.run(ctx, "ls-files", "--others", "--exclude-standard", "-z")
	if err != nil {
		return nil, err
	}
	var fresh bytes.Buffer
	for name := range strings.SplitSeq(out, "\x00") {
		if base := path.Base(name); name == "" || strings.HasPrefix(base, ".mlops-") && strings.HasSuffix(base, ".tmp") {
			continue // the latter is being written by us
		}
		if info, err := os.Lstat(r.Path(name)); err == nil && info.Mode().IsRegular() && info.Size() <= limit {
			fresh.WriteString(name + "\x00")
		}
	}
	return fresh.Bytes(), nil
}

// with runs git with more in its environment and with input.
func (g Git) with(ctx context.Context, env []string, input []byte, args ...string) (string, error) {
	c, err := g.command(ctx, args...)
	if err != nil {
		return "", err
	}
	c.Env = append(c.Env, env...)
	c.Stdin = bytes.NewReader(input)
	out, err := c.Output()
	if err != nil {
		return "", explainGit(ctx, verbOf(args), err)
	}
	return string(out), nil
}

func verbOf(args []string) string {
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			return a
		}
	}
	return args[0]
}

// limited is run for output that is only wanted when it has at most limit bytes.
func (g Git) limited(ctx context.Context, env []string, limit int64, args ...string) (out []byte, whole bool, err error) {
	c, err := g.command(ctx, args...)
	if err != nil {
		return nil, false, err
	}
	c.Env, c.Stderr = append(c.Env, env...), new(bytes.Buffer)
	pipe, err := c.StdoutPipe()
	if err != nil {
		return nil, false, err
	}
	if err := c.Start(); err != nil {
		return nil, false, explainGit(ctx, args[0], err)
	}
	out, err = io.ReadAll(io.LimitReader(pipe, limit+1))
	if int64(len(out)) > limit {
		return nil, false, errors.Join(c.Cancel(), ignoreExit(c.Wait()))
	}
	if werr := waitGit(ctx, c, verbOf(args)); werr != nil {
		return nil, false, werr
	}
	return out, err == nil, err
}

// withIndex lends fn an index of git that is nobody else's: a copy of the one
// in use, or an empty one.
func (r *Repo) withIndex(ctx context.Context, filled bool, fn func(env []string) error) (err error) {
	tmp, err := r.TmpDir()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(tmp, "index-")
	if err != nil {
		return fmt.Errorf("make an index for git: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	index := filepath.Join(dir, "index")
	if filled {
		name, err := r.git.run(ctx, "rev-parse", "--git-path", "index")
		if err != nil {
			return err
		}
		if name = strings.TrimSpace(name); !filepath.IsAbs(name) {
			name = filepath.Join(r.git.dir, name)
		}
		if err := copyIndex(name, index); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("copy git's index: %w", err)
		}
	}
	return fn([]string{"GIT_INDEX_FILE=" + index})
}

// copyIndex copies with the time of the last change: by it git knows the files
// that changed too shortly before to be told by their own times.
func copyIndex(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, text, 0o600); err != nil { //nolint:forbidigo // temporary
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// place is where our root is in git's work tree.
func (g Git) place(ctx context.Context) (top, prefix string, err error) {
	out, err := g.run(ctx, "rev-parse", "--show-toplevel", "--show-prefix")
	if err != nil {
		return "", "", err
	}
	top, prefix, _ = strings.Cut(strings.TrimSuffix(out, "\n"), "\n")
	return filepath.FromSlash(top), prefix, nil
}

// CodeTree makes a tree object of git: the files of a commit, with patch
// applied, and then with files in the place of theirs: slash path relative to
// our root to content. The workspace and git's index stay as they are.
func (r *Repo) CodeTree(ctx context.Context, commit string, patch []byte, files map[string][]byte) (tree string, err error) {
	top, prefix, err := r.git.place(ctx)
	if err != nil {
		return "", err
	}
	err = r.withIndex(ctx, false, func(env []string) error {
		atTop := Git{dir: top}
		if _, err := atTop.with(ctx, env, nil, "read-tree", commit); err != nil {
			return err
		}
		if len(patch) > 0 {
			if _, err := atTop.with(ctx, env, patch, "apply", "--cached", "--whitespace=nowarn", "-"); err != nil {
				return errs.New(errs.Conflict, "the changes of the run do not fit its commit %.12s: %w", commit, err)
			}
		}
		tree, err = r.writeTree(ctx, atTop, prefix, env, files)
		return err
	})
	return tree, err
}

// CodeTreeOf is CodeTree for code that no patch says: fill makes the directory
// that it is given, with all files of our root. Of the commit, where there is
// one, only what is outside of our root is used.
func (r *Repo) CodeTreeOf(ctx context.Context, commit string, fill func(dir string) error, files map[string][]byte) (tree string, err error) {
	top, prefix, err := r.git.place(ctx)
	if err != nil {
		return "", err
	}
	gitDir, err := r.git.run(ctx, "rev-parse", "--absolute-git-dir")
	if err != nil {
		return "", err
	}
	tmp, err := r.TmpDir()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(tmp, "code-")
	if err != nil {
		return "", fmt.Errorf("unpack code: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	work := filepath.Join(dir, "top")
	root := filepath.Join(work, filepath.FromSlash(prefix))
	if err := os.MkdirAll(filepath.Dir(root), 0o777); err != nil {
		return "", fmt.Errorf("unpack code: %w", err)
	}
	if err := fill(root); err != nil {
		return "", err
	}
	err = r.withIndex(ctx, false, func(env []string) error {
		if commit != "" {
			if _, err := (Git{dir: top}).with(ctx, env, nil, "read-tree", commit); err != nil {
				return err
			}
		}
		env = append(env, "GIT_DIR="+strings.TrimSpace(gitDir), "GIT_WORK_TREE="+work)
		if _, err := (Git{dir: work}).with(ctx, env, nil, "--literal-pathspecs", "add", "--all", "--force", "--", cmp.Or(prefix, ".")); err != nil {
			return err
		}
		tree, err = r.writeTree(ctx, Git{dir: work}, prefix, env, files)
		return err
	})
	return tree, err
}

// writeTree writes the tree of an index, with files in the place of theirs.
func (r *Repo) writeTree(ctx context.Context, atTop Git, prefix string, env []string, files map[string][]byte) (string, error) {
	var lines bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		id, err := atTop.with(ctx, env, files[name], "hash-object", "-w", "--stdin", "--path="+prefix+name)
		if err != nil {
			return "", err
		}
		lines.WriteString("100644 " + strings.TrimSpace(id) + "\t" + prefix + name + "\x00")
	}
	if lines.Len() > 0 {
		if _, err := atTop.with(ctx, env, lines.Bytes(), "update-index", "-z", "--index-info"); err != nil {
			return "", err
		}
	}
	tree, err := atTop.with(ctx, env, nil, "write-tree")
	return strings.TrimSpace(tree), err
}

// Base is what the workspace began with: the commit that is checked out, or a
// tree without files before the first one.
func (g Git) Base(ctx context.Context) (string, error) {
	head, err := g.Head(ctx)
	if err != nil || head != "" {
		return head, err
	}
	empty, err := g.with(ctx, nil, nil, "hash-object", "-w", "-t", "tree", "--stdin")
	return strings.TrimSpace(empty), err
}

// MakeBranch makes a branch whose only new commit has a tree of git, and parent
// unless that is "". It is errs.Conflict when the branch exists. Nothing is
// checked out.
func (g Git) MakeBranch(ctx context.Context, name, tree, parent, message string) (commit string, err error) {
	if _, err := g.run(ctx, "check-ref-format", "--branch", name); err != nil {
		return "", errs.New(errs.Usage, "%q cannot be the name of a branch: %w", name, err)
	}
	if have, err := g.run(ctx, "for-each-ref", "--format=%(refname)", "refs/heads/"+name); err != nil || have != "" {
		return "", errors.Join(err, errs.New(errs.Conflict, "the branch %s exists", name).Hint("give another name, or: git branch -D %s", name))
	}
	args := []string{"commit-tree", tree}
	if parent != "" {
		args = append(args, "-p", parent)
	}
	out, err := g.with(ctx, nil, []byte(message), args...)
	if err != nil {
		return "", err
	}
	commit = strings.TrimSpace(out)
	_, err = g.run(ctx, "update-ref", "-m", "mlops runs branch", "refs/heads/"+name, commit, strings.Repeat("0", len(commit)))
	return commit, err
}

// CodeChange is a file below our root that differs between two trees of git,
// or between one and the workspace.
type CodeChange struct {
	Path string
	Old  string // git's id of it in the first; "" where it is not there
	New  string // in the second; "" where it is not there, zeros where only the workspace knows
}

// CodeChanges lists the files below our root that differ between a tree, or
// commit, and another one; "" is the workspace, of which untracked files count
// as not there.
func (g Git) CodeChanges(ctx context.Context, from, to string) ([]CodeChange, error) {
	args := []string{"diff", "--raw", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff", "--ignore-submodules=all", "--relative", from}
	if to != "" {
		args = append(args, to)
	}
	out, err := g.run(ctx, append(args, "--")...)
	if err != nil {
		return nil, err
	}
	var list []CodeChange
	fields := strings.Split(out, "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		f := strings.Fields(fields[i])
		if len(f) != 5 {
			return nil, fmt.Errorf("read from git diff: %q", fields[i])
		}
		c := CodeChange{Path: fields[i+1], Old: f[2], New: f[3]}
		switch f[4] {
		case "A":
			c.Old = ""
		case "D":
			c.New = ""
		}
		list = append(list, c)
	}
	return list, nil
}

// Lines is how many lines of a file differ, -1 for a binary file.
type Lines struct {
	Path           string
	Added, Removed int
}

// CodeStat counts the lines that differ between two trees, below our root.
func (g Git) CodeStat(ctx context.Context, from, to string) ([]Lines, error) {
	out, err := g.run(ctx, "diff", "--numstat", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules=all", "--relative", from, to, "--")
	if err != nil {
		return nil, err
	}
	var list []Lines
	for rec := range strings.SplitSeq(out, "\x00") {
		f := strings.SplitN(rec, "\t", 3)
		if len(f) != 3 {
			continue
		}
		l := Lines{Path: f[2], Added: -1, Removed: -1}
		if a, err := strconv.Atoi(f[0]); err == nil {
			l.Added = a
		}
		if r, err := strconv.Atoi(f[1]); err == nil {
			l.Removed = r
		}
		list = append(list, l)
	}
	return list, nil
}

// CodePatch is what differs between two trees below our root, for people.
func (g Git) CodePatch(ctx context.Context, from, to string) (string, error) {
	return g.run(ctx, "diff", "--no-color", "--no-ext-diff", "--ignore-submodules=all", "--relative", from, to, "--")
}

// Blobs are git's ids of those of files that a commit, given by its id, has.
func (g Git) Blobs(ctx context.Context, commit string, files []string) (map[string]string, error) {
	if len(files) == 0 {
		return map[string]string{}, nil
	}
	return g.files(ctx, commit, files)
}

// Blob is the content that git knows by an id.
func (g Git) Blob(ctx context.Context, id string) ([]byte, error) {
	out, err := g.run(ctx, "cat-file", "blob", id)
	return []byte(out), err
}

// CheckoutTree writes files of a tree into the workspace, each at once, and
// removes those that the tree does not have. Git's index stays as it is. Paths
// are relative to our root.
func (r *Repo) CheckoutTree(ctx context.Context, tree string, write, remove []string) (err error) {
	for _, name := range remove {
		if err := os.Remove(r.Path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", name, err)
		}
		// git knows no empty directories.
		for dir := path.Dir(name); dir != "." && os.Remove(r.Path(dir)) == nil; dir = path.Dir(dir) {
		}
	}
	if len(write) == 0 {
		return nil
	}
	top, prefix, err := r.git.place(ctx)
	if err != nil {
		return err
	}
	tmp, err := r.TmpDir()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(tmp, "code-")
	if err != nil {
		return fmt.Errorf("check out code: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var names bytes.Buffer
	for _, name := range write {
		names.WriteString(prefix + name + "\x00")
	}
	atTop := Git{dir: top}
	if err := r.withIndex(ctx, false, func(env []string) error {
		if _, err := atTop.with(ctx, env, nil, "read-tree", tree); err != nil {
			return err
		}
		_, err := atTop.with(ctx, env, names.Bytes(), "checkout-index", "-f", "-z", "--stdin", "--prefix="+filepath.ToSlash(dir)+"/")
		return err
	}); err != nil {
		return err
	}
	if err := fsx.SyncFS(dir); err != nil {
		return err
	}
	dirs := map[string]bool{}
	for _, name := range write {
		to := r.Path(name)
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := fsx.Rename(filepath.Join(dir, filepath.FromSlash(prefix+name)), to); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		dirs[filepath.Dir(to)] = true
	}
	for d := range dirs {
		if err := fsx.SyncDir(d); err != nil {
			return err
		}
	}
	return nil
}

// appliedRef names the tree that SetApplied was given last.
const appliedRef = "refs/mlops/applied"

// SetApplied remembers that the workspace was made a tree.
func (g Git) SetApplied(ctx context.Context, tree string) error {
	_, err := g.run(ctx, "update-ref", appliedRef, tree)
	return err
}

// Applied is the tree that SetApplied was given last, "" for none.
func (g Git) Applied(ctx context.Context) string {
	out, err := g.run(ctx, "rev-parse", "--verify", "--quiet", appliedRef)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(out)
}

// TrackedInTree is TrackedAt for the id of a tree of git.
func (r *Repo) TrackedInTree(ctx context.Context, tree string) ([]Tracked, error) {
	return r.trackedInTree(ctx, tree)
}
