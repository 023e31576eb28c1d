package sweep

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// kind is a kind of token, named as in Hydra's OverrideLexer.g4.
type kind uint8

const (
	end kind = iota
	popen
	pclose
	comma
	bracketOpen
	bracketClose
	braceOpen
	braceClose
	colon
	equal
	floating
	integer
	boolean
	null
	unquoted
	ident
	escaped
	space
	quoted
	interpolation
)

type token struct {
	kind kind
	text string
	at   int // byte of the value
}

// lex splits a value. The longest token wins, as in ANTLR.
func lex(text string) ([]token, error) {
	var all []token
	for at := 0; at < len(text); {
		t, err := next(text[at:])
		if err != nil {
			return nil, err
		}
		t.at = at
		all = append(all, t)
		at += len(t.text)
	}
	return append(all, token{kind: end, at: len(text)}), nil
}

func next(s string) (token, error) {
	blanks := len(s) - len(strings.TrimLeft(s, " \t"))
	if rest := s[blanks:]; rest != "" {
		if t, ok := punctuation(s, blanks); ok {
			return t, nil
		}
	}
	if blanks > 0 {
		return token{kind: space, text: s[:blanks]}, nil
	}
	switch {
	case s[0] == '\'' || s[0] == '"':
		n := quotedSize(s)
		if n == 0 {
			return token{}, errs.New(errs.Usage, "the quote %c is not closed", s[0])
		}
		return token{kind: quoted, text: s[:n]}, nil
	case strings.HasPrefix(s, "${"):
		if n := strings.IndexByte(s, '}'); n > 2 {
			return token{kind: interpolation, text: s[:n+1]}, nil
		}
	}
	if n := escapeSize(s); n > 0 {
		return token{kind: escaped, text: s[:n]}, nil
	}
	return word(s), nil
}

// punctuation is a token that takes the blanks around it along.
func punctuation(s string, blanks int) (token, bool) {
	c := s[blanks]
	size := blanks + 1
	after := size + len(s[size:]) - len(strings.TrimLeft(s[size:], " \t"))
	switch c {
	case '(':
		return token{kind: popen, text: s[:after]}, true
	case ',':
		return token{kind: comma, text: s[:after]}, true
	case ':':
		return token{kind: colon, text: s[:after]}, true
	case '=':
		return token{kind: equal, text: s[:after]}, true
	case ')':
		return token{kind: pclose, text: s[:size]}, true
	case ']':
		return token{kind: bracketClose, text: s[:size]}, true
	case '}':
		return token{kind: braceClose, text: s[:size]}, true
	}
	if blanks > 0 { // an opening bracket takes only what follows
		return token{}, false
	}
	switch c {
	case '[':
		return token{kind: bracketOpen, text: s[:after]}, true
	case '{':
		return token{kind: braceOpen, text: s[:after]}, true
	}
	return token{}, false
}

// quotedSize is the size of a text in quotes; 0 when they are not closed.
func quotedSize(s string) int {
	slashes := 0
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0] && slashes%2 == 0:
			return i + 1
		case s[i] == '\\':
			slashes++
		default:
			slashes = 0
		}
	}
	return 0
}

// escapable are the characters that a backslash takes the meaning from.
const escapable = "\\()[]{}:=, \t"

func escapeSize(s string) int {
	n := 0
	for n+1 < len(s) && s[n] == '\\' && strings.IndexByte(escapable, s[n+1]) >= 0 {
		n += 2
	}
	return n
}

// word is a number, a keyword, a name or a single character.
func word(s string) token {
	best := token{kind: unquoted}
	_, size := utf8.DecodeRuneInString(s)
	best.text = s[:size] // Hydra refuses characters such as é and !; nothing else could be meant
	take := func(k kind, n int) {
		if n > len(best.text) || n == len(best.text) && n > 0 && best.kind == unquoted {
			best = token{kind: k, text: s[:n]}
		}
	}
	name := nameSize(s)
	take(floating, floatSize(s))
	take(integer, intSize(s))
	if name > 0 {
		switch strings.ToLower(s[:name]) {
		case "true", "false":
			take(boolean, name)
		case "null":
			take(null, name)
		}
	}
	take(ident, name)
	return best
}

func nameSize(s string) int {
	for i, c := range s {
		letter := c == '_' || c < utf8.RuneSelf && unicode.IsLetter(c)
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return i
		}
	}
	return len(s)
}

func sign(s string) int {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return 1
	}
	return 0
}

// digits is the size of digits, of which underscores may stand between two.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
		if n+1 < len(s) && s[n] == '_' && s[n+1] >= '0' && s[n+1] <= '9' {
			n++
		}
	}
	return n
}

// whole is the size of an integer without sign, which begins with no 0.
func whole(s string) int {
	if strings.HasPrefix(s, "0") {
		return 1
	}
	return digits(s)
}

func intSize(s string) int {
	at := sign(s)
	if n := whole(s[at:]); n > 0 {
		return at + n
	}
	return 0
}

func floatSize(s string) int {
	from := sign(s)
	rest := s[from:]
	if len(rest) >= 3 {
		if w := strings.ToLower(rest[:3]); w == "inf" || w == "nan" {
			return from + 3
		}
	}
	n := whole(rest)
	mantissa, point := n, false
	if n < len(rest) && rest[n] == '.' {
		fraction := digits(rest[n+1:])
		if n > 0 || fraction > 0 {
			mantissa, point = n+1+fraction, true
		}
	}
	if mantissa == 0 {
		return 0
	}
	if mantissa < len(rest) && (rest[mantissa] == 'e' || rest[mantissa] == 'E') {
		at := mantissa + 1
		at += sign(rest[at:])
		if d := digits(rest[at:]); d > 0 {
			return from + at + d
		}
	}
	if point {
		return from + mantissa
	}
	return 0
}
