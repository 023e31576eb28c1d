package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/tools/machine"
)

// result is one row of the table.
type result struct {
	what  string
	mine  string
	peer  string
	value string
	aim   string
	state string // pass, MISS, no peer
	dvc   string
}

// ratio is a row that compares wall-clock times of two sides.
func ratio(what string, all map[string][]sample, mine, peer string, aim float64) result {
	m, p := median(all[mine]), median(all[peer])
	r := result{what: what, mine: m.String(), peer: "`" + peer + "`", aim: fmt.Sprintf("≤ %g×", aim), state: "no peer", value: "–"}
	if len(all[peer]) > 0 {
		of := float64(m.wall) / float64(p.wall)
		r.peer += fmt.Sprintf(" %s", span(p.wall))
		if len(all[peer]) < len(all[mine]) {
			r.peer += " (1 run)"
		}
		r.value, r.state = fmt.Sprintf("%.2g×", of), verdict(of, aim)
		if of >= 1 {
			r.value = fmt.Sprintf("%.1f×", of)
		}
	}
	return r.with(all)
}

// atMost is a row with a limit of its own.
// A limit of 0 is none.
func atMost(what string, s sample, value float64, unit string, limit float64) result {
	if limit == 0 {
		return result{what: what, mine: s.String(), peer: "–", value: fmt.Sprintf("%.3g %s", value, unit), aim: "–", state: "–"}
	}
	return result{
		what: what, mine: s.String(), peer: "–", value: fmt.Sprintf("%.3g %s", value, unit),
		aim: fmt.Sprintf("≤ %g %s", limit, unit), state: verdict(value, limit),
	}
}

// with adds what DVC took in the same race.
func (r result) with(all map[string][]sample) result {
	if d := all["dvc"]; len(d) > 0 {
		r.dvc = median(d).String()
	}
	return r
}

func verdict(value, limit float64) string {
	if value <= limit {
		return "pass"
	}
	return "**MISS**"
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// markdown is the table with what it was measured on.
func markdown(ctx context.Context, b *bench, rows []result) string {
	var w strings.Builder
	fmt.Fprintf(&w, "Measured %s with `-scale %g -runs %d`; rows show medians, sides took turns.\n\n", b.start.UTC().Format(time.DateOnly), b.scale, b.runs)
	fmt.Fprintf(&w, "- Machine: %s\n", machine.Describe(ctx, b.work))
	fmt.Fprintf(&w, "- Versions: %s\n", versions(ctx, b))
	if len(b.missing) > 0 {
		fmt.Fprintf(&w, "- Missing on this machine, so not measured: %s\n", strings.Join(b.missing, ", "))
	}
	w.WriteString("\n| Operation | mlops: time, peak memory | Against | Result | Aim | | DVC in the same run |\n|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		dvc := r.dvc
		if dvc == "" {
			dvc = "–"
		}
		fmt.Fprintf(&w, "| %s | %s | %s | %s | %s | %s | %s |\n", r.what, r.mine, r.peer, r.value, r.aim, r.state, dvc)
	}
	return w.String()
}

func versions(ctx context.Context, b *bench) string {
	var all []string
	for _, args := range [][]string{
		{b.mlops, "version"}, {"go", "version"}, {"git", "--version"}, {"cp", "--version"}, {"tar", "--version"}, {"openssl", "version"},
	} {
		all = append(all, machine.FirstLine(ctx, args...))
	}
	if b.dvc != "" {
		all = append(all, "DVC "+machine.FirstLine(ctx, b.dvc, "--version"))
	}
	for _, peer := range []string{b.rclone, b.s5cmd} {
		if peer != "" {
			all = append(all, machine.FirstLine(ctx, peer, "version"))
		}
	}
	return strings.Join(all, "; ")
}
