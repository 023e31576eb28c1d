package mlflow

import (
	"math"
	"net/http"
	"strconv"
	"unicode/utf8"
)

// encoder appends JSON. Names are constants of this package and need no
// escapes.
type encoder struct {
	buf []byte
}

// next puts a comma between what was written and what comes.
func (e *encoder) next() {
	if n := len(e.buf); n > 0 && e.buf[n-1] != '{' && e.buf[n-1] != '[' {
		e.buf = append(e.buf, ',')
	}
}

func (e *encoder) key(name string) {
	e.next()
	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '"', ':')
}

// open begins an object that is an item of a list, or the whole reply.
func (e *encoder) open() {
	e.next()
	e.buf = append(e.buf, '{')
}

func (e *encoder) close() { e.buf = append(e.buf, '}') }

// object begins an object that is a field.
func (e *encoder) object(name string) {
	e.key(name)
	e.buf = append(e.buf, '{')
}

func (e *encoder) list(name string) {
	e.key(name)
	e.buf = append(e.buf, '[')
}

func (e *encoder) endList() { e.buf = append(e.buf, ']') }

func (e *encoder) str(name, value string) {
	e.key(name)
	e.buf = appendText(e.buf, value)
}

// optional writes a text unless it is empty.
func (e *encoder) optional(name, value string) {
	if value != "" {
		e.str(name, value)
	}
}

// item writes a text as an item of a list.
func (e *encoder) item(value string) {
	e.next()
	e.buf = appendText(e.buf, value)
}

func (e *encoder) integer(name string, value int64) {
	e.key(name)
	e.buf = strconv.AppendInt(e.buf, value, 10)
}

func (e *encoder) boolean(name string, value bool) {
	e.key(name)
	e.buf = strconv.AppendBool(e.buf, value)
}

// float writes a double as protobuf's JSON does: 1.0 for 1, a text for NaN.
// Infinity is written as the largest double, which is what MLflow keeps.
func (e *encoder) float(name string, value float64) {
	e.key(name)
	switch {
	case math.IsNaN(value):
		e.buf = append(e.buf, `"NaN"`...)
		return
	case math.IsInf(value, 1):
		value = math.MaxFloat64
	case math.IsInf(value, -1):
		value = -math.MaxFloat64
	}
	start := len(e.buf)
	format := byte('f')
	if abs := math.Abs(value); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		format = 'e'
	}
	e.buf = strconv.AppendFloat(e.buf, value, format, -1, 64)
	for _, c := range e.buf[start:] {
		if c == '.' || c == 'e' {
			return
		}
	}
	e.buf = append(e.buf, ".0"...)
}

// send writes the reply.
func (e *encoder) send(w http.ResponseWriter, status int) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(e.buf)))
	w.WriteHeader(status)
	_, _ = w.Write(e.buf) // a client that is gone needs no answer
}

// appendText appends a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendText(buf []byte, s string) []byte {
	const hex = "0123456789abcdef"
	buf = append(buf, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				buf = append(append(buf, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		buf = append(buf, s[start:i]...)
		switch c {
		case '"', '\\':
			buf = append(buf, '\\', c)
		case '\n':
			buf = append(buf, '\\', 'n')
		case '\r':
			buf = append(buf, '\\', 'r')
		case '\t':
			buf = append(buf, '\\', 't')
		default:
			buf = append(buf, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	buf = append(buf, s[start:]...)
	return append(buf, '"')
}
