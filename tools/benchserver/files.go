package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

const files = "/api/2.0/mlflow-artifacts/artifacts/"

// rounds is how often a large file is copied and transferred, in turn.
const rounds = 3

// artifact measures one way of a large file, and cp of the same file beside it.
// Both find the system at rest: nothing is left to write, and what they read is
// in memory. Each round has another content.
func artifact(up bool) func(context.Context, *bench, *server) (outcome, error) {
	return func(ctx context.Context, b *bench, v *server) (outcome, error) {
		id, err := v.createRun(ctx)
		if err != nil {
			return outcome{}, err
		}
		from, to := filepath.Join(b.work, "large"), filepath.Join(b.work, "copy")
		if err := randomFile(from, int64(b.count(1<<30))); err != nil {
			return outcome{}, err
		}
		var copies, moves []time.Duration
		for round := range rounds {
			if err := change(from, round); err != nil {
				return outcome{}, err
			}
			target := fmt.Sprint(v.url, files, v.experiment, "/", id, "/artifacts/large", round)
			move := func() error { return v.put(ctx, target, from) }
			if !up {
				// Once before, so that it is in memory as what cp reads.
				if err := errors.Join(v.put(ctx, target, from), v.fetch(ctx, target, os.DevNull)); err != nil {
					return outcome{}, err
				}
				move = func() error { return v.fetch(ctx, target, to) }
			}
			copied, err := afresh(to, func() error { return copyFile(to, from) })
			if err != nil {
				return outcome{}, err
			}
			moved, err := afresh(to, move)
			if err != nil {
				return outcome{}, err
			}
			copies, moves = append(copies, copied), append(moves, moved)
		}
		slices.Sort(copies)
		slices.Sort(moves)
		copied, moved := copies[rounds/2].Seconds(), moves[rounds/2].Seconds()
		return outcome{value: copied / moved, also: fmt.Sprintf("%.2f s beside %.2f s", moved, copied)}, os.Remove(from)
	}
}

// afresh measures fn, which may make the file to. That is gone before and after,
// and all of the machine's writing is done.
func afresh(to string, fn func() error) (took time.Duration, err error) {
	remove := func() error {
		if err := os.Remove(to); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := remove(); err != nil {
		return 0, err
	}
	syscall.Sync()
	at := time.Now()
	err = fn()
	took = time.Since(at)
	return took, errors.Join(err, remove())
}

func randomFile(path string, size int64) error {
	f, err := os.Create(path) //nolint:gosec // ours
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, rand.NewChaCha8([32]byte{1}), size)
	return errors.Join(err, f.Close())
}

// change gives a file of its size another content.
func change(path string, round int) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0) //nolint:gosec // ours
	if err != nil {
		return err
	}
	_, err = f.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(round)), 0) //nolint:gosec // small
	return errors.Join(err, f.Close())
}

func copyFile(to, from string) error {
	src, err := os.Open(from) //nolint:gosec // ours
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // only read
	return write(to, src)
}

// write writes a new file from memory, as cp does where it cannot clone.
func write(to string, r io.Reader) error {
	f, err := os.Create(to) //nolint:gosec // ours
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{f}, struct{ io.Reader }{r}, make([]byte, 1<<17))
	return errors.Join(err, f.Close())
}

func (v *server) put(ctx context.Context, target, path string) error {
	f, err := os.Open(path) //nolint:gosec // ours
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, target, f)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	req.ContentLength = info.Size()
	resp, err := v.client.Do(req)
	if err != nil {
		return err
	}
	if err := drain(resp); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("upload to %s: %s", v.name, resp.Status)
	}
	return nil
}

func (v *server) fetch(ctx context.Context, target, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read to the end, or failed
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("download from %s: %s", v.name, resp.Status)
	}
	return write(path, resp.Body)
}
