package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// copies is a pipeline of n stages that each copy a small file.
type copies struct {
	*bench
	n int
}

func (c copies) dir(name string, i int) string {
	return c.path("pipeline", fmt.Sprint(name, "-", i))
}

// prepare writes the inputs of n stages, and the pipeline file when it has a name.
func (c copies) prepare(dir, file string, n int) error {
	for _, sub := range []string{"in", "out"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	var stages strings.Builder
	stages.WriteString("stages:\n")
	for i := range n {
		fmt.Fprintf(&stages, "  s%04d:\n    cmd: cp in/%04d out/%04d\n    deps: [in/%04d]\n    outs: [out/%04d]\n", i, i, i, i, i)
		if err := write(filepath.Join(dir, "in", fmt.Sprintf("%04d", i)), fmt.Sprintf("input %d\n", i)); err != nil {
			return err
		}
	}
	if file == "" {
		return nil
	}
	return write(filepath.Join(dir, file), stages.String())
}

func write(path, text string) error { return os.WriteFile(path, []byte(text), 0o644) } //nolint:gosec // as a user's files are

// manyStages measures a pipeline of 1,000 stages of cp. DVC, which needs
// seconds for each stage when there are many, gets a tenth of them.
func manyStages(ctx context.Context, b *bench) ([]result, error) {
	c := copies{b, b.count(1000)}
	var names strings.Builder
	for i := range c.n {
		fmt.Fprintf(&names, "%04d\n", i)
	}
	sides := []side{
		{name: "mlops", run: func(ctx context.Context, i int) (sample, error) {
			if err := b.repo(ctx, c.dir("mlops", i)); err != nil {
				return sample{}, err
			}
			if err := c.prepare(c.dir("mlops", i), "mlops.yaml", c.n); err != nil {
				return sample{}, err
			}
			return b.measure(ctx, c.dir("mlops", i), b.mlops, "run", "--quiet")
		}},
		{name: "xargs -P", run: func(ctx context.Context, i int) (sample, error) {
			if err := c.prepare(c.dir("xargs", i), "", c.n); err != nil {
				return sample{}, err
			}
			return b.measureIn(ctx, c.dir("xargs", i), names.String(), "xargs", "-P", fmt.Sprint(runtime.NumCPU()), "-I{}", "cp", "in/{}", "out/{}")
		}},
	}
	first, err := b.race(ctx, "first `run`", b.runs, sides...)
	if err != nil {
		return nil, err
	}
	noop := func(ctx context.Context, _ int) (sample, error) {
		return b.measure(ctx, c.dir("mlops", 0), b.mlops, "run", "--quiet")
	}
	if _, err := noop(ctx, 0); err != nil {
		return nil, err
	}
	again, err := b.race(ctx, "no-op `run`", 3*b.runs, side{name: "mlops", run: noop})
	if err != nil {
		return nil, err
	}
	got := median(again["mlops"])
	rows := []result{
		atMost(fmt.Sprintf("no-op `run`, %s stages", thousands(c.n)), got, ms(got), "ms", 100),
		ratio(fmt.Sprintf("first `run`, %s stages of `cp`", thousands(c.n)), first, "mlops", "xargs -P", 3),
	}
	if b.dvc != "" {
		if rows[1].dvc, rows[0].dvc, err = c.withDVC(ctx, max(1, c.n/10)); err != nil {
			return rows, err
		}
	}
	restored, err := b.restore(ctx)
	return append(rows, restored...), err
}

func ms(s sample) float64 { return float64(s.wall.Microseconds()) / 1e3 }

// withDVC runs n stages with DVC, and again.
func (c copies) withDVC(ctx context.Context, n int) (first, again string, err error) {
	dir := c.dir("dvc", 0)
	if err := c.dvcRepo(ctx, dir); err != nil {
		return "", "", err
	}
	if err := c.prepare(dir, "dvc.yaml", n); err != nil {
		return "", "", err
	}
	var took [2]string
	for i := range took {
		s, err := c.measure(ctx, dir, c.dvc, "repro", "-q")
		if err != nil {
			return "", "", err
		}
		took[i] = fmt.Sprintf("%s (%s stages)", s, thousands(n))
	}
	return took[0], took[1], nil
}

// restore measures 1,000 stages whose outputs, 20 files of 4 KiB each, come
// back from the stage cache.
func (b *bench) restore(ctx context.Context) ([]result, error) {
	n, repo := b.count(1000), b.path("pipeline", "restore")
	if err := b.repo(ctx, repo); err != nil {
		return nil, err
	}
	if err := makeFiles(filepath.Join(repo, "in"), 20*n, 4<<10, 7); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(repo, "in", "*", "*"))
	if err != nil {
		return nil, err
	}
	if len(files) != 20*n {
		return nil, fmt.Errorf("made %d files in two levels, want %d", len(files), 20*n)
	}
	var stages strings.Builder
	stages.WriteString("stages:\n")
	for i := range n {
		fmt.Fprintf(&stages, "  s%04d:\n    cmd: mkdir -p out/%04d && cp", i, i)
		for _, f := range files[20*i : 20*i+20] {
			rel, err := filepath.Rel(repo, f)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&stages, " %s", rel)
		}
		fmt.Fprintf(&stages, " out/%04d\n    outs: [out/%04d]\n", i, i)
	}
	if err := write(filepath.Join(repo, "mlops.yaml"), stages.String()); err != nil {
		return nil, err
	}
	if err := b.do(ctx, repo, b.mlops, "run", "--quiet"); err != nil {
		return nil, err
	}
	sides := []side{
		{name: "mlops", run: func(ctx context.Context, i int) (sample, error) {
			if err := os.Rename(filepath.Join(repo, "out"), b.path("pipeline", fmt.Sprint("aside-", i))); err != nil {
				return sample{}, err
			}
			return b.measure(ctx, repo, b.mlops, "run", "--quiet")
		}},
		{name: "cp -r", run: func(ctx context.Context, i int) (sample, error) {
			return b.measure(ctx, repo, "cp", "-r", "out", b.path("pipeline", fmt.Sprint("cp-", i)))
		}},
	}
	all, err := b.race(ctx, "restore", b.runs, sides...)
	if err != nil {
		return nil, err
	}
	return []result{ratio(fmt.Sprintf("restore the outputs of %s stages, 20 × 4 KiB each", thousands(n)), all, "mlops", "cp -r", 1.5)}, nil
}

// planning measures what a decision costs: ten layers of stages, each of which
// reads two outputs of the layer before, and a foreach over many items.
func planning(ctx context.Context, b *bench) ([]result, error) {
	var rows []result
	for _, size := range []struct {
		n   int
		aim float64 // ms
	}{{1000, 100}, {10_000, 1000}} {
		n := b.count(size.n)
		repo := b.path("plan", fmt.Sprint("layers-", n))
		if err := b.repo(ctx, repo); err != nil {
			return rows, err
		}
		if err := write(filepath.Join(repo, "mlops.yaml"), layers(n)); err != nil {
			return rows, err
		}
		if err := os.Mkdir(filepath.Join(repo, "out"), 0o755); err != nil {
			return rows, err
		}
		for range 2 {
			if err := b.do(ctx, repo, b.mlops, "run", "--quiet"); err != nil {
				return rows, err
			}
		}
		all, err := b.race(ctx, "no-op `run` of layers", 3*b.runs, side{name: "mlops", run: func(ctx context.Context, _ int) (sample, error) {
			return b.measure(ctx, repo, b.mlops, "run", "--quiet")
		}})
		if err != nil {
			return rows, err
		}
		got := median(all["mlops"])
		rows = append(rows, atMost(fmt.Sprintf("plan and no-op `run`, %s stages in 10 layers", thousands(n)), got, ms(got), "ms", size.aim))
	}
	n, repo := b.count(10_000), b.path("plan", "foreach")
	if err := b.repo(ctx, repo); err != nil {
		return rows, err
	}
	var items strings.Builder
	items.WriteString("items:\n")
	for i := range n {
		fmt.Fprintf(&items, "- city%05d\n", i)
	}
	if err := write(filepath.Join(repo, "params.yaml"), items.String()); err != nil {
		return rows, err
	}
	if err := write(filepath.Join(repo, "mlops.yaml"), "stages:\n  each:\n    foreach: ${items}\n    do:\n      cmd: echo ${item} > out/${item}\n      outs: [\"out/${item}\"]\n"); err != nil {
		return rows, err
	}
	all, err := b.race(ctx, "`stage ls`", 3*b.runs, side{name: "mlops", run: func(ctx context.Context, _ int) (sample, error) {
		return b.measure(ctx, repo, b.mlops, "stage", "ls", "--json")
	}})
	if err != nil {
		return rows, err
	}
	got := median(all["mlops"])
	what := fmt.Sprintf("foreach over %s items: `stage ls`", thousands(n))
	return append(rows, atMost(what, got, ms(got), "ms", 1000), atMost(what, got, float64(got.rss)/1e6, "MB", 256)), nil
}

// layers is a pipeline of n stages in ten layers.
func layers(n int) string {
	var w strings.Builder
	w.WriteString("stages:\n")
	wide := max(1, n/10)
	for i := range n {
		layer, at := i/wide, i%wide
		fmt.Fprintf(&w, "  s%05d:\n    cmd: echo %d > out/%05d\n    outs: [out/%05d]\n", i, i, i, i)
		if layer > 0 {
			before := (layer - 1) * wide
			fmt.Fprintf(&w, "    deps: [out/%05d, out/%05d]\n", before+at, before+(at+1)%wide)
		}
	}
	return w.String()
}
