package migrate

import (
	"context"
	"crypto/md5" //nolint:gosec // DVC's names
	"encoding/hex"
	"os"
	"path"
	"sync"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/store"
)

// keepUncached is the size in bytes up to which an out that git keeps is stored,
// too, so that the stage cache can restore it: as a run does.
const keepUncached = 1 << 20

// bringAll makes sure that the store has what wants name, as far as this machine
// has it: from the workspace where it stands and is small, so that the stat cache
// knows it, else from DVC's cache by links.
func (m *Importer) bringAll(ctx context.Context, wants []want) error {
	var save []string
	for _, w := range wants {
		if w.path == "" || w.Size/max(1, w.Files) >= store.LooseSize {
			continue
		}
		if _, err := os.Stat(m.repo.Path(w.path)); err == nil {
			save = append(save, w.path)
		}
	}
	m.save(ctx, save)
	if err := ctx.Err(); err != nil {
		return err
	}
	lacking, err := m.lacking(ctx, wants)
	if err != nil {
		return err
	}
	if err := m.bringSums(ctx, lacking); err != nil {
		return err
	}
	// What stands here may have what DVC does not see, such as executable bits.
	objects, err := m.reader.resolve(ctx, wants)
	if err != nil {
		return err
	}
	save = save[:0]
	for _, o := range objects {
		if o.here && !m.store.Has(o.ID) {
			save = append(save, o.Path)
		}
	}
	m.save(ctx, save)
	return ctx.Err()
}

// save stores what stands at paths, one by one where they do not go together.
func (m *Importer) save(ctx context.Context, paths []string) {
	if len(paths) == 0 {
		return
	}
	var mu sync.Mutex
	seen := func(p string, data []byte) {
		sum := md5.Sum(data) //nolint:gosec // DVC's names
		mu.Lock()
		m.reader.read[p] = hex.EncodeToString(sum[:])
		mu.Unlock()
	}
	found, err := m.reader.data.SaveSeen(ctx, paths, seen)
	if err == nil {
		m.reader.remember(paths, found)
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	for _, p := range paths {
		if _, err := m.reader.data.Save(ctx, []string{p}); err != nil && ctx.Err() == nil {
			m.problem(err)
		}
	}
}

// lacking are the sums of wants that the store does not have wholly.
func (m *Importer) lacking(ctx context.Context, wants []want) ([]dvc.Sum, error) {
	objects, err := m.reader.resolve(ctx, wants)
	if err != nil {
		return nil, err
	}
	list := make([]repo.Object, 0, len(objects))
	at := map[oid.ID]dvc.Sum{}
	for i, o := range objects {
		list = append(list, o.Object)
		at[o.ID] = wants[i].Sum
	}
	absent, err := m.reader.data.Absent(ctx, list)
	if err != nil {
		return nil, err
	}
	var sums []dvc.Sum
	for _, o := range absent {
		sums = append(sums, at[o.ID])
	}
	return sums, nil
}

func (m *Importer) bringSums(ctx context.Context, list []dvc.Sum) error {
	if len(list) == 0 {
		return nil
	}
	task := m.report.Task("taking from DVC's cache", progress.Unknown, progress.Unknown)
	defer task.Done()
	b := &bringer{store: m.store, sums: m.reader.sums, caches: m.origin.cacheDirs(), task: task}
	_, problems, err := b.bring(ctx, list)
	for _, p := range problems {
		m.problem(p)
	}
	m.res.Objects += b.objects
	m.res.Bytes += b.bytes
	m.res.Linked += b.linked
	return err
}

// identify makes the ids of what entries read known, as far as DVC's cache has it.
// Nothing is stored: a decision needs no data.
func (m *Importer) identify(ctx context.Context, entries []entry) error {
	var wants []want
	var sums []dvc.Sum
	for _, e := range entries {
		for _, d := range e.dvc.Deps {
			if !d.Sum.IsZero() && !stagefile.IsExternal(d.Path) {
				wants = append(wants, want{path: path.Join(e.stage.Wdir, d.Path), Out: d})
			}
		}
	}
	objects, err := m.reader.resolve(ctx, wants)
	if err != nil {
		return err
	}
	for i, o := range objects {
		if !o.known {
			sums = append(sums, wants[i].Sum)
		}
	}
	if len(sums) == 0 {
		return nil
	}
	b := &bringer{store: m.store, sums: m.reader.sums, caches: m.origin.cacheDirs(), onlyIDs: true}
	_, problems, err := b.bring(ctx, sums)
	for _, p := range problems {
		m.problem(p)
	}
	return err
}
