package transfer

import (
	"context"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// RootModel is the kind of roots that are records of registered models and their
// versions. The root of a version has its id beside its name.
const RootModel = "model"

// Models is what a Transfer needs of the registry.
type Models interface {
	// Exports lists models and versions.
	Exports(ctx context.Context) ([]registrydb.Export, error)
	// Record returns the bytes of one of them.
	Record(ctx context.Context, e registrydb.Export) ([]byte, error)
	// Import takes records in.
	Import(ctx context.Context, records ...[]byte) (registrydb.Imported, error)
}

// owners says which version has a number in the log: the one whose record came
// first, by name/number.
func (h *History) owners() map[string]string {
	owners := map[string]string{}
	for _, r := range h.Roots {
		if r.Kind == RootModel && r.Version != "" && owners[r.Name] == "" {
			owners[r.Name] = r.Version
		}
	}
	return owners
}

// pendingModel is a model or a version that is to be pushed.
type pendingModel struct {
	registrydb.Export
	bytes []byte
}

// root is how the log names it.
func (m *pendingModel) root() Root {
	return Root{Kind: RootModel, ID: m.Record, Name: m.Ref.String(), Version: m.Version}
}

// newModels lists what the log does not have. Taken are versions whose number
// the log has given to another one.
func (t *Transfer) newModels(ctx context.Context, h *History, req PushRequest) (list []pendingModel, taken []string, err error) {
	if req.Models == nil {
		return nil, nil, nil
	}
	exports, err := req.Models.Exports(ctx)
	if err != nil {
		return nil, nil, err
	}
	owners := h.owners()
	for _, e := range exports {
		if h.Has(e.Record) {
			continue
		}
		m := pendingModel{Export: e}
		if owner := owners[m.root().Name]; e.Version != "" && owner != "" && owner != e.Version {
			taken = append(taken, e.Ref.String())
			continue
		}
		if !req.DryRun {
			if m.bytes, err = req.Models.Record(ctx, e); err != nil {
				return nil, nil, err
			}
			m.Record = oid.Sum(m.bytes)
		}
		list = append(list, m)
	}
	return list, taken, nil
}

// planModels stores the records and plans them with the files of versions. Held
// are versions whose files are nowhere.
func (t *Transfer) planModels(ctx context.Context, st *store.Store, p *planner, models []pendingModel, dry bool) (sent []Root, held []string, err error) {
	if len(models) > 0 && !dry {
		if err := batch(ctx, st, func(b *store.Batch) error {
			for _, m := range models {
				if _, err := b.PutBytes(m.bytes); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return nil, nil, err
		}
	}
	for i := range models {
		m := &models[i]
		mark := p.mark()
		objects := filesOf(m.Export)
		if !dry {
			objects = append(objects, repo.Object{Kind: tree.File, ID: m.Record})
		}
		for _, o := range objects {
			if err := p.add(ctx, o); err != nil {
				return nil, nil, err
			}
		}
		if len(p.missing) > 0 {
			p.undo(mark)
			held = append(held, m.Ref.String())
			continue
		}
		sent = append(sent, m.root())
	}
	return sent, held, nil
}

// filesOf is the files of a version, none for a model.
func filesOf(e registrydb.Export) []repo.Object {
	if e.Object.ID.IsZero() {
		return nil
	}
	kind := tree.File
	if e.Object.Kind == tree.Dir.String() {
		kind = tree.Dir
	}
	return []repo.Object{{Path: e.Object.Path, Kind: kind, ID: e.Object.ID, Size: e.Object.Size, Files: e.Object.Files}}
}

// admit leaves out the versions whose numbers others took while they were sent,
// and returns their names.
func (h *History) admit(roots []Root) (left []Root, taken []string) {
	if !slices.ContainsFunc(roots, func(r Root) bool { return r.Version != "" }) {
		return roots, nil
	}
	owners := h.owners()
	for _, r := range roots {
		if owner := owners[r.Name]; r.Version != "" && owner != "" && owner != r.Version {
			taken = append(taken, r.Name)
			continue
		}
		left = append(left, r)
	}
	return left, taken
}

// heldModels says which versions were not pushed.
func heldModels(name string, taken, held []string) error {
	switch {
	case len(taken) > 0:
		e := errs.New(errs.Partial, "%s was registered elsewhere, too, and was pushed to %s first: yours was not pushed", few(taken), name)
		return e.Hint("type 'mlops pull', then 'mlops model renumber %s' gives yours the next number", taken[0])
	case len(held) > 0:
		return errs.New(errs.Partial, "%d versions of models were not pushed, because files of theirs are not in the store: %s", len(held), few(held)).
			Hint("type 'mlops fetch' where another remote has them, or remove the versions: mlops model rm")
	}
	return nil
}

// models takes in the models of the remote that were not taken in before.
func (f *fetcher) models(ctx context.Context, models Models, dry bool, s *Summary) error {
	if err := f.history(ctx); err != nil {
		if errs.Is(err, errs.NotFound) {
			return nil // nothing was pushed: no models either
		}
		return err
	}
	if f.h.Taken > len(f.h.Roots) {
		f.h.Taken = 0
	}
	var fresh []oid.ID
	for _, r := range f.h.Roots[f.h.Taken:] {
		if r.Kind == RootModel {
			fresh = append(fresh, r.ID)
		}
	}
	if len(fresh) > 0 {
		exports, err := models.Exports(ctx)
		if err != nil {
			return err
		}
		own := make(map[oid.ID]bool, len(exports))
		for _, e := range exports {
			own[e.Record] = true
		}
		fresh = slices.DeleteFunc(fresh, func(id oid.ID) bool { return own[id] })
	}
	if dry {
		s.Models = len(fresh)
		return nil
	}
	if len(fresh) > 0 {
		records, err := f.records(ctx, fresh, "models")
		if err != nil {
			return err
		}
		imported, err := models.Import(ctx, records...)
		if err != nil {
			return err
		}
		s.Models = imported.Added + imported.Changed
	}
	if f.h.Taken == len(f.h.Roots) {
		return nil
	}
	f.h.Taken = len(f.h.Roots)
	return f.h.save()
}

// records fetches the records with these ids and returns their bytes.
func (f *fetcher) records(ctx context.Context, ids []oid.ID, what string) ([][]byte, error) {
	need, err := f.st.Missing(slices.Clone(ids))
	if err != nil {
		return nil, err
	}
	places, err := f.find(ctx, need)
	if err != nil {
		return nil, err
	}
	if len(f.missing) > 0 {
		return nil, errs.New(errs.Corrupt, "the remote has lost %d records of %s", len(f.missing), what).
			Hint("type 'mlops push' where the %s were made", what)
	}
	if err := f.get(ctx, places); err != nil {
		return nil, err
	}
	records := make([][]byte, len(ids))
	for i, id := range ids {
		if records[i], err = f.st.Get(ctx, id); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// modelFiles is the files of all versions.
func modelFiles(ctx context.Context, models Models) ([]repo.Object, error) {
	if models == nil {
		return nil, nil
	}
	exports, err := models.Exports(ctx)
	if err != nil {
		return nil, err
	}
	var list []repo.Object
	for _, e := range exports {
		list = append(list, filesOf(e)...)
	}
	return list, nil
}
