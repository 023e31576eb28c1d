package workspace_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/workspace"
)

// TestAddOfAFileThatChanges keeps writing to files while they are added: what
// was recorded is what stood there at one moment, or nothing is recorded.
func TestAddOfAFileThatChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*os.File) error
	}{
		{"grows", func(f *os.File) error { _, err := f.Seek(0, 2); return appendTo(f, err) }},
		{"same size", func(f *os.File) error { _, err := f.WriteAt([]byte{byte(os.Getpid())}, 5); return err }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			w := open(t, root)
			put(t, root, "big.bin", strings.Repeat("0123456789abcdef", 4<<20)) // 64 MiB: long enough to be caught
			f, err := os.OpenFile(filepath.Join(root, "big.bin"), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			stop, done := make(chan struct{}), make(chan error, 1)
			go func() {
				for {
					select {
					case <-stop:
						done <- f.Close()
						return
					default:
						if err := c.change(f); err != nil {
							done <- err
							return
						}
					}
				}
			}()
			_, err = w.Add(t.Context(), workspace.AddRequest{Dir: root, Paths: []string{"big.bin"}})
			close(stop)
			if werr := <-done; werr != nil {
				t.Fatal(werr)
			}
			if err == nil || !strings.Contains(err.Error(), "changed while") {
				t.Fatalf("add says %v, want that the file changed while it was read", err)
			}
			if _, err := os.Stat(filepath.Join(root, "big.bin.mlops")); !os.IsNotExist(err) {
				t.Fatalf("a pointer was written (%v)", err)
			}
		})
	}
}

func appendTo(f *os.File, err error) error {
	if err == nil {
		_, err = f.WriteString("x")
	}
	return err
}
