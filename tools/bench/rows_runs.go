package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
)

// fillRuns writes finished runs straight into the index: three params, two
// metrics of ten points, a tag each, over ten experiments.
const fillRuns = `
import sqlite3, sys
n = int(sys.argv[2])
db = sqlite3.connect(sys.argv[1])
db.execute("BEGIN IMMEDIATE")
for e in range(10):
    db.execute("INSERT INTO experiments (id, name, created, updated) VALUES (?, ?, 1, 1)", (e + 1, "exp%d" % e))
for i in range(n):
    start = 1700000000000 + 60000 * i
    run = db.execute("INSERT INTO runs (id, experiment, name, kind, status, start_time, end_time) VALUES (?, ?, ?, 'script', 'FINISHED', ?, ?)",
        ("%032x" % (i * 2654435761 % 2**128), 1 + (0 if i >= n - 1000 else i % 9 + 1), "run-%d" % i, start, start + 30000)).lastrowid
    db.executemany("INSERT INTO params (run, key, value) VALUES (?, ?, ?)", [(run, "lr", "%g" % (0.001 * (i % 50))), (run, "depth", str(i % 7)), (run, "seed", str(i))])
    for key in ("loss", "accuracy"):
        v = (i * 7919 % 1000) / 1000
        series = db.execute("INSERT INTO series (run, key, value, timestamp, step, min, max, count) VALUES (?, ?, ?, ?, 9, ?, ?, 10)",
            (run, key, v, start + 9, v, v + 0.9)).lastrowid
        db.executemany("INSERT INTO points (series, timestamp, step, value) VALUES (?, ?, ?, ?)", [(series, start + s, s, v + 0.1 * (9 - s)) for s in range(10)])
    db.execute("INSERT INTO tags (run, key, value, time) VALUES (?, 'team', ?, ?)", (run, "t%d" % (i % 5), start))
db.commit()
`

// manyRuns measures what is asked of a long history.
func manyRuns(ctx context.Context, b *bench) ([]result, error) {
	n, repo := b.count(100_000), b.path("runs")
	if err := b.repo(ctx, repo); err != nil {
		return nil, err
	}
	if err := b.do(ctx, repo, b.mlops, "runs", "ls"); err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, "python3", "-", repo+"/.mlops/index.db", fmt.Sprint(n))
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	go func() {
		io.WriteString(in, fillRuns) //nolint:errcheck // the program that reads it will complain
		in.Close()                   //nolint:errcheck // as above
	}()
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("fill index.db: %w\n%s", err, out)
	}
	var rows []result
	for _, q := range []struct {
		what string
		aim  float64 // ms
		args []string
	}{
		{fmt.Sprintf("`runs ls`, first page of %s runs", thousands(n)), 50, []string{"runs", "ls"}},
		{fmt.Sprintf("`runs ls --filter` and `--sort`, %s runs", thousands(n)), 0, []string{"runs", "ls", "--filter", "metrics.loss < 0.2 and params.depth = '3'", "--sort", "loss"}},
		{"`compare` of 1,000 runs", 200, []string{"compare", "exp0", "--limit", "1000"}},
	} {
		all, err := b.race(ctx, q.what, 3*b.runs, side{name: "mlops", run: func(ctx context.Context, _ int) (sample, error) {
			return b.measure(ctx, repo, append([]string{b.mlops}, q.args...)...)
		}})
		if err != nil {
			return rows, err
		}
		got := median(all["mlops"])
		rows = append(rows, atMost(q.what, got, ms(got), "ms", q.aim))
	}
	return rows, nil
}
