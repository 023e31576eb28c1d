package tree

import (
	"context"

	"github.com/mlops-cli/mlops/pkg/oid"
)

// Change is one path that differs between two trees.
type Change struct {
	Path string // slash path below both
	Old  *Entry // nil: added
	New  *Entry // nil: deleted
}

// Diff calls fn for each file and link that differs between the directories a
// and b, and for each directory without files that only one of them has, whole:
// not for what is below it. Where a file became a directory, or the other way
// round, the old is deleted before the new is added. Changes are sorted within
// each directory. It reads only nodes whose ids differ. A zero id is an empty
// directory.
func Diff(ctx context.Context, src Source, a, b oid.ID, fn func(Change) error) error {
	return diff(ctx, src, "", a, b, fn)
}

func diff(ctx context.Context, src Source, prefix string, a, b oid.ID, fn func(Change) error) error {
	if a == b {
		return nil
	}
	olds, news, err := unequal(ctx, src, a, b)
	if err != nil {
		return err
	}
	for len(olds) > 0 || len(news) > 0 {
		var o, n *Entry
		switch {
		case len(news) == 0 || len(olds) > 0 && olds[0].Name < news[0].Name:
			o, olds = &olds[0], olds[1:]
		case len(olds) == 0 || news[0].Name < olds[0].Name:
			n, news = &news[0], news[1:]
		default:
			o, n, olds, news = &olds[0], &news[0], olds[1:], news[1:]
		}
		if err := change(ctx, src, prefix, o, n, fn); err != nil {
			return err
		}
	}
	return nil
}

// change reports what differs at one name.
func change(ctx context.Context, src Source, prefix string, o, n *Entry, fn func(Change) error) error {
	if o != nil && n != nil {
		if o.ID == n.ID && o.Kind == n.Kind && o.Exec == n.Exec {
			return nil
		}
		if o.Kind == Dir && n.Kind == Dir {
			return diff(ctx, src, prefix+o.Name+"/", o.ID, n.ID, fn)
		}
		if o.Kind != Dir && n.Kind != Dir {
			return fn(Change{Path: prefix + o.Name, Old: o, New: n})
		}
	}
	if o != nil {
		if err := side(ctx, src, prefix, o, func(path string, e *Entry) error { return fn(Change{Path: path, Old: e}) }); err != nil {
			return err
		}
	}
	if n != nil {
		return side(ctx, src, prefix, n, func(path string, e *Entry) error { return fn(Change{Path: path, New: e}) })
	}
	return nil
}

// side reports an entry that is on one side only: it, or the files below it.
func side(ctx context.Context, src Source, prefix string, e *Entry, fn func(string, *Entry) error) error {
	path := prefix + e.Name
	if e.Kind != Dir || e.Files == 0 {
		return fn(path, e)
	}
	return List(ctx, src, e.ID, func(below Entry) error { return side(ctx, src, path+"/", &below, fn) })
}

// level is a list of nodes of one level, as entries of the level above.
type level struct {
	height  int // 0: entries are files, links and directories
	entries []Entry
}

// unequal returns the entries of two directories that stand in leaf nodes
// which only one of them has.
func unequal(ctx context.Context, src Source, a, b oid.ID) (olds, news []Entry, err error) {
	x, err := top(ctx, src, a)
	if err != nil {
		return nil, nil, err
	}
	y, err := top(ctx, src, b)
	if err != nil {
		return nil, nil, err
	}
	for x.height > 0 || y.height > 0 {
		h := max(x.height, y.height)
		if x.height == y.height {
			x.entries, y.entries = onlyOne(x.entries, y.entries)
		}
		for _, l := range []*level{&x, &y} {
			if l.height == h {
				if err := l.descend(ctx, src); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	return x.entries, y.entries, nil
}

func top(ctx context.Context, src Source, id oid.ID) (level, error) {
	if id.IsZero() {
		return level{}, nil
	}
	n, err := load(ctx, src, id)
	if err != nil {
		return level{}, err
	}
	return level{n.level, n.entries}, nil
}

// onlyOne drops the nodes that both lists have. Cuts depend on names alone, so
// an equal node covers the same names on both sides.
func onlyOne(a, b []Entry) (onlyA, onlyB []Entry) {
	in := make(map[oid.ID]bool, len(b))
	for _, e := range b {
		in[e.ID] = true
	}
	both := make(map[oid.ID]bool)
	for _, e := range a {
		if in[e.ID] {
			both[e.ID] = true
		} else {
			onlyA = append(onlyA, e)
		}
	}
	for _, e := range b {
		if !both[e.ID] {
			onlyB = append(onlyB, e)
		}
	}
	return onlyA, onlyB
}

func (l *level) descend(ctx context.Context, src Source) error {
	var below []Entry
	for _, e := range l.entries {
		n, err := loadAt(ctx, src, e.ID, l.height-1)
		if err != nil {
			return err
		}
		below = append(below, n.entries...)
	}
	l.height--
	l.entries = below
	return nil
}
