package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// A stage is disturbed when what it reads changes while it runs: nobody can tell
// what its outputs were made from. They are recorded with a fingerprint that no
// stage has, so that it runs again, and are not remembered for any.
const disturbedPrint = "0000000000000000000000000000000000000000000000000000000000000000"

// whileRunning says that what a stage reads changed while it ran.
const whileRunning = "%s while it ran: it runs again next time"

// disturbed compares what a stage that ran read with what is there now: found,
// of the dependencies that were on disk. It returns what changed.
func (s *scheduler) disturbed(step *Step, found map[string]stagefile.Asset) []string {
	now := step.record
	now.Deps = slices.Clone(now.Deps)
	for i, d := range now.Deps {
		if a, there := found[d.Path]; there {
			now.Deps[i] = a
		}
	}
	now.Params = map[string]map[string]any{}
	for file, values := range step.record.Params {
		now.Params[file] = values
		if value, err := s.params.now(file); err == nil {
			if some, err := pick(file, value, step.stage.Params[file]); err == nil {
				now.Params[file] = some
			}
		}
	}
	if fingerprint(step.stage, &now) == step.Fingerprint {
		return nil
	}
	changes := inputReasons(step.stage, &step.record, &now, func(string) string { return "" })
	for i, c := range changes {
		changes[i] = fmt.Sprintf(whileRunning, c)
	}
	return changes
}

// watched are the dependencies of a step to look at again when it ran.
func watched(step *Step) []string {
	var paths []string
	for _, d := range step.record.Deps {
		away := slices.ContainsFunc(step.away, func(a stagefile.Asset) bool { return a.Path == d.Path || strings.HasPrefix(d.Path, a.Path+"/") })
		if !away && !outside(d.Path) {
			paths = append(paths, d.Path)
		}
	}
	return paths
}

// paramFiles reads parameter files as they are now. It is for many goroutines.
type paramFiles struct {
	engine *Engine

	mu   sync.Mutex
	read map[string]paramState
}

type paramState struct {
	state fileState
	value any
	err   error
}

func (p *paramFiles) now(file string) (any, error) {
	state := stateOf(p.engine.path(file))
	p.mu.Lock()
	defer p.mu.Unlock()
	if got, ok := p.read[file]; ok && got.state.same(state) {
		return got.value, got.err
	}
	got := paramState{state: state}
	var text []byte
	if text, got.err = p.engine.Read(file); got.err == nil {
		got.value, got.err = paramfile.Parse(file, text)
	}
	if p.read == nil {
		p.read = map[string]paramState{}
	}
	p.read[file] = got
	return got.value, got.err
}
