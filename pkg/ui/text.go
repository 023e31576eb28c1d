package ui

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decode makes UTF-8 of the beginning of a file, or says that it is no text.
// What is neither UTF-8 nor marked as UTF-16, but has no byte that texts do not
// have, is read as Windows-1252, which Latin-1 is a part of; note tells it.
func decode(data []byte, cut bool) (text []byte, note string, ok bool) {
	whole := data
	if cut {
		whole = data[:validEnd(data)]
	}
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return fromUTF16(data[2:], binary.LittleEndian), "Read as UTF-16.", true
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return fromUTF16(data[2:], binary.BigEndian), "Read as UTF-16.", true
	case utf8.Valid(whole):
		return bytes.TrimPrefix(whole, []byte("\ufeff")), "", bytes.IndexByte(whole[:min(len(whole), 8192)], 0) < 0
	case bytes.ContainsFunc(data, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\r\f\b\x1b", r) }):
		return nil, "", false
	}
	var b bytes.Buffer
	for _, c := range data {
		r := rune(c)
		if c >= 0x80 && c < 0xa0 {
			r = []rune(windows1252)[c-0x80]
		}
		b.WriteRune(r)
	}
	return b.Bytes(), "Not UTF-8: read as Latin-1 (Windows-1252).", true
}

// windows1252 is what the bytes from 0x80 to 0x9f stand for; the five that stand
// for nothing are marked.
const windows1252 = "€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ"

func fromUTF16(data []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

// validEnd leaves out a character that the end of what was read cut in two.
func validEnd(data []byte) int {
	for i := 1; i <= 3 && i <= len(data); i++ {
		if utf8.RuneStart(data[len(data)-i]) {
			if !utf8.FullRune(data[len(data)-i:]) {
				return len(data) - i
			}
			break
		}
	}
	return len(data)
}

// indent lays out JSON whose end is not there, until it is as long as most.
func indent(data []byte, most int) string {
	var b bytes.Buffer
	depth, quoted, escaped := 0, false, false
	line := func() { b.WriteString("\n" + strings.Repeat("  ", max(0, min(depth, 40)))) }
	for i := 0; i < len(data) && b.Len() < most; i++ {
		c := data[i]
		switch {
		case quoted:
			b.WriteByte(c)
			quoted, escaped = escaped || c != '"', !escaped && c == '\\'
		case strings.IndexByte(" \t\r\n", c) >= 0:
		case c == '{' || c == '[':
			b.WriteByte(c)
			depth++
			line()
		case c == '}' || c == ']':
			depth--
			line()
			b.WriteByte(c)
		case c == ',':
			b.WriteByte(c)
			line()
		case c == ':':
			b.WriteString(": ")
		default:
			quoted = c == '"'
			b.WriteByte(c)
		}
	}
	return strings.ToValidUTF8(b.String(), "\ufffd")
}
