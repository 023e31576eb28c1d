package repo

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/ignore"
)

// dvcCache reads what DVC keeps in its own cache beside us: in a repository of
// both, metrics and plots of old revisions are there and nowhere else.
type dvcCache struct {
	dir  string // "" where there is none
	outs []dvcOut
}

type dvcOut struct {
	dvc.Out
	from string // the file that names it
	dir  string // what its path is relative to; the directory of a lock
	lock bool   // then the working directory of its stage may lie between
}

// dvcOuts reads the .dvc files and locks of the snapshot, once.
func (s *Snapshot) dvcOuts(ctx context.Context) (*dvcCache, error) {
	if s.dvc != nil {
		return s.dvc, nil
	}
	c := &dvcCache{}
	s.dvc = c
	if c.dir = s.repo.dvcCacheDir(); c.dir == "" {
		return c, nil
	}
	names, err := s.dvcFiles(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := s.own(ctx, name)
		if err != nil {
			return nil, err
		}
		dir := path.Dir(name)
		if path.Base(name) != dvc.LockName {
			p, err := dvc.ParsePointer(name, text)
			if err != nil {
				continue // status says what is wrong with it
			}
			for _, o := range p.Outs {
				c.outs = append(c.outs, dvcOut{o, name, path.Join(dir, p.Wdir), false})
			}
			continue
		}
		lock, err := dvc.ParseLock(name, text)
		if err != nil {
			continue
		}
		for _, stage := range lock.Stages {
			for _, o := range stage.Outs {
				c.outs = append(c.outs, dvcOut{o, name, dir, true})
			}
		}
	}
	return c, nil
}

func (s *Snapshot) dvcFiles(ctx context.Context) ([]string, error) {
	var names []string
	if s.commit != "" {
		for name := range s.files {
			if isForeign(path.Base(name)) && !Internal(path.Dir(name)) {
				names = append(names, name)
			}
		}
		return names, nil
	}
	w := walker{repo: s.repo, ctx: ctx, dirs: map[string]bool{}, match: ignore.New()}
	if err := w.walk("."); err != nil {
		return nil, err
	}
	for _, f := range w.foreign {
		names = append(names, f.Path)
	}
	return names, nil
}

// dvcCacheDir is the directory of DVC's cache.
func (r *Repo) dvcCacheDir() string {
	var levels []dvc.ConfigFile
	for _, name := range []string{"config", "config.local"} {
		full := r.Path(".dvc/" + name)
		if text, err := os.ReadFile(full); err == nil {
			levels = append(levels, dvc.ConfigFile{Path: full, Text: text})
		}
	}
	if levels == nil {
		return ""
	}
	config, err := dvc.ParseConfig(levels...)
	if err == nil && config.CacheDir != "" {
		return config.CacheDir
	}
	return r.Path(".dvc/cache")
}

// find returns the out that is name or holds it, and the rest of the path.
func (c *dvcCache) find(name string) (out dvcOut, below string, ok bool) {
	for _, exact := range []bool{true, false} {
		for _, o := range c.outs {
			if o.Sum.IsZero() {
				continue
			}
			at := path.Join(o.dir, o.Path)
			if !exact {
				// The working directory of a stage stands in the pipeline file alone.
				tail := path.Clean(o.Path)
				for strings.HasPrefix(tail, "../") {
					tail = tail[len("../"):]
				}
				i := strings.Index("/"+name+"/", "/"+tail+"/")
				if !o.lock || i < 0 || o.dir != "." && !strings.HasPrefix(name, o.dir+"/") {
					continue
				}
				at = name[:i] + tail
			}
			if name == at {
				return o, "", true
			}
			if rest, found := strings.CutPrefix(name, at+"/"); found && o.Sum.IsDir() {
				return o, rest, true
			}
		}
	}
	return dvcOut{}, "", false
}

// read returns a file of the cache.
func (c *dvcCache) read(name string) ([]byte, error) {
	o, below, ok := c.find(name)
	if !ok || o.Sum.IsDir() && below == "" {
		return nil, errs.New(errs.NotFound, "%s is not in DVC's cache", name)
	}
	sum := o.Sum
	if sum.IsDir() {
		files, err := c.manifest(o)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if f.Path == below {
				return c.object(name, sum.File(f.Hex))
			}
		}
		return nil, errs.New(errs.NotFound, "%s is not in DVC's cache", name)
	}
	return c.object(name, sum)
}

func (c *dvcCache) manifest(o dvcOut) (dvc.Manifest, error) {
	text, err := c.object(o.Path, o.Sum)
	if err != nil {
		return nil, err
	}
	return dvc.ParseManifest(text)
}

func (c *dvcCache) object(name string, sum dvc.Sum) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, filepath.FromSlash(sum.Key())))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errs.New(errs.NotFound, "%s is not on this machine", name).Hint("dvc pull %s, or mlops import dvc and mlops pull", name)
	}
	return text, err
}

// list returns the files of a directory; nil when it is none.
func (c *dvcCache) list(dir string) ([]string, error) {
	o, below, ok := c.find(dir)
	if !ok || !o.Sum.IsDir() {
		return nil, nil
	}
	files, err := c.manifest(o)
	if errs.Is(err, errs.NotFound) {
		return nil, nil
	}
	var found []string
	for _, f := range files {
		if below == "" || strings.HasPrefix(f.Path, below+"/") {
			found = append(found, path.Join(strings.TrimSuffix(dir, "/"+below), f.Path))
		}
	}
	return found, err
}
