package ui

import (
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/artifact"
)

// TestFilesThatAreNoPlainText: other encodings, JSON that is cut or none, colors
// of a terminal, matrices of a part.
func TestFilesThatAreNoPlainText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, data string
		cut        bool
		kind       viewer
		text, said string
	}{
		"Latin-1":                  {"a.txt", "caf\xe9\n\x80 5\n", false, asText, "café\n€ 5\n", "Latin-1"},
		"Latin-1 at the end":       {"a.txt", "caf\xe9", false, asText, "café", "Latin-1"},
		"UTF-8 that is cut":        {"a.txt", "caf\xc3", true, asText, "caf", ""},
		"UTF-16":                   {"a.txt", "\xff\xfeh\x00\xe9\x00", false, asText, "hé", "UTF-16"},
		"UTF-16, the other way":    {"a.txt", "\xfe\xff\x00h\x00\xe9", false, asText, "hé", "UTF-16"},
		"bytes":                    {"a.txt", "\x89\x01\xff\xfe", false, asNothing, "", ""},
		"a mark of UTF-8":          {"a.json", "\ufeff{\"a\":1}", false, asText, "{\n  \"a\": 1\n}", ""},
		"JSON that is cut":         {"a.json", `{"a": [1, {"b,\"": "c`, true, asText, "{\n  \"a\": [\n    1,\n    {\n      \"b,\\\"\": \"c", ""},
		"JSON that is none":        {"a.json", `{"a": [1,`, false, asText, `{"a": [1,`, "not valid JSON: unexpected end"},
		"an empty file":            {"a.json", "", false, asText, "", ""},
		"colors and bars":          {"a.log", "10 %\r20 %\n\x1b[31mred\x1b[0m\n", false, asText, "20 %\nred\n", ""},
		"a matrix of the first":    {"a.csv", "actual,predicted\na,b\nb,b\n", true, asTable, "", "counts the first 2 rows"},
		"a table with a mark":      {"a.csv", "\ufeffactual,predicted\na,b\nb,b\n", false, asTable, "", ""},
		"a table in Latin-1":       {"a.csv", "name;ort\nM\xfcller;K\xf6ln\n", false, asTable, "", "Latin-1"},
		"a table, cut in a letter": {"a.csv", "name;ort\nx;K\xc3", true, asTable, "", ""},
	} {
		v := newFileView(artifact.File{Path: c.file, Size: int64(len(c.data))}, "")
		v.Cut = c.cut
		v.fill([]byte(c.data))
		said := v.Note + strings.Join(v.Problems, "")
		if v.Kind != c.kind || v.Text != c.text || !strings.Contains(said, c.said) || c.said == "" && said != "" {
			t.Errorf("%s: %s %q, said %q", name, v.Kind, v.Text, said)
		}
		if strings.HasPrefix(name, "a table with a mark") && v.Matrix == "" {
			t.Errorf("%s: no matrix", name)
		}
	}
}
