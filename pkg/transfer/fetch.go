package transfer

import (
	"context"
	"errors"
	"runtime"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// FetchRequest says what to fetch.
type FetchRequest struct {
	Selection
	Runs   Runs       // new runs of the remote are taken in; nil: none
	Stages StageCache // and its stage cache; nil: not
	Models Models     // and its registered models; nil: not
	// Artifacts has what all runs made fetched too, as a push sends it.
	Artifacts bool
	// DryRun only counts. Of trees, the nodes are fetched all the same: only
	// they say what is in them. Summary.Looked counts those.
	DryRun bool
}

// Fetch brings what is missing here into the store. Every object is verified
// before it is visible. What was whole when Fetch is interrupted stays, and the
// next one goes on from there.
func (t *Transfer) Fetch(ctx context.Context, req FetchRequest) (s Summary, err error) {
	defer t.measure(&s)()
	st, err := t.repo.Store(ctx)
	if err != nil {
		return s, err
	}
	cache, err := t.cache()
	if err != nil {
		return s, err
	}
	f := &fetcher{t: t, st: st, missing: map[oid.ID]bool{}, seen: map[oid.ID]struct{}{}, cache: cache}
	defer func() { err = errors.Join(err, f.close()) }()
	err = f.bring(ctx, req.Selection, req.DryRun)
	if err == nil && len(f.missing) > 0 {
		err = lost(ctx, st, req.Objects, f.missing, "fetch from "+t.name, "neither here nor in the remote",
			"type 'mlops push' where the data is, or 'mlops fetch --remote NAME' for another remote")
	}
	if err == nil && req.Runs != nil {
		err = f.runs(ctx, req.Runs, req.DryRun, &s)
	}
	if err == nil && req.Stages != nil {
		err = f.stages(ctx, req.Stages, req.DryRun, &s)
	}
	if err == nil && req.Models != nil {
		err = f.models(ctx, req.Models, req.DryRun, &s)
	}
	if err == nil && req.Runs != nil && req.Artifacts {
		err = f.artifacts(ctx, req, req.DryRun)
	}
	s.Objects, s.Bytes = f.count, f.bytes
	if req.DryRun {
		s.Looked, s.Objects, s.Bytes = f.count, f.planned, f.plannedBytes
	}
	return s, err
}

// bring fetches objects with all that is below them, or counts those that it
// would fetch.
func (f *fetcher) bring(ctx context.Context, s Selection, dry bool) error {
	if err := f.objects(ctx, s); err != nil {
		return err
	}
	blobs := f.blobs
	f.blobs = nil // the memory is wanted meanwhile
	if dry {
		f.planned += int64(len(blobs))
		for _, p := range blobs {
			f.plannedBytes += p.Entry.Size
		}
		return nil
	}
	if len(blobs) == 0 {
		return nil
	}
	if err := f.close(); err != nil {
		return err
	}
	return f.get(ctx, blobs)
}

// artifacts fetches what the known runs made, and the files of models.
func (f *fetcher) artifacts(ctx context.Context, req FetchRequest, dry bool) error {
	exports, err := req.Runs.Exports(ctx)
	if err != nil {
		return err
	}
	var s Selection
	seen := map[oid.ID]bool{}
	made, err := modelFiles(ctx, req.Models)
	if err != nil {
		return err
	}
	for _, e := range exports {
		made = append(made, objectsOf(e)...)
	}
	for _, o := range made {
		if !seen[o.ID] {
			seen[o.ID] = true
			s.Objects = append(s.Objects, o)
		}
	}
	if err := f.bring(ctx, s, dry); err != nil {
		return err
	}
	if n := len(f.missing); n > 0 {
		return errs.New(errs.Partial, "fetch from %s: %d objects that runs made are neither here nor in the remote", f.t.name, n).
			Hint("type 'mlops push' where the runs were made, or 'mlops fetch --artifacts --remote NAME' for another remote")
	}
	return nil
}

// fetcher is one fetch. The remote is asked nothing until something is missing.
type fetcher struct {
	t     *Transfer
	st    *store.Store
	cache string
	h     *History
	x     *Index

	seen    map[oid.ID]struct{} // nodes
	blobs   []Place             // to be fetched
	missing map[oid.ID]bool
	count   int64 // objects that were fetched
	bytes   int64

	planned, plannedBytes int64 // what a dry run would fetch
}

func (f *fetcher) close() error {
	x := f.x
	f.x = nil // who looks for more opens it again
	if x == nil {
		return nil
	}
	return x.Close()
}

// history reads the remote's log, once.
func (f *fetcher) history(ctx context.Context) (err error) {
	if f.h != nil {
		return nil
	}
	f.h, err = openHistory(ctx, f.t.b, f.cache)
	if errs.Is(err, errs.NotFound) {
		return errs.New(errs.NotFound, "fetch from %s: nothing was pushed there yet", f.t.name).
			Hint("type 'mlops push' where the data is")
	}
	return err
}

// find looks objects up in the remote, and takes note of those it lacks.
func (f *fetcher) find(ctx context.Context, ids []oid.ID) ([]Place, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if err := f.history(ctx); err != nil {
		return nil, err
	}
	if f.x == nil {
		x, err := f.h.Index(ctx)
		if err != nil {
			return nil, err
		}
		f.x = x
	}
	places := make([]Place, 0, len(ids))
	for _, id := range ids {
		if p, ok := f.x.Find(id); ok {
			places = append(places, p)
		} else {
			f.missing[id] = true
		}
	}
	return places, nil
}

// objects finds the blobs that are missing here, level by level of the trees,
// so that the nodes of a level are fetched together.
func (f *fetcher) objects(ctx context.Context, s Selection) error {
	var level, blobs []oid.ID
	add := func(id oid.ID, kind tree.Kind) {
		if kind == tree.Dir {
			level = append(level, id)
		} else {
			blobs = append(blobs, id)
		}
	}
	for _, o := range s.Objects {
		add(o.ID, o.Kind)
	}
	for _, p := range s.Parts {
		e, err := tree.Lookup(ctx, source{f}, p.Dir.ID, p.Path)
		if err != nil {
			return err
		}
		add(e.ID, e.Kind)
	}
	for len(level) > 0 {
		need, err := f.st.Missing(slices.Clone(level))
		if err != nil {
			return err
		}
		places, err := f.find(ctx, need)
		if err != nil {
			return err
		}
		if err := f.get(ctx, places); err != nil {
			return err
		}
		var next []oid.ID
		for _, id := range level {
			if f.missing[id] {
				continue
			}
			node, err := f.st.Get(ctx, id)
			if err != nil {
				return err
			}
			if err := tree.Refs(node, func(id oid.ID, node bool, _ int64) error {
				if !node {
					blobs = append(blobs, id)
				} else if _, ok := f.seen[id]; !ok {
					f.seen[id] = struct{}{}
					next = append(next, id)
				}
				return nil
			}); err != nil {
				return err
			}
		}
		level = next
	}
	slices.SortFunc(blobs, oid.ID.Compare)
	blobs, err := f.st.Missing(slices.Compact(blobs))
	if err != nil {
		return err
	}
	f.blobs, err = f.find(ctx, blobs)
	return err
}

// source reads nodes and fetches those that are missing, one by one.
type source struct{ f *fetcher }

func (s source) Tree(ctx context.Context, id oid.ID) ([]byte, error) {
	if !s.f.st.Has(id) {
		places, err := s.f.find(ctx, []oid.ID{id})
		if err != nil {
			return nil, err
		}
		if err := s.f.get(ctx, places); err != nil {
			return nil, err
		}
	}
	return s.f.st.Tree(ctx, id)
}

// runs takes in the runs of the remote that were not taken in before.
func (f *fetcher) runs(ctx context.Context, runs Runs, dry bool, s *Summary) error {
	if err := f.history(ctx); err != nil {
		if errs.Is(err, errs.NotFound) {
			return nil // nothing was pushed: no runs either
		}
		return err
	}
	if f.h.Imported > len(f.h.Roots) {
		f.h.Imported = 0
	}
	var fresh []oid.ID
	for _, r := range f.h.Roots[f.h.Imported:] {
		if r.Kind == RootRun {
			fresh = append(fresh, r.ID)
		}
	}
	if fresh = f.unknown(ctx, runs, fresh); dry {
		s.Runs = len(fresh)
		return nil
	}
	if len(fresh) > 0 {
		records, err := f.records(ctx, fresh, "runs")
		if err != nil {
			return err
		}
		if s.Runs, err = runs.Import(ctx, records...); err != nil {
			return err
		}
	}
	if f.h.Imported == len(f.h.Roots) {
		return nil
	}
	f.h.Imported = len(f.h.Roots)
	return f.h.save()
}

// unknown leaves out the records that this machine made itself.
func (f *fetcher) unknown(ctx context.Context, runs Runs, ids []oid.ID) []oid.ID {
	if len(ids) == 0 {
		return nil
	}
	exports, err := runs.Exports(ctx)
	if err != nil {
		return ids // importing a known run changes nothing
	}
	own := make(map[oid.ID]bool, len(exports))
	for _, e := range exports {
		own[e.Record] = true
	}
	fresh := ids[:0]
	for _, id := range ids {
		if !own[id] {
			fresh = append(fresh, id)
		}
	}
	return fresh
}

// get fetches objects and makes them visible.
func (f *fetcher) get(ctx context.Context, places []Place) error {
	if len(places) == 0 {
		return nil
	}
	var bytes int64
	for _, p := range places {
		bytes += p.Entry.Size
	}
	task := f.t.p.Task("fetch", int64(len(places)), bytes)
	defer task.Done()
	jobs := divide(places)
	places = nil //nolint:ineffassign,wastedassign // a hundred bytes an object may go now
	for len(jobs) > 0 {
		// What is fetched is made durable now and then, so that little is lost
		// when the process dies.
		n, size := 0, int64(0)
		for n < len(jobs) && (n == 0 || size < commitBytes) {
			size += jobs[n].bytes
			n++
		}
		if err := batch(ctx, f.st, func(b *store.Batch) error {
			d := downloader{t: f.t, st: f.st, batch: b, task: task, verifying: make(chan struct{}, runtime.GOMAXPROCS(0))}
			err := d.all(ctx, jobs[:n])
			f.count += d.objects.Load()
			f.bytes += d.bytes.Load()
			if err != nil {
				return err
			}
			return fault.At(ctx, "pull.fetched")
		}); err != nil {
			return err
		}
		if err := fault.At(ctx, "pull.adopted"); err != nil {
			return err
		}
		jobs = jobs[n:]
	}
	return nil
}
