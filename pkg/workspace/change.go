package workspace

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/ignore"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// The kinds of changes.
const (
	ChangeAdded      = "added"
	ChangeModified   = "modified"
	ChangeDeleted    = "deleted"
	ChangeRenamed    = "renamed"
	ChangeMissing    = "missing"    // not in the store
	ChangeUnreadable = "unreadable" // in the workspace, but cannot be read
)

// Change is one path that is not as it was.
type Change struct {
	Path   repo.Text `json:"path"`
	Kind   string    `json:"kind"`
	Target repo.Text `json:"target"`         // the tracked path that it is, or is in
	From   repo.Text `json:"from,omitempty"` // of renamed: where it was

	Old *Side `json:"old,omitempty"` // only in a diff
	New *Side `json:"new,omitempty"`
}

// Side is one of the two contents that a change is between.
type Side struct {
	ID   oid.ID `json:"id"`
	Size int64  `json:"size"`
	Exec bool   `json:"exec,omitempty"`
}

func sideOf(e *tree.Entry) *Side {
	if e == nil {
		return nil
	}
	return &Side{ID: e.ID, Size: e.Size, Exec: e.Exec}
}

func entryOf(o repo.Object) *tree.Entry {
	return &tree.Entry{Kind: o.Kind, Exec: o.Exec, Size: o.Size, Files: max(o.Files, 1), ID: o.ID}
}

// compareTarget lists what differs at one tracked path, file by file. Nil is
// nothing there. Where a tree is not in the store the target itself is listed.
// Files that rules leave out now were not looked for: that they were tracked
// once is no change.
func compareTarget(ctx context.Context, src tree.Source, target string, old, now *repo.Object, rules *ignore.Matcher) ([]Change, error) {
	if old != nil && now != nil && old.ID == now.ID && old.Kind == now.Kind && (old.Exec == now.Exec || !hasExecBit) {
		return nil, nil
	}
	var changes []Change
	add := func(p string, o, n *tree.Entry) {
		c := Change{Path: repo.Text(p), Kind: ChangeModified, Target: repo.Text(target), Old: sideOf(o), New: sideOf(n)}
		switch {
		case o == nil:
			c.Kind = ChangeAdded
		case n == nil:
			c.Kind = ChangeDeleted
		}
		changes = append(changes, c)
	}
	var a, b oid.ID
	oldDir, newDir := old != nil && old.Kind == tree.Dir, now != nil && now.Kind == tree.Dir
	if oldDir {
		a = old.ID
	}
	if newDir {
		b = now.ID
	}
	if oldDir || newDir {
		leftOut := false
		err := tree.Diff(ctx, src, a, b, func(c tree.Change) error {
			p := join(target, c.Path)
			switch {
			case same(c.Old, c.New):
			case c.New == nil && newDir && rules.Match(p, c.Old.Kind == tree.Dir):
				leftOut = true
			default:
				add(p, c.Old, c.New)
			}
			return nil
		})
		if errs.Is(err, errs.NotFound) {
			changes = nil
			add(target, optional(old), optional(now))
			return changes, nil
		}
		if err != nil {
			return nil, err
		}
		if len(changes) == 0 && !leftOut { // an empty directory came or went
			add(target, optional(old), optional(now))
			return changes, nil
		}
	}
	if old != nil && !oldDir || now != nil && !newDir {
		var o, n *tree.Entry
		if !oldDir {
			o = optional(old)
		}
		if !newDir {
			n = optional(now)
		}
		add(target, o, n)
	}
	return changes, nil
}

func optional(o *repo.Object) *tree.Entry {
	if o == nil {
		return nil
	}
	return entryOf(*o)
}

// findRenames joins a deleted and an added path with equal content. Those in
// one directory, or with one name, are preferred.
func findRenames(changes []Change) []Change {
	gone := map[oid.ID][]int{}
	for i, c := range changes {
		if c.Kind == ChangeDeleted && c.Old != nil && c.Old.Size > 0 {
			gone[c.Old.ID] = append(gone[c.Old.ID], i)
		}
	}
	if len(gone) == 0 {
		return changes
	}
	drop := map[int]bool{}
	for i := range changes {
		c := &changes[i]
		if c.Kind != ChangeAdded || c.New == nil {
			continue
		}
		from := gone[c.New.ID]
		if len(from) == 0 {
			continue
		}
		best := 0
		for j, at := range from {
			if likeness(changes[at].Path, c.Path) > likeness(changes[from[best]].Path, c.Path) {
				best = j
			}
		}
		at := from[best]
		gone[c.New.ID] = slices.Delete(slices.Clone(from), best, best+1)
		drop[at] = true
		c.Kind, c.From, c.Old = ChangeRenamed, changes[at].Path, changes[at].Old
	}
	out := changes[:0]
	for i, c := range changes {
		if !drop[i] {
			out = append(out, c)
		}
	}
	return out
}

func likeness(a, b repo.Text) int {
	score := 0
	cut := func(p repo.Text) (string, string) {
		i := strings.LastIndexByte(string(p), '/')
		return string(p[:i+1]), string(p[i+1:])
	}
	aDir, aBase := cut(a)
	bDir, bBase := cut(b)
	if aBase == bBase {
		score += 2
	}
	if aDir == bDir {
		score++
	}
	return score
}

func sortChanges(changes []Change) {
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Or(strings.Compare(string(key(string(a.Path))), string(key(string(b.Path)))), strings.Compare(a.Kind, b.Kind))
	})
}
