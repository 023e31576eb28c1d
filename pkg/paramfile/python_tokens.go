package paramfile

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type pyKind byte

const (
	pyEnd pyKind = iota
	pyNewline
	pyIndent
	pyDedent
	pyName
	pyNumber
	pyString
	pyBytes
	pyOp
)

// pyToken is one token of Python and its bytes in the text.
type pyToken struct {
	kind       pyKind
	text       string // of a string: its value
	start, end int
}

type pyLexer struct {
	text    string
	at      int
	depth   int // open brackets
	indents []int
	toks    []pyToken
}

// pyTokens splits Python source. It knows enough of the language to find
// statements, blocks and literals.
func pyTokens(text string) ([]pyToken, error) {
	l := &pyLexer{text: text, indents: []int{0}}
	lineStart := true
	for l.at < len(text) {
		if lineStart && l.depth == 0 {
			if !l.indent() {
				continue
			}
			lineStart = false
		}
		c := text[l.at]
		switch {
		case c == '\n':
			if l.depth == 0 {
				l.add(pyNewline, "\n", 1)
				lineStart = true
			} else {
				l.at++
			}
		case c == ' ' || c == '\t' || c == '\r' || c == '\f':
			l.at++
		case c == '\\' && l.at+1 < len(text) && (text[l.at+1] == '\n' || text[l.at+1] == '\r'):
			l.at += 2
		case c == '#':
			l.skipLine()
		default:
			if err := l.token(); err != nil {
				return nil, fmt.Errorf("line %d: %w", 1+strings.Count(text[:min(l.at, len(text))], "\n"), err)
			}
		}
	}
	l.add(pyNewline, "", 0)
	for range l.indents[1:] {
		l.add(pyDedent, "", 0)
	}
	l.add(pyEnd, "", 0)
	return l.toks, nil
}

func (l *pyLexer) add(kind pyKind, text string, n int) {
	l.toks = append(l.toks, pyToken{kind, text, l.at, l.at + n})
	l.at += n
}

func (l *pyLexer) skipLine() {
	if n := strings.IndexByte(l.text[l.at:], '\n'); n >= 0 {
		l.at += n
		return
	}
	l.at = len(l.text)
}

// indent measures the start of a line; false means the line is empty and was
// skipped.
func (l *pyLexer) indent() bool {
	width, i := 0, l.at
	for ; i < len(l.text) && (l.text[i] == ' ' || l.text[i] == '\t' || l.text[i] == '\f'); i++ {
		if width++; l.text[i] == '\t' {
			width = (width + 7) / 8 * 8
		}
	}
	rest := l.text[i:]
	if rest == "" || rest[0] == '\n' || rest[0] == '\r' || rest[0] == '#' {
		l.at = i
		l.skipLine()
		if l.at < len(l.text) {
			l.at++
		}
		return false
	}
	l.at = i
	if width > l.indents[len(l.indents)-1] {
		l.indents = append(l.indents, width)
		l.add(pyIndent, "", 0)
	}
	for width < l.indents[len(l.indents)-1] {
		l.indents = l.indents[:len(l.indents)-1]
		l.add(pyDedent, "", 0)
	}
	return true
}

func (l *pyLexer) token() error {
	rest := l.text[l.at:]
	c := rest[0]
	switch {
	case c == '"' || c == '\'':
		return l.str("")
	case c >= '0' && c <= '9' || c == '.' && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9':
		n := 0
		for n < len(rest) && (rest[n] == '.' || rest[n] == '_' || isAlnum(rest[n]) || (rest[n] == '+' || rest[n] == '-') && n > 0 && (rest[n-1]|0x20) == 'e' && !strings.HasPrefix(rest, "0x")) {
			n++
		}
		l.add(pyNumber, rest[:n], n)
	default:
		n := 0
		for n < len(rest) {
			r, size := utf8.DecodeRuneInString(rest[n:])
			if r != '_' && !unicode.IsLetter(r) && (n == 0 || !unicode.IsDigit(r)) {
				break
			}
			n += size
		}
		if n > 0 && n <= 2 && n < len(rest) && (rest[n] == '"' || rest[n] == '\'') && strings.Trim(strings.ToLower(rest[:n]), "rbuf") == "" {
			prefix := strings.ToLower(rest[:n])
			l.at += n
			return l.str(prefix)
		}
		if n > 0 {
			l.add(pyName, rest[:n], n)
			return nil
		}
		l.op(rest)
	}
	return nil
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (l *pyLexer) op(rest string) {
	switch rest[0] {
	case '(', '[', '{':
		l.depth++
	case ')', ']', '}':
		l.depth = max(0, l.depth-1)
	}
	for _, two := range []string{"==", "!=", "<=", ">=", ":=", "->", "**", "//", "+=", "-=", "*=", "/="} {
		if strings.HasPrefix(rest, two) {
			l.add(pyOp, two, 2)
			return
		}
	}
	_, size := utf8.DecodeRuneInString(rest)
	l.add(pyOp, rest[:size], size)
}

// str reads a string. One that is not plain text, such as f"…", becomes a
// token that no literal matches.
func (l *pyLexer) str(prefix string) error {
	rest := l.text[l.at:]
	quote := rest[:1]
	if strings.HasPrefix(rest, strings.Repeat(quote, 3)) {
		quote = rest[:3]
	}
	raw := strings.Contains(prefix, "r")
	end := len(quote)
	for ; ; end++ {
		if end >= len(rest) || len(quote) == 1 && rest[end] == '\n' {
			return fmt.Errorf("a string has no end")
		}
		if rest[end] == '\\' {
			end++
			continue
		}
		if strings.HasPrefix(rest[end:], quote) {
			break
		}
	}
	body := rest[len(quote):end]
	kind := pyString
	switch {
	case strings.Contains(prefix, "f"):
		kind = pyOp
	case strings.Contains(prefix, "b"):
		kind = pyBytes
		if !raw {
			body = pyUnescapeBytes(body)
		}
	case !raw:
		body = pyUnescape(body)
	}
	n := end + len(quote)
	l.toks = append(l.toks, pyToken{kind, body, l.at - len(prefix), l.at + n})
	l.at += n
	return nil
}

// pyUnescapeBytes reads the escapes of a b"" literal: each is one byte.
func pyUnescapeBytes(s string) string {
	text := []rune(pyUnescape(s))
	raw := make([]byte, len(text))
	for i, r := range text {
		raw[i] = byte(r) // Python takes none but ASCII and escapes of one byte
	}
	return string(raw)
}

func pyUnescape(s string) string {
	var b strings.Builder
	for s != "" {
		if s[0] != '\\' || len(s) < 2 {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		if s[1] == '\n' {
			s = s[2:]
			continue
		}
		r, multi, tail, err := strconv.UnquoteChar(s, 0)
		switch {
		case s[1] == '\'' || s[1] == '"':
			b.WriteByte(s[1])
			s = s[2:]
		case err != nil:
			b.WriteString(s[:2])
			s = s[2:]
		case multi:
			b.WriteRune(r)
			s = tail
		default:
			b.WriteRune(r) // in Python \xe9 is a character, not a byte
			s = tail
		}
	}
	return b.String()
}
