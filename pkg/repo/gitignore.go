package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/fsx"
)

// Ignore makes git ignore the data at paths: an anchored entry in the
// .gitignore beside each, added at the end and only once. It does nothing
// without git.
func (r *Repo) Ignore(ctx context.Context, paths ...string) error {
	return r.editIgnores(ctx, paths, func(path string, entries []string) error {
		_, err := addLines(path, entries)
		return err
	})
}

// Unignore takes the entries of Ignore away. A .gitignore that held nothing
// else is removed.
func (r *Repo) Unignore(ctx context.Context, paths ...string) error {
	return r.editIgnores(ctx, paths, dropLines)
}

func (r *Repo) editIgnores(ctx context.Context, paths []string, edit func(path string, entries []string) error) error {
	if !r.git.Exists() || len(paths) == 0 {
		return nil
	}
	byDir := map[string][]string{}
	var dirs []string
	for _, p := range paths {
		dir := path.Dir(p)
		if byDir[dir] == nil {
			dirs = append(dirs, dir)
		}
		byDir[dir] = append(byDir[dir], ignoreEntry(path.Base(p)))
	}
	return r.Locked(ctx, "ignore.lock", "edit .gitignore", func() error {
		for _, dir := range dirs {
			if err := edit(filepath.Join(r.Path(dir), ".gitignore"), byDir[dir]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Locked runs fn while no other process, or goroutine, runs one under name.
func (r *Repo) Locked(ctx context.Context, name, what string, fn func() error) error {
	tmp, err := r.lockDir()
	if err != nil {
		return err
	}
	lock, err := fsx.LockFile(ctx, filepath.Join(tmp, name), fsx.Exclusive, what)
	if err != nil {
		return err
	}
	return errors.Join(fn(), lock.Unlock())
}

// ignoreEntry is the line that ignores name in its directory, and only there.
func ignoreEntry(name string) string {
	var b strings.Builder
	b.WriteByte('/')
	for i := range len(name) {
		switch c := name[i]; c {
		case '\\', '*', '?', '[':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\n', '\r':
			b.WriteByte('?') // a line cannot hold them
		case ' ':
			if strings.Trim(name[i:], " ") == "" {
				b.WriteByte('\\') // git drops spaces at the end of a line
			}
			b.WriteByte(' ')
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func dropLines(path string, lines []string) error {
	text, perm, err := readText(path)
	if err != nil || len(text) == 0 {
		return err
	}
	var out []byte
	for line := range bytes.SplitAfterSeq(text, []byte("\n")) {
		if !slices.Contains(lines, strings.TrimRight(string(line), "\r\n")) {
			out = append(out, line...)
		}
	}
	switch {
	case bytes.Equal(out, text):
		return nil
	case len(out) == 0:
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("edit .gitignore: %w", err)
		}
		return fsx.SyncDir(filepath.Dir(path))
	}
	return fsx.WriteFile(path, out, perm)
}
