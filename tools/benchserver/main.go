package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/tools/machine"
)

type options struct {
	rows    string
	seconds float64
	scale   float64
	clients int
	mlops   string
	mlflow  string
	work    string
	out     string
	keep    bool
}

func main() {
	var o options
	flag.StringVar(&o.rows, "rows", "all", "rows to measure, by comma: all, "+strings.Join(names(), ", "))
	flag.Float64Var(&o.seconds, "seconds", 5, "how long clients ask for a row about requests a second")
	flag.Float64Var(&o.scale, "scale", 1, "multiply the number of runs, points and bytes")
	flag.IntVar(&o.clients, "clients", 8, "clients that ask at the same time")
	flag.StringVar(&o.mlops, "mlops", "", "program to measure (built from this tree)")
	flag.StringVar(&o.mlflow, "mlflow", "mlflow", "the reference server's program, where it is not on PATH")
	flag.StringVar(&o.work, "work", "", "directory for the data (a new temporary one)")
	flag.StringVar(&o.out, "out", "", "write the table into this Markdown file, from the root of the project; empty: print only")
	flag.BoolVar(&o.keep, "keep", false, "leave the data")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchserver:", err)
		os.Exit(1)
	}
}

// bench is what the rows share.
type bench struct {
	options
	root    string
	sides   []side
	missing string
	began   time.Time
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%5.0fs "+format+"\n", append([]any{time.Since(b.began).Seconds()}, args...)...)
}

func run(ctx context.Context, o options) (err error) {
	chosen, err := choose(o.rows)
	if err != nil {
		return err
	}
	b := &bench{options: o, began: time.Now()}
	if b.root, err = machine.Root(); err != nil {
		return err
	}
	if b.work, err = os.MkdirTemp(o.work, "mlops-benchserver-"); err != nil {
		return err
	}
	if !o.keep {
		defer func() { err = errors.Join(err, os.RemoveAll(b.work)) }()
	}
	if b.mlops == "" {
		b.say("building mlops")
		b.mlops = filepath.Join(b.work, "mlops")
		if err := machine.Build(ctx, b.root, b.mlops); err != nil {
			return err
		}
	}
	b.sides = append(b.sides, side{name: "mlops", args: func(dir, port string) []string {
		return []string{b.mlops, "server", "--store", filepath.Join(dir, "store"), "--port", port, "--quiet"}
	}})
	if path, err := exec.LookPath(o.mlflow); err == nil {
		b.mlflow = path
		b.sides = append(b.sides, side{name: "mlflow", args: func(dir, port string) []string {
			return []string{
				path, "server", "--backend-store-uri", "sqlite:///" + filepath.Join(dir, "mlflow.db"),
				"--artifacts-destination", filepath.Join(dir, "artifacts"), "--host", "127.0.0.1", "--port", port,
			}
		}})
	} else {
		b.missing = "MLflow's server"
		b.say("%s is missing: its column will say so", b.missing)
	}
	rows, err := b.measure(ctx, chosen)
	report := b.markdown(ctx, rows)
	fmt.Println(report)
	if err != nil || o.out == "" {
		return err
	}
	if !filepath.IsAbs(o.out) {
		o.out = filepath.Join(b.root, o.out)
	}
	return machine.ReplaceTable(o.out, "server table", report)
}

// measure starts one side after the other, and measures all rows on it: both
// work in the background even when nobody asks them.
func (b *bench) measure(ctx context.Context, chosen []row) (all []line, err error) {
	for _, r := range chosen {
		all = append(all, line{row: r, found: map[string]outcome{}})
	}
	for _, s := range b.sides {
		if err := b.side(ctx, s, all); err != nil {
			return all, err
		}
	}
	return all, nil
}

func (b *bench) side(ctx context.Context, s side, lines []line) (err error) {
	b.say("starting %s", s.name)
	v, err := s.start(ctx, filepath.Join(b.work, s.name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.stop()) }()
	if err := v.createExperiment(ctx); err != nil {
		return err
	}
	b.say("%s was ready after %s", s.name, v.ready.Round(time.Millisecond))
	for _, l := range lines {
		if l.only != "" && l.only != v.name {
			continue
		}
		b.say("%s: %s", v.name, l.name)
		if l.found[v.name], err = l.run(ctx, b, v); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	return nil
}

func (b *bench) count(n int) int { return max(1, int(float64(n)*b.scale)) }

func (b *bench) during() time.Duration { return time.Duration(b.seconds * float64(time.Second)) }

func choose(list string) ([]row, error) {
	if list == "all" {
		return rows(), nil
	}
	var chosen []row
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(rows(), func(r row) bool { return r.name == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("no row %q: there are %s", name, strings.Join(names(), ", "))
		}
		chosen = append(chosen, rows()[i])
	}
	return chosen, nil
}

func names() []string {
	var all []string
	for _, r := range rows() {
		all = append(all, r.name)
	}
	return all
}
