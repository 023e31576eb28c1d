package paramfile

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// parsePython collects the literals that a Python module assigns: at the top,
// in classes (Class.name), and to self in __init__. What is not a literal is
// left out, as in DVC.
func parsePython(data []byte) (any, error) {
	p, err := readPython(data)
	if err != nil {
		return nil, err
	}
	return p.values, nil
}

// python is a module's literals and where each stands in the text.
type python struct {
	toks   []pyToken
	at     int
	values *Map
	spans  map[string][2]int // key path → bytes of the literal
}

func readPython(data []byte) (*python, error) {
	toks, err := pyTokens(string(data))
	if err != nil {
		return nil, err
	}
	p := &python{toks: toks, spans: map[string][2]int{}}
	p.values = NewMap()
	p.block(p.values, "", false)
	return p, nil
}

func (p *python) peek() pyToken { return p.toks[p.at] }

func (p *python) next() pyToken {
	t := p.toks[p.at]
	if t.kind != pyEnd {
		p.at++
	}
	return t
}

func (p *python) is(text string) bool {
	t := p.peek()
	return (t.kind == pyOp || t.kind == pyName) && t.text == text
}

// block reads statements until the indentation ends. Literals go to into;
// onlySelf takes those of self.name alone.
func (p *python) block(into *Map, prefix string, onlySelf bool) {
	for {
		switch t := p.peek(); {
		case t.kind == pyEnd:
			return
		case t.kind == pyDedent:
			p.next()
			return
		case t.kind == pyNewline || t.kind == pyIndent:
			p.next()
		case t.kind == pyName && t.text == "class" && !onlySelf:
			p.next()
			name := p.next().text
			m := NewMap()
			if p.openBlock() {
				p.block(m, prefix+name+".", false)
			}
			into.Set(name, m)
		case t.kind == pyName && t.text == "def" && p.toks[p.at+1].text == "__init__":
			if p.openBlock() {
				p.block(into, prefix, true)
			}
		default:
			p.statement(into, prefix, onlySelf)
		}
	}
}

// openBlock skips to the end of the line and reports whether a block follows,
// which it enters.
func (p *python) openBlock() bool {
	for k := p.peek().kind; k != pyNewline && k != pyEnd; k = p.peek().kind {
		p.next()
	}
	p.next()
	if p.peek().kind != pyIndent {
		return false
	}
	p.next()
	return true
}

// statement reads one line; a block below it is skipped.
func (p *python) statement(into *Map, prefix string, onlySelf bool) {
	p.assignment(into, prefix, onlySelf)
	for k := p.peek().kind; k != pyNewline && k != pyEnd; k = p.peek().kind {
		if p.next().text == ";" {
			p.assignment(into, prefix, onlySelf)
		}
	}
	p.next()
	if p.peek().kind == pyIndent {
		p.next()
		p.block(NewMap(), prefix+"\x00", onlySelf)
	}
}

// assignment takes "name = literal", "name: type = literal", "self.name = …".
func (p *python) assignment(into *Map, prefix string, onlySelf bool) {
	t := p.peek()
	if t.kind != pyName {
		return
	}
	name, isSelf := t.text, false
	p.next()
	if name == "self" && p.is(".") {
		p.next()
		name, isSelf = p.next().text, true
	}
	if p.is(":") {
		for depth := 0; ; p.next() {
			if k := p.peek(); k.kind == pyNewline || k.kind == pyEnd {
				return
			} else if k.kind == pyOp && (k.text == "(" || k.text == "[" || k.text == "{") {
				depth++
			} else if k.kind == pyOp && (k.text == ")" || k.text == "]" || k.text == "}") {
				depth--
			}
			if depth == 0 && p.is("=") {
				break
			}
		}
	}
	if !p.is("=") || onlySelf && !isSelf {
		return
	}
	p.next()
	start := p.peek().start
	v, err := p.literals()
	if end := p.peek(); err == nil && (end.kind == pyNewline || end.kind == pyEnd || end.text == ";") {
		into.Set(name, v)
		p.spans[prefix+name] = [2]int{start, p.toks[p.at-1].end}
	}
}

// literals reads a literal, or several with commas between: a tuple.
func (p *python) literals() (any, error) {
	v, err := p.literal()
	if err != nil || !p.is(",") {
		return v, err
	}
	list := []any{v}
	for p.is(",") {
		p.next()
		if k := p.peek().kind; k == pyNewline || k == pyEnd || p.is(")") {
			break
		}
		if v, err = p.literal(); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (p *python) literal() (any, error) {
	t := p.next()
	switch {
	case t.kind == pyString:
		var s strings.Builder
		s.WriteString(t.text)
		for p.peek().kind == pyString {
			s.WriteString(p.next().text)
		}
		return s.String(), nil
	case t.kind == pyBytes:
		var s strings.Builder
		s.WriteString(t.text)
		for p.peek().kind == pyBytes {
			s.WriteString(p.next().text)
		}
		return Bytes(s.String()), nil
	case t.kind == pyNumber:
		return pyNumberValue(t.text)
	case t.kind == pyName:
		switch t.text {
		case "True":
			return true, nil
		case "False":
			return false, nil
		case "None":
			return nil, nil
		}
	case t.text == "-" || t.text == "+":
		v, err := p.literal()
		if err != nil || t.text == "+" {
			return v, err
		}
		switch v := v.(type) {
		case int64:
			return -v, nil
		case float64:
			return -v, nil
		case *big.Int:
			return new(big.Int).Neg(v), nil
		}
	case t.text == "(":
		if p.is(")") {
			p.next()
			return []any{}, nil
		}
		v, err := p.literals()
		if err == nil && !p.is(")") {
			err = fmt.Errorf("expected )")
		}
		p.next()
		return v, err
	case t.text == "[":
		return p.list("]", nil)
	case t.text == "{":
		return p.braces()
	}
	return nil, fmt.Errorf("not a literal: %s", t.text)
}

func (p *python) list(end string, list []any) (any, error) {
	if list == nil {
		list = []any{}
	}
	for !p.is(end) {
		v, err := p.literal()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if p.is(",") {
			p.next()
		} else if !p.is(end) {
			return nil, fmt.Errorf("expected %s", end)
		}
	}
	p.next()
	return list, nil
}

// braces reads a dict, or a set, which becomes a list.
func (p *python) braces() (any, error) {
	m := NewMap()
	for !p.is("}") {
		k, err := p.literal()
		if err != nil {
			return nil, err
		}
		if !p.is(":") {
			if m.Len() > 0 || !p.is(",") && !p.is("}") {
				return nil, fmt.Errorf("a dict wants a colon after a key")
			}
			if p.is(",") {
				p.next()
			}
			return p.list("}", []any{k})
		}
		p.next()
		v, err := p.literal()
		if err != nil {
			return nil, err
		}
		m.Set(Text(k), v)
		if p.is(",") {
			p.next()
		} else if !p.is("}") {
			return nil, fmt.Errorf("expected }")
		}
	}
	p.next()
	return m, nil
}

func pyNumberValue(s string) (any, error) {
	low := strings.ToLower(strings.ReplaceAll(s, "_", ""))
	if i, err := strconv.ParseInt(low, 0, 64); err == nil {
		return i, nil
	}
	if i, ok := new(big.Int).SetString(low, 0); ok {
		return i, nil
	}
	return strconv.ParseFloat(low, 64)
}
