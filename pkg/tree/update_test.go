package tree_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/tree"
)

func update(t testing.TB, m *memory, dir oid.ID, edits map[string]*tree.Entry) tree.Entry {
	t.Helper()
	e, err := tree.Update(t.Context(), m, m, dir, edits)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// show writes a tree as one line: paths, and / behind directories.
func show(t testing.TB, m *memory, dir oid.ID) string {
	t.Helper()
	var parts []string
	err := tree.Walk(t.Context(), m, dir, func(p string, e tree.Entry) error {
		if e.Kind == tree.Dir {
			p += "/"
		} else {
			p += fmt.Sprintf(":%d", e.Size)
		}
		parts = append(parts, p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(parts, " ")
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	m := newMemory()
	sized := func(n int) *tree.Entry { e := file("ignored", strings.Repeat("x", n)); return &e }
	empty := build(t, m, nil)
	sub := build(t, m, []tree.Entry{file("s", "1")})
	start := update(t, m, oid.ID{}, map[string]*tree.Entry{"f": sized(1), "d/g": sized(2), "d/e/h": sized(3), "o": &empty})
	if got := show(t, m, start.ID); got != "d/ d/e/ d/e/h:3 d/g:2 f:1 o/" {
		t.Fatalf("start is %s", got)
	}
	for _, c := range []struct {
		name  string
		edits map[string]*tree.Entry
		want  string
		kind  errs.Kind
	}{
		{"nothing", nil, "d/ d/e/ d/e/h:3 d/g:2 f:1 o/", 0},
		{"replace", map[string]*tree.Entry{"f": sized(9)}, "d/ d/e/ d/e/h:3 d/g:2 f:9 o/", 0},
		{"remove a file", map[string]*tree.Entry{"d/g": nil}, "d/ d/e/ d/e/h:3 f:1 o/", 0},
		{"remove the last file", map[string]*tree.Entry{"d/e/h": nil}, "d/ d/e/ d/g:2 f:1 o/", 0},
		{"remove a directory", map[string]*tree.Entry{"d": nil}, "f:1 o/", 0},
		{"remove all", map[string]*tree.Entry{"d": nil, "f": nil, "o": nil}, "", 0},
		{"make directories", map[string]*tree.Entry{"x/y/z": sized(4)}, "d/ d/e/ d/e/h:3 d/g:2 f:1 o/ x/ x/y/ x/y/z:4", 0},
		{"place a directory", map[string]*tree.Entry{"d/e": &sub}, "d/ d/e/ d/e/s:1 d/g:2 f:1 o/", 0},
		{"remove what is not there", map[string]*tree.Entry{"x": nil, "x/y": nil, "f/y/z": nil, "d/q/r": nil}, "d/ d/e/ d/e/h:3 d/g:2 f:1 o/", 0},
		{"file to directory", map[string]*tree.Entry{"f": nil, "f/a": sized(5)}, "d/ d/e/ d/e/h:3 d/g:2 f/ f/a:5 o/", 0},
		{"directory to file", map[string]*tree.Entry{"d": sized(6), "d/g": nil, "d/e/h": nil}, "d:6 f:1 o/", 0},
		{"directory anew", map[string]*tree.Entry{"d": nil, "d/n": sized(7)}, "d/ d/n:7 f:1 o/", 0},
		{"directory and below it", map[string]*tree.Entry{"d": &sub, "d/n": sized(7), "d/s": nil}, "d/ d/n:7 f:1 o/", 0},
		{"below a file", map[string]*tree.Entry{"f/a": sized(5)}, "f is a file", errs.Conflict},
		{"below a new file", map[string]*tree.Entry{"d": sized(5), "d/n": sized(1)}, "d is a file", errs.Conflict},
		{"empty name", map[string]*tree.Entry{"d//x": sized(5)}, "name \"\"", errs.Internal},
		{"up", map[string]*tree.Entry{"../x": sized(5)}, "name \"..\"", errs.Internal},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for range 5 { // maps have no order
				got, err := tree.Update(t.Context(), m, m, start.ID, c.edits)
				if err != nil {
					if !strings.Contains(err.Error(), c.want) || errs.KindOf(err) != c.kind || c.want == "" {
						t.Fatalf("error is %v", err)
					}
					continue
				}
				if s := show(t, m, got.ID); s != c.want {
					t.Fatalf("tree is %s, want %s", s, c.want)
				}
			}
		})
	}
}

// TestUpdateReadsOnlyItsPath: directories beside the edited one are not read.
func TestUpdateReadsOnlyItsPath(t *testing.T) {
	t.Parallel()
	m := newMemory()
	edits := make(map[string]*tree.Entry)
	for i := range 100 {
		e := file("", "x")
		edits[fmt.Sprintf("d%02d/sub/f", i)] = &e
	}
	root := update(t, m, oid.ID{}, edits)
	m.reads, m.fresh = 0, 0
	e := file("", "y")
	update(t, m, root.ID, map[string]*tree.Entry{"d42/sub/f": &e})
	// A node may be asked for again: a source remembers.
	if m.reads > 9 || m.fresh != 3 {
		t.Fatalf("%d nodes read and %d written, want only the three on the path", m.reads, m.fresh)
	}
}

// TestUpdateOfAHugeDirectory: one name of very many touches a node a level,
// and gives what Build gives.
func TestUpdateOfAHugeDirectory(t *testing.T) {
	t.Parallel()
	m := newMemory()
	entries := make([]tree.Entry, 50_000)
	for i := range entries {
		entries[i] = file(fmt.Sprintf("f%06d", i), "x")
	}
	root := build(t, m, entries)
	for _, c := range []struct {
		name string
		at   int // into entries; -1 adds a name
	}{{"first", 0}, {"middle", 25_000}, {"last", len(entries) - 1}, {"new", -1}} {
		edits := make(map[string]*tree.Entry)
		want := append([]tree.Entry(nil), entries...)
		e := file("g", "y")
		if c.at >= 0 {
			e.Name = entries[c.at].Name
			want[c.at] = e
		} else {
			want = append(want, e)
		}
		edits[e.Name] = &e
		m.reads, m.fresh = 0, 0
		got := update(t, m, root.ID, edits)
		if m.reads > 4 || m.fresh > 2 {
			t.Errorf("%s: %d nodes read and %d written", c.name, m.reads, m.fresh)
		}
		if b := build(t, m, want); got.ID != b.ID || got.Size != b.Size || got.Files != b.Files {
			t.Errorf("%s: update gives %+v, build %+v", c.name, got, b)
		}
	}
	// Removing names one block after the other joins and drops leaves.
	for n := 0; n < len(entries); n += 7_001 {
		edits := make(map[string]*tree.Entry)
		for _, e := range entries[n:] {
			edits[e.Name] = nil
		}
		if got, b := update(t, m, root.ID, edits), build(t, m, entries[:n]); got.ID != b.ID || got.Files != b.Files {
			t.Errorf("all but %d removed: update gives %+v, build %+v", n, got, b)
		}
	}
}
