package transfer

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/trackdb"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// PushRequest says what to push.
type PushRequest struct {
	Objects []repo.Object // see Select
	Runs    Runs          // finished runs go too; nil: none
	Stages  StageCache    // entries of the stage cache go too; nil: none
	Models  Models        // registered models go too; nil: none
	By      string        // who pushes, for the log
	DryRun  bool          // count only; nothing is written
}

// Push sends what the remote lacks, and logs it when all of it is there. Where
// objects are missing here, nothing is logged and the error names their paths.
func (t *Transfer) Push(ctx context.Context, req PushRequest) (s Summary, err error) {
	defer t.measure(&s)()
	h, err := t.history(ctx, req.DryRun)
	if err != nil {
		return s, err
	}
	st, err := t.repo.Store(ctx)
	if err != nil {
		return s, err
	}
	objects := slices.DeleteFunc(slices.Clone(req.Objects), func(o repo.Object) bool { return h.Has(o.ID) })
	runs, err := t.newRuns(ctx, h, req)
	if err != nil {
		return s, err
	}
	stages, err := t.newStages(ctx, h, req.Stages)
	if err != nil {
		return s, err
	}
	models, taken, err := t.newModels(ctx, h, req)
	if err != nil {
		return s, err
	}
	if len(objects)+len(runs)+len(stages)+len(models) == 0 {
		return s, heldModels(t.name, taken, nil)
	}
	x, err := h.Index(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	p := newPlanner(st, x.Has)
	for _, o := range objects {
		if err := p.add(ctx, o); err != nil {
			return s, err
		}
	}
	if len(p.missing) > 0 {
		return s, lost(ctx, st, objects, p.missing, "push to "+t.name, "not in the store of this machine",
			"type 'mlops fetch' where another remote has them, or 'mlops add' where the files are; nothing was pushed")
	}
	sent, held, err := t.planRuns(ctx, st, p, runs, req.DryRun)
	if err != nil {
		return s, err
	}
	learnt, bundle, err := t.planStages(ctx, st, p, stages, req.DryRun)
	if err != nil {
		return s, err
	}
	named, unnamed, err := t.planModels(ctx, st, p, models, req.DryRun)
	if err != nil {
		return s, err
	}
	s.Objects, s.Bytes, s.Runs, s.Stages, s.Models = int64(len(p.items)), p.bytes, len(sent), len(learnt), len(named)
	if roots := slices.Concat(rootsOf(objects), sent, bundle, named); !req.DryRun && len(roots) > 0 {
		late, err := t.send(ctx, st, h, p, roots, req.By)
		if err != nil {
			return s, err
		}
		taken = append(taken, late...)
		s.Models -= len(late)
		if err := h.noteStages(learnt); err != nil {
			return s, err
		}
	}
	if len(held) > 0 {
		err = errs.New(errs.Partial, "%d runs were not pushed, because outputs of theirs are not in the store: %s", len(held), few(held)).
			Hint("type 'mlops fetch' where another remote has them, or remove the runs: mlops runs rm")
	}
	return s, errors.Join(err, heldModels(t.name, taken, unnamed))
}

// history reads the remote's log. A dry run must not begin a remote.
func (t *Transfer) history(ctx context.Context, readOnly bool) (*History, error) {
	cache, err := t.cache()
	if err != nil {
		return nil, err
	}
	if !readOnly {
		return makeHistory(ctx, t.b, cache, t.clock)
	}
	h, err := openHistory(ctx, t.b, cache)
	if errs.Is(err, errs.NotFound) {
		h, err = &History{b: t.b, dir: cache}, nil
	}
	return h, err
}

func rootsOf(objects []repo.Object) []Root {
	roots := make([]Root, 0, len(objects))
	seen := map[oid.ID]bool{}
	for _, o := range objects {
		if seen[o.ID] {
			continue
		}
		seen[o.ID] = true
		kind := RootBlob
		if o.Kind == tree.Dir {
			kind = RootTree
		}
		roots = append(roots, Root{Kind: kind, ID: o.ID, Name: o.Path, Files: o.Files, Bytes: o.Size})
	}
	return roots
}

// send uploads packs, then the parts that index them, then the log entry. Taken
// are versions whose numbers others took meanwhile.
func (t *Transfer) send(ctx context.Context, st *store.Store, h *History, p *planner, roots []Root, by string) (taken []string, err error) {
	parcels, err := p.parcels()
	if err != nil {
		return nil, err
	}
	task := t.p.Task("push", int64(len(p.items)), p.bytes)
	defer task.Done()
	p.seen, p.items = oid.Set{}, nil // not needed any more, and large
	st.Forget()
	u := &uploader{ctx: ctx, st: st, b: t.b, task: task}
	packs := make([]sentPack, len(parcels))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(min(uploads, t.b.Jobs()))
	u.ctx = gctx
	for i := range parcels {
		group.Go(func() (err error) {
			packs[i], err = u.send(parcels[i])
			parcels[i].items = nil
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := fault.At(ctx, "push.packs.uploaded"); err != nil {
		return nil, err
	}
	e := &Entry{Type: typeAdd, Time: t.clock.Now().UTC(), By: by, Nonce: rand.Text(), Roots: roots, Packs: []Pack{}, Parts: []Part{}}
	if err := t.sendParts(ctx, h, packs, e); err != nil {
		return nil, err
	}
	if err := fault.At(ctx, "push.idx.uploaded"); err != nil {
		return nil, err
	}
	if taken, err = h.append(ctx, e); err != nil {
		return nil, err
	}
	return taken, fault.At(ctx, "push.logged")
}

// sendParts uploads the trailers of packs and names them in e. The parts are
// kept here too, so that they need not be fetched.
func (t *Transfer) sendParts(ctx context.Context, h *History, packs []sentPack, e *Entry) error {
	var trailers [][]byte
	size := 0
	flush := func() error {
		if len(trailers) == 0 {
			return nil
		}
		packed, plain, err := encodePart(trailers)
		if err != nil {
			return err
		}
		part := Part{ID: oid.Sum(packed), Size: int64(len(packed)), Packs: len(trailers)}
		if err := t.b.Put(ctx, partKey(part.ID), part.Size, remote.Bytes(packed), remote.PutOptions{}); err != nil {
			return err
		}
		e.Parts = append(e.Parts, part)
		trailers, size = nil, 0
		return h.keepPart(part.ID, plain)
	}
	for i := range packs {
		p := &packs[i]
		e.Packs = append(e.Packs, p.Pack)
		if size += len(p.trailer); size > partTarget && len(trailers) > 0 {
			if err := flush(); err != nil {
				return err
			}
			size = len(p.trailer)
		}
		trailers = append(trailers, p.trailer)
		p.trailer = nil
	}
	return flush()
}

// newRuns lists the finished runs that are not in the log.
func (t *Transfer) newRuns(ctx context.Context, h *History, req PushRequest) ([]pending, error) {
	if req.Runs == nil {
		return nil, nil
	}
	exports, err := req.Runs.Exports(ctx)
	if err != nil {
		return nil, err
	}
	var list []pending
	for _, e := range exports {
		if h.Has(e.Record) {
			continue
		}
		r := pending{id: e.RunID, record: e.Record, objects: objectsOf(e)}
		if !req.DryRun {
			if r.bytes, err = req.Runs.Record(ctx, e.RunID); err != nil {
				return nil, err
			}
			r.record = oid.Sum(r.bytes)
		}
		list = append(list, r)
	}
	return list, nil
}

// objectsOf lists what a run made.
func objectsOf(e trackdb.Export) []repo.Object {
	var list []repo.Object
	for _, a := range e.Objects {
		if a.ID.IsZero() {
			continue
		}
		kind := tree.File
		if a.Kind == tree.Dir.String() {
			kind = tree.Dir
		}
		list = append(list, repo.Object{Path: a.Path, Kind: kind, ID: a.ID})
	}
	return list
}

// pending is a run that is to be pushed.
type pending struct {
	id      string
	record  oid.ID
	bytes   []byte
	objects []repo.Object
}

// planRuns stores the records and plans them with all objects that the runs
// made. Held are the runs that have objects which are nowhere.
func (t *Transfer) planRuns(ctx context.Context, st *store.Store, p *planner, runs []pending, dry bool) (sent []Root, held []string, err error) {
	if len(runs) > 0 && !dry {
		if err := batch(ctx, st, func(b *store.Batch) error {
			for _, r := range runs {
				if _, err := b.PutBytes(r.bytes); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return nil, nil, err
		}
	}
	for _, r := range runs {
		m := p.mark()
		for _, o := range r.objects {
			if err := p.add(ctx, o); err != nil {
				return nil, nil, err
			}
		}
		if !dry {
			if err := p.add(ctx, repo.Object{Kind: tree.File, ID: r.record}); err != nil {
				return nil, nil, err
			}
		}
		if len(p.missing) > 0 {
			p.undo(m)
			held = append(held, r.id)
			continue
		}
		sent = append(sent, Root{Kind: RootRun, ID: r.record, Name: r.id})
	}
	return sent, held, nil
}

func few(names []string) string {
	const shown = 5
	text := ""
	for i, n := range names {
		if i == shown {
			return text + ", …"
		}
		if i > 0 {
			text += ", "
		}
		text += n
	}
	return text
}

// sentPack is a pack that is in the remote, with its trailer.
type sentPack struct {
	Pack
	trailer []byte
}

func sentOf(id oid.ID, kind pack.Kind, size int64, count int, trailer []byte) sentPack {
	return sentPack{Pack{ID: id, Kind: kind.String(), Size: size, Count: count}, trailer}
}
