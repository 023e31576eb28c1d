package repo

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// IsolatedName is the directory in .mlops where copies of the workspace are.
const IsolatedName = "isolated"

// homeName is the file in the .mlops of a copy that holds the path of the
// .mlops whose store and index it shares.
const homeName = "home"

// MakeCopy makes the directory root, where nothing stands, a copy without files
// of this repository's workspace. Commands that are started in it know by that
// where the store and the index are; what is derived from files is its own.
func (r *Repo) MakeCopy(root string) error {
	config, err := os.ReadFile(filepath.Join(r.MetaDir(), ConfigFile))
	if errors.Is(err, fs.ErrNotExist) {
		config, err = defaultConfig(), nil
	}
	if err != nil {
		return errs.New(errs.Internal, "copy the workspace: %w", err)
	}
	local := filepath.Join(root, Dir)
	if err := os.MkdirAll(local, 0o777); err != nil {
		return errs.New(errs.Internal, "copy the workspace: %w", err)
	}
	// The settings come last: they make it a repository.
	for _, f := range []struct {
		name string
		text []byte
	}{{homeName, []byte(r.MetaDir() + "\n")}, {ConfigFile, config}} {
		if err := os.WriteFile(filepath.Join(local, f.name), f.text, filePerm); err != nil { //nolint:forbidigo // a copy need not outlive a crash
			return errs.New(errs.Internal, "copy the workspace: %w", err)
		}
	}
	return nil
}

// OpenCopy opens a copy that MakeCopy made. It shares what this repository has
// open, and must be closed before it.
func (r *Repo) OpenCopy(root string) (*Repo, error) {
	c, err := open(root)
	if err != nil {
		return nil, err
	}
	c.Config = r.Config
	c.shared = r
	return c, nil
}

// IsCopy reports whether this is a copy of another repository's workspace.
func (r *Repo) IsCopy() bool { return r.home != "" }

// Home is the root of the repository that keeps the store and the index: Root,
// unless this is a copy.
func (r *Repo) Home() string { return filepath.Dir(r.MetaDir()) }

// localDir is the .mlops of the workspace itself.
func (r *Repo) localDir() string { return filepath.Join(r.Root, Dir) }

// readHome returns the .mlops that a copy shares, "" where root is none.
func readHome(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, Dir, homeName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", errs.New(errs.Internal, "open repository: %w", err)
	}
	home := strings.TrimSpace(string(text))
	if info, err := os.Stat(home); err != nil || !info.IsDir() {
		return "", errs.New(errs.NotARepository, "%s is a copy of the workspace of %s, which is gone", root, filepath.Dir(home)).
			Hint("remove %s", root)
	}
	return home, nil
}

// forgetCopies removes the stat caches of the copies.
func (r *Repo) forgetCopies() error {
	copies, err := filepath.Glob(filepath.Join(r.MetaDir(), IsolatedName, "*", Dir, cacheName+"*"))
	if err != nil {
		return err
	}
	for _, file := range copies {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return errs.New(errs.Internal, "stat cache: %w", err)
		}
	}
	return nil
}

// lockDir is where locks on files of the workspace are.
func (r *Repo) lockDir() (string, error) {
	dir := filepath.Join(r.localDir(), tmpName)
	return dir, os.MkdirAll(dir, 0o777)
}

// Present lists the files at and below our root that git tracks or does not
// ignore, relative to it. A tracked file may be gone; a submodule is a
// directory.
func (g Git) Present(ctx context.Context) ([]string, error) {
	out, err := g.run(ctx, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range strings.SplitSeq(out, "\x00") {
		if name != "" {
			names = append(names, strings.TrimSuffix(name, "/"))
		}
	}
	return names, nil
}
