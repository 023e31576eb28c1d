package ignore

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Matcher holds the rules of the directories that were added. Its zero value
// excludes nothing. It may be used by many goroutines once nothing is added.
type Matcher struct {
	rules map[string][]pattern // by directory, "." for the root
}

// New returns a matcher without rules.
func New() *Matcher { return &Matcher{} }

// Add reads the rules of the ignore file in the directory dir, a slash path, "."
// for the root.
func (m *Matcher) Add(dir string, text []byte) {
	patterns := parse(text)
	if len(patterns) == 0 {
		return
	}
	if m.rules == nil {
		m.rules = map[string][]pattern{}
	}
	m.rules[dir] = append(m.rules[dir], patterns...)
}

// Empty reports whether there are no rules, so that nothing is excluded.
func (m *Matcher) Empty() bool { return m == nil || len(m.rules) == 0 }

// Match reports whether the slash path, or a directory that it is in, is
// excluded.
func (m *Matcher) Match(file string, isDir bool) bool {
	if m.Empty() {
		return false
	}
	for i := range len(file) {
		if file[i] == '/' && m.excludes(file[:i], true) {
			return true
		}
	}
	return m.excludes(file, isDir)
}

// MatchChild is Match for a path whose directory is known not to be excluded.
func (m *Matcher) MatchChild(file string, isDir bool) bool {
	return !m.Empty() && m.excludes(file, isDir)
}

func (m *Matcher) excludes(file string, isDir bool) bool {
	base := path.Base(file)
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		patterns := m.rules[dir]
		for i := len(patterns) - 1; i >= 0; i-- {
			if patterns[i].match(dir, file, base, isDir) {
				return !patterns[i].negated
			}
		}
		if dir == "." || dir == "/" {
			return false
		}
	}
}

// pattern is one line of an ignore file.
type pattern struct {
	glob     string // without the leading and trailing slash
	negated  bool
	dirOnly  bool
	anchored bool // matched against the whole path below its directory
}

func parse(text []byte) []pattern {
	var out []pattern
	rest := strings.TrimPrefix(string(text), "\ufeff")
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		line = trimSpaces(strings.TrimSuffix(line, "\r"))
		if line == "" {
			continue
		}
		var p pattern
		line, p.negated = strings.CutPrefix(line, "!")
		if strings.HasSuffix(line, "/") {
			line, p.dirOnly = line[:len(line)-1], true
		}
		p.anchored = strings.Contains(line, "/")
		p.glob = strings.TrimPrefix(line, "/")
		out = append(out, p)
	}
	return out
}

// trimSpaces drops spaces at the end that no backslash keeps.
func trimSpaces(line string) string {
	end := len(line)
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ' ':
			if end > i {
				end = i
			}
			continue
		case '\\':
			i++
		}
		end = len(line)
	}
	return line[:end]
}

func (p *pattern) match(dir, file, base string, isDir bool) bool {
	if p.dirOnly && !isDir {
		return false
	}
	if !p.anchored {
		return wildmatch(p.glob, base, false) == matched
	}
	if dir != "." {
		file = file[len(dir)+1:]
	}
	return wildmatch(p.glob, file, true) == matched
}

// Digest is text that is equal for matchers with the same rules.
func (m *Matcher) Digest() string {
	var b strings.Builder
	for _, dir := range slices.Sorted(maps.Keys(m.rules)) {
		for _, p := range m.rules[dir] {
			fmt.Fprintf(&b, "%q %q %t %t %t\n", dir, p.glob, p.negated, p.dirOnly, p.anchored)
		}
	}
	sum := sha256.Sum256([]byte(b.String()))
	return string(sum[:])
}
