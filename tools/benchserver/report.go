package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/tools/machine"
)

// outcome is what one side reached.
type outcome struct {
	value float64 // in the row's unit
	also  string  // what else is worth saying
	ok    bool    // a second condition of the aim
}

// row is one line of the table: how it is measured, and what it should reach.
type row struct {
	name, what string
	unit       string  // /s, ms, MiB, ×
	aim        float64 // a limit in the unit; with times, how often MLflow's value
	times      bool
	extra      string // what the second condition is
	only       string // a row of one side
	run        func(ctx context.Context, b *bench, v *server) (outcome, error)
}

// line is a row with what came out.
type line struct {
	row
	found map[string]outcome
}

func (l line) cells() []string {
	show := func(name string) string {
		o, ok := l.found[name]
		if !ok {
			return "–"
		}
		s := number(o.value) + " " + l.unit
		if o.also != "" {
			s += ", " + o.also
		}
		return s
	}
	mine, peer := l.found["mlops"], l.found["mlflow"]
	aim, result, state := fmt.Sprintf("≤ %g %s", l.aim, l.unit), number(mine.value)+" "+l.unit, "pass"
	good := mine.value <= l.aim
	if l.unit == "/s" || l.unit == "×" {
		aim, good = fmt.Sprintf("≥ %g %s", l.aim, l.unit), mine.value >= l.aim
	}
	if l.times {
		aim, result, good = fmt.Sprintf("≥ %g×", l.aim), "–", false
		if peer.value > 0 {
			of := mine.value / peer.value
			result, good = fmt.Sprintf("%.0f×", of), of >= l.aim
		}
	}
	if l.extra != "" {
		aim += ", " + l.extra
		good = good && mine.ok
	}
	if !good {
		state = "**MISS**"
	}
	if l.times && peer.value == 0 {
		state = "no peer"
	}
	return []string{l.what, show("mlops"), show("mlflow"), result, aim, state}
}

func number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

func ms(d time.Duration) string { return number(float64(d)/float64(time.Millisecond)) + " ms" }

// markdown is the table with what it was measured on.
func (b *bench) markdown(ctx context.Context, lines []line) string {
	var w strings.Builder
	fmt.Fprintf(&w, "Measured %s with %d clients, `-seconds %g -scale %g`; both servers with SQLite, the client on the same cores.\n\n",
		b.began.UTC().Format(time.DateOnly), b.clients, b.seconds, b.scale)
	fmt.Fprintf(&w, "- Machine: %s\n", machine.Describe(ctx, b.work))
	fmt.Fprintf(&w, "- Versions: %s", machine.FirstLine(ctx, b.mlops, "version"))
	if b.missing == "" {
		fmt.Fprintf(&w, "; %s", machine.FirstLine(ctx, b.mlflow, "--version"))
	} else {
		fmt.Fprintf(&w, "\n- Missing on this machine, so not measured: %s", b.missing)
	}
	w.WriteString("\n\n| Operation | mlops | MLflow | Result | Aim | |\n|---|---|---|---|---|---|\n")
	for _, l := range lines {
		fmt.Fprintf(&w, "| %s |\n", strings.Join(l.cells(), " | "))
	}
	return w.String()
}
