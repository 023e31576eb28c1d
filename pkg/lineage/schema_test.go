package lineage_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// schemas are those that OpenLineage published, by their $id. Enough of JSON
// Schema is understood to check what is in them.
type schemas map[string]map[string]any

func loadSchemas(t *testing.T) schemas {
	t.Helper()
	files, err := filepath.Glob("testdata/spec/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no schemas", err)
	}
	all := schemas{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var s map[string]any
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		all[s["$id"].(string)] = s
	}
	return all
}

// check returns what is wrong with v by the schema at ref.
func (s schemas) check(ref string, v any) []string {
	id, pointer, _ := strings.Cut(ref, "#")
	doc, ok := s[id]
	if !ok {
		return []string{"no schema " + id}
	}
	var at any = doc
	for part := range strings.SplitSeq(strings.Trim(pointer, "/"), "/") {
		if part != "" {
			at = at.(map[string]any)[part]
		}
	}
	node, ok := at.(map[string]any)
	if !ok {
		return []string{"no schema " + ref}
	}
	return s.match(id, node, v, "")
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (s schemas) match(id string, node map[string]any, v any, where string) (bad []string) {
	say := func(format string, args ...any) { bad = append(bad, where+": "+fmt.Sprintf(format, args...)) }
	if ref, ok := node["$ref"].(string); ok {
		if strings.HasPrefix(ref, "#") {
			ref = id + ref
		}
		for _, b := range s.check(ref, v) {
			say("%s", b)
		}
	}
	for _, key := range []string{"allOf", "anyOf"} {
		list, _ := node[key].([]any)
		var failed []string
		fine := len(list) == 0
		for _, sub := range list {
			b := s.match(id, sub.(map[string]any), v, where)
			fine = fine || len(b) == 0
			failed = append(failed, b...)
		}
		if key == "allOf" || !fine {
			bad = append(bad, failed...)
		}
	}
	if enum, ok := node["enum"].([]any); ok && !slices.Contains(enum, v) {
		say("%v is none of %v", v, enum)
	}
	kind, _ := node["type"].(string)
	switch x := v.(type) {
	case map[string]any:
		if kind != "" && kind != "object" {
			say("an object, want %s", kind)
		}
		properties, _ := node["properties"].(map[string]any)
		for name, value := range x {
			if sub, ok := properties[name].(map[string]any); ok {
				bad = append(bad, s.match(id, sub, value, where+"."+name)...)
			} else if sub, ok := node["additionalProperties"].(map[string]any); ok {
				bad = append(bad, s.match(id, sub, value, where+"."+name)...)
			}
		}
		required, _ := node["required"].([]any)
		for _, name := range required {
			if _, ok := x[name.(string)]; !ok {
				say("%s is missing", name)
			}
		}
	case []any:
		if kind != "" && kind != "array" {
			say("an array, want %s", kind)
		}
		if items, ok := node["items"].(map[string]any); ok {
			for i, item := range x {
				bad = append(bad, s.match(id, items, item, fmt.Sprintf("%s[%d]", where, i))...)
			}
		}
	case string:
		if kind != "" && kind != "string" {
			say("a string, want %s", kind)
		}
		switch node["format"] {
		case "uuid":
			if !uuidForm.MatchString(x) {
				say("%q is no UUID", x)
			}
		case "uri":
			if u, err := url.Parse(x); err != nil || u.Scheme == "" {
				say("%q is no URI", x)
			}
		case "date-time":
			if _, err := time.Parse(time.RFC3339Nano, x); err != nil {
				say("%q is no time", x)
			}
		}
	case float64:
		if kind != "" && kind != "number" && (kind != "integer" || x != float64(int64(x))) {
			say("a number, want %s", kind)
		}
	}
	return bad
}

// facets checks every facet of an event by the schema that it names.
func (s schemas) facets(v any, where string) (bad []string) {
	switch x := v.(type) {
	case map[string]any:
		if ref, ok := x["_schemaURL"].(string); ok {
			for _, b := range s.check(ref, x) {
				bad = append(bad, where+" ("+path.Base(ref)+")"+b)
			}
		}
		for name, value := range x {
			bad = append(bad, s.facets(value, where+"."+name)...)
		}
	case []any:
		for _, item := range x {
			bad = append(bad, s.facets(item, where)...)
		}
	}
	return bad
}
