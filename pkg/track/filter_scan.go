package track

import (
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
)

type tokenKind int

const (
	tokenWord   tokenKind = iota // a key, a keyword or a number; parts of a key may be quoted
	tokenQuoted                  // in backticks or double quotes: a key, or a text
	tokenText                    // in single quotes
	tokenOp
	tokenOpen
	tokenClose
	tokenComma
	tokenEnd // a semicolon, with which a second filter would begin
)

// token is one word of a filter. Raw is how it was typed.
type token struct {
	kind      tokenKind
	text, raw string
	at        int // where it begins
}

func (t token) isWord(w string) bool { return t.kind == tokenWord && strings.EqualFold(t.raw, w) }

// scanFilter splits a filter into tokens.
func scanFilter(text string) ([]token, error) {
	var tokens []token
	for i := 0; i < len(text); {
		start := i
		add := func(kind tokenKind, value string) { tokens = append(tokens, token{kind, value, text[start:i], start}) }
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '(':
			i++
			add(tokenOpen, "(")
		case c == ')':
			i++
			add(tokenClose, ")")
		case c == ',':
			i++
			add(tokenComma, ",")
		case c == ';':
			i++
			add(tokenEnd, ";")
		case strings.IndexByte("=!<>", c) >= 0:
			for i < len(text) && strings.IndexByte("=!<>", text[i]) >= 0 {
				i++
			}
			op := text[start:i]
			switch op {
			case "==":
				op = "="
			case "<>":
				op = "!="
			case "=", "!=", "<", "<=", ">", ">=":
			default:
				return nil, filterError(errs.New(errs.Usage, "filter %q: %q is no comparison", text, op), "Invalid clause(s) in filter string: '%s'", op)
			}
			add(tokenOp, op)
		case c == '\'':
			value, end, err := scanQuoted(text, i)
			if err != nil {
				return nil, err
			}
			i = end
			add(tokenText, value)
		default:
			value, kind, end, err := scanWord(text, i)
			if err != nil {
				return nil, err
			}
			i = end
			add(kind, value)
		}
	}
	return tokens, nil
}

// scanWord reads a word of which parts may be quoted, as in params."a b".
func scanWord(text string, i int) (value string, kind tokenKind, end int, err error) {
	start := i
	var b strings.Builder
	for i < len(text) && strings.IndexByte(" \t\r\n(),;=!<>", text[i]) < 0 {
		if text[i] != '`' && text[i] != '"' && text[i] != '\'' {
			b.WriteByte(text[i])
			i++
			continue
		}
		if i > start && text[i-1] != '.' {
			break // a quote in the middle of a word begins another one
		}
		part, next, err := scanQuoted(text, i)
		if err != nil {
			return "", 0, 0, err
		}
		if i == start {
			return part, tokenQuoted, next, nil
		}
		b.WriteString(part)
		i = next
	}
	return b.String(), tokenWord, i, nil
}

// scanQuoted reads up to the quote that is at i; a quote within is doubled.
func scanQuoted(text string, i int) (value string, end int, err error) {
	quote := text[i]
	var b strings.Builder
	for j := i + 1; j < len(text); j++ {
		switch {
		case text[j] != quote:
			b.WriteByte(text[j])
		case j+1 < len(text) && text[j+1] == quote:
			b.WriteByte(quote)
			j++
		default:
			return b.String(), j + 1, nil
		}
	}
	return "", 0, filterError(errs.New(errs.Usage, "filter %q: the quote %s is not closed", text, text[i:]), "Invalid clause(s) in filter string: '%s'", text[i:])
}
