package machine_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mlops-cli/mlops/tools/machine"
)

func TestOnlyTheTableIsReplaced(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- table: begin -->\n", "<!-- table: end -->"
	path := filepath.Join(t.TempDir(), "b.md")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("head\n" + begin + "old\n" + end + "\ntail\n")
	if err := machine.ReplaceTable(path, "table", "new\n"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != "head\n"+begin+"new\n"+end+"\ntail\n" {
		t.Errorf("the file is %q (%v)", got, err)
	}
	write("no marks")
	if machine.ReplaceTable(path, "table", "new\n") == nil {
		t.Error("a file without marks was overwritten")
	}
}
