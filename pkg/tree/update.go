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
// zero dir is empty. Only directories on the edited paths are read and written.
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
	var old []Entry
	if !dir.IsZero() {
		if err := List(ctx, src, dir, func(e Entry) error { old = append(old, e); return nil }); err != nil {
			return Entry{}, err
		}
	}
	placed := make(map[string]*Entry) // what stands at a name afterwards; nil: nothing
	for name, e := range here {
		placed[name] = named(e, name)
	}
	for name, inner := range below {
		before, ok := placed[name]
		if i, found := slices.BinarySearchFunc(old, Entry{Name: name}, byName); !ok && found {
			before = &old[i]
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
	entries := make([]Entry, 0, len(old)+len(placed))
	for _, e := range old {
		if now, ok := placed[e.Name]; !ok {
			entries = append(entries, e)
		} else if now != nil {
			entries = append(entries, *now)
			delete(placed, e.Name)
		}
	}
	for _, e := range placed {
		if e != nil {
			entries = append(entries, *e)
		}
	}
	return Build(sink, entries)
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
