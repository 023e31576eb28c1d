package dvc

import (
	"fmt"
	"strings"
)

// Setting is one line of a configuration file, as ConfigObj reads it: a key and
// its value, or the head of a section, which has no Key.
type Setting struct {
	Section string // in lower case
	Name    string // of the remote, say, that the section is of
	Key     string // in lower case
	Value   string // without quotes and comment
	Raw     string // what stands after =
	Place   string // FILE:LINE
}

// ParseSettings reads the lines of a configuration file. Errors name file and line.
func ParseSettings(file string, text []byte) ([]Setting, error) {
	var out []Setting
	var head Setting
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		number++
		line = strings.TrimSpace(line)
		place := fmt.Sprintf("%s:%d", file, number)
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			name, _, ok := strings.Cut(line[1:], "]")
			if !ok {
				return nil, fmt.Errorf("%s: expected [section], found %q: %w", place, line, ErrFormat)
			}
			section, of, _ := strings.Cut(strings.Trim(name, ` '"`), " ")
			head = Setting{Section: strings.ToLower(section), Name: strings.Trim(of, ` '"`), Place: place}
			out = append(out, head)
			continue
		}
		key, raw, ok := strings.Cut(line, "=")
		if !ok || head.Section == "" {
			return nil, fmt.Errorf("%s: expected [section] or key = value, found %q: %w", place, line, ErrFormat)
		}
		s := head
		s.Key, s.Place = strings.ToLower(strings.Trim(key, ` '"`+"\t")), place
		s.Raw, s.Value = strings.TrimSpace(raw), unquoted(raw)
		out = append(out, s)
	}
	return out, nil
}

// unquoted is a value without its quotes or the comment behind it.
func unquoted(v string) string {
	v = strings.TrimSpace(v)
	if len(v) > 1 && (v[0] == '"' || v[0] == '\'') {
		if end := strings.IndexByte(v[1:], v[0]); end >= 0 {
			return v[1 : 1+end]
		}
	}
	v, _, _ = strings.Cut(v, "#")
	return strings.TrimSpace(v)
}
