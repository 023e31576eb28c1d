package pipeline

import (
	"cmp"
	"path/filepath"
	"slices"
)

// AtWork is a stage that is worked on now.
type AtWork struct {
	Stage string
	Run   string // name of the run
	RunID string
	Log   string // path of the file with what it printed so far; there is none until it prints
}

// AtWork lists the stages that are worked on now by runs of this repository and
// of its copies, whatever process has them, by run and name. A stage that ended
// is not listed, though its record may not be written yet.
func (e *Engine) AtWork() ([]AtWork, error) {
	claims := newClaims(e.Tmp, e.Root)
	marks, err := claims.marks()
	if err != nil {
		return nil, err
	}
	var out []AtWork
	for _, m := range marks {
		if !m.held || m.text.Stage == "" || m.text.Failed {
			continue
		}
		at := AtWork{Stage: m.text.Stage, Run: m.text.Run, RunID: m.text.RunID}
		// A lease says what the engine wrote, but anybody can write files.
		if filepath.Dir(m.text.Log) == filepath.Dir(claims.dir) {
			at.Log = m.text.Log
		}
		out = append(out, at)
	}
	slices.SortFunc(out, func(a, b AtWork) int {
		return cmp.Or(cmp.Compare(a.RunID, b.RunID), cmp.Compare(a.Stage, b.Stage))
	})
	return out, nil
}
