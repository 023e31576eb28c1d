package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// InitOptions say what kind of repository Init makes.
type InitOptions struct {
	NoGit  bool // do without git, also where there is a git repository
	Nested bool // also inside another repository: one for a moment
}

// InitResult is what Init did.
type InitResult struct {
	Root    string   `json:"root"`    // absolute path
	Created bool     `json:"created"` // false: it was there and nothing was missing
	Git     bool     `json:"git"`     // the repository is versioned by git
	Files   []string `json:"files"`   // written, relative to the root: what to give to git
}

// Init makes dir a repository. What is there already is kept; what is missing
// is added. It refuses inside another repository and, unless NoGit, outside of
// git.
func Init(ctx context.Context, dir string, o InitOptions) (InitResult, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return InitResult{}, err
	}
	if err := mayInit(root, o); err != nil {
		return InitResult{}, err
	}
	res := InitResult{Root: root, Files: []string{}}
	if err := os.MkdirAll(filepath.Join(root, Dir, tmpName), 0o777); err != nil {
		return res, errs.New(errs.Internal, "make repository: %w", err)
	}
	config := string(defaultConfig())
	if o.NoGit {
		config += "core:\n  git: false # made with --no-git\n"
	}
	files := []struct{ name, text string }{
		{Dir + "/.gitignore", ownIgnore},
		{Dir + "/" + ConfigFile, config}, // last of the two: it makes the repository
	}
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return res, err
		}
		path := filepath.Join(root, filepath.FromSlash(f.name))
		if _, err := os.Lstat(path); err == nil {
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return res, err
		}
		if err := fsx.WriteFile(path, []byte(f.text), filePerm); err != nil {
			return res, err
		}
		res.Files = append(res.Files, f.name)
		res.Created = true
	}
	r, err := open(root)
	if err != nil {
		return res, err
	}
	res.Git = r.Git().Exists()
	if !res.Git {
		return res, nil
	}
	changed, err := addLines(filepath.Join(root, ".gitattributes"),
		[]string{".gitignore merge=union", stagefile.LockName + " merge=union"})
	if changed {
		res.Files = append(res.Files, ".gitattributes")
	}
	if err != nil {
		return res, err
	}
	return res, r.git.excludeState(ctx)
}

// defaultConfig is the settings file of a new repository.
func defaultConfig() []byte { return fmt.Appendf(nil, "format: %d\n", Format) }

// excludeState has git leave the state of this machine alone also where a commit
// is checked out that has no .mlops/.gitignore: 'git add -A' would take it in.
func (g Git) excludeState(ctx context.Context) error {
	out, err := g.run(ctx, "rev-parse", "--show-prefix", "--path-format=absolute", "--git-path", "info/exclude")
	if err != nil {
		return err
	}
	prefix, file, _ := strings.Cut(strings.TrimSuffix(out, "\n"), "\n")
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return errs.New(errs.Internal, "make repository: %w", err)
	}
	lines := strings.Fields(ownIgnore)
	for i, line := range lines {
		rule, not := strings.CutPrefix(line, "!")
		lines[i] = "/" + prefix + Dir + rule
		if not {
			lines[i] = "!" + lines[i]
		}
	}
	_, err = addLines(file, lines)
	return err
}

// ownIgnore is .mlops/.gitignore.
const ownIgnore = "/*\n!/.gitignore\n!/" + ConfigFile + "\n!/plots/\n"

func mayInit(root string, o InitOptions) error {
	if Internal(filepath.ToSlash(root)) {
		return errs.New(errs.Usage, "%s is inside a %s or %s directory", root, gitDirectory, Dir)
	}
	if other, ok := above(root, Dir); ok && other != root && !o.Nested {
		return errs.New(errs.Conflict, "%s is inside the repository %s", root, other).
			Hint("that repository can track it: mlops add works from here")
	}
	if _, ok := above(root, gitDirectory); !ok && !o.NoGit {
		return errs.New(errs.Usage, "%s is not in a git repository", root).
			Hint("git init").Hint("or do without git: mlops init --no-git")
	}
	return nil
}

// addLines appends those of lines that the file does not have.
func addLines(path string, lines []string) (changed bool, err error) {
	text, perm, err := readText(path)
	if err != nil {
		return false, err
	}
	have := strings.Split(string(text), "\n")
	for i := range have {
		have[i] = strings.TrimSuffix(have[i], "\r")
	}
	out := text
	for _, line := range lines {
		if slices.Contains(have, line) {
			continue
		}
		if len(out) > 0 && !bytes.HasSuffix(out, []byte("\n")) {
			out = append(out, '\n')
		}
		out = append(append(out, line...), '\n')
		have = append(have, line)
		changed = true
	}
	if !changed {
		return false, nil
	}
	return true, fsx.WriteFile(path, out, perm)
}

// readText reads a small file that may be missing, and its permissions.
func readText(path string) ([]byte, fs.FileMode, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, filePerm, nil
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	return text, info.Mode().Perm(), nil
}
