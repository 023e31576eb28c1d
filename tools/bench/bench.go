package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/tools/machine"
)

// bench is what the scenarios share: the program, its peers and a directory.
type bench struct {
	options
	root    string // of the project
	env     []string
	missing []string // peers that are not on this machine
	start   time.Time
}

func newBench(ctx context.Context, o options) (*bench, error) {
	if o.runs < 1 || o.scale <= 0 {
		return nil, errors.New("-runs and -scale must be positive")
	}
	b := &bench{options: o, start: time.Now()}
	var err error
	if b.root, err = machine.Root(); err != nil {
		return nil, err
	}
	if b.work == "" {
		if b.work, err = os.MkdirTemp("", "mlops-bench-"); err != nil {
			return nil, err
		}
	} else {
		// A directory of our own, since it is removed at the end.
		b.work = filepath.Join(b.work, fmt.Sprintf("mlops-bench-%d", os.Getpid()))
		if err := os.MkdirAll(b.work, 0o755); err != nil {
			return nil, err
		}
	}
	// Settings of the person who measures must not change what is measured.
	home := filepath.Join(b.work, "home")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return nil, err
	}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MLOPS_") && !strings.HasPrefix(v, "HOME=") && !strings.HasPrefix(v, "XDG_") {
			b.env = append(b.env, v)
		}
	}
	b.env = append(b.env, "DVC_NO_ANALYTICS=1", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=bench", "GIT_AUTHOR_EMAIL=bench@example.com",
		"GIT_COMMITTER_NAME=bench", "GIT_COMMITTER_EMAIL=bench@example.com")
	if b.mlops == "" {
		b.say("building mlops")
		b.mlops = filepath.Join(b.work, "mlops")
		if err := machine.Build(ctx, b.root, b.mlops); err != nil {
			return nil, err
		}
	}
	b.env = append(b.env, "HOME="+home)
	b.dvc, b.rclone = b.find("DVC", b.dvc), b.find("rclone", b.rclone)
	if b.rclone == "" {
		b.s5cmd = b.find("s5cmd", b.s5cmd)
	} else {
		b.s5cmd = ""
	}
	return b, nil
}

// find returns the path of a peer, or notes that it is missing.
func (b *bench) find(name, program string) string {
	path, err := exec.LookPath(program)
	if err != nil {
		b.missing = append(b.missing, name)
		b.say("%s is missing: its rows will say so", name)
		return ""
	}
	return path
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%5.0fs "+format+"\n", append([]any{time.Since(b.start).Seconds()}, args...)...)
}

// path is below the working directory.
func (b *bench) path(parts ...string) string {
	return filepath.Join(append([]string{b.work}, parts...)...)
}

// count scales a number of files or stages.
func (b *bench) count(n int) int { return max(1, int(float64(n)*b.scale)) }

// repo makes a git repository with mlops in it.
func (b *bench) repo(ctx context.Context, dir string) error {
	if err := b.git(ctx, dir); err != nil {
		return err
	}
	return b.do(ctx, dir, b.mlops, "init", "--quiet")
}

func (b *bench) git(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return b.do(ctx, dir, "git", "init", "-q", "-b", "main")
}

// dvcRepo makes a git repository with DVC in it.
func (b *bench) dvcRepo(ctx context.Context, dir string) error {
	if err := b.git(ctx, dir); err != nil {
		return err
	}
	return b.do(ctx, dir, b.dvc, "init", "-q")
}

// commit puts everything that git sees into a commit.
func (b *bench) commit(ctx context.Context, dir string) error {
	if err := b.do(ctx, dir, "git", "add", "-A"); err != nil {
		return err
	}
	return b.do(ctx, dir, "git", "commit", "-q", "-m", "bench")
}
