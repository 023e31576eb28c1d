package transfer

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

const (
	packTarget = 64 << 20 // bytes of a pack that is made for a push
	largeSize  = 8 << 20  // from this size on a blob has a pack of its own
)

// item is an object that the remote lacks.
type item struct {
	id    oid.ID
	size  int64
	local int32 // number of its pack in planner.packs; -1: loose
}

// planner gathers what a push must send.
type planner struct {
	st    *store.Store
	has   func(oid.ID) bool // of the remote
	seen  map[oid.ID]struct{}
	data  []item // in the order of the trees
	trees []item
	bytes int64

	packs   []oid.ID // local packs that hold items
	numbers map[oid.ID]int32
	missing map[oid.ID]bool // neither here nor there
}

func newPlanner(st *store.Store, has func(oid.ID) bool) *planner {
	return &planner{st: st, has: has, seen: map[oid.ID]struct{}{}, numbers: map[oid.ID]int32{}, missing: map[oid.ID]bool{}}
}

func (p *planner) known(id oid.ID) bool {
	_, ok := p.seen[id]
	return ok || p.has(id)
}

// add plans all objects of o that the remote lacks.
func (p *planner) add(ctx context.Context, o repo.Object) error {
	if o.Kind != tree.Dir {
		if p.known(o.ID) {
			return nil
		}
		return p.take(o.ID, false)
	}
	if !p.known(o.ID) && !p.st.Has(o.ID) {
		p.missing[o.ID] = true
		return nil
	}
	err := tree.Nodes(ctx, p.st, o.ID, p.known, func(id oid.ID, node bool, _ int64) error { return p.take(id, node) })
	if errs.Is(err, errs.NotFound) {
		// A node below is missing; which one, only its path tells a person.
		p.missing[o.ID] = true
		return nil
	}
	return err
}

func (p *planner) take(id oid.ID, node bool) error {
	info, err := p.st.Stat(id)
	if errs.Is(err, errs.NotFound) {
		p.missing[id] = true
		return nil
	}
	if err != nil {
		return err
	}
	p.seen[id] = struct{}{}
	it := item{id: id, size: info.Size, local: -1}
	if !info.Loose {
		n, ok := p.numbers[info.Pack]
		if !ok {
			n = int32(len(p.packs))
			p.numbers[info.Pack] = n
			p.packs = append(p.packs, info.Pack)
		}
		it.local = n
	}
	if node {
		p.trees = append(p.trees, it)
	} else {
		p.data = append(p.data, it)
	}
	p.bytes += info.Size
	return nil
}

// mark and undo take back what was added since, so that nothing of a run that
// cannot be sent whole is sent: a node in the log proves what is below it.
type mark struct {
	data, trees int
	bytes       int64
}

func (p *planner) mark() mark { return mark{len(p.data), len(p.trees), p.bytes} }

func (p *planner) undo(m mark) {
	for _, list := range [][]item{p.data[m.data:], p.trees[m.trees:]} {
		for _, it := range list {
			delete(p.seen, it.id)
		}
	}
	p.data, p.trees, p.bytes = p.data[:m.data], p.trees[:m.trees], m.bytes
	clear(p.missing)
}

// parcel is one pack to be sent: a local one as it is, or a new one of items.
type parcel struct {
	kind  pack.Kind
	whole *store.PackInfo
	items []pack.Item
}

// parcels divides what was planned into packs.
func (p *planner) parcels() ([]parcel, error) {
	local, err := p.st.Packs()
	if err != nil {
		return nil, err
	}
	infos := make(map[oid.ID]*store.PackInfo, len(local))
	for i := range local {
		infos[local[i].ID] = &local[i]
	}
	type use struct {
		count int
		bytes int64
	}
	uses := make([]use, len(p.packs))
	for _, list := range [][]item{p.data, p.trees} {
		for _, it := range list {
			if it.local >= 0 {
				uses[it.local].count++
				uses[it.local].bytes += it.size
			}
		}
	}
	var parcels []parcel
	whole := make([]bool, len(p.packs))
	for i, id := range p.packs {
		info := infos[id]
		if info == nil {
			continue // another process repacked it; its objects are read one by one
		}
		// Data that nobody asked for does no harm, nodes would: what is below
		// them would not be there.
		whole[i] = uses[i].count == info.Count || info.Kind == pack.Data && uses[i].bytes*10 >= info.Size*8
		if whole[i] {
			parcels = append(parcels, parcel{kind: info.Kind, whole: info})
		}
	}
	rest := func(list []item) func(func(item) bool) {
		return func(yield func(item) bool) {
			for _, it := range list {
				if (it.local < 0 || !whole[it.local]) && !yield(it) {
					return
				}
			}
		}
	}
	// Small and large ones apart: a fetch keeps packs of small ones as they are.
	small, large := group{kind: pack.Data}, group{kind: pack.Data}
	for it := range rest(p.data) {
		switch {
		case it.size >= largeSize:
			parcels = append(parcels, parcel{kind: pack.Data, items: []pack.Item{{ID: it.id, Size: it.size}}})
		case it.size >= store.LooseSize:
			large.add(it)
		default:
			small.add(it)
		}
	}
	nodes := group{kind: pack.Tree}
	for it := range rest(p.trees) {
		nodes.add(it)
	}
	for _, g := range []*group{&small, &large, &nodes} {
		parcels = append(parcels, g.end()...)
	}
	return parcels, nil
}

// group fills packs up to the target.
type group struct {
	kind  pack.Kind
	items []pack.Item
	bytes int64
	done  []parcel
}

func (g *group) add(it item) {
	if g.bytes > 0 && g.bytes+it.size > packTarget {
		g.flush()
	}
	g.items = append(g.items, pack.Item{ID: it.id, Size: it.size})
	g.bytes += it.size
}

func (g *group) flush() {
	g.done = append(g.done, parcel{kind: g.kind, items: g.items})
	g.items, g.bytes = nil, 0
}

func (g *group) end() []parcel {
	if len(g.items) > 0 {
		g.flush()
	}
	return g.done
}
