package registry

import (
	"strconv"
	"strings"
)

// Latest is the alias that every model has: its highest version.
const Latest = "latest"

// Ref names a model, or one version of it by its number or an alias.
type Ref struct {
	Name   string
	Number int    // 0: not by number
	Alias  string // "": not by alias
}

// ParseRef reads NAME, NAME/3, NAME/v3, NAME@alias, NAME/alias and the same
// behind models:/, as MLflow writes them.
func ParseRef(text string) (Ref, error) {
	rest := text
	if after, ok := strings.CutPrefix(text, "models:"); ok {
		rest = strings.TrimLeft(after, "/")
	}
	r := Ref{Name: rest}
	if name, word, ok := strings.Cut(rest, "/"); ok {
		r.Name = name
		if n, err := strconv.Atoi(strings.TrimPrefix(word, "v")); err == nil {
			if n < 1 {
				return Ref{}, Invalid(VersionNumber, word, 0)
			}
			r.Number = n
		} else {
			r.Alias = word
		}
	} else if i := strings.LastIndex(rest, "@"); i > 0 {
		r.Name, r.Alias = rest[:i], rest[i+1:]
	}
	if err := CheckName(r.Name); err != nil {
		return Ref{}, err
	}
	if r.Alias == "" && r.Number == 0 && r.Name != rest {
		return Ref{}, Invalid(EmptyAlias, text, 0)
	}
	return r, nil
}

// String is the shortest text that ParseRef reads back.
func (r Ref) String() string {
	switch {
	case r.Number > 0:
		return r.Name + "/" + strconv.Itoa(r.Number)
	case r.Alias != "":
		return r.Name + "@" + r.Alias
	}
	return r.Name
}

// Ref is how the version is named.
func (v *Version) Ref() Ref { return Ref{Name: v.Model, Number: v.Number} }
