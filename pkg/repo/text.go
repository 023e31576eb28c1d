package repo

import (
	"fmt"
	"unicode/utf8"
)

// Text is a path in JSON. Bytes of a name that are not UTF-8 are written as
// Python's surrogateescape has them, 0xNN as \udcNN, so that no two names look
// the same and os.fsencode gives the bytes back.
type Text string

// MarshalJSON writes the path as a JSON string.
func (t Text) MarshalJSON() ([]byte, error) {
	b := []byte{'"'}
	for s := string(t); s != ""; {
		c, n := utf8.DecodeRuneInString(s)
		switch {
		case c == utf8.RuneError && n == 1:
			b = fmt.Appendf(b, `\udc%02x`, s[0])
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c == '\n':
			b = append(b, '\\', 'n')
		case c < ' ' || c == 0x7f || c == '<' || c == '>' || c == '&' || c == '\u2028' || c == '\u2029':
			b = fmt.Appendf(b, `\u%04x`, c)
		default:
			b = append(b, s[:n]...)
		}
		s = s[n:]
	}
	return append(b, '"'), nil
}
