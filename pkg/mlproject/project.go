package mlproject

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// FileName is what a project's file is called, in any case of letters.
const FileName = "MLproject"

// The files that name an environment where the MLproject file names none, in
// the order in which they are looked for.
const (
	PythonEnvFile = "python_env.yaml"
	CondaEnvFile  = "conda.yaml"
)

// DefaultEntry is the entry point that is run when none is named.
const DefaultEntry = "main"

// EnvKind says what kind of environment a project wants.
type EnvKind string

// The kinds of environments.
const (
	NoEnv     EnvKind = ""       // this machine as it is
	PythonEnv EnvKind = "python" // Env.File is a python_env.yaml
	CondaEnv  EnvKind = "conda"  // Env.File is a conda.yaml
	DockerEnv EnvKind = "docker" // Env.Docker says the image
)

// Env is the environment that a project wants.
type Env struct {
	Kind   EnvKind
	File   string // slash path in the project
	Docker Docker
}

// Docker is a container image with what it is given.
type Docker struct {
	Image   string
	Volumes []string // as docker run -v takes them
	Vars    []Var
}

// Var is an environment variable of a container: set, or copied from here.
type Var struct {
	Name, Value string
	Copy        bool
}

// Project is what an MLproject file says.
type Project struct {
	Name    string
	Env     Env
	Entries []Entry // in the order of the file
}

// Entry is an entry point.
type Entry struct {
	Name    string
	Params  []Parameter // in the order of the file
	Command string      // with {key} in the places of parameters
}

// Type is the type of a parameter. Others than these are taken for String.
type Type string

// The types of parameters.
const (
	String Type = "string"
	Float  Type = "float"
	Path   Type = "path"
	URI    Type = "uri"
)

// Parameter is a parameter of an entry point.
type Parameter struct {
	Key        string
	Type       Type
	Default    string
	HasDefault bool
}

// IsFile reports whether a base name is that of a project's file.
func IsFile(name string) bool { return strings.EqualFold(name, FileName) }

// Parse reads the text of an MLproject file, which file names in messages. has
// reports whether there is a file at a slash path in the project; it is asked
// for the environment. Text may be nil: the project has no file then. Errors are
// of kind errs.Usage.
func Parse(file string, text []byte, has func(string) bool) (*Project, error) {
	doc, err := paramfile.Parse(FileName+".yaml", text)
	if err != nil {
		return nil, errs.New(errs.Usage, "%s: %w", file, err)
	}
	top, ok := doc.(*paramfile.Map)
	if !ok && doc != nil {
		return nil, errs.New(errs.Usage, "%s: a project is a mapping with entry_points, not a %s", file, paramfile.TypeName(doc))
	}
	if !ok {
		top = paramfile.NewMap()
	}
	r := &reader{file: file, has: has}
	p := &Project{Name: r.text(top, "name", "name")}
	r.env(top, &p.Env)
	r.entries(top, p)
	if _, spark := top.Get("databricks_spark_job"); spark {
		r.fail("databricks_spark_job", "jobs of Databricks cannot be run here")
	}
	if r.err != nil {
		return nil, r.err
	}
	return p, nil
}

// Entry returns the entry point called name, or the script of the project at that
// path. has is as in Parse.
func (p *Project) Entry(name string, has func(string) bool) (Entry, error) {
	var names []string
	for _, e := range p.Entries {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	if command := scriptCommand(name); command != "" {
		if has(path.Clean(name)) {
			return Entry{Name: name, Command: command}, nil
		}
		return Entry{}, errs.New(errs.NotFound, "the project has neither an entry point nor a script %q", name).DidYouMean(name, names)
	}
	e := errs.New(errs.NotFound, "the project has no entry point %q", name).DidYouMean(name, names)
	switch {
	case len(names) > 0:
		e.Hint("entry points: %s; a script of the project (.py, .sh, .R) is one, too: -e train.py", strings.Join(names, ", "))
	default:
		e.Hint("name a script of the project (.py, .sh, .R): -e train.py")
	}
	return Entry{}, e
}

// scriptCommand is the command that runs a script, "" for what is none.
func scriptCommand(name string) string {
	quoted := Quote(name)
	switch path.Ext(name) {
	case ".py":
		return "python " + brace(quoted)
	case ".sh":
		return "${{SHELL:-bash}} " + brace(quoted)
	case ".R":
		return "Rscript " + brace(quoted)
	}
	return ""
}

// reader takes the values of a file and keeps the first problem.
type reader struct {
	file string
	has  func(string) bool
	err  error
}

func (r *reader) fail(key, format string, args ...any) {
	if r.err == nil {
		r.err = errs.New(errs.Usage, "%s: %s: %s", r.file, key, fmt.Sprintf(format, args...))
	}
}

// text is a value that must be text, "" when it is not there.
func (r *reader) text(m *paramfile.Map, key, what string) string {
	v, ok := m.Get(key)
	if !ok || v == nil {
		return ""
	}
	s, ok := scalarText(v)
	if !ok {
		r.fail(what, "wants text, not a %s", paramfile.TypeName(v))
	}
	return s
}

func (r *reader) env(top *paramfile.Map, e *Env) {
	var given []string
	for _, key := range []string{"python_env", "conda_env", "docker_env"} {
		if v, ok := top.Get(key); ok && v != nil {
			given = append(given, key)
		}
	}
	switch {
	case len(given) > 1:
		r.fail(strings.Join(given, ", "), "a project has one environment")
	case len(given) == 0:
		for kind, file := range map[EnvKind]string{PythonEnv: PythonEnvFile, CondaEnv: CondaEnvFile} {
			if r.has(file) && (e.Kind == NoEnv || kind == PythonEnv) {
				e.Kind, e.File = kind, file
			}
		}
	case given[0] == "docker_env":
		e.Kind = DockerEnv
		r.docker(top, &e.Docker)
	default:
		e.Kind, e.File = PythonEnv, path.Clean(r.text(top, given[0], given[0]))
		if given[0] == "conda_env" {
			e.Kind = CondaEnv
		}
		if r.err == nil && !r.has(e.File) {
			r.fail(given[0], "there is no file %s", e.File)
		}
	}
}

func (r *reader) docker(top *paramfile.Map, d *Docker) {
	v, _ := top.Get("docker_env")
	m, ok := v.(*paramfile.Map)
	if !ok {
		r.fail("docker_env", "wants a mapping with image, not a %s", paramfile.TypeName(v))
		return
	}
	if d.Image = r.text(m, "image", "docker_env.image"); d.Image == "" {
		r.fail("docker_env", "no image is given")
	}
	for _, v := range r.list(m, "volumes") {
		s, ok := v.(string)
		if !ok {
			r.fail("docker_env.volumes", "wants a list of texts such as /data:/data")
		}
		d.Volumes = append(d.Volumes, s)
	}
	for _, v := range r.list(m, "environment") {
		switch v := v.(type) {
		case string:
			d.Vars = append(d.Vars, Var{Name: v, Copy: true})
		case []any:
			name, value := "", ""
			if len(v) == 2 {
				name, _ = scalarText(v[0])
				value, _ = scalarText(v[1])
			}
			if name == "" {
				r.fail("docker_env.environment", "wants NAME, or [NAME, VALUE]")
			}
			d.Vars = append(d.Vars, Var{Name: name, Value: value})
		default:
			r.fail("docker_env.environment", "wants a list of NAME (copied from here) and [NAME, VALUE]")
		}
	}
}

func (r *reader) list(m *paramfile.Map, key string) []any {
	v, ok := m.Get(key)
	if !ok || v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		r.fail("docker_env."+key, "wants a list, not a %s", paramfile.TypeName(v))
	}
	return list
}

func (r *reader) entries(top *paramfile.Map, p *Project) {
	v, ok := top.Get("entry_points")
	if !ok || v == nil {
		return
	}
	all, ok := v.(*paramfile.Map)
	if !ok {
		r.fail("entry_points", "wants a mapping of names to commands, not a %s", paramfile.TypeName(v))
		return
	}
	for _, name := range all.Keys() {
		at := "entry_points." + name
		v, _ := all.Get(name)
		m, ok := v.(*paramfile.Map)
		if !ok {
			r.fail(at, "wants a mapping with command, not a %s", paramfile.TypeName(v))
			return
		}
		e := Entry{Name: name, Command: strings.TrimRight(r.text(m, "command", at+".command"), "\n")}
		if e.Command == "" {
			r.fail(at, "it has no command")
		}
		r.params(m, at, &e)
		if err := e.check(); err != nil {
			r.fail(at+".command", "%v", err)
		}
		p.Entries = append(p.Entries, e)
	}
}

func (r *reader) params(entry *paramfile.Map, at string, e *Entry) {
	v, ok := entry.Get("parameters")
	if !ok || v == nil {
		return
	}
	all, ok := v.(*paramfile.Map)
	if !ok {
		r.fail(at+".parameters", "wants a mapping of names to types, not a %s", paramfile.TypeName(v))
		return
	}
	for _, key := range all.Keys() {
		v, _ := all.Get(key)
		p := Parameter{Key: key, Type: String}
		where := at + ".parameters." + key
		switch v := v.(type) {
		case string:
			p.Type = Type(v)
		case *paramfile.Map:
			if t := r.text(v, "type", where+".type"); t != "" {
				p.Type = Type(t)
			}
			if d, has := v.Get("default"); has && d != nil {
				p.HasDefault = true
				if p.Default, ok = scalarText(d); !ok {
					p.Default = paramfile.Encode(d)
				}
			}
		default:
			r.fail(where, "wants a type, or a mapping with type and default, not a %s", paramfile.TypeName(v))
		}
		if !slices.Contains([]Type{Float, Path, URI}, p.Type) {
			p.Type = String
		}
		e.Params = append(e.Params, p)
	}
}

// scalarText is a scalar as Python prints it, which is what programs are given.
func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return "True", true
		}
		return "False", true
	case *paramfile.Map, []any:
		return "", false
	default:
		return paramfile.Text(v), true
	}
}
