package mlflow

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// request is what a client sent: an object of fields, from the body or the
// query. What the path of the URL says counts before both.
type request struct {
	value
	query bool // values are texts, lists are repeated keys
	http  *http.Request
}

// parsedBody stands for a body that has been read, so that guards and handlers
// parse it once.
type parsedBody struct {
	io.Reader
	io.Closer
	request *request
}

// readRequest parses a request, or returns what was parsed before.
func readRequest(r *http.Request) (*request, error) {
	if p, ok := r.Body.(*parsedBody); ok {
		return p.request, nil
	}
	in := &request{value: value{kind: dict}, http: r}
	if strings.ContainsRune(r.URL.Path, 0) || !utf8.ValidString(r.URL.Path) {
		return nil, Errorf(InvalidParameter, "Invalid path")
	}
	if r.Method == http.MethodGet && r.URL.RawQuery != "" {
		in.query = true
		for name, values := range r.URL.Query() {
			for _, v := range values {
				if strings.ContainsRune(v, 0) || !utf8.ValidString(v) {
					return nil, Errorf(InvalidParameter, "the value of '%s' is no text", name)
				}
				in.fields = append(in.fields, field{name, value{kind: text, text: v}})
			}
		}
		return in, nil
	}
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		if err := checkContentType(r.Header.Get("Content-Type")); err != nil {
			return nil, err
		}
	}
	if r.Body == nil || r.Body == http.NoBody {
		return in, nil
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	switch v, err := parseBody(data); {
	case err != nil:
		return nil, err
	case v.kind == dict:
		in.value = v
	case v.kind != null:
		return nil, Errorf(BadRequest, "the request body must be a JSON object, not a %s", v.pythonType())
	}
	r.Body = &parsedBody{Reader: bytes.NewReader(data), Closer: r.Body, request: in}
	return in, nil
}

// parseBody reads a document, which old clients encode twice. What is not JSON
// counts as empty, as in MLflow.
func parseBody(data []byte) (value, error) {
	v, err := parseJSON(data)
	if err == nil && v.kind == text {
		v, err = parseJSON([]byte(v.text))
	}
	if errors.Is(err, errNUL) { // PostgreSQL has no place for it
		return v, Errorf(InvalidParameter, "the request body is refused: %v", err)
	}
	if err != nil {
		return value{}, nil //nolint:nilerr // see above
	}
	return v, nil
}

func checkContentType(header string) error {
	if header == "" {
		return Errorf(InvalidParameter, "Bad Request. Content-Type header is missing.")
	}
	if kind, _, err := mime.ParseMediaType(header); err != nil || kind != "application/json" {
		return Errorf(InvalidParameter, "Bad Request. Content-Type must be one of ['application/json'].")
	}
	return nil
}

// get returns a field, nil when it is absent or null.
func (v *value) get(name string) *value {
	for i := len(v.fields) - 1; i >= 0; i-- {
		if v.fields[i].name == name {
			if v.fields[i].kind == null {
				return nil
			}
			return &v.fields[i].value
		}
	}
	return nil
}

// get looks into the path of the URL, too, and knows run_id's old name.
func (r *request) get(name string) *value {
	if s := r.http.PathValue(name); s != "" {
		return &value{kind: text, text: s}
	}
	v := r.value.get(name)
	if name == "run_id" && (v == nil || v.kind == text && v.text == "") {
		if old := r.value.get("run_uuid"); old != nil {
			return old
		}
	}
	return v
}

// all returns the items of a list, or the repeated values of a query.
func (r *request) all(name string) []value {
	if !r.query {
		return r.value.all(name)
	}
	var items []value
	for _, f := range r.fields {
		if f.name == name {
			items = append(items, f.value)
		}
	}
	return items
}

func (v *value) all(name string) []value {
	if f := v.get(name); f != nil {
		return f.items
	}
	return nil
}

// text returns a text, "" when it is absent.
func (v *value) str(name string) string {
	if f := v.get(name); f != nil && f.kind == text {
		return f.text
	}
	return ""
}

func (r *request) str(name string) string {
	if f := r.get(name); f != nil && f.kind == text {
		return f.text
	}
	return ""
}

// enum is a word that protobuf lets clients send as its number, too: the place
// among words, from 1 on.
func (r *request) enum(name string, words ...string) string {
	f := r.get(name)
	if f == nil || f.kind != number && f.kind != text {
		return ""
	}
	if n, err := strconv.Atoi(f.text); err == nil && n >= 1 && n <= len(words) {
		return words[n-1]
	}
	return f.text
}

// has reports whether a field is set, be it empty.
func (r *request) has(name string) bool { return r.get(name) != nil }

// texts returns the texts of a list.
func (r *request) texts(name string) []string {
	var words []string
	for _, v := range r.all(name) {
		words = append(words, v.text)
	}
	return words
}

// integer returns a number that was checked, or what is to be taken for none.
func (r *request) integer(name string, absent int64) int64 {
	if n, ok := r.get(name).integer(); ok {
		return n
	}
	return absent
}

func (r *request) boolean(name string) bool {
	v := r.get(name)
	return v != nil && strings.EqualFold(v.text, "true")
}

// integer reads a whole number: 12, 12.0, "12".
func (v *value) integer() (int64, bool) {
	if v == nil || v.kind != number && v.kind != text {
		return 0, false
	}
	if n, err := strconv.ParseInt(v.text, 10, 64); err == nil {
		return n, true
	}
	if f, err := strconv.ParseFloat(v.text, 64); err == nil && f == float64(int64(f)) && f > -1<<53 && f < 1<<53 {
		return int64(f), true
	}
	return 0, false
}

// float reads a number: 0.5, "0.5", "NaN", true.
func (v *value) float() (float64, bool) {
	switch {
	case v == nil:
		return 0, false
	case v.kind == boolean:
		if v.text == "true" {
			return 1, true
		}
		return 0, true
	case v.kind == number, v.kind == text:
		f, err := strconv.ParseFloat(v.text, 64)
		return f, err == nil || errors.Is(err, strconv.ErrRange) // 1e400 is infinite
	}
	return 0, false
}

// pythonType is what MLflow's messages call the type of a value.
func (v *value) pythonType() string {
	switch v.kind {
	case boolean:
		return "bool"
	case number:
		if strings.ContainsAny(v.text, ".eEIN") {
			return "float"
		}
		return "int"
	case text:
		return "str"
	case list:
		return "list"
	case dict:
		return "dict"
	default:
		return "NoneType"
	}
}

// json is the value as MLflow's messages quote it: without spaces, in ASCII.
func (v *value) json() string { return string(v.appendTo(nil, ",", ":")) }

// python is the value as Python writes JSON: with spaces, in ASCII.
func (v *value) python() string { return string(v.appendTo(nil, ", ", ": ")) }

func (v *value) appendTo(b []byte, comma, colon string) []byte {
	switch v.kind {
	case text:
		for _, r := range string(appendText(nil, v.text)) {
			switch {
			case r < utf8.RuneSelf:
				b = append(b, byte(r))
			case r > 0xFFFF:
				r -= 0x10000
				b = appendEscape(appendEscape(b, 0xD800+r>>10), 0xDC00+r&0x3FF)
			default:
				b = appendEscape(b, r)
			}
		}
		return b
	case list:
		b = append(b, '[')
		for i := range v.items {
			if i > 0 {
				b = append(b, comma...)
			}
			b = v.items[i].appendTo(b, comma, colon)
		}
		return append(b, ']')
	case dict:
		b = append(b, '{')
		for i := range v.fields {
			if i > 0 {
				b = append(b, comma...)
			}
			b = append((&value{kind: text, text: v.fields[i].name}).appendTo(b, comma, colon), colon...)
			b = v.fields[i].appendTo(b, comma, colon)
		}
		return append(b, '}')
	default:
		return append(b, v.text...)
	}
}

func appendEscape(b []byte, r rune) []byte {
	hex := strconv.FormatInt(int64(r), 16)
	return append(append(b, `\u0000`[:6-len(hex)]...), hex...)
}
