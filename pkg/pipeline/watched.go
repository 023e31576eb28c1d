package pipeline

import (
	"path"
	"slices"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// stages returns the stages at addresses.
func (p *Project) stages(addresses []string) []*stagefile.Stage {
	out := make([]*stagefile.Stage, len(addresses))
	for i, a := range addresses {
		out[i] = p.byAddress[a]
	}
	return out
}

// Sources returns what people edit of the chosen stages: pipeline files, and
// dependencies and parameter files that no stage makes.
func (p *Project) Sources(q PlanRequest) ([]string, error) {
	chosen, err := p.choose(q)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var out []string
	add := func(name string) {
		if _, made := p.Producer(name); !made && !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	for _, f := range p.Files {
		add(f.Path)
	}
	for _, address := range chosen {
		s := p.byAddress[address]
		for _, in := range inputPaths(s) {
			add(in)
		}
		for file := range s.Used {
			add(file)
		}
		if s.Map != "" {
			add(s.Map)
		}
		add(path.Join(path.Dir(s.File), ".mlopsignore"))
	}
	return out, nil
}

// Paths returns what the chosen stages read and write, each path once.
func (p *Project) Paths(q PlanRequest) ([]string, error) {
	chosen, err := p.choose(q)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var out []string
	for _, s := range p.stages(chosen) {
		for _, name := range slices.Concat(inputPaths(s), outPaths(s)) {
			if !seen[name] && !outside(name) {
				seen[name] = true
				out = append(out, name)
			}
		}
	}
	return out, nil
}
