package migrate

import (
	"context"
	"path"
	"slices"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/transfer"
)

// locks writes the records whose inputs and outputs are all known.
func (m *Importer) locks(ctx context.Context, files []repo.ForeignFile) error {
	for _, f := range files {
		parsed, err := dvc.ParseLock(f.Path, f.Text)
		if err != nil {
			m.problem(err)
			continue
		}
		dir := path.Dir(f.Path)
		stages := m.reader.stages(dir)
		var todo []entry
		for _, s := range parsed.Stages {
			if declared := stages[s.Name]; declared != nil {
				todo = append(todo, entry{declared, s})
			}
		}
		done, err := m.records(ctx, todo, f.Path)
		if err != nil {
			return err
		}
		lock, err := m.repo.ReadLock(dir)
		if err != nil {
			return err
		}
		fresh := done[:0:0]
		for _, e := range todo {
			i := slices.IndexFunc(done, func(r stagefile.Record) bool { return r.Stage == e.stage.Name })
			state := StateAbsent
			if _, had := lock.Stage(e.stage.Name); had {
				state = StateSame
			} else if i >= 0 {
				state = StateNew
				fresh = append(fresh, done[i])
			}
			m.res.Stages = append(m.res.Stages, ImportedStage{Lock: repo.Text(f.Path), Stage: e.stage.Name, State: state})
		}
		if err := m.writeRecords(ctx, dir, fresh); err != nil {
			return err
		}
		if _, err := m.remember(ctx, done); err != nil {
			return err
		}
	}
	return nil
}

// records translates entries and keeps those that are wholly known, and whose
// outs are in the store.
func (m *Importer) records(ctx context.Context, entries []entry, from string) ([]stagefile.Record, error) {
	if err := m.identify(ctx, entries); err != nil {
		return nil, err
	}
	all, err := m.reader.translate(ctx, entries, from)
	if err != nil {
		return nil, err
	}
	var whole []stagefile.Record
	for i, r := range all {
		if r = pipeline.Completed(entries[i].stage, r); r.Fingerprint == "" || unknown(entries[i], r) {
			continue
		}
		var outs []repo.Object
		for _, a := range r.Outs {
			if !a.NoCache {
				outs = append(outs, repo.FromAsset(a))
			}
		}
		absent, err := m.reader.data.Absent(ctx, outs)
		if err != nil {
			return nil, err
		}
		if len(absent) == 0 {
			whole = append(whole, r)
		}
	}
	return whole, nil
}

// unknown reports whether an id in a record is made up of DVC's sum, or of
// nothing.
func unknown(e entry, r stagefile.Record) bool {
	made := map[oid.ID]bool{}
	for _, o := range slices.Concat(e.dvc.Deps, e.dvc.Outs) {
		made[placeholder(o.Sum)] = true
	}
	return slices.ContainsFunc(slices.Concat(r.Deps, r.Outs), func(a stagefile.Asset) bool { return made[a.ID] })
}

func (m *Importer) writeRecords(ctx context.Context, dir string, records []stagefile.Record) error {
	if len(records) == 0 {
		return nil
	}
	m.res.Written = append(m.res.Written, path.Join(dir, stagefile.LockName))
	return m.repo.UpdateLock(ctx, dir, func(l *stagefile.Lock) {
		for _, r := range records {
			if _, had := l.Stage(r.Stage); !had {
				l.Set(r)
			}
		}
	})
}

// remember puts records into the stage cache and says how many were new.
func (m *Importer) remember(ctx context.Context, records []stagefile.Record) (int, error) {
	if len(records) == 0 {
		return 0, nil
	}
	index, err := m.repo.Index(ctx)
	if err != nil {
		return 0, err
	}
	entries := make([]transfer.StageEntry, len(records))
	for i, r := range records {
		lock := stagefile.NewLock()
		lock.Set(r)
		entries[i] = transfer.StageEntry{Fingerprint: r.Fingerprint, Record: string(lock.Encode())}
	}
	return pipeline.NewSharedCache(index, m.clock).Learn(ctx, entries)
}
