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

// item is an object that the remote lacks. Its id is at the same place of
// planner.seen.
type item struct {
	size  int64
	local int32 // number of its pack in planner.packs; -1: loose
	node  bool  // of a tree
}

// planner gathers what a push must send.
type planner struct {
	st    *store.Store
	has   func(oid.ID) bool // of the remote
	seen  oid.Set           // in the order of the trees
	items []item
	bytes int64

	packs   []oid.ID // local packs that hold items
	numbers map[oid.ID]int32
	missing map[oid.ID]bool // neither here nor there
}

func newPlanner(st *store.Store, has func(oid.ID) bool) *planner {
	return &planner{st: st, has: has, numbers: map[oid.ID]int32{}, missing: map[oid.ID]bool{}}
}

func (p *planner) known(id oid.ID) bool {
	return p.seen.Has(id) || p.has(id)
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
	if !p.seen.Add(id) {
		return nil
	}
	it := item{size: info.Size, local: -1, node: node}
	if !info.Loose {
		n, ok := p.numbers[info.Pack]
		if !ok {
			n = int32(len(p.packs))
			p.numbers[info.Pack] = n
			p.packs = append(p.packs, info.Pack)
		}
		it.local = n
	}
	p.items = append(p.items, it)
	p.bytes += info.Size
	return nil
}

// mark and undo take back what was added since, so that nothing of a run that
// cannot be sent whole is sent: a node in the log proves what is below it.
type mark struct {
	items int
	bytes int64
}

func (p *planner) mark() mark { return mark{len(p.items), p.bytes} }

func (p *planner) undo(m mark) {
	p.seen.Truncate(m.items)
	p.items, p.bytes = p.items[:m.items], m.bytes
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
	for _, it := range p.items {
		if it.local >= 0 {
			uses[it.local].count++
			uses[it.local].bytes += it.size
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
	// Small and large ones apart: a fetch keeps packs of small ones as they are.
	small, large, nodes := group{kind: pack.Data}, group{kind: pack.Data}, group{kind: pack.Tree}
	for i, it := range p.items {
		if it.local >= 0 && whole[it.local] {
			continue
		}
		object := pack.Item{ID: p.seen.At(i), Size: it.size}
		switch {
		case it.node:
			nodes.add(object)
		case it.size >= largeSize:
			parcels = append(parcels, parcel{kind: pack.Data, items: []pack.Item{object}})
		case it.size >= store.LooseSize:
			large.add(object)
		default:
			small.add(object)
		}
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

func (g *group) add(it pack.Item) {
	if g.bytes > 0 && g.bytes+it.Size > packTarget {
		g.flush()
	}
	g.items = append(g.items, it)
	g.bytes += it.Size
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
