package migrate

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/repo"
)

// dvcDir is the directory that makes a directory a repository of DVC.
const dvcDir = ".dvc"

// Origin is a repository of DVC on this machine.
type Origin struct {
	Root   string // absolute
	Config dvc.Config
}

// FindOrigin opens the repository of DVC that holds dir.
func FindOrigin(dir string) (*Origin, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for at := abs; ; at = filepath.Dir(at) {
		if info, err := os.Stat(filepath.Join(at, dvcDir)); err == nil && info.IsDir() {
			return openOrigin(at)
		}
		if at == filepath.Dir(at) {
			return nil, errs.New(errs.NotARepository, "%s is not in a repository of DVC: no directory %s here or above", abs, dvcDir).
				Hint("go there first: cd REPO, or mlops -C REPO import dvc")
		}
	}
}

func openOrigin(root string) (*Origin, error) {
	o := &Origin{Root: root}
	places := []string{
		"/etc/xdg/dvc/config",
		"", // the user's, below
		filepath.Join(root, dvcDir, "config"),
		filepath.Join(root, dvcDir, "config.local"),
	}
	if dir := os.Getenv("XDG_CONFIG_HOME"); dir != "" {
		places[1] = filepath.Join(dir, "dvc", "config")
	} else if dir, err := os.UserConfigDir(); err == nil {
		places[1] = filepath.Join(dir, "dvc", "config")
	}
	var files []dvc.ConfigFile
	for _, file := range places {
		if file == "" {
			continue
		}
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, errs.New(errs.Internal, "read DVC's configuration: %w", err)
		}
		files = append(files, dvc.ConfigFile{Path: file, Text: text})
	}
	var err error
	if o.Config, err = dvc.ParseConfig(files...); err != nil {
		return nil, errs.New(errs.Usage, "%w", err)
	}
	return o, nil
}

// cacheDirs are the directories with objects on this machine.
func (o *Origin) cacheDirs() []string {
	dirs := []string{filepath.Join(o.Root, dvcDir, "cache")}
	if o.Config.CacheDir != "" && o.Config.CacheDir != dirs[0] {
		dirs = slices.Insert(dirs, 0, o.Config.CacheDir)
	}
	return dirs
}

// keys are the names that an object may have below a cache or a remote.
func keys(s dvc.Sum) []string {
	other := dvc.Sum{Algorithm: dvc.Legacy, Hex: s.Hex}
	if s.Algorithm == dvc.Legacy {
		other.Algorithm = dvc.MD5
	}
	return []string{s.Key(), other.Key()}
}

// cached is the file of an object in a cache, "" when none has it.
func cached(dirs []string, s dvc.Sum) string {
	for _, dir := range dirs {
		for _, key := range keys(s) {
			file := filepath.Join(dir, filepath.FromSlash(key))
			if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
				return file
			}
		}
	}
	return ""
}

// files returns the .dvc files and locks of the workspace. Tracked directories
// are not entered.
func (o *Origin) files(ctx context.Context) ([]repo.ForeignFile, error) {
	var all []repo.ForeignFile
	var walk func(dir string) error
	walk = func(dir string) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		entries, err := os.ReadDir(filepath.Join(o.Root, filepath.FromSlash(dir)))
		if err != nil {
			if errors.Is(err, fs.ErrPermission) && dir != "." {
				return nil
			}
			return errs.New(errs.Internal, "look for .dvc files: %w", err)
		}
		names := map[string]bool{}
		for _, e := range entries {
			names[e.Name()] = true
		}
		if dir != "." && names[dvcDir] {
			return nil // a repository of its own
		}
		for _, e := range entries {
			name, at := e.Name(), path.Join(dir, e.Name())
			switch {
			case e.IsDir():
				if name == ".git" || name == dvcDir || name == repo.Dir || names[name+dvc.Ext] || names[name+repo.PointerExt] {
					continue
				}
				if err := walk(at); err != nil {
					return err
				}
			case e.Type().IsRegular() && (dvc.IsPointer(name) || name == dvc.LockName):
				text, err := os.ReadFile(filepath.Join(o.Root, filepath.FromSlash(at)))
				if err != nil {
					return errs.New(errs.Internal, "read %s: %w", at, err)
				}
				all = append(all, repo.ForeignFile{Path: at, Text: text})
			}
		}
		return nil
	}
	return all, walk(".")
}
