package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
)

func (f *fleet) push(ctx context.Context) ([]result, error) {
	repo := f.last()
	sides := []side{
		{name: "mlops", run: func(ctx context.Context, i int) (sample, error) {
			name := fmt.Sprint("remote-", i)
			if err := f.do(ctx, repo, f.mlops, "remote", "add", name, f.path(name)); err != nil {
				return sample{}, err
			}
			return f.measure(ctx, repo, f.mlops, "push", "--remote", name, "--json")
		}},
		f.copyTo(filepath.Join(repo, "data"), "cp-push"),
	}
	sides = f.withDVC(sides, func(ctx context.Context) (sample, error) {
		if err := f.do(ctx, f.path("dvc"), f.dvc, "remote", "add", "-q", "-d", "here", f.path("dvc-remote")); err != nil {
			return sample{}, err
		}
		return f.measure(ctx, f.path("dvc"), f.dvc, "push", "-q")
	})
	all, err := f.race(ctx, "`push` "+f.what, f.runs, sides...)
	if err != nil {
		return nil, err
	}
	return []result{ratio("`push` "+f.what+", directory remote", all, "mlops", "cp -r", 0.3)}, nil
}

func (f *fleet) pull(ctx context.Context) ([]result, error) {
	if err := f.commit(ctx, f.last()); err != nil {
		return nil, err
	}
	sides := []side{
		{name: "mlops", run: func(ctx context.Context, i int) (sample, error) {
			clone := f.clone(i)
			if err := f.do(ctx, f.work, "git", "clone", "-q", f.last(), clone); err != nil {
				return sample{}, err
			}
			return f.measure(ctx, clone, f.mlops, "pull", "--json")
		}},
		f.copyTo(filepath.Join(f.last(), "data"), "cp-pull"),
	}
	sides = f.withDVC(sides, func(ctx context.Context) (sample, error) {
		if err := f.commit(ctx, f.path("dvc")); err != nil {
			return sample{}, err
		}
		if err := f.do(ctx, f.work, "git", "clone", "-q", f.path("dvc"), f.path("dvc-clone")); err != nil {
			return sample{}, err
		}
		return f.measure(ctx, f.path("dvc-clone"), f.dvc, "pull", "-q")
	})
	all, err := f.race(ctx, "`pull` "+f.what, f.runs, sides...)
	if err != nil {
		return nil, err
	}
	return []result{ratio("`pull` with checkout, "+f.what+", directory remote", all, "mlops", "cp -r", 1.3)}, nil
}

func (f *fleet) clone(i int) string { return f.path(fmt.Sprint("clone-", i)) }

// nothingToSend counts the requests of a push and a pull that change nothing.
func (f *fleet) nothingToSend(ctx context.Context) ([]result, error) {
	var rows []result
	for _, verb := range []string{"push", "pull"} {
		dir, peerDir := f.last(), f.path("dvc")
		ours := []string{f.mlops, verb, "--json"}
		if verb == "pull" {
			dir, peerDir = f.clone(0), f.path("dvc-clone")
		} else {
			// The last remote of push is the one whose state is known best;
			// the default is the first one.
			ours = append(ours, "--remote", "remote-0")
		}
		sides := []side{{name: "mlops", run: func(ctx context.Context, _ int) (sample, error) { return f.measure(ctx, dir, ours...) }}}
		sides = f.withDVC(sides, func(ctx context.Context) (sample, error) { return f.measure(ctx, peerDir, f.dvc, verb, "-q") })
		all, err := f.race(ctx, "no-op `"+verb+"`", f.runs, sides...)
		if err != nil {
			return nil, err
		}
		got := median(all["mlops"])
		requests, err := countRequests(got.out)
		if err != nil {
			return nil, fmt.Errorf("no-op %s: %w", verb, err)
		}
		rows = append(rows, atMost("no-op `"+verb+"`, "+f.what, got, float64(requests), "requests", 3).with(all))
	}
	return rows, nil
}

// countRequests reads the summary at the end of push --json and pull --json.
func countRequests(out []byte) (int, error) {
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	var summary struct {
		Type     string
		Requests int
	}
	last := lines[len(lines)-1]
	if err := json.Unmarshal(last, &summary); err != nil || summary.Type != "summary" {
		return 0, fmt.Errorf("the last line of the output is no summary: %q", last)
	}
	return summary.Requests, nil
}
