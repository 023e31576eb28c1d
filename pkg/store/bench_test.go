package store_test

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/mlops-cli/mlops/pkg/store"
)

// BenchmarkPutFile stores files as add does: several readers, one batch.
func BenchmarkPutFile(b *testing.B) {
	for _, c := range []struct {
		name        string
		size, files int
	}{{"4KiB", 4 << 10, 5000}, {"100KiB", 100 << 10, 1000}, {"64MiB", 64 << 20, 4}} {
		b.Run(c.name, func(b *testing.B) {
			dir := b.TempDir()
			paths := make([]string, c.files)
			for i := range paths {
				paths[i] = filepath.Join(dir, strconv.Itoa(i))
				if err := os.WriteFile(paths[i], random(c.size, uint64(i)), 0o600); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(c.size * c.files))
			for b.Loop() {
				ingest(b, paths, int64(c.size))
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*c.files), "us/file")
		})
	}
}

func ingest(b *testing.B, paths []string, size int64) {
	b.Helper()
	s, err := store.Open(b.Context(), b.TempDir(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	batch, err := s.NewBatch(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer batch.Close()
	next := make(chan string)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for path := range next {
				f, err := os.Open(path)
				if err != nil {
					b.Error(err)
					continue
				}
				if _, err := batch.PutFile(f, size); err != nil {
					b.Error(err)
				}
				if err := f.Close(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for _, p := range paths {
		next <- p
	}
	close(next)
	wg.Wait()
	if err := batch.Commit(); err != nil {
		b.Fatal(err)
	}
}
