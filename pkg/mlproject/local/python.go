package local

import (
	"context"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/mlproject"
)

// venv makes a Python environment, with uv where it is installed.
func (c *Checkout) venv(ctx context.Context, p mlproject.Python, q EnvRequest) (Environment, error) {
	uv, _ := exec.LookPath("uv")
	interpreter, version := findPython(ctx, p.Version)
	if interpreter == "" && uv == "" {
		return Environment{}, errs.New(errs.NotFound, "the project wants Python %s, which is not on this machine", p.Version).
			Hint("install it, or uv (which fetches any), or use this machine's environment: --env-manager local")
	}
	if interpreter != "" && p.Version != "" && version != p.Version && strings.Count(p.Version, ".") > 1 {
		q.Note("the project wants Python %s: %s has to do", p.Version, version)
	}
	r := recipe{Manager: Venv, Interpreter: interpreter + " " + version, Python: p}
	if interpreter == "" {
		r.Interpreter = "uv"
	}
	if err := c.add(&r, c.base(), slices.Concat(mlproject.RequirementFiles(p.Build), p.Files())); err != nil {
		return Environment{}, err
	}
	if installsItself(p.Deps) {
		r.Dir = c.Dir
	}
	dir, err := cached(ctx, q, r, func(dir string) error {
		install := []string{venvPython(dir), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"}
		var err error
		if uv != "" {
			want := interpreter
			if want == "" {
				want = p.Version
			}
			install = []string{uv, "pip", "install", "--quiet", "--python", venvPython(dir)}
			err = c.tool(ctx, q, uv, "venv", "--quiet", "--seed", "--python", want, dir)
		} else {
			err = c.tool(ctx, q, interpreter, "-m", "venv", dir)
		}
		if err != nil {
			return err
		}
		for i, lines := range [][]string{p.Build, p.Deps} {
			if len(lines) == 0 {
				continue
			}
			file := filepath.Join(dir, []string{"build.txt", "requirements.txt"}[i])
			if err := fsx.WriteFile(file, []byte(c.requirements(lines)), 0o666); err != nil {
				return err
			}
			if err := c.tool(ctx, q, install[0], append(install[1:], "-r", file)...); err != nil {
				return err
			}
		}
		return nil
	})
	return Environment{Manager: Venv, Dir: dir}, err
}

// base is the slash path of the directory that requirements files are named from.
func (c *Checkout) base() string {
	if c.Project.Env.Kind == mlproject.CondaEnv {
		return path.Dir(c.Project.Env.File)
	}
	return "."
}

// requirements is a requirements file: the files that lines name are those of the
// project, wherever it is put.
func (c *Checkout) requirements(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		for _, name := range mlproject.RequirementFiles([]string{line}) {
			if !filepath.IsAbs(name) && !mlproject.IsURI(name) {
				line = strings.TrimSuffix(strings.TrimSpace(line), name) + filepath.Join(c.Dir, filepath.FromSlash(c.base()), filepath.FromSlash(name))
			}
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// installsItself reports whether a line installs code of the project.
func installsItself(lines []string) bool {
	return slices.ContainsFunc(lines, func(line string) bool {
		line = strings.TrimSpace(line)
		return strings.HasPrefix(line, ".") || strings.HasPrefix(line, "-e") || strings.HasPrefix(line, "--editable")
	})
}

// findPython finds an interpreter of a version, such as 3.10 or 3.10.4: one of the
// same minor version will do. It returns its path and version.
func findPython(ctx context.Context, want string) (file, version string) {
	names := []string{"python3", "python"}
	minor := want
	if parts := strings.SplitN(want, ".", 3); len(parts) > 2 {
		minor = parts[0] + "." + parts[1]
	}
	if want != "" {
		names = append([]string{"python" + want, "python" + minor}, names...)
	}
	for _, name := range names {
		found, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, found, "-c", "import sys, venv; print(sys.executable); print('.'.join(map(str, sys.version_info[:3])))").Output()
		lines := splitLines(out)
		if err != nil || len(lines) < 2 {
			continue
		}
		if want == "" || lines[1] == minor || strings.HasPrefix(lines[1], minor+".") {
			return lines[0], lines[1]
		}
	}
	return "", ""
}

func splitLines(text []byte) []string {
	return strings.Split(strings.ReplaceAll(strings.TrimSpace(string(text)), "\r\n", "\n"), "\n")
}

// conda makes an environment of conda, or of Python where conda is not there,
// nothing needs it and nobody asks for it.
func (c *Checkout) conda(ctx context.Context, q EnvRequest) (Environment, error) {
	want := c.Project.Env
	if want.Kind == mlproject.PythonEnv {
		return Environment{}, errs.New(errs.Usage, "the project wants a Python environment (%s), which conda does not make", want.File).Hint("--env-manager venv, or leave it away")
	}
	p, err := c.python()
	if err != nil {
		return Environment{}, err
	}
	name, program := findConda()
	if program == "" {
		if q.Manager == Conda && len(p.Other) == 0 {
			return Environment{}, errs.New(errs.NotFound, "--env-manager conda: there is no conda, mamba or micromamba here").
				Hint("install one of them; pip can install all that %s names: --env-manager venv", want.File)
		}
		if len(p.Other) == 0 {
			q.Note("there is no conda here; pip installs all that %s names", want.File)
			return c.venv(ctx, p, q)
		}
		return Environment{}, errs.New(errs.NotFound, "the project wants an environment of conda (%s names %s), and there is no conda, mamba or micromamba here", want.File, strings.Join(p.Other, ", ")).
			Hint("install one of them; without these packages: --env-manager venv; with what this machine has: --env-manager local")
	}
	r := recipe{Manager: Conda, Interpreter: program, Python: p}
	if err := c.add(&r, ".", []string{want.File}); err != nil {
		return Environment{}, err
	}
	if err := c.add(&r, c.base(), p.Files()); err != nil {
		return Environment{}, err
	}
	if installsItself(p.Deps) {
		r.Dir = c.Dir
	}
	dir, err := cached(ctx, q, r, func(dir string) error {
		args := []string{"env", "create", "--quiet", "--yes", "--prefix", dir, "--file", want.File}
		if name == "micromamba" {
			args = args[1:]
		}
		return c.tool(ctx, q, program, args...)
	})
	before := []string{program, "run", "--no-capture-output", "--prefix", dir}
	if name == "micromamba" {
		before = []string{program, "run", "--prefix", dir}
	}
	return Environment{Manager: Conda, Dir: dir, before: before}, err
}

func findConda() (name, program string) {
	if home := os.Getenv("MLFLOW_CONDA_HOME"); home != "" {
		return "conda", filepath.Join(home, "bin", "conda")
	}
	if exe := os.Getenv("CONDA_EXE"); exe != "" {
		return "conda", exe
	}
	for _, name := range []string{"conda", "mamba", "micromamba"} {
		if program, err := exec.LookPath(name); err == nil {
			return name, program
		}
	}
	return "", ""
}
