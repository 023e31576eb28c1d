package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// startup measures what every command costs before it does anything.
func startup(ctx context.Context, b *bench) ([]result, error) {
	repo := b.path("startup")
	if err := b.repo(ctx, repo); err != nil {
		return nil, err
	}
	command := func(name string, args ...string) side {
		return side{name: name, run: func(ctx context.Context, _ int) (sample, error) { return b.measure(ctx, repo, args...) }}
	}
	sides := []side{
		command("mlops version", b.mlops, "version"),
		command("mlops status", b.mlops, "status"),
		command("git --version", "git", "--version"),
	}
	if b.dvc != "" {
		if err := b.dvcRepo(ctx, b.path("startup-dvc")); err != nil {
			return nil, err
		}
		for name, verb := range map[string]string{"dvc version": "--version", "dvc status": "status"} {
			sides = append(sides, side{name: name, most: 3, run: func(ctx context.Context, _ int) (sample, error) {
				return b.measure(ctx, b.path("startup-dvc"), b.dvc, verb)
			}})
		}
	}
	all, err := b.race(ctx, "start-up", 7*b.runs, sides...)
	if err != nil {
		return nil, err
	}
	row := func(what, ours, peer string) result {
		got := median(all[ours])
		r := atMost(what, got, float64(got.cpu.Microseconds())/1e3, "ms of CPU", 10)
		r.peer = fmt.Sprintf("`git --version` %s, %.1f ms of CPU", span(median(all["git --version"]).wall), float64(median(all["git --version"]).cpu.Microseconds())/1e3)
		if s, ok := all[peer]; ok {
			r.dvc = median(s).String()
		}
		return r
	}
	return []result{
		row("`mlops version`", "mlops version", "dvc version"),
		row("`status`, empty repository", "mlops status", "dvc status"),
	}, nil
}

// memory runs each command on 1,000,000 files and reports the highest peak.
func memory(ctx context.Context, b *bench) ([]result, error) {
	n := b.count(1_000_000)
	repo, clone, remote := b.path("memory", "repo"), b.path("memory", "clone"), b.path("memory", "remote")
	if err := b.repo(ctx, repo); err != nil {
		return nil, err
	}
	if err := makeFiles(filepath.Join(repo, "data"), n, 256, 5); err != nil {
		return nil, err
	}
	var rows []result
	step := func(dir string, args ...string) error {
		s, err := b.measure(ctx, dir, append([]string{b.mlops}, args...)...)
		if err != nil {
			return err
		}
		r := atMost(fmt.Sprintf("peak memory of `%s`, %s files", args[0], thousands(n)), s, float64(s.rss)/1e6, "MB", 256)
		b.say("memory: %s %s", args[0], s)
		rows = append(rows, r)
		return nil
	}
	if err := step(repo, "add", "data"); err != nil {
		return rows, err
	}
	if err := step(repo, "status"); err != nil {
		return rows, err
	}
	if err := os.Rename(filepath.Join(repo, "data"), b.path("memory", "aside")); err != nil {
		return rows, err
	}
	if err := step(repo, "checkout"); err != nil {
		return rows, err
	}
	if err := b.do(ctx, repo, b.mlops, "remote", "add", "here", remote); err != nil {
		return rows, err
	}
	if err := step(repo, "push"); err != nil {
		return rows, err
	}
	if err := b.commit(ctx, repo); err != nil {
		return rows, err
	}
	if err := b.do(ctx, b.work, "git", "clone", "-q", repo, clone); err != nil {
		return rows, err
	}
	for _, command := range [][]string{{"diff", "HEAD"}, {"fsck"}, {"gc"}} {
		if err := step(repo, command...); err != nil {
			return rows, err
		}
	}
	if err := step(clone, "fetch"); err != nil {
		return rows, err
	}
	if err := os.RemoveAll(clone); err != nil {
		return rows, err
	}
	if err := b.do(ctx, b.work, "git", "clone", "-q", repo, clone); err != nil {
		return rows, err
	}
	if err := step(clone, "pull"); err != nil {
		return rows, err
	}
	// A stage that reads a million files and makes as many: those put aside.
	stages := "stages:\n  make:\n    cmd: mv ../aside made\n    deps: [data]\n    outs: [made]\n"
	if err := os.WriteFile(filepath.Join(repo, "mlops.yaml"), []byte(stages), 0o600); err != nil {
		return rows, err
	}
	return rows, step(repo, "run")
}
