package pipeline

import (
	"path"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// assumeAbsent takes directories that stages depend on for unchanged where
// outputs in them are not on disk: what is left of them says nothing.
func (v *view) assumeAbsent(p *Project, stages []*stagefile.Stage) {
	lacking := map[string]string{} // directory → stage whose output is not there
	for out, maker := range p.producer {
		if _, there := v.assets[out]; there || outside(out) {
			continue
		}
		for at := path.Dir(out); at != "/"; at = path.Dir(at) {
			lacking[at] = maker
			if at == "." {
				break
			}
		}
	}
	for _, s := range stages {
		for _, d := range s.Deps {
			if maker, ok := lacking[d.Path]; ok {
				delete(v.assets, d.Path)
				v.settled.set(d.Path, maker)
			}
		}
	}
}
