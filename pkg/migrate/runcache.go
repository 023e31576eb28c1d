package migrate

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// runCache takes over what DVC remembers of earlier runs: of the stages that are
// declared here and in the commits that were looked through, and of others.
func (m *Importer) runCache(ctx context.Context) error {
	stages, err := m.stages(ctx)
	if err != nil {
		return err
	}
	entries := m.past.runs
	for _, dir := range m.origin.cacheDirs() {
		files, err := filepath.Glob(filepath.Join(dir, dvc.RunCacheDir, "*", "*", "*"))
		if err != nil {
			return err
		}
		for _, file := range files {
			if err := ctx.Err(); err != nil {
				return err
			}
			text, err := os.ReadFile(file)
			if err != nil {
				continue // a directory, or gone
			}
			theirs, err := dvc.ParseStage(file, text)
			if err != nil {
				m.problem(err)
				continue
			}
			known := stages[outsKey(theirs.Outs)]
			if len(known) == 0 {
				known = undeclared(theirs)
			}
			for _, s := range known {
				entries = append(entries, entry{s, theirs})
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

// stages are those declared here and in the past, by what they make.
func (m *Importer) stages(ctx context.Context) (map[string][]*stagefile.Stage, error) {
	names, err := m.repo.PipelineFiles(ctx)
	if err != nil {
		return nil, err
	}
	all := m.past.stages
	for _, name := range names {
		for _, s := range m.reader.stages(path.Dir(name)) {
			all = append(all, s)
		}
	}
	byOuts := map[string][]*stagefile.Stage{}
	for _, s := range all {
		outs := make([]dvc.Out, len(s.Outs))
		for i, o := range s.Outs {
			outs[i].Path = relative(s.Wdir, o.Path)
		}
		key := outsKey(outs)
		alike := func(other *stagefile.Stage) bool { return sameOutcome(s, other) }
		if len(outs) > 0 && !slices.ContainsFunc(byOuts[key], alike) {
			byOuts[key] = append(byOuts[key], s)
		}
	}
	return byOuts, nil
}

// outsKey is the paths of outs, as a stage has them.
func outsKey(outs []dvc.Out) string {
	paths := make([]string, len(outs))
	for i, o := range outs {
		paths[i] = path.Clean(o.Path)
	}
	slices.Sort(paths)
	return strings.Join(paths, "\x00")
}

// sameOutcome reports whether an entry of the run cache says the same of both
// stages, which make the same.
func sameOutcome(a, b *stagefile.Stage) bool {
	if a.Wdir != b.Wdir || a.Shell != b.Shell || a.Image != b.Image || len(a.Outs) != len(b.Outs) {
		return false
	}
	for _, o := range a.Outs {
		if !slices.ContainsFunc(b.Outs, func(p stagefile.Out) bool {
			return p.Path == o.Path && p.NoCache == o.NoCache && p.NoPush == o.NoPush && p.Persist == o.Persist
		}) {
			return false
		}
	}
	return true
}

// undeclared is the stage that an entry is of, when no pipeline file declares
// one: an entry says what it read and made, not from which directory, so that it
// can only be of the root, nor that git keeps an out.
func undeclared(theirs dvc.Stage) []*stagefile.Stage {
	s := &stagefile.Stage{Name: "run cache", File: stagefile.DVCFileName, Wdir: ".", Cmd: theirs.Cmd, CmdIsList: theirs.IsList}
	for _, d := range theirs.Deps {
		if outside(path.Clean(d.Path)) {
			return nil
		}
	}
	for _, o := range theirs.Outs {
		p := path.Clean(o.Path)
		if outside(p) {
			return nil
		}
		s.Outs = append(s.Outs, stagefile.Out{Path: p})
	}
	if len(s.Outs) == 0 {
		return nil
	}
	return []*stagefile.Stage{s}
}
