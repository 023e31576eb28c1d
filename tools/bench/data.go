package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

const perDir = 1000 // files in a directory

// makeFiles writes n files of size random bytes below dir, the same for the
// same seed. No two files are equal and none can be compressed.
func makeFiles(dir string, n, size int, seed uint64) error {
	dirs := make(chan int)
	var wg sync.WaitGroup
	var once sync.Once
	var failed error
	for range runtime.NumCPU() {
		wg.Go(func() {
			buf := make([]byte, size)
			for d := range dirs {
				if err := makeDir(dir, d, min(perDir, n-d*perDir), buf, seed); err != nil {
					once.Do(func() { failed = err })
				}
			}
		})
	}
	for d := 0; d*perDir < n; d++ {
		dirs <- d
	}
	close(dirs)
	wg.Wait()
	return failed
}

func makeDir(dir string, d, n int, buf []byte, seed uint64) error {
	sub := filepath.Join(dir, fmt.Sprintf("part-%04d", d))
	if err := os.MkdirAll(sub, 0o755); err != nil {
		return err
	}
	random := rand.NewPCG(seed, uint64(d)) //nolint:gosec // test data
	for i := range n {
		fill(buf, random)
		if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("image-%06d.bin", i)), buf, 0o644); err != nil { //nolint:gosec // as a user's files are
			return err
		}
	}
	return nil
}

// makeFile writes one file of size random bytes.
func makeFile(path string, size int64, seed uint64) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	random, buf := rand.NewPCG(seed, 0), make([]byte, 1<<20)
	for size > 0 {
		part := buf[:min(size, int64(len(buf)))]
		fill(part, random)
		if _, err := f.Write(part); err != nil {
			return err
		}
		size -= int64(len(part))
	}
	return f.Close()
}

func fill(buf []byte, random *rand.PCG) {
	for len(buf) >= 8 {
		binary.LittleEndian.PutUint64(buf, random.Uint64())
		buf = buf[8:]
	}
	for i := range buf {
		buf[i] = byte(random.Uint64())
	}
}

// touch gives one of the files below dir new content.
func touch(dir string, i int) error {
	return os.WriteFile(filepath.Join(dir, "part-0000", fmt.Sprintf("image-%06d.bin", i)),
		fmt.Appendf(nil, "changed %d", i), 0o644) //nolint:gosec // as a user's files are
}
