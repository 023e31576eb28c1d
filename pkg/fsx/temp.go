package fsx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// leaseExt ends the name of the lease that tells whose a TempDir is.
const leaseExt = ".lease"

// TempDir is a temporary directory. Its lease ends with its process, so that
// DeadTemps finds what a killed one left.
type TempDir struct {
	Path  string
	lease *Lease
}

// MakeTempDir makes a directory in parent whose name is prefix and a number.
func MakeTempDir(parent, prefix string) (*TempDir, error) {
	for {
		path, err := os.MkdirTemp(parent, prefix)
		if err != nil {
			return nil, fmt.Errorf("make a temporary directory: %w", err)
		}
		l, _, err := TryLease(path + leaseExt)
		if err != nil {
			return nil, errors.Join(err, os.Remove(path))
		}
		if l != nil {
			return &TempDir{Path: path, lease: l}, nil
		}
		// Somebody takes the new directory for a dead one: leave it to them.
	}
}

// Remove removes the directory and all that is in it.
func (t *TempDir) Remove() error {
	return errors.Join(os.RemoveAll(t.Path), t.lease.Release())
}

// DeadTemp is a temporary file or directory that nobody uses any more.
type DeadTemp struct {
	Path  string
	Bytes int64
}

// isTemp reports whether os.CreateTemp or os.MkdirTemp made a name of "word-" or
// ".word-*.tmp".
func isTemp(name string) bool {
	name = strings.TrimSuffix(strings.TrimPrefix(name, "."), ".tmp")
	word, number, ok := strings.Cut(name, "-")
	return ok && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") == "" && word != "" &&
		strings.Trim(number, "0123456789") == "" && number != ""
}

// DeadTemps calls fn for everything in parent with the name of a temporary
// file or directory that nobody uses: its lease is given up, or it has none and
// is older than before.
func DeadTemps(parent string, before time.Time, fn func(DeadTemp) error) error {
	list, err := os.ReadDir(parent)
	if err != nil {
		return fmt.Errorf("look for temporary files: %w", err)
	}
	for _, d := range list {
		if !isTemp(d.Name()) {
			continue
		}
		path := filepath.Join(parent, d.Name())
		if err := deadTemp(path, before, fn); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("look at %s: %w", path, err)
		}
	}
	// A lease without its directory: the process died between the two.
	for _, d := range list {
		name, ok := strings.CutSuffix(d.Name(), leaseExt)
		if !ok || !isTemp(name) {
			continue
		}
		if _, err := os.Lstat(filepath.Join(parent, name)); errors.Is(err, fs.ErrNotExist) {
			l, _, err := TryLease(filepath.Join(parent, d.Name()))
			if err == nil && l != nil {
				err = l.Release()
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func deadTemp(path string, before time.Time, fn func(DeadTemp) error) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path + leaseExt); errors.Is(err, fs.ErrNotExist) {
		if !info.ModTime().Before(before) {
			return nil
		}
	} else {
		held, _, err := LeaseHeld(path + leaseExt)
		if held || err != nil {
			return err
		}
	}
	t := DeadTemp{Path: path}
	err = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			t.Bytes += info.Size()
		}
		return err
	})
	if err != nil {
		return err
	}
	return fn(t)
}

// Remove removes it. Who died in the midst of that leaves the rest to the next.
func (t DeadTemp) Remove() error {
	err := os.RemoveAll(t.Path)
	if err == nil {
		err = os.Remove(t.Path + leaseExt)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
