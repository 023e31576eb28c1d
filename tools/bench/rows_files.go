package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// smallFiles measures the daily verbs on 100,000 files of 4 KiB.
func smallFiles(ctx context.Context, b *bench) ([]result, error) {
	n := b.count(100_000)
	f := fleet{bench: b, dir: "small", what: fmt.Sprintf("%s × 4 KiB", thousands(n))}
	if err := makeFiles(f.path("data"), n, 4<<10, 1); err != nil {
		return nil, err
	}
	steps := []func(context.Context) ([]result, error){f.add, f.again, f.status, f.checkout, f.push, f.pull, f.nothingToSend, f.importDVC}
	var rows []result
	for _, step := range steps {
		found, err := step(ctx)
		rows = append(rows, found...)
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// mediumFiles measures add of 20,000 files of 100 KiB.
func mediumFiles(ctx context.Context, b *bench) ([]result, error) {
	n := b.count(20_000)
	f := fleet{bench: b, dir: "medium", what: fmt.Sprintf("%s × 100 KiB", thousands(n)), addAim: 1.0}
	if err := makeFiles(f.path("data"), n, 100<<10, 2); err != nil {
		return nil, err
	}
	return f.add(ctx)
}

// largeFile measures add of one file of 1 GiB.
func largeFile(ctx context.Context, b *bench) ([]result, error) {
	size := int64(b.scale * (1 << 30))
	file := b.path("large", "data", "weights.bin")
	if err := makeFile(file, size, 3); err != nil {
		return nil, err
	}
	sides := []side{
		{name: "mlops", run: func(ctx context.Context, i int) (sample, error) {
			return b.addIn(ctx, b.path("large", fmt.Sprint("mlops-", i)), b.path("large", "data"))
		}},
		{name: "openssl dgst -sha256", run: func(ctx context.Context, _ int) (sample, error) {
			return b.measure(ctx, b.work, "openssl", "dgst", "-sha256", file)
		}},
	}
	if b.dvc != "" {
		sides = append(sides, side{name: "dvc", most: 1, run: func(ctx context.Context, _ int) (sample, error) {
			return b.dvcAddIn(ctx, b.path("large", "dvc"), b.path("large", "data"))
		}})
	}
	what := fmt.Sprintf("`add` 1 × %.3g GiB", b.scale)
	all, err := b.race(ctx, what, b.runs, sides...)
	if err != nil {
		return nil, err
	}
	return []result{ratio(what, all, "mlops", "openssl dgst -sha256", 1.2)}, nil
}

// addIn makes a repository in dir, moves data into it, adds it and moves it
// back, so that every repetition and every peer reads the same files.
func (b *bench) addIn(ctx context.Context, dir, data string) (sample, error) {
	if err := b.repo(ctx, dir); err != nil {
		return sample{}, err
	}
	return b.borrow(dir, data, func() (sample, error) { return b.measure(ctx, dir, b.mlops, "add", "data") })
}

func (b *bench) dvcAddIn(ctx context.Context, dir, data string) (sample, error) {
	if err := b.dvcRepo(ctx, dir); err != nil {
		return sample{}, err
	}
	return b.borrow(dir, data, func() (sample, error) { return b.measure(ctx, dir, b.dvc, "add", "-q", "data") })
}

func (b *bench) borrow(dir, data string, run func() (sample, error)) (sample, error) {
	if err := os.Rename(data, filepath.Join(dir, "data")); err != nil {
		return sample{}, err
	}
	s, err := run()
	if back := os.Rename(filepath.Join(dir, "data"), data); err == nil {
		err = back
	}
	return s, err
}
