package mlmodel

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// style is how a text is written.
type style int

const (
	plain style = iota
	single
	double
)

// notText matches what a reader would take for a bool, number, null, time or
// merge key if it stood there without quotes.
const notText = `^(?:` +
	`yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF` +
	`|[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)` +
	`|[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+` +
	`|<<|=|~|null|Null|NULL|` +
	`|[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]` +
	`|[0-9][0-9][0-9][0-9]-[0-9][0-9]?-[0-9][0-9]?(?:[Tt]|[ \t]+)[0-9][0-9]?:[0-9][0-9]:[0-9][0-9](?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9][0-9]?(?::[0-9][0-9])?))?` +
	`)$`

const blanks = "\x00 \t\r\n\u0085\u2028\u2029"

// choose is PyYAML's choice of style for a text in block context.
func choose(text string, key bool) style {
	block, quoted, lines := analyse([]rune(text))
	if block && (!key || text != "" && !lines) && !regexp.MustCompile(notText).MatchString(text) {
		return plain
	}
	if quoted && (!key || !lines) {
		return single
	}
	return double
}

// analyse says whether a text may stand plain, and in single quotes, and whether
// it has several lines.
func analyse(text []rune) (block, quoted, lines bool) {
	if len(text) == 0 {
		return true, true, false
	}
	var indicators, special, edge, breakSpace, spaceBreak, afterSpace, afterBreak bool
	if strings.HasPrefix(string(text), "---") || strings.HasPrefix(string(text), "...") {
		indicators = true
	}
	blank := func(i int) bool { return i < 0 || i >= len(text) || strings.ContainsRune(blanks, text[i]) }
	for i, c := range text {
		switch {
		case i == 0:
			indicators = indicators || strings.ContainsRune("#,[]{}&*!|>'\"%@`", c) || strings.ContainsRune("?:-", c) && blank(1)
		case c == ':' && blank(i+1), c == '#' && blank(i-1):
			indicators = true
		}
		isBreak := strings.ContainsRune("\n\u0085\u2028\u2029", c)
		lines = lines || isBreak
		if c != '\n' && (c < ' ' || c > '~') {
			special = true
		}
		switch {
		case c == ' ':
			edge = edge || i == 0 || i == len(text)-1
			breakSpace = breakSpace || afterBreak
			afterSpace, afterBreak = true, false
		case isBreak:
			edge = edge || i == 0 || i == len(text)-1
			spaceBreak = spaceBreak || afterSpace
			afterSpace, afterBreak = false, true
		default:
			afterSpace, afterBreak = false, false
		}
	}
	quoted = !breakSpace && !spaceBreak && !special
	return quoted && !edge && !lines && !indicators, quoted, lines
}

// bestWidth is the column after which a line is folded at the next space.
const bestWidth = 80

// writer writes text as PyYAML's emitter does, keeping its idea of the column.
type writer struct {
	out    strings.Builder
	column int
}

func (w *writer) put(text string) {
	w.out.WriteString(text)
	w.column += utf8.RuneCountInString(text)
}

// fold begins a new line at an indent.
func (w *writer) fold(indent int) {
	w.out.WriteByte('\n')
	w.column = 0
	w.put(strings.Repeat(" ", indent))
}

// scalar writes a text; lines that it goes on with are indented.
func (w *writer) scalar(text string, indent int, key bool) {
	switch choose(text, key) {
	case plain:
		w.plain(text, indent, !key)
	case single:
		w.single([]rune(text), indent, !key)
	case double:
		w.double([]rune(text), indent, !key)
	}
}

// plain folds where one space stands alone.
func (w *writer) plain(text string, indent int, split bool) {
	for text != "" {
		word := strings.TrimLeft(text, " ")
		if spaces := len(text) - len(word); spaces == 1 && w.column > bestWidth && split {
			w.fold(indent)
		} else {
			w.put(text[:spaces])
		}
		end := strings.IndexByte(word, ' ')
		if end < 0 {
			end = len(word)
		}
		w.put(word[:end])
		text = word[end:]
	}
}

func (w *writer) single(text []rune, indent int, split bool) {
	w.put("'")
	for i := 0; i < len(text); {
		j := i
		switch text[i] {
		case ' ':
			for j < len(text) && text[j] == ' ' {
				j++
			}
			if j == i+1 && w.column > bestWidth && split && i != 0 && j != len(text) {
				w.fold(indent)
			} else {
				w.put(string(text[i:j]))
			}
		case '\n':
			for j < len(text) && text[j] == '\n' {
				j++
			}
			w.out.WriteString(strings.Repeat("\n", j-i))
			w.fold(indent)
		case '\'':
			w.put("''")
			j++
		default:
			for j < len(text) && !strings.ContainsRune(" \n'", text[j]) {
				j++
			}
			w.put(string(text[i:j]))
		}
		i = j
	}
	w.put("'")
}

func (w *writer) double(text []rune, indent int, split bool) {
	w.put(`"`)
	start := 0
	for end := 0; end <= len(text); end++ {
		last := end == len(text)
		if last || strings.ContainsRune("\"\\", text[end]) || text[end] < ' ' || text[end] > '~' {
			if start < end {
				w.put(string(text[start:end]))
				start = end
			}
			if !last {
				w.put(escape(text[end]))
				start = end + 1
			}
		}
		if 0 < end && end < len(text)-1 && (text[end] == ' ' || start >= end) && w.column+(end-start) > bestWidth && split {
			if start < end {
				w.put(string(text[start:end]))
				start = end
			}
			w.put(`\`)
			w.fold(indent)
			if text[start] == ' ' {
				w.put(`\`)
			}
		}
	}
	w.put(`"`)
}

func escape(c rune) string {
	names := map[rune]string{
		0: "0", 7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 0x1b: "e", '"': `"`, '\\': `\`, 0x85: "N", 0xa0: "_", 0x2028: "L", 0x2029: "P",
	}
	switch name, ok := names[c]; {
	case ok:
		return `\` + name
	case c <= 0xff:
		return fmt.Sprintf(`\x%02X`, c)
	case c <= 0xffff:
		return fmt.Sprintf(`\u%04X`, c)
	}
	return fmt.Sprintf(`\U%08X`, c)
}
