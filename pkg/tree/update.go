package tree

import (
	"context"
	"maps"
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
	entries := make(map[string]Entry)
	if !dir.IsZero() {
		if err := List(ctx, src, dir, func(e Entry) error { entries[e.Name] = e; return nil }); err != nil {
			return Entry{}, err
		}
	}
	for name, e := range here {
		if e == nil {
			delete(entries, name)
			continue
		}
		placed := *e
		placed.Name = name
		entries[name] = placed
	}
	for name, inner := range below {
		old, ok := entries[name]
		if (!ok || old.Kind != Dir) && onlyRemoves(inner) {
			continue
		}
		if ok && old.Kind != Dir {
			return Entry{}, errs.New(errs.Conflict, "%s is a %s, not a directory", name, old.Kind)
		}
		sub, err := Update(ctx, src, sink, old.ID, inner)
		if err != nil {
			return Entry{}, err
		}
		sub.Name = name
		entries[name] = sub
	}
	return Build(sink, slices.Collect(maps.Values(entries)))
}

func onlyRemoves(edits map[string]*Entry) bool {
	for _, e := range edits {
		if e != nil {
			return false
		}
	}
	return true
}
