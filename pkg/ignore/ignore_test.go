package ignore_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/ignore"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rules, path string
		dir, want   bool
	}{
		{"*.tmp", "a/b.tmp", false, true},
		{"*.tmp\n!keep.tmp", "keep.tmp", false, false},
		{"/a", "b/a", false, false},
		{"a/", "a", false, false},
		{"a/", "a/b/c", false, true},
		{"a/**/z", "a/z", false, true},
		{"a/**/z", "a/b/c/z", false, true},
		{"**/z", "q/z", false, true},
		{"a/**", "a", true, false},
		{"a*/b", "ax/y/b", false, false},
		{`\#x`, "#x", false, true},
		{`\!x`, "!x", false, true},
		{"x ", "x", false, true},
		{`x\ `, "x ", false, true},
		{"[a-c]x", "bx", false, true},
		{"[!a-c]x", "bx", false, false},
		{"[[:digit:]]", "7", false, true},
		{"[", "[", false, false},
		{"x\\", "x", false, false},
		{"a\n!a/b", "a/b", false, true},
		{"# x\r\nb\r\n", "b", false, true},
		{"a?b", "a/b", false, false},
	} {
		m := ignore.New()
		m.Add(".", []byte(c.rules))
		if got := m.Match(c.path, c.dir); got != c.want {
			t.Errorf("rules %q: path %q dir %t: excluded %t, want %t", c.rules, c.path, c.dir, got, c.want)
		}
	}
}

func TestDeeperRulesWin(t *testing.T) {
	t.Parallel()
	m := ignore.New()
	m.Add(".", []byte("*.bin\n"))
	m.Add("keep", []byte("!*.bin\n/local\n"))
	for p, want := range map[string]bool{"x.bin": true, "keep/x.bin": false, "keep/local": true, "keep/d/local": false, "keeper/x.bin": true} {
		if got := m.Match(p, false); got != want {
			t.Errorf("%s: excluded %t, want %t", p, got, want)
		}
	}
}

// TestAgreesWithGit asks git about random rules and paths.
func TestAgreesWithGit(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("SKIP: git is not installed")
	}
	root := t.TempDir()
	git := func(in string, args ...string) string {
		c := exec.Command("git", append([]string{"-C", root, "-c", "core.excludesFile="}, args...)...)
		c.Stdin = strings.NewReader(in)
		out, err := c.Output()
		if err != nil && c.ProcessState.ExitCode() != 1 {
			t.Fatalf("git %v: %v", args, err)
		}
		return string(out)
	}
	git("", "init", "-q")
	dirs := []string{".", "a", "a/b", "b", "b/ab", "ab"}
	for _, d := range dirs {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "b", "ab", "*", "**", "?", "/", "/", "[ab]", "[!a]", "[^b-c]", "\\a", "\\*", "!", "#", " ", "c", "[[:alpha:]]", "[]a]", "[a\\]]", "***", "\\"}
	names := []string{"a", "b", "ab", "c", "a b", "*", "ba"}
	for round := range 60 {
		m := ignore.New()
		var shown bytes.Buffer
		for _, d := range dirs[:4] {
			var rules strings.Builder
			for range rnd.IntN(4) {
				for range 1 + rnd.IntN(5) {
					rules.WriteString(pieces[rnd.IntN(len(pieces))])
				}
				rules.WriteByte('\n')
			}
			if err := os.WriteFile(filepath.Join(root, d, ".gitignore"), []byte(rules.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			m.Add(d, []byte(rules.String()))
			shown.WriteString(d + ": " + rules.String())
		}
		var paths []string
		for _, d := range dirs {
			for _, n := range names {
				paths = append(paths, path.Join(d, n))
			}
		}
		out := git(strings.Join(paths, "\x00"), "check-ignore", "-z", "--stdin", "--no-index")
		excluded := map[string]bool{}
		for p := range strings.SplitSeq(out, "\x00") {
			excluded[p] = true
		}
		for _, p := range paths {
			info, err := os.Stat(filepath.Join(root, p))
			if got := m.Match(p, err == nil && info.IsDir()); got != excluded[p] {
				t.Errorf("round %d: %q: excluded %t, git says %t, rules\n%s", round, p, got, excluded[p], shown.String())
			}
		}
		if t.Failed() {
			return
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a/**/[!b-c]*\n!x\\ ", "a/b/c")
	f.Add("[[:alpha:]-", "q")
	f.Fuzz(func(_ *testing.T, rules, p string) {
		if len(rules) > 64 || len(p) > 64 {
			return // many stars take time that grows with both
		}
		m := ignore.New()
		m.Add(".", []byte(rules))
		m.Match(p, true)
	})
}
