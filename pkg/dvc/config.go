package dvc

import (
	"fmt"
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
	Name    string
	URL     string
	File    string            // of the configuration, that says the URL
	Options map[string]string // all other keys, in lower case
}

// ParseConfig merges configuration files, the weakest first.
func ParseConfig(files ...ConfigFile) (Config, error) {
	var c Config
	remotes := map[string]*Remote{}
	for _, f := range files {
		sections, err := parseINI(f.Text)
		if err != nil {
			return c, fmt.Errorf("read %s: %w", f.Path, err)
		}
		dir := filepath.Dir(f.Path)
		for _, s := range sections {
			kind, name, _ := strings.Cut(s.name, " ")
			name = strings.Trim(name, `"' `)
			switch {
			case kind == "core":
				if v, ok := s.values["remote"]; ok {
					c.Remote = v
				}
				if v, ok := s.values["no_scm"]; ok {
					c.NoSCM = strings.EqualFold(v, "true")
				}
			case kind == "cache" && name == "":
				if v, ok := s.values["dir"]; ok {
					c.CacheDir = absolute(dir, v)
				}
			case kind == "remote" && name != "":
				r := remotes[name]
				if r == nil {
					r = &Remote{Name: name, Options: map[string]string{}}
					remotes[name] = r
				}
				for key, v := range s.values {
					if key == "url" {
						r.URL, r.File = absolute(dir, v), f.Path
						continue
					}
					r.Options[key] = v
				}
			}
		}
	}
	for _, r := range remotes {
		inherit(r, remotes, 0)
		c.Remotes = append(c.Remotes, *r)
	}
	slices.SortFunc(c.Remotes, func(a, b Remote) int { return strings.Compare(a.Name, b.Name) })
	return c, nil
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
	r.URL = strings.TrimSuffix(parent.URL, "/") + "/" + below
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

type section struct {
	name   string
	values map[string]string
}

// parseINI reads what ConfigObj writes: sections, key = value, comments.
func parseINI(text []byte) ([]section, error) {
	var out []section
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			name, _, ok := strings.Cut(line[1:], "]")
			if !ok {
				return nil, fmt.Errorf("line %d: a section without ']': %w", i+1, ErrFormat)
			}
			name = strings.TrimSpace(name)
			if len(name) > 1 && name[0] == '\'' && name[len(name)-1] == '\'' {
				name = name[1 : len(name)-1]
			}
			out = append(out, section{name, map[string]string{}})
		default:
			key, value, ok := strings.Cut(line, "=")
			if !ok || len(out) == 0 {
				return nil, fmt.Errorf("line %d: neither a section nor a value: %w", i+1, ErrFormat)
			}
			out[len(out)-1].values[strings.ToLower(strings.Trim(strings.TrimSpace(key), `"'`))] = iniValue(value)
		}
	}
	return out, nil
}

func iniValue(v string) string {
	v = strings.TrimSpace(v)
	if len(v) > 1 && (v[0] == '"' || v[0] == '\'') {
		if end := strings.IndexByte(v[1:], v[0]); end >= 0 {
			return v[1 : 1+end]
		}
	}
	if at := strings.Index(v, " #"); at >= 0 {
		v = strings.TrimSpace(v[:at])
	}
	return v
}
