package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/tools/machine"
)

// options are the flags.
type options struct {
	rows   string
	scale  float64
	runs   int
	out    string
	work   string
	keep   bool
	mlops  string
	dvc    string
	rclone string
	s5cmd  string
	s3     string
}

func main() {
	var o options
	flag.StringVar(&o.rows, "rows", "all", "scenarios to run, by comma: all, "+strings.Join(names(), ", "))
	flag.Float64Var(&o.scale, "scale", 1, "multiply the number of files, stages and bytes")
	flag.IntVar(&o.runs, "runs", 3, "measurements of each side; rows show the median")
	flag.StringVar(&o.out, "out", "", "write the table into this Markdown file, from the root of the project; empty: print only")
	flag.StringVar(&o.work, "work", "", "directory for the data, on the file system to measure (a new temporary one)")
	flag.BoolVar(&o.keep, "keep", false, "leave the data")
	flag.StringVar(&o.mlops, "mlops", "", "program to measure (built from this tree)")
	flag.StringVar(&o.dvc, "dvc", "dvc", "DVC, where it is not on PATH")
	flag.StringVar(&o.rclone, "rclone", "rclone", "rclone, where it is not on PATH")
	flag.StringVar(&o.s5cmd, "s5cmd", "s5cmd", "s5cmd, where it is not on PATH; asked for when rclone is missing")
	flag.StringVar(&o.s3, "versitygw", "", "S3 server (built from tools/)")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	chosen, err := choose(o.rows)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	if !o.keep {
		defer func() {
			b.say("removing %s", b.work)
			if e := os.RemoveAll(b.work); e != nil && err == nil {
				err = e
			}
		}()
	}
	var rows []result
	for _, s := range chosen {
		b.say("== %s: %s", s.name, s.about)
		found, e := s.run(ctx, b)
		rows = append(rows, found...)
		if e == nil && s.big {
			e = os.RemoveAll(b.path(s.name))
		}
		if e != nil { // what was measured before is worth showing
			fmt.Println(markdown(ctx, b, rows))
			return fmt.Errorf("%s: %w", s.name, e)
		}
	}
	report := markdown(ctx, b, rows)
	fmt.Println(report)
	if o.out == "" {
		return nil
	}
	path := o.out
	if !filepath.IsAbs(path) {
		path = filepath.Join(b.root, path)
	}
	return machine.ReplaceTable(path, "table", report)
}

// scenario makes data and measures one or more rows.
type scenario struct {
	name, about string
	run         func(context.Context, *bench) ([]result, error)
	big         bool // few files but many bytes, which go as soon as it is done
}

func scenarios() []scenario {
	return []scenario{
		{name: "startup", about: "version and status of an empty repository", run: startup},
		{name: "small", about: "100,000 files of 4 KiB: add, status, checkout, push, pull", run: smallFiles},
		{name: "s3", about: "100,000 files of 4 KiB: push to an S3 server on this machine", run: s3Push},
		{name: "pipeline", about: "1,000 stages of cp: first run, no-op run, restore", run: manyStages},
		{name: "plan", about: "10 layers of stages: no-op run; foreach over 10,000 items: stage ls", run: planning},
		{name: "runs", about: "a history of 100,000 runs: runs ls, compare", run: manyRuns},
		{name: "isolated", about: "100 runs of the digits example in copies of the workspace", run: isolatedRuns},
		{name: "large", about: "one file of 1 GiB: add", run: largeFile, big: true},
		{name: "medium", about: "20,000 files of 100 KiB: add", run: mediumFiles},
		{name: "memory", about: "1,000,000 files: peak memory of every command", run: memory},
	}
}

func names() []string {
	var all []string
	for _, s := range scenarios() {
		all = append(all, s.name)
	}
	return all
}

func choose(rows string) ([]scenario, error) {
	if rows == "all" {
		return scenarios(), nil
	}
	var chosen []scenario
next:
	for _, name := range strings.Split(rows, ",") {
		for _, s := range scenarios() {
			if s.name == strings.TrimSpace(name) {
				chosen = append(chosen, s)
				continue next
			}
		}
		return nil, fmt.Errorf("no scenario %q: there are %s", name, strings.Join(names(), ", "))
	}
	return chosen, nil
}
