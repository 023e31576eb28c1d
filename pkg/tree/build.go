package tree

import (
	"fmt"
	"slices"
	"strings"
)

// Build stores a directory with these entries, in any order and with unique
// names, and returns its entry, without a name.
func Build(sink Sink, entries []Entry) (Entry, error) {
	sorted := slices.IsSortedFunc(entries, byName)
	if !sorted {
		entries = slices.Clone(entries)
		slices.SortFunc(entries, byName)
	}
	for i, e := range entries {
		if err := check(e); err != nil {
			return Entry{}, err
		}
		if i > 0 && entries[i-1].Name == e.Name {
			return Entry{}, fmt.Errorf("name %q stands twice in one directory", e.Name)
		}
	}
	return raise(sink, 0, entries)
}

// check says why an entry cannot stand in a node: what encode would write,
// decode would refuse.
func check(e Entry) error {
	switch {
	case e.Kind < File || e.Kind > Symlink:
		return fmt.Errorf("%q has %s", e.Name, e.Kind)
	case e.Exec && e.Kind != File:
		return fmt.Errorf("%q is a %s and cannot be executable", e.Name, e.Kind)
	case e.Size < 0 || e.Files < 0:
		return fmt.Errorf("%q has %d bytes in %d files", e.Name, e.Size, e.Files)
	}
	return CheckName(e.Name)
}

func byName(a, b Entry) int { return strings.Compare(a.Name, b.Name) }

// raise cuts entries into nodes, and the list of those again, until one is left.
func raise(sink Sink, level int, entries []Entry) (Entry, error) {
	nodes, err := cut(sink, level, entries)
	if err != nil {
		return Entry{}, err
	}
	if len(nodes) > 1 {
		return raise(sink, level+1, nodes)
	}
	root := nodes[0]
	root.Name, root.Kind = "", Dir
	return root, nil
}

// cut stores entries as nodes of level and returns an entry for each.
func cut(sink Sink, level int, entries []Entry) ([]Entry, error) {
	var nodes []Entry
	start := 0
	for i := range entries {
		if i+1 < len(entries) && (level == maxLevel || i+1-start < cutLimit && !ends(entries[i].Name, level)) {
			continue
		}
		e, err := put(sink, level, entries[start:i+1])
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, e)
		start = i + 1
	}
	if len(entries) == 0 {
		e, err := put(sink, level, nil)
		return []Entry{e}, err
	}
	return nodes, nil
}

// put stores one node and returns its entry in the level above.
func put(sink Sink, level int, entries []Entry) (Entry, error) {
	id, err := sink.PutTree(encode(level, entries))
	if err != nil {
		return Entry{}, err
	}
	sum := Entry{ID: id}
	for _, e := range entries {
		sum.Size += e.Size
		sum.Name = e.Name
		if e.Kind == File || e.Kind == Symlink {
			sum.Files++ // whatever the caller says: a node keeps no number for it
		} else {
			sum.Files += e.Files
		}
	}
	return sum, nil
}

// Empty is the node of a directory with nothing in it.
func Empty() []byte { return encode(0, nil) }
