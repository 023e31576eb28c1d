package pipeline

import (
	"context"
	"os"
	"strings"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// lacking returns outputs that are in directories which a stage depends on and are
// not on disk, as the locks record them. Their stages were skipped, or not asked
// for: what is left in such a directory is not what the stage should read.
func (s *scheduler) lacking(stage *stagefile.Stage) ([]stagefile.Asset, error) {
	var found []stagefile.Asset
	for _, maker := range s.project.Graph.Deps(stage.Address()) {
		by := s.project.byAddress[maker]
		lock, err := s.decider.view.lock(by.Lock())
		if err != nil {
			return nil, err
		}
		record, had := lock.Stage(by.Name)
		if !had || record.Doubled {
			continue
		}
		for _, out := range record.Outs {
			if outside(out.Path) || !inDirectoryOf(stage, out.Path) {
				continue
			}
			if _, err := os.Lstat(s.engine.path(out.Path)); os.IsNotExist(err) {
				found = append(found, out)
			}
		}
	}
	return found, nil
}

// inDirectoryOf reports whether p is in a directory that the stage depends on.
func inDirectoryOf(stage *stagefile.Stage, p string) bool {
	for _, d := range stage.Deps {
		if d.Path == "." || strings.HasPrefix(p, d.Path+"/") {
			return true
		}
	}
	return false
}

// fill brings what is lacking in directories that a stage is about to read. It
// reports whether there was any: the stage is then to be decided on anew.
func (s *scheduler) fill(ctx context.Context, step *Step) (bool, error) {
	if step.Action != Run {
		return false, nil
	}
	lacking, err := s.lacking(step.stage)
	if err != nil || len(lacking) == 0 {
		return false, err
	}
	step.err = s.bringInputs(ctx, &Step{away: lacking})
	return true, nil
}
