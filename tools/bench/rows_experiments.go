package main

import (
	"context"
	"fmt"
	"path/filepath"
)

// isolatedRuns measures what a run in a copy of the workspace costs besides its
// stages: all trials of the sweep are restored, none computes.
func isolatedRuns(ctx context.Context, b *bench) ([]result, error) {
	n, repo := b.count(100), b.path("isolated", "digits")
	if err := b.do(ctx, b.work, b.mlops, "demo", repo); err != nil {
		return nil, err
	}
	all, err := b.race(ctx, "isolated runs", b.runs, side{name: "mlops", run: func(ctx context.Context, i int) (sample, error) {
		return b.measure(ctx, repo, b.mlops, "run", "--quiet", "--jobs", "2", "-S", fmt.Sprintf("++extra.n=range(%d,%d)", i*n, (i+1)*n))
	}})
	if err != nil {
		return nil, err
	}
	got := median(all["mlops"])
	what := fmt.Sprintf("%d isolated runs of the digits example, 2 at a time: each", n)
	return []result{atMost(what, got, ms(got)/float64(n), "ms", 50)}, nil
}

// importDVC takes over the repository of DVC, as the last step: it changes it.
func (f *fleet) importDVC(ctx context.Context) ([]result, error) {
	what := fmt.Sprintf("`import dvc` of %s", f.what)
	if f.dvc == "" {
		return []result{{what: what, mine: "–", peer: "`mlops add`", value: "–", aim: "≤ 2×", state: "no peer"}}, nil
	}
	sides := []side{
		{name: "import", run: func(ctx context.Context, _ int) (sample, error) {
			return f.measure(ctx, f.path("dvc"), f.mlops, "import", "dvc", "--quiet")
		}},
		{name: "mlops add", run: func(ctx context.Context, _ int) (sample, error) {
			return f.addIn(ctx, f.path("import-add"), filepath.Join(f.last(), "data"))
		}},
	}
	all, err := f.race(ctx, what, 1, sides...)
	if err != nil {
		return nil, err
	}
	return []result{ratio(what, all, "import", "mlops add", 2)}, nil
}
