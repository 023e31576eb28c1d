package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
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
	fmt.Fprintf(&w, "- Machine: %s\n", machine(ctx, b.work))
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

func machine(ctx context.Context, dir string) string {
	parts := []string{fmt.Sprintf("%d cores", runtime.NumCPU())}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, found := strings.CutPrefix(line, "model name"); found {
				parts = append(parts, strings.Trim(name, " \t:\n"))
				break
			}
		}
	}
	if info, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kb int64
		if _, err := fmt.Sscanf(string(info), "MemTotal: %d kB", &kb); err == nil {
			parts = append(parts, fmt.Sprintf("%d GiB of memory", (kb+1<<19)>>20))
		}
	}
	if kernel := firstLine(ctx, "uname", "-srm"); kernel != "" {
		parts = append(parts, kernel)
	}
	if kind := firstLine(ctx, "stat", "-f", "-c", "%T", dir); kind != "" {
		// The three share one number, and only one of them is still in use.
		kind = strings.Replace(kind, "ext2/ext3", "ext4", 1)
		parts = append(parts, "data on "+kind)
	}
	return strings.Join(parts, "; ")
}

func versions(ctx context.Context, b *bench) string {
	var all []string
	for _, args := range [][]string{
		{b.mlops, "version"}, {"go", "version"}, {"git", "--version"}, {"cp", "--version"}, {"tar", "--version"}, {"openssl", "version"},
	} {
		all = append(all, firstLine(ctx, args...))
	}
	if b.dvc != "" {
		all = append(all, "DVC "+firstLine(ctx, b.dvc, "--version"))
	}
	for _, peer := range []string{b.rclone, b.s5cmd} {
		if peer != "" {
			all = append(all, firstLine(ctx, peer, "version"))
		}
	}
	return strings.Join(all, "; ")
}

// firstLine is what a program says first, or nothing when it cannot run.
func firstLine(ctx context.Context, args ...string) string {
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).Output()
	if err != nil {
		return ""
	}
	line, _, _ := bytes.Cut(out, []byte("\n"))
	return strings.TrimSpace(string(line))
}

const begin, end = "<!-- table: begin -->\n", "<!-- table: end -->"

// replaceTable puts the report between the marks of a Markdown file.
func replaceTable(path, report string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(old), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return errors.New(path + " has no marks for the table: " + strings.TrimSpace(begin) + " and " + end)
	}
	return os.WriteFile(path, []byte(before+begin+report+end+after), 0o644) //nolint:gosec // a document
}
