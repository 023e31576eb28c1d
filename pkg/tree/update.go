package tree

import (
	"context"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
)

// Update returns the directory dir with edits applied: a slash path below it
// and its new entry, or nil to remove what is there. Directories on the way
// are made; those that an edit leaves empty stay. Removing what is not there
// changes nothing. An edit comes before those below its path: a file can become
// a directory at once, but a file with something below it is errs.Conflict. A
// zero dir is empty. Only nodes on the edited paths are read and written.
func Update(ctx context.Context, src Source, sink Sink, dir oid.ID, edits map[string]*Entry) (Entry, error) {
	here := make(map[string]*Entry)
	below := make(map[string]map[string]*Entry)
	for path, e := range edits {
		name, rest, deeper := strings.Cut(path, "/")
		if !deeper {
			here[name] = e
			continue
		}
		if below[name] == nil {
			below[name] = make(map[string]*Entry)
		}
		below[name][rest] = e
	}
	placed := make(map[string]*Entry) // what stands at a name afterwards; nil: nothing
	for name, e := range here {
		placed[name] = named(e, name)
	}
	for name, inner := range below {
		before, ok := placed[name]
		if !ok && !dir.IsZero() {
			e, found, err := find(ctx, src, dir, name)
			if err != nil {
				return Entry{}, err
			}
			if found {
				before = &e
			}
		}
		if (before == nil || before.Kind != Dir) && onlyRemoves(inner) {
			continue
		}
		var id oid.ID
		if before != nil {
			if before.Kind != Dir {
				return Entry{}, errs.New(errs.Conflict, "%s is a %s, not a directory", name, before.Kind)
			}
			id = before.ID
		}
		sub, err := Update(ctx, src, sink, id, inner)
		if err != nil {
			return Entry{}, err
		}
		placed[name] = named(&sub, name)
	}
	changes := make([]placement, 0, len(placed))
	for name, e := range placed {
		changes = append(changes, placement{name, e})
	}
	slices.SortFunc(changes, func(a, b placement) int { return strings.Compare(a.name, b.name) })
	return edit(ctx, src, sink, dir, changes)
}

// placement is what is to stand at a name of one directory; nil: nothing.
type placement struct {
	name  string
	entry *Entry
}

// edit applies sorted changes to one directory. It reads and writes the leaves
// that hold the changed names; a leaf whose end is no cut any more takes in the
// next one.
func edit(ctx context.Context, src Source, sink Sink, dir oid.ID, changes []placement) (Entry, error) {
	old, err := leaves(ctx, src, dir)
	if err != nil {
		return Entry{}, err
	}
	if len(old) == 0 {
		return Build(sink, apply(nil, changes))
	}
	var nodes []Entry
	for i := 0; i < len(old); i++ {
		n := within(changes, old, i)
		if n == 0 {
			nodes = append(nodes, old[i])
			continue
		}
		var group []Entry
		for {
			leaf, err := load(ctx, src, old[i].ID)
			if err != nil {
				return Entry{}, err
			}
			group = append(group, apply(leaf.entries, changes[:n])...)
			changes = changes[n:]
			if i+1 == len(old) || len(group) == 0 || ends(group[len(group)-1].Name, 0) {
				break
			}
			i++
			n = within(changes, old, i)
		}
		for _, e := range group {
			if err := check(e); err != nil {
				return Entry{}, err
			}
		}
		if len(group) == 0 {
			continue
		}
		fresh, err := cut(sink, 0, group)
		if err != nil {
			return Entry{}, err
		}
		nodes = append(nodes, fresh...)
	}
	switch len(nodes) {
	case 0:
		return Build(sink, nil)
	case 1:
		root := nodes[0]
		root.Name, root.Kind = "", Dir
		return root, nil
	}
	return raise(sink, 1, nodes)
}

// within counts the changes that fall into leaf i: up to its last name, or all
// that are left for the last leaf.
func within(changes []placement, old []Entry, i int) int {
	if i+1 == len(old) {
		return len(changes)
	}
	n, found := slices.BinarySearchFunc(changes, old[i].Name, func(c placement, name string) int { return strings.Compare(c.name, name) })
	if found {
		n++
	}
	return n
}

// leaves lists the leaf nodes of a directory as entries of the level above:
// name is the last one in the leaf. A zero dir has none.
func leaves(ctx context.Context, src Source, dir oid.ID) ([]Entry, error) {
	if dir.IsZero() {
		return nil, nil
	}
	l, err := top(ctx, src, dir)
	if err != nil {
		return nil, err
	}
	for l.height > 1 {
		if err := l.descend(ctx, src); err != nil {
			return nil, err
		}
	}
	if l.height == 1 {
		return l.entries, nil
	}
	sum := Entry{ID: dir}
	for _, e := range l.entries {
		sum.Size, sum.Files, sum.Name = sum.Size+e.Size, sum.Files+e.Files, e.Name
	}
	return []Entry{sum}, nil
}

// apply merges sorted changes into sorted entries.
func apply(entries []Entry, changes []placement) []Entry {
	out := make([]Entry, 0, len(entries)+len(changes))
	for _, c := range changes {
		for len(entries) > 0 && entries[0].Name < c.name {
			out, entries = append(out, entries[0]), entries[1:]
		}
		if len(entries) > 0 && entries[0].Name == c.name {
			entries = entries[1:]
		}
		if c.entry != nil {
			out = append(out, *c.entry)
		}
	}
	return append(out, entries...)
}

// named is a copy of e with this name; nil stays nil.
func named(e *Entry, name string) *Entry {
	if e == nil {
		return nil
	}
	c := *e
	c.Name = name
	return &c
}

func onlyRemoves(edits map[string]*Entry) bool {
	for _, e := range edits {
		if e != nil {
			return false
		}
	}
	return true
}
