package paramfile

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Encode writes v in its one canonical form: compact JSON with sorted keys, in
// which floats keep a point or exponent (1.0 is not 1), and NaN, Infinity and
// -Infinity stand for themselves. A Date is {"$date":"…"}, Bytes are
// {"$binary":"base64"}. Equal values have equal encodings.
func Encode(v any) string {
	return string(AppendValue(nil, v))
}

// AppendValue appends Encode(v) to b.
func AppendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case float64:
		switch {
		case math.IsNaN(v):
			return append(b, "NaN"...)
		case math.IsInf(v, 1):
			return append(b, "Infinity"...)
		case math.IsInf(v, -1):
			return append(b, "-Infinity"...)
		}
		return append(b, floatText(v)...)
	case string:
		return AppendString(b, v)
	case Date:
		b = append(b, `{"$date":`...)
		return append(AppendString(b, string(v)), '}')
	case Bytes:
		b = append(b, `{"$binary":"`...)
		return append(base64.StdEncoding.AppendEncode(b, []byte(v)), `"}`...)
	case []any:
		b = append(b, '[')
		for i, x := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendValue(b, x)
		}
		return append(b, ']')
	case *Map:
		keys := append([]string(nil), v.keys...)
		sort.Strings(keys)
		b = append(b, '{')
		for i, k := range keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(AppendString(b, k), ':')
			b = AppendValue(b, v.vals[k])
		}
		return append(b, '}')
	default:
		return append(b, Text(v)...)
	}
}

// AppendString appends s as a JSON string. Only what JSON demands is escaped.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '"' || c == '\\':
				b = append(b, '\\', c)
			case c == '\n':
				b = append(b, '\\', 'n')
			case c == '\t':
				b = append(b, '\\', 't')
			case c == '\r':
				b = append(b, '\\', 'r')
			case c < 0x20 || c == 0x7f:
				b = fmt.Appendf(b, `\u%04x`, c)
			default:
				b = append(b, c)
			}
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(b, "\ufffd"...)
		case r == '\u2028' || r == '\u2029' || r == '\u0085':
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return append(b, '"')
}

// Decode reads what Encode wrote, and any JSON.
func Decode(text string) (any, error) {
	switch text {
	case "NaN":
		return math.NaN(), nil
	case "Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	return decodeJSON([]byte(text))
}

// decodeJSON reads one JSON document, keeping the order of keys.
func decodeJSON(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(quoteSpecials(data)))
	dec.UseNumber()
	v, err := jsonValue(dec)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("more text after the value")
	}
	return v, nil
}

// special marks the numbers that JSON has no word for.
const special = "\x00number:"

// quoteSpecials makes strings of NaN, Infinity and -Infinity outside strings.
func quoteSpecials(data []byte) []byte {
	if !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Infinity")) {
		return data
	}
	var out []byte
	inside := false
	for i := 0; i < len(data); i++ {
		if inside && data[i] == '\\' && i+1 < len(data) {
			out = append(out, data[i], data[i+1])
			i++
			continue
		}
		if data[i] == '"' {
			inside = !inside
		}
		if !inside {
			if word := specialAt(data[i:]); word != "" {
				out = append(out, `"\u0000number:`+word+`"`...)
				i += len(word) - 1
				continue
			}
		}
		out = append(out, data[i])
	}
	return out
}

func specialAt(data []byte) string {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(data, []byte(word)) {
			return word
		}
	}
	return ""
}

func jsonValue(dec *json.Decoder) (any, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch tok := tok.(type) {
	case json.Delim:
		if tok == '[' {
			list := []any{}
			for dec.More() {
				v, err := jsonValue(dec)
				if err != nil {
					return nil, err
				}
				list = append(list, v)
			}
			_, err := dec.Token()
			return list, err
		}
		return jsonMap(dec)
	case json.Number:
		return jsonNumber(string(tok))
	case string:
		if word, ok := strings.CutPrefix(tok, special); ok {
			return Decode(word)
		}
		return tok, nil
	default:
		return tok, nil
	}
}

func jsonMap(dec *json.Decoder) (any, error) {
	m := NewMap()
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		v, err := jsonValue(dec)
		if err != nil {
			return nil, err
		}
		name, _ := key.(string) // the decoder gives strings as keys only
		m.Set(name, v)
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if d, ok := m.vals["$date"].(string); ok && m.Len() == 1 {
		return Date(d), nil
	}
	if d, ok := m.vals["$binary"].(string); ok && m.Len() == 1 {
		if raw, err := base64.StdEncoding.DecodeString(d); err == nil {
			return Bytes(raw), nil
		}
	}
	return m, nil
}

func jsonNumber(s string) (any, error) {
	if !strings.ContainsAny(s, ".eE") {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return i, nil
		}
		if i, ok := new(big.Int).SetString(s, 10); ok {
			return i, nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return nil, err
	}
	return f, nil
}
