package mlproject

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// Value is the value of a parameter in a run of an entry point.
type Value struct {
	Parameter

	Text     string
	Given    bool // by the user, not the default
	Declared bool // by the entry point
}

// Values joins what the user gives, as key and value pairs, with the defaults:
// first the parameters of the entry point in its order, then the others in
// theirs. A parameter without a value, and a value that its type does not let in,
// is errs.Usage.
func (e Entry) Values(given [][2]string) ([]Value, error) {
	byKey := map[string]string{}
	for _, kv := range given {
		if _, twice := byKey[kv[0]]; twice {
			return nil, errs.New(errs.Usage, "parameter %s is given twice", kv[0])
		}
		byKey[kv[0]] = kv[1]
	}
	var out []Value
	var missing, known []string
	declared := map[string]bool{}
	for _, p := range e.Params {
		declared[p.Key] = true
		known = append(known, p.Key)
		text, has := byKey[p.Key]
		if !has && !p.HasDefault {
			missing = append(missing, p.Key)
			continue
		}
		v := Value{Parameter: p, Text: p.Default, Given: has, Declared: true}
		if has {
			v.Text = text
		}
		if err := p.check(v.Text); err != nil {
			return nil, errs.New(errs.Usage, "parameter %s of entry point %s %w", p.Key, e.Name, err)
		}
		out = append(out, v)
	}
	if len(missing) > 0 {
		err := errs.New(errs.Usage, "entry point %s wants a value for %s", e.Name, strings.Join(missing, ", "))
		for _, kv := range given {
			if !declared[kv[0]] {
				err.DidYouMean(kv[0], known)
			}
		}
		return nil, err.Hint("add -P %s=VALUE", missing[0])
	}
	for _, kv := range given {
		if !declared[kv[0]] {
			out = append(out, Value{Parameter: Parameter{Key: kv[0], Type: String}, Text: kv[1], Given: true})
		}
	}
	return out, nil
}

var (
	errNotNumber = errors.New("wants a number (float)")
	errNotURI    = errors.New("wants a URI such as s3://bucket/data")
)

// check says whether a parameter may have a value.
func (p Parameter) check(text string) error {
	switch p.Type {
	case Float:
		if _, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil && !errors.Is(err, strconv.ErrRange) {
			return fmt.Errorf("%w, not %q", errNotNumber, text)
		}
	case URI:
		if !IsURI(text) {
			return fmt.Errorf("%w, not %q", errNotURI, text)
		}
	case String, Path:
	}
	return nil
}

// IsURI reports whether text begins with a scheme.
func IsURI(text string) bool {
	scheme, _, ok := strings.Cut(text, ":")
	return ok && len(scheme) > 1 && !strings.ContainsAny(scheme, "/\\ ")
}

// Line is the command line of the entry point for a POSIX shell, with values in
// their places and those it does not declare behind it.
func (e Entry) Line(values []Value) (string, error) {
	byKey := map[string]string{}
	for _, v := range values {
		if v.Declared {
			byKey[v.Key] = Quote(v.Text)
		}
	}
	line, err := fill(e.Command, func(key string) (string, bool) { v, ok := byKey[key]; return v, ok })
	if err != nil {
		return "", errs.New(errs.Usage, "entry point %s: %w", e.Name, err)
	}
	for _, v := range values {
		if !v.Declared {
			line += " --" + v.Key + " " + Quote(v.Text)
		}
	}
	return line, nil
}

// check says whether the command names only parameters that there are.
func (e Entry) check() error {
	_, err := fill(e.Command, func(key string) (string, bool) {
		for _, p := range e.Params {
			if p.Key == key {
				return "", true
			}
		}
		return "", false
	})
	return err
}

// fill replaces {key}; doubled braces stand for themselves, as in Python's format.
func fill(command string, value func(key string) (string, bool)) (string, error) {
	var b strings.Builder
	for rest := command; rest != ""; {
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			b.WriteString(rest)
			break
		}
		b.WriteString(rest[:i])
		brace := rest[i]
		rest = rest[i+1:]
		if rest != "" && rest[0] == brace {
			b.WriteByte(brace)
			rest = rest[1:]
			continue
		}
		key, after, ok := strings.Cut(rest, "}")
		if brace == '}' || !ok {
			return "", fmt.Errorf("a brace in %q has no partner: double it to mean itself", command)
		}
		v, known := value(key)
		if !known {
			return "", fmt.Errorf("{%s} names no parameter of the entry point; double braces to mean themselves", key)
		}
		b.WriteString(v)
		rest = after
	}
	return b.String(), nil
}

// brace doubles braces, so that fill leaves them as they are.
func brace(s string) string {
	return strings.NewReplacer("{", "{{", "}", "}}").Replace(s)
}

// Quote makes text one word of a POSIX shell. What is plain stays plain.
func Quote(text string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("_@%+=:,./-", r)
	}
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'"'"'`) + "'"
}
