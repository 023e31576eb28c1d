package stagefile

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// flagOptions say how a mapping unpacks to flags, as DVC's parsing section.
type flagOptions struct {
	negate     bool     // false gives --no-name rather than nothing
	appendFlag bool     // a list repeats the flag
	remotes    []string // names in DVC's settings, for remote://NAME/path
}

// hole is one ${…} in a string.
type hole struct {
	start, end int
	expr       string
}

// holes finds the ${…} that are not escaped by a backslash.
func holes(s string) []hole {
	var out []hole
	for i := 0; ; {
		k := strings.Index(s[i:], "${")
		if k < 0 {
			return out
		}
		k += i
		end := strings.IndexByte(s[k:], '}')
		if end < 0 {
			return out
		}
		inner := s[k+2 : k+end]
		if (k > 0 && s[k-1] == '\\') || strings.Contains(inner, "\n") {
			i = k + 2
			continue
		}
		i = k + end + 1
		out = append(out, hole{k, i, inner})
	}
}

// checkExpr says what is wrong with the text inside ${}.
func checkExpr(expr string) error {
	word := func() bool {
		n := strings.IndexAny(expr, ".[]")
		if n < 0 {
			n = len(expr)
		}
		ok := strings.TrimSpace(expr[:n]) != ""
		expr = expr[n:]
		return ok
	}
	whole, ok := expr, word()
	for ok && expr != "" {
		switch expr[0] {
		case '.':
			expr = expr[1:]
			ok = word()
		case '[':
			expr = expr[1:]
			ok = word() && strings.HasPrefix(expr, "]")
			if ok {
				expr = strings.TrimLeft(expr[1:], " \t")
			}
		default:
			ok = false
		}
	}
	if !ok {
		return fmt.Errorf("${%s} does not name a value", whole)
	}
	return nil
}

// checkHoles checks every expression at and below n.
func checkHoles(n *yaml.Node) error {
	n = follow(n)
	if n.Kind == yaml.ScalarNode {
		for _, h := range holes(n.Value) {
			if err := checkExpr(h.expr); err != nil {
				return asProblem(err, n)
			}
		}
		return nil
	}
	for _, x := range n.Content {
		if err := checkHoles(x); err != nil {
			return err
		}
	}
	return nil
}

// noHoles refuses templates where none are allowed.
func noHoles(n *yaml.Node, what string) error {
	n = follow(n)
	if n.Kind == yaml.ScalarNode && len(holes(n.Value)) > 0 {
		return at(n, "%s may not use ${}", what)
	}
	for _, x := range n.Content {
		if err := noHoles(x, what); err != nil {
			return err
		}
	}
	return nil
}

// expand resolves the string of a scalar node. A string that is one ${…} keeps
// the type of what it names.
func (s *scope) expand(text string) (*value, error) {
	found := holes(text)
	if len(found) == 0 && !strings.Contains(text, `\${`) {
		return &value{scalar: text}, nil
	}
	if len(found) == 1 && found[0].start == 0 && found[0].end == len(text) {
		return s.find(found[0].expr)
	}
	var b strings.Builder
	last := 0
	for _, h := range found {
		v, err := s.find(h.expr)
		if err != nil {
			return nil, err
		}
		if !v.isScalar() {
			return nil, fmt.Errorf("${%s} is a %s and cannot stand inside a text", h.expr, paramfile.TypeName(v.plain()))
		}
		b.WriteString(text[last:h.start] + paramfile.Text(v.scalar))
		last = h.end
	}
	b.WriteString(text[last:])
	return &value{scalar: strings.ReplaceAll(b.String(), `\${`, "${")}, nil
}

// command resolves a string of cmd, where mappings unpack to flags.
func (s *scope) command(text string) (string, error) {
	var b strings.Builder
	last := 0
	for _, h := range holes(text) {
		v, err := s.find(h.expr)
		if err != nil {
			return "", err
		}
		b.WriteString(text[last:h.start])
		last = h.end
		switch {
		case v.dict != nil:
			flags, err := s.options.flags(v.plain())
			if err != nil {
				return "", fmt.Errorf("${%s}: %w", h.expr, err)
			}
			b.WriteString(flags)
		case v.list != nil:
			return "", fmt.Errorf("${%s} is a list and cannot stand inside a text", h.expr)
		default:
			b.WriteString(paramfile.Text(v.scalar))
		}
	}
	b.WriteString(text[last:])
	return strings.ReplaceAll(b.String(), `\${`, "${"), nil
}

// flags writes a mapping as --key value words for a shell.
func (o flagOptions) flags(v any) (string, error) {
	var words []string
	for _, e := range paramfile.Flatten(v) {
		switch x := e.Value.(type) {
		case bool:
			if x {
				words = append(words, "--"+e.Key)
			} else if o.negate {
				words = append(words, "--no-"+e.Key)
			}
		case string:
			words = append(words, "--"+e.Key, shellQuote(x))
		case []any:
			for i, item := range x {
				text, err := flagItem(item)
				if err != nil {
					return "", fmt.Errorf("key %s: %w", e.Key, err)
				}
				if i == 0 || o.appendFlag {
					words = append(words, "--"+e.Key)
				}
				words = append(words, text)
			}
		default:
			words = append(words, "--"+e.Key, paramfile.Text(x))
		}
	}
	return strings.Join(words, " "), nil
}

func flagItem(item any) (string, error) {
	switch x := item.(type) {
	case string:
		return shellQuote(x), nil
	case bool:
		return pythonBool(x), nil
	case []any, *paramfile.Map:
		return "", fmt.Errorf("a %s inside a list cannot become a flag", paramfile.TypeName(x))
	default:
		return paramfile.Text(x), nil
	}
}

func pythonBool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// shellQuote quotes a word for a POSIX shell.
func shellQuote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

// resolve gives the value at and below n with every ${} filled in.
func (s *scope) resolve(n *yaml.Node, depth int) (*value, error) {
	n = follow(n)
	if depth > 200 {
		return nil, at(n, "nested too deeply")
	}
	switch n.Kind {
	case yaml.ScalarNode:
		v, isText := paramfile.Scalar(n).(string)
		if !isText {
			return &value{scalar: paramfile.Scalar(n)}, nil
		}
		out, err := s.expand(v)
		if err != nil {
			return nil, asProblem(err, n)
		}
		return out, nil
	case yaml.SequenceNode:
		out := &value{list: make([]*value, len(n.Content))}
		for i, x := range n.Content {
			v, err := s.resolve(x, depth+1)
			if err != nil {
				return nil, err
			}
			out.list[i] = v
		}
		return out, nil
	case yaml.MappingNode:
		ps, err := pairs(n, "mapping")
		if err != nil {
			return nil, err
		}
		out := &value{dict: make(map[string]*value, len(ps))}
		for _, p := range ps {
			key, err := s.text(p.key, "key")
			if err != nil {
				return nil, err
			}
			if out.dict[key], err = s.resolve(p.val, depth+1); err != nil {
				return nil, err
			}
			out.keys = append(out.keys, key)
		}
		return out, nil
	default:
		return &value{}, nil
	}
}

// scalar resolves n to a single value of any type. What names it in errors.
func (s *scope) scalar(n *yaml.Node, what string) (any, error) {
	n = follow(n)
	if n.Kind != yaml.ScalarNode {
		return nil, at(n, "%s: expected a text, found %s", what, describe(n))
	}
	raw, isText := paramfile.Scalar(n).(string)
	if !isText {
		return paramfile.Scalar(n), nil
	}
	v, err := s.expand(raw)
	if err != nil {
		return nil, asProblem(err, n)
	}
	if !v.isScalar() {
		return nil, at(n, "%s: %s is a %s, expected a text", what, raw, paramfile.TypeName(v.plain()))
	}
	return v.scalar, nil
}

// text resolves n to a scalar's text, which may not be null.
func (s *scope) text(n *yaml.Node, what string) (string, error) {
	v, err := s.scalar(n, what)
	if err != nil {
		return "", err
	}
	if v == nil && isText(n) {
		return "", at(n, "%s: %s is null, expected a text", what, follow(n).Value)
	}
	return paramfile.Text(v), nil
}

// name resolves n to the text of a path or a key. In a dvc.yaml a number is
// refused there, as DVC does.
func (s *scope) name(n *yaml.Node, what string) (string, error) {
	v, err := s.scalar(n, what)
	if err != nil {
		return "", err
	}
	text, ok := v.(string)
	switch {
	case ok:
		return text, nil
	case v == nil || s.dvc:
		return "", at(n, "%s: %s is a %s, expected a text", what, follow(n).Value, paramfile.TypeName(v)).
			hint("put quotes around the value of %s where it is set", strings.Trim(follow(n).Value, "${}"))
	default:
		return paramfile.Text(v), nil
	}
}
