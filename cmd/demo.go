package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/examples"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/term"
)

type demoOptions struct {
	app    *app
	dir    string
	remote string
}

func newDemoCmd(a *app) *cobra.Command {
	o := &demoOptions{app: a}
	c := &cobra.Command{
		Use:   "demo [DIR]",
		Short: "Walk through the main job in a fresh repository",
		Long: `Makes a git repository with an example (a classifier of handwritten digits) in
DIR or in a new temporary directory, and walks through the main job in it:
version data, run a pipeline, vary it, compare, push, clone and pull. Each
command is printed before its own output, with a line on what it does for you.

The remote is the directory DIR-remote or what --remote names, the colleague's
clone is DIR-clone. All are left for you to play in. Needs git and Python 3.8
or newer, no network, and takes about ten seconds.`,
		Example: `  mlops demo
  mlops demo ~/digits
  mlops demo --remote s3://bucket/demo`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			if len(args) == 1 {
				o.dir = args[0]
			}
			return runDemo(ctx, o)
		}),
	}
	c.Flags().StringVar(&o.remote, "remote", "", "push to this `URL` instead of a directory")
	return c
}

func runDemo(ctx context.Context, o *demoOptions) error {
	if o.app.io.JSON {
		return errs.New(errs.Usage, "demo is for people and has no JSON").Hint("mlops demo")
	}
	if err := checkPrograms(ctx); err != nil {
		return err
	}
	d, err := newDemo(o)
	if err != nil {
		return err
	}
	return d.tell(ctx)
}

// checkPrograms fails early when the story could not be told to its end.
func checkPrograms(ctx context.Context) error {
	if _, err := exec.LookPath("git"); err != nil {
		return errs.New(errs.NotFound, "demo needs git: %w", err).Hint("install git")
	}
	const old = "import sys; sys.exit(sys.version_info < (3, 8))"
	if err := exec.CommandContext(ctx, "python3", "-c", old).Run(); err != nil {
		return errs.New(errs.NotFound, "demo needs python3, version 3.8 or newer: %w", err).
			Hint("install Python 3 so that `python3 --version` works; no packages are needed")
	}
	return nil
}

// demo runs the steps of the story as programs of their own, so that what is
// printed is what a person would type and see.
type demo struct {
	io     *term.IO
	exe    string // this program
	env    []string
	dir    string // the repository
	clone  string
	remote string
	at     string // where the story is: dir, later clone
}

func newDemo(o *demoOptions) (*demo, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("demo: find this program: %w", err)
	}
	dir := o.dir
	if dir == "" {
		parent, err := os.MkdirTemp("", "mlops-demo-")
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(parent, "digits")
	}
	if !filepath.IsAbs(dir) {
		if dir, err = filepath.Abs(filepath.Join(o.app.dir, dir)); err != nil {
			return nil, err
		}
	}
	d := &demo{io: o.app.io, exe: exe, env: demoEnv(os.Environ()), dir: dir, at: dir, clone: dir + "-clone", remote: o.remote}
	fresh := []string{d.dir, d.clone}
	if d.remote == "" {
		d.remote = dir + "-remote"
		fresh = append(fresh, d.remote)
	}
	for _, path := range fresh {
		if entries, err := os.ReadDir(path); err == nil && len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, errs.New(errs.Conflict, "demo makes %s, and there is something already", path).
				Hint("name a directory that does not exist: mlops demo DIR")
		}
	}
	return d, os.MkdirAll(d.dir, 0o750)
}

// demoEnv leaves out what would lead git or mlops to another repository or run.
func demoEnv(env []string) []string {
	var kept []string
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "MLOPS_RUN_ID", "MLOPS_ROOT", "MLOPS_STAGE", "PYTHONDONTWRITEBYTECODE":
		default:
			kept = append(kept, v)
		}
	}
	return append(kept, "PYTHONDONTWRITEBYTECODE=1")
}

// print writes to the transcript; a lost reader shows when a command fails.
func (d *demo) print(format string, args ...any) {
	fmt.Fprintf(d.io.Out, format, args...) //nolint:errcheck // see above
}

func (d *demo) title(text string) { d.print("\n%s\n", d.io.Paint(term.Bold, "== "+text)) }

func (d *demo) explain(text string) { d.print("\n%s\n", d.io.Paint(term.Dim, "# "+text)) }

// show prints a command as a person would type it.
func (d *demo) show(args ...string) {
	words := make([]string, len(args))
	for i, a := range args {
		if words[i] = a; strings.ContainsAny(a, " *?$&;'\"") {
			words[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	d.print("%s\n", d.io.Paint(term.Bold, "$ "+strings.Join(words, " ")))
}

func (d *demo) mlops(ctx context.Context, args ...string) error {
	d.show(append([]string{"mlops"}, args...)...)
	return d.exec(ctx, d.exe, args...)
}

func (d *demo) git(ctx context.Context, args ...string) error {
	d.show(append([]string{"git"}, args...)...)
	return d.exec(ctx, "git", args...)
}

// exec runs a program where the story is; all it says goes to the transcript.
func (d *demo) exec(ctx context.Context, program string, args ...string) error {
	c := exec.CommandContext(ctx, program, args...)
	c.Dir, c.Env, c.Stdout, c.Stderr = d.at, d.env, d.io.Out, d.io.Out
	if d.io.IsTTY() {
		c.Stdout, c.Stderr = os.Stdout, os.Stdout //nolint:forbidigo // the program is to see the terminal
	}
	if err := c.Run(); err != nil {
		return errs.New(errs.Internal, "demo: %s in %s: %w", strings.Join(c.Args, " "), d.at, err).
			Hint("the repository is left as it is: type the command there")
	}
	return nil
}

// ask runs mlops without showing it and decodes the last line, or all, of its
// JSON. It is how the demo checks what it claims.
func (d *demo) ask(ctx context.Context, dir string, into any, args ...string) error {
	c := exec.CommandContext(ctx, d.exe, args...)
	c.Dir, c.Env = dir, d.env
	var problem bytes.Buffer
	c.Stderr = &problem
	out, err := c.Output()
	if err != nil {
		return errs.New(errs.Internal, "demo: check mlops %s in %s: %w: %s", strings.Join(args, " "), dir, err, problem.Bytes())
	}
	if json.Unmarshal(out, into) == nil {
		return nil
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], into); err != nil {
		return errs.New(errs.Internal, "demo: read the JSON of mlops %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

func (d *demo) commit(ctx context.Context, message string) error {
	if err := d.git(ctx, "add", "--all"); err != nil {
		return err
	}
	return d.git(ctx, "commit", "-q", "-m", message)
}

// identity lets git commit in the demo whatever the person has set up.
func (d *demo) identity(ctx context.Context) error {
	settings := [][2]string{{"commit.gpgSign", "false"}, {"core.autocrlf", "false"}}
	look := exec.CommandContext(ctx, "git", "config", "user.email")
	look.Dir, look.Env = d.dir, d.env
	if look.Run() != nil {
		settings = append(settings, [2]string{"user.name", "mlops demo"}, [2]string{"user.email", "demo@example.com"})
	}
	for _, s := range settings {
		c := exec.CommandContext(ctx, "git", "config", s[0], s[1])
		c.Dir, c.Env = d.dir, d.env
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("demo: git config %s: %w: %s", s[0], err, out)
		}
	}
	return nil
}

// lateFile is the part of the data that arrives during the story.
const lateFile = "data/digits-3.csv"

// copyExample writes the example into the repository, without lateFile.
func (d *demo) copyExample() error {
	project, err := fs.Sub(examples.Digits, "digits")
	if err != nil {
		return err
	}
	if err := os.CopyFS(d.dir, project); err != nil {
		return fmt.Errorf("demo: write the example: %w", err)
	}
	return os.Remove(filepath.Join(d.dir, filepath.FromSlash(lateFile)))
}

func (d *demo) copyLate() error {
	data, err := examples.Digits.ReadFile("digits/" + lateFile)
	if err != nil {
		return err
	}
	return fsx.WriteFile(filepath.Join(d.dir, filepath.FromSlash(lateFile)), data, 0o644)
}

// showFile prints a file as `cat` would.
func (d *demo) showFile(name string) error {
	d.show("cat", name)
	text, err := os.ReadFile(filepath.Join(d.at, name))
	if err != nil {
		return err
	}
	d.print("%s", text)
	return nil
}

func (d *demo) remove(names ...string) error {
	d.show(append([]string{"rm", "-r"}, names...)...)
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(d.at, name)); err != nil {
			return err
		}
	}
	return nil
}

// modelFile is what tells whether training took place.
type modelFile struct {
	text  string
	mtime time.Time
}

func (d *demo) model(dir string) (modelFile, error) {
	path := filepath.Join(dir, "model.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return modelFile{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return modelFile{}, err
	}
	return modelFile{string(text), info.ModTime()}, nil
}

// unchanged runs a step that must not train.
func (d *demo) unchanged(dir string, step func() error) error {
	before, err := d.model(dir)
	if err != nil {
		return err
	}
	if err := step(); err != nil {
		return err
	}
	after, err := d.model(dir)
	if err != nil {
		return err
	}
	return d.expect(before == after, "nothing was computed again")
}
