package artifact_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

const benchSize = 256 << 20

// BenchmarkPut keeps a large file that was not there; BenchmarkCopy is what cp
// and a flush take on the same disk.
func BenchmarkPut(b *testing.B) {
	s, st := newLocal(b)
	data := content(1, benchSize)
	b.SetBytes(benchSize)
	b.ResetTimer()
	for i := range b.N {
		data[0], data[1] = byte(i), byte(i>>8)
		f, err := s.Put(b.Context(), run("r"), "big", struct{ io.Reader }{bytes.NewReader(data)})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		path, _ := st.LoosePath(f.ID)
		if err := os.Remove(path); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

func BenchmarkCopy(b *testing.B) {
	dir := b.TempDir()
	data := content(1, benchSize)
	b.SetBytes(benchSize)
	b.ResetTimer()
	for range b.N {
		f, err := os.Create(filepath.Join(dir, "copy"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(struct{ io.Writer }{f}, struct{ io.Reader }{bytes.NewReader(data)}); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := os.Remove(f.Name()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
