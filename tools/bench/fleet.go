package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// fleet is a set of files that the scenarios of one size share. add leaves the
// repository that the later steps use; DVC has copies of its own.
type fleet struct {
	*bench
	dir    string
	what   string
	addAim float64
}

func (f *fleet) path(parts ...string) string {
	return f.bench.path(append([]string{f.dir}, parts...)...)
}

func (f *fleet) last() string { return f.path(fmt.Sprint("mlops-", f.runs-1)) }

// copyTo is the peer `cp -r`.
func (f *fleet) copyTo(from, name string) side {
	return side{name: "cp -r", run: func(ctx context.Context, i int) (sample, error) {
		return f.measure(ctx, f.work, "cp", "-r", from, f.path(fmt.Sprint(name, "-", i)))
	}}
}

// withDVC adds one run of DVC to the race where there is one.
func (f *fleet) withDVC(sides []side, run func(ctx context.Context) (sample, error)) []side {
	if f.dvc == "" {
		return sides
	}
	return append(sides, side{name: "dvc", most: 1, run: func(ctx context.Context, _ int) (sample, error) { return run(ctx) }})
}

func (f *fleet) add(ctx context.Context) ([]result, error) {
	data := f.path("data")
	sides := []side{
		{name: "mlops", run: func(ctx context.Context, i int) (sample, error) {
			return f.addIn(ctx, f.path(fmt.Sprint("mlops-", i)), data)
		}},
		f.copyTo(data, "cp-add"),
	}
	sides = f.withDVC(sides, func(ctx context.Context) (sample, error) { return f.dvcAddIn(ctx, f.path("dvc-add"), data) })
	all, err := f.race(ctx, "`add` "+f.what, f.runs, sides...)
	if err != nil {
		return nil, err
	}
	if f.addAim == 0 {
		f.addAim = 0.7
	}
	return []result{ratio("`add` "+f.what+", durable", all, "mlops", "cp -r", f.addAim)}, nil
}

// again changes one file and adds the directory again.
func (f *fleet) again(ctx context.Context) ([]result, error) {
	repo := f.last()
	if err := os.Rename(f.path("data"), filepath.Join(repo, "data")); err != nil {
		return nil, err
	}
	if err := f.settle(ctx, repo, f.mlops, "status"); err != nil {
		return nil, err
	}
	sides := []side{
		{name: "mlops add", run: func(ctx context.Context, i int) (sample, error) {
			if err := touch(filepath.Join(repo, "data"), i); err != nil {
				return sample{}, err
			}
			return f.measure(ctx, repo, f.mlops, "add", "data")
		}},
		{name: "mlops status", run: func(ctx context.Context, _ int) (sample, error) {
			return f.measure(ctx, repo, f.mlops, "status")
		}},
	}
	if f.dvc != "" {
		if err := f.dvcCopy(ctx, repo); err != nil {
			return nil, err
		}
	}
	sides = f.withDVC(sides, func(ctx context.Context) (sample, error) {
		if err := touch(f.path("dvc", "data"), 0); err != nil {
			return sample{}, err
		}
		return f.measure(ctx, f.path("dvc"), f.dvc, "add", "-q", "data")
	})
	all, err := f.race(ctx, "`add` again", f.runs, sides...)
	if err != nil {
		return nil, err
	}
	return []result{ratio("`add` again, 1 of "+f.what+" changed", all, "mlops add", "mlops status", 1.3)}, nil
}

// dvcCopy gives DVC a repository with a copy of the data added.
func (f *fleet) dvcCopy(ctx context.Context, repo string) error {
	dir := f.path("dvc")
	if err := f.dvcRepo(ctx, dir); err != nil {
		return err
	}
	if err := f.do(ctx, f.work, "cp", "-r", filepath.Join(repo, "data"), dir); err != nil {
		return err
	}
	if err := f.do(ctx, dir, f.dvc, "add", "-q", "data"); err != nil {
		return err
	}
	return f.commit(ctx, dir)
}

// settle lets a program see its files once, after the moment in which a change
// could hide behind an equal time stamp has passed.
func (f *fleet) settle(ctx context.Context, dir string, args ...string) error {
	for range 2 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(1500 * time.Millisecond):
		}
		if err := f.do(ctx, dir, args...); err != nil {
			return err
		}
	}
	return nil
}

func (f *fleet) status(ctx context.Context) ([]result, error) {
	repo, plain := f.last(), f.path("git")
	if err := f.git(ctx, plain); err != nil {
		return nil, err
	}
	if err := f.do(ctx, f.work, "cp", "-r", filepath.Join(repo, "data"), plain); err != nil {
		return nil, err
	}
	if err := f.commit(ctx, plain); err != nil {
		return nil, err
	}
	gitStatus := []string{"git", "-c", "core.untrackedCache=false", "-c", "core.fsmonitor=false", "status"}
	if err := f.settle(ctx, plain, gitStatus...); err != nil {
		return nil, err
	}
	if err := f.settle(ctx, repo, f.mlops, "status"); err != nil {
		return nil, err
	}
	sides := []side{
		{name: "mlops", run: func(ctx context.Context, _ int) (sample, error) {
			return f.measure(ctx, repo, f.mlops, "status")
		}},
		{name: "git status", run: func(ctx context.Context, _ int) (sample, error) { return f.measure(ctx, plain, gitStatus...) }},
	}
	sides = f.withDVC(sides, func(ctx context.Context) (sample, error) { return f.measure(ctx, f.path("dvc"), f.dvc, "status") })
	all, err := f.race(ctx, "no-op `status`", 5*f.runs, sides...)
	if err != nil {
		return nil, err
	}
	return []result{ratio("no-op `status`, "+f.what, all, "mlops", "git status", 1.0)}, nil
}

func (f *fleet) checkout(ctx context.Context) ([]result, error) {
	repo, archive := f.last(), f.path("data.tar")
	if err := f.do(ctx, repo, "tar", "cf", archive, "data"); err != nil {
		return nil, err
	}
	sides := []side{
		{name: "mlops", run: func(ctx context.Context, i int) (sample, error) {
			if err := os.Rename(filepath.Join(repo, "data"), f.path(fmt.Sprint("aside-", i))); err != nil {
				return sample{}, err
			}
			return f.measure(ctx, repo, f.mlops, "checkout")
		}},
		{name: "tar xf", run: func(ctx context.Context, i int) (sample, error) {
			to := f.path(fmt.Sprint("tar-", i))
			if err := os.Mkdir(to, 0o755); err != nil {
				return sample{}, err
			}
			return f.measure(ctx, to, "tar", "xf", archive)
		}},
	}
	sides = f.withDVC(sides, func(ctx context.Context) (sample, error) {
		if err := os.Rename(f.path("dvc", "data"), f.path("dvc-aside")); err != nil {
			return sample{}, err
		}
		return f.measure(ctx, f.path("dvc"), f.dvc, "checkout", "-q")
	})
	all, err := f.race(ctx, "`checkout` "+f.what, f.runs, sides...)
	if err != nil {
		return nil, err
	}
	return []result{ratio("`checkout` "+f.what, all, "mlops", "tar xf", 1.1)}, nil
}
