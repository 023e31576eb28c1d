package mlproject_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/mlproject"
)

const example = `
name: tutorial
python_env: python_env.yaml
entry_points:
  main:
    parameters:
      data_file: path
      alpha: {type: float, default: 0.50}
      deep: {type: int, default: true}
      note: {default: "it's"}
    command: "python train.py {data_file} -a {alpha} --deep {deep} --note {note} '{{raw}}'"
  test:
    command: |
      pytest -q
`

func has(names ...string) func(string) bool {
	return func(p string) bool { return slices.Contains(names, p) }
}

func parse(t *testing.T, text string, files ...string) *mlproject.Project {
	t.Helper()
	p, err := mlproject.Parse("MLproject", []byte(text), has(files...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCommandLineHasTypedAndQuotedValues(t *testing.T) {
	t.Parallel()
	p := parse(t, example, "python_env.yaml")
	if p.Name != "tutorial" || p.Env.Kind != mlproject.PythonEnv || p.Env.File != "python_env.yaml" {
		t.Fatalf("%+v", p)
	}
	e, err := p.Entry("main", has())
	if err != nil {
		t.Fatal(err)
	}
	values, err := e.Values([][2]string{{"extra", "$(rm -rf /)"}, {"data_file", "my data.csv"}})
	if err != nil {
		t.Fatal(err)
	}
	line, err := e.Line(values)
	if err != nil {
		t.Fatal(err)
	}
	want := `python train.py 'my data.csv' -a 0.5 --deep True --note 'it'"'"'s' '{raw}' --extra '$(rm -rf /)'`
	if line != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
	if e, err = p.Entry("test", has()); err != nil || e.Command != "pytest -q" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestScriptsAreEntryPoints(t *testing.T) {
	t.Parallel()
	p := parse(t, "", "train.py", "a b.sh", "x.R")
	for name, want := range map[string]string{"train.py": "python train.py --k 1", "a b.sh": "${SHELL:-bash} 'a b.sh' --k 1", "x.R": "Rscript x.R --k 1"} {
		e, err := p.Entry(name, has("train.py", "a b.sh", "x.R"))
		if err != nil {
			t.Fatal(err)
		}
		values, err := e.Values([][2]string{{"k", "1"}})
		if err != nil {
			t.Fatal(err)
		}
		if line, err := e.Line(values); err != nil || line != want {
			t.Errorf("%s: %q, %v", name, line, err)
		}
	}
	for _, name := range []string{"main", "absent.py", "notes.txt"} {
		if _, err := p.Entry(name, has()); !errs.Is(err, errs.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrongValuesSayWhatIsWanted(t *testing.T) {
	t.Parallel()
	e := mlproject.Entry{Name: "main", Params: []mlproject.Parameter{
		{Key: "alpha", Type: mlproject.Float}, {Key: "data", Type: mlproject.URI, Default: "s3://b/d", HasDefault: true},
	}}
	for _, c := range []struct {
		given [][2]string
		want  string
	}{
		{nil, "entry point main wants a value for alpha"},
		{[][2]string{{"alpha", "much"}}, `wants a number (float), not "much"`},
		{[][2]string{{"alpha", "1"}, {"data", "here.csv"}}, "wants a URI"},
		{[][2]string{{"alpha", "1"}, {"alpha", "2"}}, "given twice"},
	} {
		if _, err := e.Values(c.given); err == nil || !strings.Contains(err.Error(), c.want) || !errs.Is(err, errs.Usage) {
			t.Errorf("%v: %v", c.given, err)
		}
	}
	if values, err := e.Values([][2]string{{"alpha", "1e-400"}}); err != nil || len(values) != 2 || values[1].Text != "s3://b/d" || values[1].Given {
		t.Errorf("%+v, %v", values, err)
	}
	_, err := e.Values([][2]string{{"alpah", "1"}})
	if hints := strings.Join(errs.Hints(err), "\n"); !strings.Contains(hints, "alpha") {
		t.Errorf("hints %q", hints)
	}
}

func TestEnvironments(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]mlproject.Env{
		"name: x":                                  {Kind: mlproject.PythonEnv, File: "python_env.yaml"},
		"conda_env: envs/conda.yaml":               {Kind: mlproject.CondaEnv, File: "envs/conda.yaml"},
		"docker_env: {image: 'ghcr.io/a/b:1'}":     {Kind: mlproject.DockerEnv},
		"name: y\nentry_points: {a: {command: b}}": {Kind: mlproject.PythonEnv, File: "python_env.yaml"},
	} {
		p := parse(t, text, "python_env.yaml", "conda.yaml", "envs/conda.yaml")
		if p.Env.Kind != want.Kind || p.Env.File != want.File {
			t.Errorf("%s: %+v", text, p.Env)
		}
	}
	if p := parse(t, "", "conda.yaml"); p.Env.File != "conda.yaml" {
		t.Errorf("%+v", p.Env)
	}
	p := parse(t, `docker_env: {image: i, volumes: ["/a:/b"], environment: [["K", "v"], "HOME"]}`)
	if d := p.Env.Docker; len(d.Volumes) != 1 || len(d.Vars) != 2 || d.Vars[0] != (mlproject.Var{Name: "K", Value: "v"}) || !d.Vars[1].Copy {
		t.Errorf("%+v", d)
	}
}

func TestWrongFilesAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[1]":                                      "a project is a mapping",
		"python_env: no.yaml":                      "no.yaml",
		"python_env: a\nconda_env: b":              "one environment",
		"docker_env: {volumes: []}":                "no image",
		"entry_points: {main: {}}":                 "no command",
		"entry_points: [main]":                     "entry_points",
		"entry_points: {main: {command: '{x}'}}":   "names no parameter",
		"entry_points: {main: {command: 'a } b'}}": "no partner",
		"a: {":                     "MLproject",
		"databricks_spark_job: {}": "Databricks",
	} {
		if _, err := mlproject.Parse("MLproject", []byte(text), has()); err == nil || !strings.Contains(err.Error(), want) || !errs.Is(err, errs.Usage) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestPythonEnvironments(t *testing.T) {
	t.Parallel()
	p, err := mlproject.ParsePython("python_env.yaml", []byte("python: \"3.10\"\nbuild_dependencies: [pip]\ndependencies:\n  - -r requirements.txt\n  - scikit-learn==1.5\n"))
	if err != nil || p.Version != "3.10" || len(p.Deps) != 2 || !slices.Equal(p.Files(), []string{"requirements.txt"}) {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := mlproject.ParsePython("python_env.yaml", []byte("python: 3.10")); err == nil || !strings.Contains(err.Error(), "quotes") {
		t.Error(err)
	}
	p, err = mlproject.ParseConda("conda.yaml", []byte("channels: [x]\ndependencies:\n  - python=3.8.13\n  - pip<=24\n  - cudatoolkit=11\n  - pip:\n    - mlflow\n    - -c=limits.txt\n"))
	if err != nil || p.Version != "3.8.13" || !slices.Equal(p.Build, []string{"pip<=24"}) || !slices.Equal(p.Other, []string{"cudatoolkit=11"}) || !slices.Equal(p.Files(), []string{"limits.txt"}) {
		t.Errorf("%+v, %v", p, err)
	}
}

// The shell must see one word, whatever the value.
func FuzzQuote(f *testing.F) {
	f.Add("a b'c\"$(x)\\")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsRune(s, 0) || strings.HasSuffix(s, "\n") {
			t.Skip()
		}
		if _, err := exec.LookPath("/bin/sh"); err != nil {
			t.Skip("no shell here")
		}
		out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", "printf %s "+mlproject.Quote(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q became %q, %v", s, out, err)
		}
	})
}
