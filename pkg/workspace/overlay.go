package workspace

import (
	"context"
	"sync"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// overlay gives nodes of the store and of directories that were only scanned:
// those are made from their rows when somebody asks.
type overlay struct {
	s     *scan
	store *store.Store

	mu    sync.Mutex
	nodes map[oid.ID][]byte
}

func (s *scan) source(st *store.Store) *overlay {
	return &overlay{s: s, store: st, nodes: map[oid.ID][]byte{}}
}

// Tree is tree.Source.
func (o *overlay) Tree(ctx context.Context, id oid.ID) ([]byte, error) {
	o.mu.Lock()
	node, ok := o.nodes[id]
	o.mu.Unlock()
	if ok {
		return node, nil
	}
	node, err := o.store.Tree(ctx, id)
	if err == nil || !errs.Is(err, errs.NotFound) {
		return node, err
	}
	dir, ok := o.s.dirs[id]
	if !ok {
		return nil, err
	}
	r, rerr := o.s.fresh.get(dir)
	if rerr != nil {
		return nil, rerr
	}
	if r == nil {
		r = o.s.row(dir)
	}
	if r == nil {
		return nil, err
	}
	items, derr := decodeItems(r.entries)
	if derr != nil {
		return nil, brokenRow(dir, derr)
	}
	entries := make([]tree.Entry, len(items))
	for i := range items {
		entries[i] = items[i].entry()
	}
	if _, err := tree.Build(o, entries); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	node, ok = o.nodes[id]
	if !ok {
		return nil, err
	}
	return node, nil
}

// PutTree is tree.Sink.
func (o *overlay) PutTree(node []byte) (oid.ID, error) {
	id := oid.Sum(node)
	o.mu.Lock()
	o.nodes[id] = node
	o.mu.Unlock()
	return id, nil
}
