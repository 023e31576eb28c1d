package tree_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// model is a directory in memory; other entries are tree.Entry.
type model map[string]any

func (d model) build(t *testing.T, m *memory) tree.Entry {
	t.Helper()
	list := make([]tree.Entry, 0, len(d))
	for name, v := range d {
		e, ok := v.(tree.Entry)
		if below, dir := v.(model); dir {
			e = below.build(t, m)
		} else if !ok {
			t.Fatalf("%T in a model", v)
		}
		e.Name = name
		list = append(list, e)
	}
	return build(t, m, list)
}

func (d model) clone() model {
	c := make(model, len(d))
	for name, v := range d {
		if below, ok := v.(model); ok {
			v = below.clone()
		}
		c[name] = v
	}
	return c
}

// flat lists everything below d by path.
func (d model) flat(prefix string, into map[string]any) map[string]any {
	for name, v := range d {
		into[prefix+name] = v
		if below, ok := v.(model); ok {
			below.flat(prefix+name+"/", into)
		}
	}
	return into
}

func (d model) files() int {
	n := 0
	for _, v := range d.flat("", map[string]any{}) {
		if _, ok := v.(tree.Entry); ok {
			n++
		}
	}
	return n
}

var names = []string{"a", "b", "c", "a.b", "a\n", "\xff", "d"}

func leaf(r *rand.Rand) tree.Entry {
	e := file("", fmt.Sprint(r.IntN(4)))
	switch r.IntN(6) {
	case 0:
		e.Kind = tree.Symlink
	case 1:
		e.Exec = true
	}
	return e
}

func random(r *rand.Rand, depth int) model {
	d := make(model)
	for range r.IntN(5) {
		name := names[r.IntN(len(names))]
		if depth > 0 && r.IntN(2) == 0 {
			d[name] = random(r, depth-1)
		} else {
			d[name] = leaf(r)
		}
	}
	return d
}

// edit changes d somewhere: adds, removes, renames, replaces by another kind.
func (d model) edit(r *rand.Rand, depth int) {
	all := make([]string, 0, len(d))
	for name := range d {
		all = append(all, name)
	}
	sort.Strings(all) // so that a seed gives one test
	if len(all) > 0 && r.IntN(3) > 0 {
		name := all[r.IntN(len(all))]
		if below, ok := d[name].(model); ok && r.IntN(3) > 0 {
			below.edit(r, depth-1)
			return
		}
		switch r.IntN(3) {
		case 0:
			delete(d, name)
		case 1: // rename, maybe over another
			v := d[name]
			delete(d, name)
			d[names[r.IntN(len(names))]] = v
		default:
			d[name] = leaf(r)
		}
		return
	}
	if depth > 0 {
		d[names[r.IntN(len(names))]] = random(r, depth-1)
	}
}

// brute says what Diff must report, from the definition.
func brute(a, b model) []string {
	x, y := a.flat("", map[string]any{}), b.flat("", map[string]any{})
	var out []string
	one := func(sign string, x, y map[string]any) {
		for p, v := range x {
			switch v := v.(type) {
			case tree.Entry:
				if other, ok := y[p].(tree.Entry); !ok {
					out = append(out, sign+p)
				} else if sign == "-" && other != v {
					out = append(out, "~"+p)
				}
			case model:
				whole := func(p string) bool {
					d, _ := x[p].(model)
					_, both := y[p].(model)
					return d != nil && d.files() == 0 && !both
				}
				parent := p[:max(strings.LastIndex(p, "/"), 0)]
				if whole(p) && !whole(parent) {
					out = append(out, sign+p)
				}
			}
		}
	}
	one("-", x, y)
	one("+", y, x)
	sort.Strings(out)
	return out
}

func diff(t *testing.T, m *memory, a, b oid.ID) (signs []string, changes []tree.Change) {
	t.Helper()
	err := tree.Diff(t.Context(), m, a, b, func(c tree.Change) error {
		sign := "~"
		switch {
		case c.Old == nil && c.New == nil:
			t.Errorf("%s: no change", c.Path)
		case c.Old == nil:
			sign = "+"
		case c.New == nil:
			sign = "-"
		}
		for _, e := range []*tree.Entry{c.Old, c.New} {
			if e != nil && e.Name != c.Path[strings.LastIndex(c.Path, "/")+1:] {
				t.Errorf("%s has the name %s", c.Path, e.Name)
			}
		}
		signs = append(signs, sign+c.Path)
		if c.Old != nil {
			old := *c.Old
			c.Old = &old
		}
		if c.New != nil {
			now := *c.New
			c.New = &now
		}
		changes = append(changes, c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return signs, changes
}

func TestDiffOfRandomTrees(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 7))
		m := newMemory()
		a := random(r, 4)
		b := a.clone()
		if seed%5 == 0 {
			b = random(r, 4)
		}
		for range r.IntN(6) {
			b.edit(r, 4)
		}
		x, y := a.build(t, m), b.build(t, m)
		got, changes := diff(t, m, x.ID, y.ID)
		slices.Sort(got)
		if want := brute(a, b); !slices.Equal(got, want) {
			t.Fatalf("seed %d: from %s\nto %s\ndiff gives %q\nwant       %q", seed, show(t, m, x.ID), show(t, m, y.ID), got, want)
		}
		apply(t, m, x.ID, y.ID, changes)
	}
}

// apply proves that the changes lead from a to b, but for directories that
// they leave empty.
func apply(t *testing.T, m *memory, a, b oid.ID, changes []tree.Change) {
	t.Helper()
	edits := make(map[string]*tree.Entry)
	for _, c := range changes {
		edits[c.Path] = c.New // the old is reported first
	}
	after := update(t, m, a, edits)
	if rest, changes := diff(t, m, after.ID, b); len(rest) > 0 {
		for _, c := range changes {
			if c.New != nil || c.Old.Kind != tree.Dir || c.Old.Files > 0 {
				t.Fatalf("after all changes %q are left", rest)
			}
		}
	}
}

func TestDiffWithNothing(t *testing.T) {
	t.Parallel()
	m := newMemory()
	a := model{"f": leaf(rand.New(rand.NewPCG(1, 1))), "e": model{"x": model{}}, "d": model{"g": file("", "g"), "e": model{}}}.build(t, m)
	for _, empty := range []oid.ID{{}, build(t, m, nil).ID} {
		if got, _ := diff(t, m, empty, a.ID); strings.Join(got, " ") != "+d/e +d/g +e +f" {
			t.Errorf("from nothing: %q", got)
		}
		if got, _ := diff(t, m, a.ID, empty); strings.Join(got, " ") != "-d/e -d/g -e -f" {
			t.Errorf("to nothing: %q", got)
		}
		if got, _ := diff(t, m, empty, empty); got != nil {
			t.Errorf("nothing and nothing: %q", got)
		}
	}
	m.reads = 0
	if got, _ := diff(t, m, a.ID, a.ID); got != nil || m.reads > 0 {
		t.Errorf("a tree and itself: %q after %d reads", got, m.reads)
	}
}

// TestDiffOfLargeDirectories has trees of different heights, and counts what
// is read.
func TestDiffOfLargeDirectories(t *testing.T) {
	t.Parallel()
	m := newMemory()
	r := rand.New(rand.NewPCG(3, 1))
	all := files(40_000)
	for _, keep := range []int{0, 5, 600, 3000, 39_990, 40_000} {
		a := make(model)
		for _, e := range all {
			a[e.Name] = e
		}
		x := a.build(t, m)
		for len(a) > keep {
			delete(a, all[r.IntN(len(all))].Name)
		}
		for i := range 3 {
			if name := all[r.IntN(len(all))].Name; keep > 600 {
				a[name] = file(name, fmt.Sprint("changed", i))
			}
		}
		y := a.build(t, m)
		want := make([]string, 0, len(all)-keep)
		for _, e := range all {
			if now, ok := a[e.Name]; !ok {
				want = append(want, "-"+e.Name)
			} else if now != e {
				want = append(want, "~"+e.Name)
			}
		}
		m.reads = 0
		got, _ := diff(t, m, x.ID, y.ID)
		if !slices.Equal(got, want) {
			t.Fatalf("%d entries kept: %d changes, want %d", keep, len(got), len(want))
		}
		if keep == len(all) && m.reads > 2+2*len(want) {
			t.Errorf("%d changes cost %d reads", len(want), m.reads)
		}
		back, _ := diff(t, m, y.ID, x.ID)
		if len(back) != len(want) {
			t.Fatalf("%d entries kept: %d changes back, want %d", keep, len(back), len(want))
		}
	}
}

func TestDiffCanBeStopped(t *testing.T) {
	t.Parallel()
	m := newMemory()
	a, b := model{"d": model{"f": file("", "1"), "g": file("", "2")}}.build(t, m), build(t, m, nil)
	calls := 0
	err := tree.Diff(t.Context(), m, a.ID, b.ID, func(tree.Change) error { calls++; return errStop })
	if !errors.Is(err, errStop) || calls != 1 {
		t.Fatalf("%d calls, %v", calls, err)
	}
}
