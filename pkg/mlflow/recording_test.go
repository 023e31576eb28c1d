package mlflow_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// exchange is one request of testdata/recorded/requests.txt and its answer.
type exchange struct {
	Request string            `json:"request"` // METHOD PATH [BODY], with placeholders
	Status  int               `json:"status"`
	Answer  any               `json:"answer"` // JSON, or the text when it is none
	save    map[string]string // placeholder: field
	mask    []string
	same    []string
	kind    string // Content-Type
	line    int
}

// readRequests reads the requests without answers.
func readRequests(t *testing.T) []exchange {
	t.Helper()
	data, err := os.ReadFile("testdata/recorded/requests.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []exchange
	for i, line := range strings.Split(string(data), "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "" || word[0] == '#':
		case line[0] != ' ':
			all = append(all, exchange{Request: line, save: map[string]string{}, kind: "application/json", line: i + 1})
		case word == "save":
			name, field, _ := strings.Cut(rest, "=")
			all[len(all)-1].save[name] = field
		case word == "mask":
			all[len(all)-1].mask = append(all[len(all)-1].mask, rest)
		case word == "same":
			all[len(all)-1].same = append(all[len(all)-1].same, rest)
		case word == "type":
			all[len(all)-1].kind = rest
		default:
			t.Fatalf("requests.txt:%d: %s", i+1, line)
		}
	}
	return all
}

// player sends requests and makes their answers comparable: what was saved is
// written as placeholders again, times of today as ${now}.
type player struct {
	base   string
	start  time.Time
	values map[string]string
}

var placeholder = regexp.MustCompile(`\$\{(\w+)\}`)

func (p *player) fill(s string) string {
	return placeholder.ReplaceAllStringFunc(s, func(m string) string {
		if v, ok := p.values[m[2:len(m)-1]]; ok {
			return v
		}
		return m
	})
}

func (p *player) send(t *testing.T, e *exchange) {
	t.Helper()
	parts := strings.SplitN(p.fill(e.Request), " ", 3)
	path := parts[1]
	if path[0] != '/' {
		path = "/api/2.0/mlflow/" + path
	}
	var body io.Reader
	if len(parts) == 3 {
		body = strings.NewReader(parts[2])
	}
	req, err := http.NewRequestWithContext(t.Context(), parts[0], p.base+path, body)
	if err != nil {
		t.Fatalf("line %d: %v", e.line, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", e.kind)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("line %d: %v", e.line, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("line %d: %v", e.line, err)
	}
	e.Status = res.StatusCode
	var answer any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&answer); err != nil {
		answer = string(data)
	}
	for name, field := range e.save {
		if v, ok := lookUp(answer, field).(string); ok {
			p.values[name] = v
		} else {
			t.Errorf("line %d: %s: the answer has no %s: %s", e.line, e.Request, field, data)
		}
	}
	for _, field := range e.mask {
		answer = mask(answer, strings.Split(field, "."))
	}
	e.Answer = p.normal(answer, "")
	for _, field := range e.same {
		if items, ok := lookUp(e.Answer, field).([]any); ok {
			sortItems(items)
		}
	}
}

// lookUp follows a path of fields.
func lookUp(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

func mask(v any, path []string) any {
	if path[0] == "" {
		return "${any}"
	}
	if m, ok := v.(map[string]any); ok && m[path[0]] != nil {
		if len(path) == 1 {
			m[path[0]] = "${any}"
		} else {
			m[path[0]] = mask(m[path[0]], path[1:])
		}
	}
	return v
}

// normal replaces what differs from server to server.
func (p *player) normal(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		for _, field := range []string{"sqlstate", "error_class", "workspace"} {
			delete(v, field) // of hosted servers
		}
		for k, item := range v {
			v[k] = p.normal(item, k)
		}
	case []any:
		for i, item := range v {
			v[i] = p.normal(item, name)
		}
		if slices.Contains([]string{"tags", "params", "aliases", "latest_versions"}, name) {
			sortItems(v) // upstream's order is that of its database
		}
	case json.Number:
		if ms, err := strconv.ParseInt(v.String(), 10, 64); err == nil && ms >= p.start.Add(-time.Hour).UnixMilli() && ms <= time.Now().UnixMilli()+1000 {
			return "${now}"
		}
		if !strings.ContainsAny(v.String(), ".eE") {
			return v
		}
		f, _ := v.Float64()
		return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
	case string:
		return p.normalText(v)
	}
	return v
}

var hexID = regexp.MustCompile(`\b(m-)?[0-9a-f]{32}\b`)

func (p *player) normalText(s string) string {
	s = hexID.ReplaceAllStringFunc(s, func(id string) string {
		for name, value := range p.sorted() {
			if value == id {
				return "${" + name + "}"
			}
		}
		return id
	})
	for name, value := range p.sorted() {
		if s == value && !digits.MatchString(s) {
			return "${" + name + "}"
		}
	}
	return s
}

// sorted is what was saved, by name.
func (p *player) sorted() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, name := range slices.Sorted(maps.Keys(p.values)) {
			if !yield(name, p.values[name]) {
				return
			}
		}
	}
}

var digits = regexp.MustCompile(`^\d*$`)

func sortItems(items []any) {
	slices.SortFunc(items, func(a, b any) int {
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		return bytes.Compare(x, y)
	})
}

// play sends all requests in their order.
func play(t *testing.T, base string) []exchange {
	t.Helper()
	p := &player{base: base, start: time.Now(), values: map[string]string{}}
	all := readRequests(t)
	for i := range all {
		p.send(t, &all[i])
	}
	return all
}

const answersFile = "testdata/recorded/answers.json"

// writeAnswers keeps what a server answered, one line each.
func writeAnswers(t *testing.T, all []exchange) {
	t.Helper()
	var b bytes.Buffer
	for i, e := range all {
		var line bytes.Buffer
		encoder := json.NewEncoder(&line)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(e); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s%s", map[bool]string{true: "[\n", false: ",\n"}[i == 0], bytes.TrimSpace(line.Bytes()))
	}
	b.WriteString("\n]\n")
	if err := os.WriteFile(answersFile, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
