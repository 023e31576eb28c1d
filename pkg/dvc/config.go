package dvc

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// ConfigFile is one level of the configuration.
type ConfigFile struct {
	Path string // of the file system; relative paths in it are relative to its directory
	Text []byte
}

// Config is DVC's configuration, all levels merged.
type Config struct {
	Remote   string // name of the default remote, "" for none
	CacheDir string // absolute, "" for the usual place
	NoSCM    bool
	Remotes  []Remote // sorted by name
}

// Remote is a place for data. URL is absolute, a path where there is no scheme.
type Remote struct {
	Name     string
	URL      string
	Relative bool              // the file says a path relative to it
	File     string            // of the configuration, that says the URL
	Options  map[string]string // all other keys, in lower case
}

// ParseConfig merges configuration files, the weakest first.
func ParseConfig(files ...ConfigFile) (Config, error) {
	var c Config
	remotes := map[string]*Remote{}
	for _, f := range files {
		settings, err := ParseSettings(f.Path, f.Text)
		if err != nil {
			return c, err
		}
		for _, s := range settings {
			c.set(f.Path, s, remotes)
		}
	}
	for _, r := range remotes {
		inherit(r, remotes, 0)
		c.Remotes = append(c.Remotes, *r)
	}
	slices.SortFunc(c.Remotes, func(a, b Remote) int { return strings.Compare(a.Name, b.Name) })
	return c, nil
}

// set takes one setting of a file.
func (c *Config) set(file string, s Setting, remotes map[string]*Remote) {
	dir := filepath.Dir(file)
	switch s.Section + "." + s.Key {
	case "core.remote":
		c.Remote = s.Value
	case "core.no_scm":
		c.NoSCM = strings.EqualFold(s.Value, "true")
	case "cache.dir":
		c.CacheDir = absolute(dir, s.Value)
	}
	if s.Section != "remote" || s.Name == "" {
		return
	}
	r := remotes[s.Name]
	if r == nil {
		r = &Remote{Name: s.Name, Options: map[string]string{}}
		remotes[s.Name] = r
	}
	switch s.Key {
	case "":
	case "url":
		r.URL, r.File = absolute(dir, s.Value), file
		r.Relative = r.URL != s.Value
	default:
		r.Options[s.Key] = s.Value
	}
}

// inherit resolves remote://NAME/PATH.
func inherit(r *Remote, all map[string]*Remote, depth int) {
	rest, ok := strings.CutPrefix(r.URL, "remote://")
	if !ok || depth > len(all) {
		return
	}
	name, below, _ := strings.Cut(rest, "/")
	parent := all[name]
	if parent == nil || parent == r {
		return
	}
	inherit(parent, all, depth+1)
	r.URL, r.Relative = strings.TrimSuffix(parent.URL, "/")+"/"+below, parent.Relative
	for key, v := range parent.Options {
		if _, own := r.Options[key]; !own {
			r.Options[key] = v
		}
	}
}

// absolute resolves a path that is relative to the directory of its file. ~ and
// URLs stay as they are.
func absolute(dir, v string) string {
	if strings.Contains(v, "://") || strings.HasPrefix(v, "~") || filepath.IsAbs(v) || path.IsAbs(v) || v == "" {
		return v
	}
	return filepath.Join(dir, filepath.FromSlash(v))
}

// Find returns the remote of that name, the default one for "".
func (c Config) Find(name string) (Remote, bool) {
	if name == "" {
		name = c.Remote
	}
	for _, r := range c.Remotes {
		if r.Name == name || name == "" && len(c.Remotes) == 1 {
			return r, true
		}
	}
	return Remote{}, false
}
