package cmd

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/term"
)

func testApp() *app {
	return &app{io: term.New(term.Config{In: &bytes.Buffer{}, Out: &bytes.Buffer{}, Err: &bytes.Buffer{}})}
}

// walk calls fn with c and every command below it.
func walk(c *cobra.Command, fn func(*cobra.Command)) {
	fn(c)
	for _, sub := range c.Commands() {
		walk(sub, fn)
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	t.Parallel()
	walk(newRootCmd(testApp()), func(c *cobra.Command) {
		path := c.CommandPath()
		switch {
		case c.Short == "" || strings.HasSuffix(c.Short, "."):
			t.Errorf("%s: Short is %q; want a line without full stop", path, c.Short)
		case c.Example == "" && !c.HasSubCommands():
			t.Errorf("%s has no Example", path)
		case c.Args == nil:
			t.Errorf("%s does not say which Args it takes", path)
		case c.RunE == nil || c.Run != nil:
			t.Errorf("%s: set RunE, not Run", path)
		case c.Parent() != nil && !c.Parent().HasParent() && c.GroupID == "":
			t.Errorf("%s is in no section", path)
		}
		for line := range strings.Lines(c.Example) {
			if line = strings.TrimSpace(line); line != "" && !strings.Contains(line, "mlops") {
				t.Errorf("%s: the example %q does not call mlops", path, line)
			}
		}
	})
}

func TestEveryCommandHasAScript(t *testing.T) {
	t.Parallel()
	var scripts strings.Builder
	err := filepath.WalkDir(filepath.Join("..", "testdata", "script"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".txtar" {
			return err
		}
		text, err := os.ReadFile(path)
		scripts.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	walk(newRootCmd(testApp()), func(c *cobra.Command) {
		if c.HasSubCommands() || c.Hidden {
			return
		}
		call := regexp.MustCompile(`(?m)^[^#\n]*\b` + regexp.QuoteMeta(c.CommandPath()) + `\b`)
		if !call.MatchString(scripts.String()) {
			t.Errorf("no script below testdata/script runs %s", c.CommandPath())
		}
	})
}

// TestBuildingTheTreeIsCheap: every start of mlops pays for it.
func TestBuildingTheTreeIsCheap(t *testing.T) {
	t.Parallel()
	best := time.Hour
	for range 20 {
		start := time.Now()
		newRootCmd(testApp())
		best = min(best, time.Since(start))
	}
	if best > time.Millisecond {
		t.Errorf("building the command tree takes %v", best)
	}
	t.Logf("building the command tree takes %v", best)
}

// TestReferenceIsUpToDate: docs/reference is what 'make docs' writes.
func TestReferenceIsUpToDate(t *testing.T) {
	t.Parallel()
	root := newRootCmd(testApp())
	root.InitDefaultHelpCmd()
	want := reference(root)
	dir := filepath.Join("..", "docs", "reference")
	have, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range have {
		if _, ok := want[entry.Name()]; !ok {
			t.Errorf("docs/reference/%s is of no command: type make docs", entry.Name())
		}
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("docs/reference/%s is not what the commands say: type make docs (%v)", name, err)
		}
	}
}
