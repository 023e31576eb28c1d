package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// sample is what one execution of a program took.
type sample struct {
	wall time.Duration
	cpu  time.Duration // user and system
	rss  int64         // peak resident memory in bytes
	out  []byte        // stdout
}

// side is one program in a race.
type side struct {
	name string
	most int // runs at most, for peers that take minutes; 0: no limit
	run  func(ctx context.Context, i int) (sample, error)
}

// measure runs a program once and waits for it.
func (b *bench) measure(ctx context.Context, dir string, args ...string) (sample, error) {
	return b.measureIn(ctx, dir, "", args...)
}

// measureIn is measure with text on the program's stdin.
func (b *bench) measureIn(ctx context.Context, dir, stdin string, args ...string) (sample, error) {
	syscall.Sync() // what was written before must not slow this one down
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir, c.Env = dir, b.env
	var out, errOut bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &out, &errOut
	begin := time.Now()
	err := c.Run()
	s := sample{wall: time.Since(begin), out: out.Bytes()}
	if err != nil {
		return s, fmt.Errorf("%s in %s: %w\n%s%s", strings.Join(args, " "), dir, err, tail(out.Bytes()), tail(errOut.Bytes()))
	}
	s.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		// A child starts with the peak of its parent, so this program must
		// stay small itself.
		s.rss = u.Maxrss * maxrssUnit
	}
	return s, nil
}

// do runs a program whose cost does not matter.
func (b *bench) do(ctx context.Context, dir string, args ...string) error {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir, c.Env = dir, b.env
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s in %s: %w\n%s", strings.Join(args, " "), dir, err, tail(out))
	}
	return nil
}

func tail(b []byte) []byte { return b[max(0, len(b)-2000):] }

// race lets the sides take turns and returns the samples of each.
func (b *bench) race(ctx context.Context, what string, runs int, sides ...side) (map[string][]sample, error) {
	all := map[string][]sample{}
	for i := range runs {
		for k := range sides {
			s := sides[(i+k)%len(sides)]
			if s.most > 0 && i >= s.most {
				continue
			}
			got, err := s.run(ctx, i)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", what, s.name, err)
			}
			if runs <= 5 { // not for races of milliseconds
				b.say("%s: %s %s", what, s.name, got)
			}
			all[s.name] = append(all[s.name], got)
		}
	}
	return all, nil
}

// String is as short as the table wants it.
func (s sample) String() string {
	return fmt.Sprintf("%s, %.0f MB", span(s.wall), float64(s.rss)/1e6)
}

// span prints a duration with three digits.
func span(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	default:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	}
}

// median takes each figure by itself.
func median(all []sample) sample {
	if len(all) == 0 {
		return sample{}
	}
	walls, cpus, sizes := make([]time.Duration, 0, len(all)), make([]time.Duration, 0, len(all)), make([]int64, 0, len(all))
	for _, s := range all {
		walls, cpus, sizes = append(walls, s.wall), append(cpus, s.cpu), append(sizes, s.rss)
	}
	slices.Sort(walls)
	slices.Sort(cpus)
	slices.Sort(sizes)
	mid := len(all) / 2
	return sample{wall: walls[mid], cpu: cpus[mid], rss: sizes[mid], out: all[len(all)-1].out}
}
