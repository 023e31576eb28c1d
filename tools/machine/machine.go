// Package machine is what benchmarks share: what they ran on, the program that
// they measure, and the document that keeps their table.
package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Describe says what this machine is, and what dir lies on.
func Describe(ctx context.Context, dir string) string {
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
	if kernel := FirstLine(ctx, "uname", "-srm"); kernel != "" {
		parts = append(parts, kernel)
	}
	if kind := FirstLine(ctx, "stat", "-f", "-c", "%T", dir); kind != "" {
		// The three share one number, and only one of them is still in use.
		kind = strings.Replace(kind, "ext2/ext3", "ext4", 1)
		parts = append(parts, "data on "+kind)
	}
	return strings.Join(parts, "; ")
}

// FirstLine is what a program says first, or nothing when it cannot run.
func FirstLine(ctx context.Context, args ...string) string {
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).Output()
	if err != nil {
		return ""
	}
	line, _, _ := bytes.Cut(out, []byte("\n"))
	return strings.TrimSpace(string(line))
}

// Root returns the directory of the module that tools is beside.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module github.com/mlops-cli/mlops\n") {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("not inside the source tree of mlops")
		}
		dir = up
	}
}

// Build builds the program as it is released into a file.
func Build(ctx context.Context, root, file string) error {
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags=disable_grpc_modules", "-ldflags=-s -w", "-o", file, ".")
	c.Dir, c.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build mlops: %w\n%s", err, out)
	}
	return nil
}

// ReplaceTable puts a report between the marks of a Markdown file, <!-- NAME:
// begin --> and <!-- NAME: end -->.
func ReplaceTable(file, name, report string) error {
	begin, end := "<!-- "+name+": begin -->\n", "<!-- "+name+": end -->"
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(old), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return errors.New(file + " has no marks for the table: " + strings.TrimSpace(begin) + " and " + end)
	}
	return os.WriteFile(file, []byte(before+begin+report+end+after), 0o644) //nolint:gosec // a document
}
