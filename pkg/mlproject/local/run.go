package local

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/mlproject"
	"github.com/mlops-cli/mlops/pkg/pipeline/executor"
)

// Fetch brings what is at a URI into the empty directory dir and returns its path.
type Fetch func(ctx context.Context, uri, dir string) (string, error)

// Locate makes the values of path parameters absolute. What is elsewhere is fetched
// into tmp. Relative paths are those of the working directory; that of a default may
// also be one of the project.
func (c *Checkout) Locate(ctx context.Context, values []mlproject.Value, tmp string, fetch Fetch) ([]mlproject.Value, error) {
	out := make([]mlproject.Value, len(values))
	for i, v := range values {
		out[i] = v
		if v.Type != mlproject.Path {
			continue
		}
		file, isFile := strings.CutPrefix(v.Text, "file://")
		if mlproject.IsURI(v.Text) && !isFile {
			dir := filepath.Join(tmp, fmt.Sprintf("param_%d", i))
			if err := os.MkdirAll(dir, 0o777); err != nil {
				return nil, err
			}
			got, err := fetch(ctx, v.Text, dir)
			if err != nil {
				return nil, errs.New(errs.KindOf(err), "parameter %s: %w", v.Key, err)
			}
			out[i].Text = got
			continue
		}
		abs, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(abs); err != nil && !v.Given && !filepath.IsAbs(file) {
			abs = filepath.Join(c.Dir, file)
		}
		if _, err := os.Stat(abs); err != nil {
			return nil, errs.New(errs.NotFound, "parameter %s: there is no file or directory %s", v.Key, file).Hint("give another one: -P %s=PATH", v.Key)
		}
		out[i].Text = abs
	}
	return out, nil
}

// Task is the command of an entry point in an environment.
type Task struct {
	Line    string
	Env     Environment
	Vars    []string // NAME=VALUE that it gets on top of the environment of this process
	Output  io.Writer
	Grace   time.Duration // that an interrupted command gets
	Started func(pid int)
}

// Run runs a command in the directory of the project.
func (c *Checkout) Run(ctx context.Context, t Task) executor.Result {
	return executor.NewLocal(t.Grace).Run(ctx, executor.Task{
		Commands: []string{t.Env.Command(t.Line, t.Vars)}, Shell: Shell(), Dir: c.Dir,
		Env: append(t.Env.Environ(os.Environ()), t.Vars...), Output: t.Output, Started: t.Started,
	})
}
