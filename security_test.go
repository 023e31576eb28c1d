package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityIsTested: every test that docs/security.md names is there.
func TestSecurityIsTested(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	folder := regexp.MustCompile("`((?:pkg|cmd|testdata)[a-z/._]*)`|(Test[A-Za-z0-9_]+)")
	named := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		dir := ""
		for _, m := range folder.FindAllStringSubmatch(line, -1) {
			if m[1] != "" {
				dir = m[1]
				if _, err := os.Stat(dir); err != nil {
					t.Error(err)
				}
				continue
			}
			named++
			files, err := filepath.Glob(dir + "/*_test.go")
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, file := range files {
				source, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				found = found || strings.Contains(string(source), "func "+m[2]+"(t *testing.T)")
			}
			if !found {
				t.Errorf("docs/security.md names %s of %q, which is not there", m[2], dir)
			}
		}
	}
	if named < 20 {
		t.Errorf("docs/security.md names %d tests", named)
	}
}
