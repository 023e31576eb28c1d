package mlflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// kind is the type of a JSON value.
type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	list
	dict
)

// value is one JSON value as a client sent it. Numbers keep their digits, so
// that integers beyond 2^53 survive and messages can quote them.
type value struct {
	kind   kind
	text   string // of a text; the literal of a number; "true" of a boolean
	items  []value
	fields []field
}

type field struct {
	name string
	value
}

var (
	errSyntax = errors.New("not JSON")
	errNUL    = errors.New("a text holds the character NUL")
)

// maxDepth bounds nesting; no request of the protocol needs more than 6.
const maxDepth = 64

// parseJSON reads one value. It is what Python's json reads: NaN and Infinity
// are numbers, and of two fields with one name the later counts.
func parseJSON(data []byte) (value, error) {
	p := parser{data: string(data)}
	v, err := p.value(0)
	if err != nil {
		return value{}, err
	}
	if p.space(); p.at != len(p.data) {
		return value{}, errSyntax
	}
	return v, nil
}

type parser struct {
	data string
	at   int
}

func (p *parser) space() {
	for p.at < len(p.data) && (p.data[p.at] == ' ' || p.data[p.at] == '\n' || p.data[p.at] == '\r' || p.data[p.at] == '\t') {
		p.at++
	}
}

// peek is the next byte after white space, 0 at the end.
func (p *parser) peek() byte {
	if p.space(); p.at < len(p.data) {
		return p.data[p.at]
	}
	return 0
}

func (p *parser) take(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.at++
	return true
}

func (p *parser) value(depth int) (v value, err error) {
	if depth > maxDepth {
		return v, errSyntax
	}
	switch c := p.peek(); {
	case c == '{':
		return p.dict(depth)
	case c == '[':
		return p.list(depth)
	case c == '"':
		v.kind = text
		v.text, err = p.quoted()
		return v, err
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	for _, c := range [...]value{{kind: null, text: "null"}, {kind: boolean, text: "true"}, {kind: boolean, text: "false"}, {kind: number, text: "NaN"}, {kind: number, text: "Infinity"}} {
		if p.word(c.text) {
			return c, nil
		}
	}
	return v, errSyntax
}

// word takes a word when it is next.
func (p *parser) word(w string) bool {
	if !strings.HasPrefix(p.data[p.at:], w) {
		return false
	}
	p.at += len(w)
	return true
}

func (p *parser) dict(depth int) (value, error) {
	v := value{kind: dict}
	p.at++
	if p.take('}') {
		return v, nil
	}
	for {
		if p.peek() != '"' {
			return v, errSyntax
		}
		name, err := p.quoted()
		if err != nil {
			return v, err
		}
		if !p.take(':') {
			return v, errSyntax
		}
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		if v.fields == nil {
			v.fields = make([]field, 0, 4)
		}
		v.fields = append(v.fields, field{name, item})
		if p.take('}') {
			return v, nil
		}
		if !p.take(',') {
			return v, errSyntax
		}
	}
}

func (p *parser) list(depth int) (value, error) {
	v := value{kind: list}
	p.at++
	if p.take(']') {
		return v, nil
	}
	for {
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.items = append(v.items, item)
		if p.take(']') {
			return v, nil
		}
		if !p.take(',') {
			return v, errSyntax
		}
	}
}

func (p *parser) number() (value, error) {
	start := p.at
	for p.at < len(p.data) {
		c := p.data[p.at]
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			break
		}
		p.at++
	}
	word := p.data[start:p.at]
	if word == "-" && p.word("Infinity") {
		return value{kind: number, text: "-Infinity"}, nil
	}
	if !json.Valid([]byte(word)) {
		return value{}, errSyntax
	}
	return value{kind: number, text: word}, nil
}

// quoted reads the string that begins at the next byte.
func (p *parser) quoted() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.data) {
		switch c := p.data[p.at]; {
		case c == '"':
			s := p.data[start:p.at]
			p.at++
			if !utf8.ValidString(s) {
				s = string(bytes.ToValidUTF8([]byte(s), []byte("\uFFFD")))
			}
			return s, nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", errSyntax
		}
		p.at++
	}
	return "", errSyntax
}

// escaped goes on with a string in which an escape was met.
func (p *parser) escaped(start int) (string, error) {
	buf := []byte(p.data[start:p.at])
	for p.at < len(p.data) {
		c := p.data[p.at]
		p.at++
		switch {
		case c == '"':
			return string(bytes.ToValidUTF8(buf, []byte("\uFFFD"))), nil
		case c < ' ':
			return "", errSyntax
		case c != '\\':
			buf = append(buf, c)
			continue
		}
		if p.at == len(p.data) {
			break
		}
		c = p.data[p.at]
		p.at++
		switch c {
		case '"', '\\', '/':
			buf = append(buf, c)
		case 'b':
			buf = append(buf, '\b')
		case 'f':
			buf = append(buf, '\f')
		case 'n':
			buf = append(buf, '\n')
		case 'r':
			buf = append(buf, '\r')
		case 't':
			buf = append(buf, '\t')
		case 'u':
			r, ok := p.hex4()
			if !ok {
				return "", errSyntax
			}
			if utf16.IsSurrogate(r) && p.at+1 < len(p.data) && p.data[p.at] == '\\' && p.data[p.at+1] == 'u' {
				p.at += 2
				low, ok := p.hex4()
				if !ok {
					return "", errSyntax
				}
				if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
					p.at -= len(`\u0000`) // no pair: the second one stands for itself
				}
			}
			if r == 0 {
				return "", errNUL
			}
			buf = utf8.AppendRune(buf, r)
		default:
			return "", errSyntax
		}
	}
	return "", errSyntax
}

func (p *parser) hex4() (rune, bool) {
	if len(p.data)-p.at < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(p.data[p.at:p.at+4], 16, 16)
	p.at += 4
	return rune(n), err == nil
}
