package tree

import (
	"context"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
)

func load(ctx context.Context, src Source, id oid.ID) (*node, error) {
	b, err := src.Tree(ctx, id)
	if err != nil {
		return nil, err
	}
	n, err := decode(b)
	if err != nil {
		return nil, errs.New(errs.Corrupt, "tree %s: %w", id, err).Hint("type 'mlops fsck' to see what is affected")
	}
	return n, nil
}

// loadAt loads a node that must be of level, since one of the level above
// names it.
func loadAt(ctx context.Context, src Source, id oid.ID, level int) (*node, error) {
	n, err := load(ctx, src, id)
	if err == nil && n.level != level {
		err = errs.New(errs.Corrupt, "tree %s: %w: level %d below level %d", id, ErrFormat, n.level, level+1)
	}
	return n, err
}

// List calls fn for each entry of one directory, sorted by name.
func List(ctx context.Context, src Source, dir oid.ID, fn func(Entry) error) error {
	n, err := load(ctx, src, dir)
	if err != nil {
		return err
	}
	return n.list(ctx, src, fn)
}

func (n *node) list(ctx context.Context, src Source, fn func(Entry) error) error {
	for _, e := range n.entries {
		if n.level == 0 {
			if err := fn(e); err != nil {
				return err
			}
			continue
		}
		below, err := loadAt(ctx, src, e.ID, n.level-1)
		if err != nil {
			return err
		}
		if err := below.list(ctx, src, fn); err != nil {
			return err
		}
	}
	return nil
}

// Lookup finds the entry at a slash path below dir. It is errs.NotFound when
// there is none.
func Lookup(ctx context.Context, src Source, dir oid.ID, path string) (Entry, error) {
	at := Entry{Kind: Dir, ID: dir}
	for name := range strings.SplitSeq(path, "/") {
		if at.Kind != Dir {
			return Entry{}, errs.New(errs.NotFound, "%s is not in the tree", path)
		}
		found, ok, err := find(ctx, src, at.ID, name)
		if err != nil {
			return Entry{}, err
		}
		if !ok {
			return Entry{}, errs.New(errs.NotFound, "%s is not in the tree", path)
		}
		at = found
	}
	return at, nil
}

// find looks name up in one directory, reading one node a level.
func find(ctx context.Context, src Source, id oid.ID, name string) (Entry, bool, error) {
	n, err := load(ctx, src, id)
	for {
		if err != nil {
			return Entry{}, false, err
		}
		lo, hi := 0, len(n.entries)
		for lo < hi {
			mid := (lo + hi) / 2
			if n.entries[mid].Name < name {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		if lo == len(n.entries) {
			return Entry{}, false, nil
		}
		if n.level == 0 {
			e := n.entries[lo]
			return e, e.Name == name, nil
		}
		n, err = loadAt(ctx, src, n.entries[lo].ID, n.level-1)
	}
}

// Walk calls fn for everything below dir, sorted, each directory before what
// is in it.
func Walk(ctx context.Context, src Source, dir oid.ID, fn func(path string, e Entry) error) error {
	return walk(ctx, src, "", dir, fn)
}

func walk(ctx context.Context, src Source, prefix string, dir oid.ID, fn func(string, Entry) error) error {
	return List(ctx, src, dir, func(e Entry) error {
		path := prefix + e.Name
		if err := fn(path, e); err != nil || e.Kind != Dir {
			return err
		}
		return walk(ctx, src, path+"/", e.ID, fn)
	})
}

// Nodes calls fn for every object at and below dir, nodes (with node true)
// before what they name. It does not enter nodes that have knows, nor call fn
// for objects that it knows.
func Nodes(ctx context.Context, src Source, dir oid.ID, have func(oid.ID) bool, fn func(id oid.ID, node bool, size int64) error) error {
	if have(dir) {
		return nil
	}
	b, err := src.Tree(ctx, dir)
	if err != nil {
		return err
	}
	n, err := decode(b)
	if err != nil {
		return errs.New(errs.Corrupt, "tree %s: %w", dir, err).Hint("type 'mlops fsck' to see what is affected")
	}
	if err := fn(dir, true, int64(len(b))); err != nil {
		return err
	}
	for _, e := range n.entries {
		switch {
		case n.level > 0 || e.Kind == Dir:
			err = Nodes(ctx, src, e.ID, have, fn)
		case !have(e.ID):
			err = fn(e.ID, false, e.Size)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
