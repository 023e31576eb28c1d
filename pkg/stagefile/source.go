package stagefile

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// source is the text of a pipeline file, kept to show lines of it in errors.
type source struct {
	path  string
	lines []string
}

func newSource(path string, text []byte) *source {
	return &source{path: path, lines: strings.Split(string(text), "\n")}
}

// problem is what is wrong at one place of the file.
type problem struct {
	pos   Pos
	stage string // "" for the file itself
	text  string
	hints []string
	whole bool // about the file as a whole: no place in it
}

// at makes a problem at a node.
func at(n *yaml.Node, format string, args ...any) *problem {
	return &problem{pos: Pos{n.Line, n.Column}, text: fmt.Sprintf(format, args...)}
}

// Error is the text without place and snippet.
func (p *problem) Error() string { return p.text }

func (p *problem) hint(format string, args ...any) *problem {
	p.hints = append(p.hints, fmt.Sprintf(format, args...))
	return p
}

func (p *problem) nearest(word string, known []string) *problem {
	if near := errs.Nearest(word, known); len(near) > 0 {
		return p.hint("did you mean %s?", strings.Join(near, ", "))
	}
	return p
}

// asProblem gives err the place n, unless it has a place of its own.
func asProblem(err error, n *yaml.Node) *problem {
	var p *problem
	if errors.As(err, &p) {
		if p.pos.Line == 0 && !p.whole {
			p.pos = Pos{n.Line, n.Column}
		}
		return p
	}
	if ne, ok := errors.AsType[*paramfile.NodeError](err); ok {
		return at(ne.Node, "%s", ne.Text)
	}
	p = at(n, "%s", err)
	p.hints = errs.Hints(err)
	return p
}

// render shows a problem as file:line:column, what is wrong, and the line.
func (s *source) render(p *problem) string {
	var b strings.Builder
	b.WriteString(s.path)
	if p.pos.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.pos.Line)
		if p.pos.Column > 0 {
			fmt.Fprintf(&b, ":%d", p.pos.Column)
		}
	}
	b.WriteString(": ")
	if p.stage != "" {
		fmt.Fprintf(&b, "stage %s: ", p.stage)
	}
	b.WriteString(p.text)
	if p.pos.Line > 0 && p.pos.Line <= len(s.lines) {
		line := strings.TrimRight(strings.ReplaceAll(s.lines[p.pos.Line-1], "\t", " "), "\r")
		fmt.Fprintf(&b, "\n%5d | %s", p.pos.Line, line)
		if p.pos.Column > 0 {
			fmt.Fprintf(&b, "\n      | %s^", strings.Repeat(" ", p.pos.Column-1))
		}
	}
	return b.String()
}

// fail makes one error of all problems, nil of none.
func (s *source) fail(problems []*problem) error {
	if len(problems) == 0 {
		return nil
	}
	texts := make([]string, len(problems))
	var hints []string
	for i, p := range problems {
		texts[i] = s.render(p)
		for _, h := range p.hints {
			if !slices.Contains(hints, h) {
				hints = append(hints, h)
			}
		}
	}
	e := errs.New(errs.Usage, "%s", strings.Join(texts, "\n"))
	for _, h := range hints {
		e.Hint("%s", h)
	}
	return e
}

// syntax turns the parser's error into a problem at its line.
func (s *source) syntax(err error) *problem {
	p := asProblem(err, &yaml.Node{})
	if p.pos.Line > 0 {
		return p
	}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := regexp.MustCompile(`^line (\d+): (.*)$`).FindStringSubmatch(text); m != nil {
		line, convErr := strconv.Atoi(m[1])
		if convErr == nil {
			p.pos.Line, text = line, m[2]
		}
	}
	p.text = "not valid YAML: " + text
	return p
}

// pair is an entry of a mapping.
type pair struct {
	name string
	key  *yaml.Node
	val  *yaml.Node
}

// follow returns what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// isNull reports whether n is null or nothing.
func isNull(n *yaml.Node) bool {
	n = follow(n)
	return n.Kind == yaml.ScalarNode && paramfile.Scalar(n) == nil
}

// label is what before a message about it; "" is what the stage's name says.
func label(what string) string {
	if what == "" {
		return ""
	}
	return what + ": "
}

// pairs returns the entries of a mapping, merge keys resolved: what << names
// comes first, and gives way to the mapping's own keys. What names the mapping
// in errors.
func pairs(n *yaml.Node, what string) ([]pair, error) {
	n = follow(n)
	if n.Kind != yaml.MappingNode {
		return nil, at(n, "%sexpected a mapping, found %s", label(what), describe(n))
	}
	out := make([]pair, 0, len(n.Content)/2)
	place := make(map[string]int, len(n.Content)/2)
	put := func(p pair) {
		if i, ok := place[p.name]; ok {
			out[i] = p
			return
		}
		place[p.name] = len(out)
		out = append(out, p)
	}
	seen := make(map[any]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; k.Tag == "!!merge" {
			if seen["<<"] {
				return nil, at(k, "%skey \"<<\" is there twice", label(what))
			}
			seen["<<"] = true
			if err := mergeSources(n.Content[i+1], what, put); err != nil {
				return nil, err
			}
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Tag == "!!merge" {
			continue
		}
		kn := follow(k)
		if kn.Kind != yaml.ScalarNode {
			return nil, at(k, "%sa key must be a string", label(what))
		}
		key := paramfile.Scalar(kn)
		name, same := paramfile.Text(key), paramfile.Same(key)
		if seen[name] || seen[same] {
			return nil, at(k, "%skey %q is there twice", label(what), name)
		}
		seen[name], seen[same] = true, true
		put(pair{name, k, v})
	}
	return out, nil
}

// mergeSources gives put the entries of what << names; of a list the first
// wins.
func mergeSources(v *yaml.Node, what string, put func(pair)) error {
	v = follow(v)
	list := []*yaml.Node{v}
	if v.Kind == yaml.SequenceNode {
		list = v.Content
	}
	for _, x := range slices.Backward(list) {
		ps, err := pairs(x, what)
		if err != nil {
			return err
		}
		for _, p := range ps {
			put(p)
		}
	}
	return nil
}

// describe names what stands at n, for messages.
func describe(n *yaml.Node) string {
	n = follow(n)
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		v := paramfile.Scalar(n)
		if v == nil {
			return "nothing"
		}
		return fmt.Sprintf("the %s %s", paramfile.TypeName(v), paramfile.Text(v))
	default:
		return "nothing"
	}
}
