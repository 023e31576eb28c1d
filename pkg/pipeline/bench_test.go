package pipeline_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/pipeline"
)

// BenchmarkReadProject reads a pipeline of a thousand stages.
func BenchmarkReadProject(b *testing.B) {
	var text strings.Builder
	text.WriteString("stages:\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "  s%d:\n    cmd: cp in%d out%d\n    deps: [in%d]\n    outs: [out%d]\n", i, i, i, i, i)
	}
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mlops.yaml"), []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	read := func(p string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, p)) }
	for b.Loop() {
		if _, err := pipeline.ReadProject(read, []string{"mlops.yaml"}); err != nil {
			b.Fatal(err)
		}
	}
}
