package migrate

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// runCache takes over what DVC remembers of earlier runs of the stages that are
// declared today.
func (m *Importer) runCache(ctx context.Context) error {
	names, err := m.repo.PipelineFiles(ctx)
	if err != nil {
		return err
	}
	var stages []*stagefile.Stage
	for _, name := range names {
		for _, s := range m.reader.stages(path.Dir(name)) {
			stages = append(stages, s)
		}
	}
	if len(stages) == 0 {
		return nil
	}
	var entries []entry
	for _, dir := range m.origin.cacheDirs() {
		files, err := filepath.Glob(filepath.Join(dir, "runs", "*", "*", "*"))
		if err != nil {
			return err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				continue // a directory, or gone
			}
			theirs, err := dvc.ParseStage(file, text)
			if err != nil {
				m.problem(err)
				continue
			}
			for _, s := range stages {
				if sameStage(s, theirs) {
					entries = append(entries, entry{s, theirs})
				}
			}
		}
	}
	var outs []want
	for _, e := range entries {
		for _, o := range e.dvc.Outs {
			if !o.Sum.IsZero() {
				outs = append(outs, want{Out: o})
			}
		}
	}
	lacking, err := m.lacking(ctx, outs)
	if err != nil {
		return err
	}
	if err := m.bringSums(ctx, lacking); err != nil {
		return err
	}
	records, err := m.records(ctx, entries, "run cache")
	if err != nil {
		return err
	}
	m.res.Cached, err = m.remember(ctx, records)
	return err
}

// sameStage reports whether an entry of the run cache can be of a stage: it has
// the same outs.
func sameStage(s *stagefile.Stage, theirs dvc.Stage) bool {
	if len(s.Outs) != len(theirs.Outs) {
		return false
	}
	for _, o := range theirs.Outs {
		at := path.Join(s.Wdir, o.Path)
		if !slices.ContainsFunc(s.Outs, func(d stagefile.Out) bool { return d.Path == at }) {
			return false
		}
	}
	return true
}
