package local

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/mlproject"
)

// Manager makes environments.
type Manager string

// The managers. Auto takes the one that the project wants.
const (
	Auto   Manager = ""
	Local  Manager = "local" // this machine as it is
	Venv   Manager = "venv"
	Conda  Manager = "conda"
	docker Manager = "docker"
)

// ParseManager reads the name of a manager; MLflow's names are known, too.
func ParseManager(name string) (Manager, error) {
	switch name {
	case "", "auto":
		return Auto, nil
	case "virtualenv", "uv":
		return Venv, nil
	}
	if m := Manager(name); slices.Contains([]Manager{Local, Venv, Conda}, m) {
		return m, nil
	}
	return Auto, errs.New(errs.Usage, "--env-manager %s: there are local, venv and conda", name).DidYouMean(name, []string{"local", "venv", "conda"})
}

// EnvRequest says how an environment is made.
type EnvRequest struct {
	Manager Manager
	Cache   string                        // directory of environments that were made
	Output  io.Writer                     // what the tools print
	Note    func(format string, a ...any) // what the user should know
}

// Environment is what the command of an entry point runs in.
type Environment struct {
	Manager Manager
	Dir     string // of the environment, "" for none

	before []string // words before a shell and its -c
	image  *mlproject.Docker
	dir    string // of the project
}

// Tag is how MLflow calls the environment in the tag mlflow.project.env, "" for
// this machine as it is.
func (e Environment) Tag() string {
	if e.Manager == Venv {
		return "virtualenv"
	}
	if e.Manager == Local {
		return ""
	}
	return string(e.Manager)
}

// Prepare makes the environment of a project, or finds it in the cache.
func (c *Checkout) Prepare(ctx context.Context, q EnvRequest) (Environment, error) {
	want := c.Project.Env
	if q.Manager == Auto {
		switch want.Kind {
		case mlproject.PythonEnv:
			q.Manager = Venv
		case mlproject.CondaEnv:
			return c.conda(ctx, q)
		case mlproject.DockerEnv:
			return c.container(ctx)
		case mlproject.NoEnv:
			q.Manager = Local
		}
	}
	switch q.Manager {
	case Venv:
		p, err := c.python()
		if err != nil {
			return Environment{}, err
		}
		if len(p.Other) > 0 {
			q.Note("only conda has %s of %s: not installed", strings.Join(p.Other, ", "), want.File)
		}
		return c.venv(ctx, p, q)
	case Conda:
		return c.conda(ctx, q)
	default:
		return Environment{Manager: Local}, nil
	}
}

// python is the Python environment that the project wants.
func (c *Checkout) python() (mlproject.Python, error) {
	want := c.Project.Env
	if want.Kind == mlproject.NoEnv || want.Kind == mlproject.DockerEnv {
		return mlproject.Python{}, errs.New(errs.Usage, "the project names no environment that a manager could make").
			Hint("describe one in %s, or run it in this machine's: --env-manager local", mlproject.PythonEnvFile)
	}
	text, err := c.read(want.File)
	if err != nil {
		return mlproject.Python{}, err
	}
	if want.Kind == mlproject.CondaEnv {
		return mlproject.ParseConda(want.File, text)
	}
	return mlproject.ParsePython(want.File, text)
}

// container checks that docker works.
func (c *Checkout) container(ctx context.Context) (Environment, error) {
	image := c.Project.Env.Docker
	hint := "run the project in this machine's environment: --env-manager local"
	if _, err := exec.LookPath("docker"); err != nil {
		return Environment{}, errs.New(errs.NotFound, "the project runs in the image %s, and there is no docker here", image.Image).Hint("install docker, or %s", hint)
	}
	if out, err := exec.CommandContext(ctx, "docker", "info", "--format", "{{.ServerVersion}}").CombinedOutput(); err != nil {
		return Environment{}, errs.New(errs.NotFound, "the project runs in the image %s, and docker does not work here: %s: %w", image.Image, lastLine(out), err).Hint("start docker, or %s", hint)
	}
	for _, v := range image.Vars {
		if _, set := os.LookupEnv(v.Name); v.Copy && !set {
			return Environment{}, errs.New(errs.Usage, "the project wants the variable %s of your environment in its container, and it is not set", v.Name).Hint("export %s=…", v.Name)
		}
	}
	return Environment{Manager: docker, image: &image, dir: c.Dir}, nil
}

// Dir of the code in a container, which MLflow's projects know.
const containerDir = "/mlflow/projects/code/"

// Command is what is handed to the shell for a command line in the environment,
// with the variables in vars set.
func (e Environment) Command(line string, vars []string) string {
	words := e.before
	switch {
	case e.image != nil:
		words = []string{"docker", "run", "--rm", "--network", "host", "-v", e.dir + ":" + containerDir, "-w", containerDir}
		for _, v := range e.image.Volumes {
			words = append(words, "-v", v)
		}
		for _, v := range e.image.Vars {
			if v.Copy {
				words = append(words, "-e", v.Name)
			} else {
				words = append(words, "-e", v.Name+"="+v.Value)
			}
		}
		for _, v := range vars {
			name, _, _ := strings.Cut(v, "=")
			words = append(words, "-e", name) // its value is not for the list of processes
		}
		words = append(words, e.image.Image, "sh", "-c", line)
	case len(words) > 0:
		words = append(slices.Clone(words), Shell()[0], Shell()[1], line)
	default:
		return line
	}
	for i, w := range words {
		words[i] = mlproject.Quote(w)
	}
	return "exec " + strings.Join(words, " ")
}

// Environ is base with what the environment sets.
func (e Environment) Environ(base []string) []string {
	if e.Dir == "" || e.Manager != Venv {
		return base
	}
	bin := filepath.Dir(venvPython(e.Dir))
	base = slices.DeleteFunc(slices.Clone(base), func(v string) bool { return strings.HasPrefix(v, "PYTHONHOME=") })
	return append(base, "VIRTUAL_ENV="+e.Dir, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// Shell is what runs the commands of projects: bash, as MLflow does, where there
// is one.
func Shell() []string {
	if runtime.GOOS == "windows" {
		return []string{"cmd", "/C"}
	}
	if bash, err := exec.LookPath("bash"); err == nil {
		return []string{bash, "-c"}
	}
	return []string{"/bin/sh", "-c"}
}

func venvPython(dir string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(dir, "Scripts", "python.exe")
	}
	return filepath.Join(dir, "bin", "python")
}

func lastLine(out []byte) string {
	text := strings.TrimSpace(string(out))
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// tool runs a program that makes an environment, in the directory of the project.
func (c *Checkout) tool(ctx context.Context, q EnvRequest, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.Dir, q.Output, q.Output
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return nil
}
