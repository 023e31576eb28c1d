package mlproject

import (
	"regexp"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// Python is a Python environment: an interpreter and what pip installs into it.
type Python struct {
	Version string   // "" for any
	Build   []string // installed before the others
	Deps    []string // lines as in a requirements file
	// Other are packages that only conda has.
	Other []string
}

// ParsePython reads a python_env.yaml. Errors are of kind errs.Usage.
func ParsePython(file string, text []byte) (Python, error) {
	top, err := mapping(file, text)
	if err != nil {
		return Python{}, err
	}
	var p Python
	if v, ok := top.Get("python"); ok && v != nil {
		if p.Version, ok = v.(string); !ok {
			return p, errs.New(errs.Usage, "%s: python: the version must be in quotes: 3.10 alone is the number 3.1", file)
		}
	}
	if p.Build, err = lines(file, top, "build_dependencies"); err != nil {
		return p, err
	}
	p.Deps, err = lines(file, top, "dependencies")
	return p, err
}

// condaBasic matches what pip can have, too: package, operator, version.
func condaBasic() *regexp.Regexp {
	return regexp.MustCompile(`^(python|pip|setuptools|wheel)\s*(<=|>=|==|=|!=|<|>)?\s*([\d.]+)?$`)
}

// ParseConda reads a conda.yaml as a Python environment: the interpreter, pip
// and what pip installs. What else conda would install is in Other.
func ParseConda(file string, text []byte) (Python, error) {
	top, err := mapping(file, text)
	if err != nil {
		return Python{}, err
	}
	var p Python
	basic := condaBasic()
	v, _ := top.Get("dependencies")
	list, ok := v.([]any)
	if !ok && v != nil {
		return p, errs.New(errs.Usage, "%s: dependencies: wants a list, not a %s", file, paramfile.TypeName(v))
	}
	for _, dep := range list {
		if m, ok := dep.(*paramfile.Map); ok {
			if p.Deps, err = lines(file, m, "pip"); err != nil {
				return p, err
			}
			continue
		}
		text, ok := dep.(string)
		if !ok {
			return p, errs.New(errs.Usage, "%s: dependencies: wants texts and a list of pip, not a %s", file, paramfile.TypeName(dep))
		}
		m := basic.FindStringSubmatch(text)
		switch {
		case m == nil:
			p.Other = append(p.Other, text)
		case m[1] == "python":
			if m[2] != "<" && m[2] != ">" && m[2] != "!=" {
				p.Version = m[3]
			}
		default:
			if m[2] == "=" {
				m[2] = "=="
			}
			p.Build = append(p.Build, m[1]+m[2]+m[3])
		}
	}
	return p, nil
}

// Files are the slash paths of requirements files that the environment names by
// -r and -c, relative to the project.
func (p Python) Files() []string { return RequirementFiles(p.Deps) }

// RequirementFiles are the files that lines of requirements name by -r and -c.
func RequirementFiles(lines []string) []string {
	var out []string
	for _, line := range lines {
		for _, flag := range []string{"-r", "--requirement", "-c", "--constraint"} {
			rest, ok := strings.CutPrefix(strings.TrimSpace(line), flag)
			if name := strings.Trim(rest, " \t="); ok && name != "" && name != rest {
				out = append(out, name)
				break
			}
		}
	}
	return out
}

func mapping(file string, text []byte) (*paramfile.Map, error) {
	v, err := paramfile.Parse("env.yaml", text)
	if err != nil {
		return nil, errs.New(errs.Usage, "%s: %w", file, err)
	}
	top, ok := v.(*paramfile.Map)
	if !ok {
		return nil, errs.New(errs.Usage, "%s: an environment is a mapping, not a %s", file, paramfile.TypeName(v))
	}
	return top, nil
}

// lines is a list of texts, nil when the key is not there.
func lines(file string, m *paramfile.Map, key string) ([]string, error) {
	v, ok := m.Get(key)
	if !ok || v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, errs.New(errs.Usage, "%s: %s: wants a list, not a %s", file, key, paramfile.TypeName(v))
	}
	out := make([]string, 0, len(list))
	for _, item := range list {
		text, ok := item.(string)
		if !ok {
			return nil, errs.New(errs.Usage, "%s: %s: wants a list of texts, not of %s", file, key, paramfile.TypeName(item))
		}
		out = append(out, text)
	}
	return out, nil
}
