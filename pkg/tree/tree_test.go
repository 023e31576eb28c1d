package tree_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// memory is a store of nodes that counts.
type memory struct {
	mu    sync.Mutex
	nodes map[oid.ID][]byte
	fresh int // nodes that were new
	reads int
}

func newMemory() *memory { return &memory{nodes: make(map[oid.ID][]byte)} }

func (m *memory) PutTree(b []byte) (oid.ID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := oid.Sum(b)
	if _, ok := m.nodes[id]; !ok {
		m.nodes[id] = b
		m.fresh++
	}
	return id, nil
}

func (m *memory) Tree(_ context.Context, id oid.ID) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	b, ok := m.nodes[id]
	if !ok {
		return nil, errs.New(errs.NotFound, "object %s is not in the store", id)
	}
	return b, nil
}

// file is an entry of a file with this content.
func file(name, content string) tree.Entry {
	return tree.Entry{Name: name, Kind: tree.File, Size: int64(len(content)), Files: 1, ID: oid.Sum([]byte(content))}
}

func files(n int) []tree.Entry {
	list := make([]tree.Entry, n)
	var b [8]byte
	for i := range list {
		binary.LittleEndian.PutUint64(b[:], uint64(i))
		list[i] = tree.Entry{Name: fmt.Sprintf("img-%07d.png", i), Kind: tree.File, Size: int64(i % 1000), Files: 1, ID: oid.Sum(b[:])}
	}
	return list
}

func build(t testing.TB, m *memory, list []tree.Entry) tree.Entry {
	t.Helper()
	e, err := tree.Build(m, list)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func list(t testing.TB, m *memory, dir oid.ID) []tree.Entry {
	t.Helper()
	var all []tree.Entry
	if err := tree.List(t.Context(), m, dir, func(e tree.Entry) error { all = append(all, e); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBuildAndList(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 1000, 1025, 20_000} {
		m := newMemory()
		want := files(n)
		if n > 2 {
			want[1].Exec = true
			want[2].Kind = tree.Symlink
		}
		dir := build(t, m, want)
		var size int64
		for _, e := range want {
			size += e.Size
		}
		if dir.Kind != tree.Dir || dir.Name != "" || dir.Size != size || dir.Files != int64(n) {
			t.Fatalf("%d entries: directory is %+v, want %d bytes", n, dir, size)
		}
		if got := list(t, m, dir.ID); !slices.Equal(got, want) {
			t.Fatalf("%d entries: list gives others", n)
		}
	}
}

func TestBuildKnowsNoHistory(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	m := newMemory()
	all := files(12_000)
	want := build(t, m, all)

	mixed := slices.Clone(all)
	r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	before := slices.Clone(mixed)
	if got := build(t, m, mixed); got != want {
		t.Fatal("another order gives another directory")
	}
	if !slices.Equal(before, mixed) {
		t.Fatal("build changed the order of its argument")
	}
	var dir tree.Entry
	for part := range slices.Chunk(mixed, 3000) {
		edits := make(map[string]*tree.Entry)
		for _, e := range part {
			edits[e.Name] = &e
			edits["gone-"+e.Name] = &e // and away again below
		}
		dir = update(t, m, dir.ID, edits)
		for name := range edits {
			if strings.HasPrefix(name, "gone-") {
				edits[name] = nil
			} else {
				delete(edits, name)
			}
		}
		dir = update(t, m, dir.ID, edits)
	}
	if dir != want {
		t.Fatalf("a sequence of updates gives %+v, want %+v", dir, want)
	}
	if empty := build(t, m, nil); update(t, m, oid.ID{}, nil) != empty || list(t, m, empty.ID) != nil {
		t.Fatal("there are two empty directories")
	}
}

// TestNumberOfFilesIsNotTakenOnTrust: a node keeps no number of files for a
// file, so what the caller says may not change the ids above it.
func TestNumberOfFilesIsNotTakenOnTrust(t *testing.T) {
	t.Parallel()
	m := newMemory()
	list := files(5000)
	want := build(t, m, list)
	for i := range list {
		list[i].Files = 0
	}
	if got := build(t, m, list); got != want {
		t.Fatalf("build gives %+v, want %+v", got, want)
	}
}

func TestOneChangeRewritesOneNodeALevel(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 1))
	m := newMemory()
	all := files(100_000)
	build(t, m, all)
	nodes := len(m.nodes)
	if nodes < 60 || nodes > 180 {
		t.Fatalf("100,000 entries are cut into %d nodes, want about 98", nodes)
	}
	const levels = 2
	for range 3 {
		m.fresh = 0
		i := r.IntN(len(all))
		changed := slices.Clone(all)
		changed[i].ID[0] ^= 1
		build(t, m, changed)
		if m.fresh > levels {
			t.Errorf("a changed file wrote %d nodes", m.fresh)
		}
		m.fresh = 0
		build(t, m, slices.Delete(changed, i, i+1))
		if m.fresh > 2*levels {
			t.Errorf("a removed file wrote %d nodes", m.fresh)
		}
		m.fresh = 0
		more := append(slices.Clone(all), file(fmt.Sprintf("img-%07d-b.png", i), "b"))
		build(t, m, more)
		if m.fresh > 2*levels {
			t.Errorf("an added file wrote %d nodes", m.fresh)
		}
	}
}

func TestBuildRefusesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	ok := file("a", "x")
	with := func(edit func(*tree.Entry)) []tree.Entry {
		e := ok
		edit(&e)
		return []tree.Entry{e}
	}
	for name, bad := range map[string][]tree.Entry{
		"twice":          {ok, file("b", ""), ok},
		"no name":        {file("", "")},
		"dot":            {file(".", "")},
		"dots":           {file("..", "")},
		"slash":          {file("a/b", "")},
		"zero byte":      {file("a\x00", "")},
		"no kind":        with(func(e *tree.Entry) { e.Kind = 0 }),
		"unknown kind":   with(func(e *tree.Entry) { e.Kind = 4 }),
		"exec link":      with(func(e *tree.Entry) { e.Kind, e.Exec = tree.Symlink, true }),
		"exec directory": with(func(e *tree.Entry) { e.Kind, e.Exec = tree.Dir, true }),
		"negative size":  with(func(e *tree.Entry) { e.Size = -1 }),
		"negative files": with(func(e *tree.Entry) { e.Kind, e.Files = tree.Dir, -1 }),
	} {
		m := newMemory()
		if _, err := tree.Build(m, bad); err == nil || len(m.nodes) > 0 {
			t.Errorf("%s: error is %v, %d nodes written", name, err, len(m.nodes))
		}
	}
}

// odd are names that no file system forbids.
var odd = []string{
	"\x01", "\n", " ", " a", "\"", "*", "-", "a", "a\n", "a\nb", "a b", "a.", "a.b", "aa", "b", "\\", "…", "a\u0301", "á",
	"日本", "\x7f", "\x80", "\xc3", "\xc3\x28", "\xff", "\xff\xfe", strings.Repeat("x", 255), strings.Repeat("\xff", 255),
}

func TestNamesAreRawBytes(t *testing.T) {
	t.Parallel()
	m := newMemory()
	var inner, outer []tree.Entry
	for _, name := range odd {
		inner = append(inner, file(name, "in"+name))
	}
	dir := build(t, m, inner)
	dir.Name = "dir\xff\n"
	outer = append(slices.Clone(inner), dir)
	root := build(t, m, outer)
	slices.SortFunc(outer, func(a, b tree.Entry) int { return strings.Compare(a.Name, b.Name) })
	if got := list(t, m, root.ID); !slices.Equal(got, outer) {
		t.Fatalf("list gives %v", got)
	}
	for _, e := range inner {
		for _, path := range []string{e.Name, dir.Name + "/" + e.Name} {
			if got, err := tree.Lookup(t.Context(), m, root.ID, path); err != nil || got != e {
				t.Errorf("lookup %q gives %+v, %v", path, got, err)
			}
		}
	}
	edits := make(map[string]*tree.Entry)
	for _, e := range inner {
		edits[e.Name] = &e
		edits[dir.Name+"/"+e.Name] = &e
	}
	if got := update(t, m, oid.ID{}, edits); got != root {
		t.Fatal("update gives another tree than build")
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	m := newMemory()
	small := build(t, m, []tree.Entry{file("f", "1")})
	small.Name = "small"
	many := files(20_000)
	root := build(t, m, append(slices.Clone(many), small))
	for i := 0; i < len(many); i += 37 {
		e := many[i]
		if got, err := tree.Lookup(t.Context(), m, root.ID, e.Name); err != nil || got != e {
			t.Fatalf("lookup %s gives %+v, %v", e.Name, got, err)
		}
	}
	m.reads = 0
	if got, err := tree.Lookup(t.Context(), m, root.ID, "small/f"); err != nil || got != file("f", "1") || m.reads > 4 {
		t.Fatalf("lookup gives %+v, %v after %d reads", got, err, m.reads)
	}
	for _, path := range []string{
		"", "/", "small/", "/small", "small//f", "small/f/", "small/f/g", "small/g", "small/.", ".", "..", "small/../small",
		"a", "img-", "img-0000001", "img-0000001.png/x", "zzz", "\xff",
	} {
		if got, err := tree.Lookup(t.Context(), m, root.ID, path); !errs.Is(err, errs.NotFound) {
			t.Errorf("lookup %q gives %+v, %v", path, got, err)
		}
	}
	if _, err := tree.Lookup(t.Context(), m, oid.Sum(nil), "a"); !errs.Is(err, errs.NotFound) {
		t.Errorf("lookup in a directory that is not there: %v", err)
	}
}

func TestWalkIsSortedParentsFirst(t *testing.T) {
	t.Parallel()
	m := newMemory()
	paths := []string{"a", "b/a/x", "b/a/y", "b/b", "b.c", "b0/z", "c/d/e/f"}
	edits := make(map[string]*tree.Entry)
	for _, p := range paths {
		e := file("", p)
		edits[p] = &e
	}
	root := update(t, m, oid.ID{}, edits)
	var got []string
	walk := func(stop string) error {
		got = nil
		return tree.Walk(t.Context(), m, root.ID, func(p string, e tree.Entry) error {
			got = append(got, p)
			if e.Name != p[strings.LastIndex(p, "/")+1:] {
				t.Errorf("%s has the name %s", p, e.Name)
			}
			if p == stop {
				return errStop
			}
			return nil
		})
	}
	if err := walk(""); err != nil {
		t.Fatal(err)
	}
	want := "a b b/a b/a/x b/a/y b/b b.c b0 b0/z c c/d c/d/e c/d/e/f"
	if strings.Join(got, " ") != want {
		t.Fatalf("walk gives %q, want %s", got, want)
	}
	if err := walk("b/a/x"); !errors.Is(err, errStop) || len(got) != 4 {
		t.Fatalf("a walk that is stopped gives %q, %v", got, err)
	}
}

var errStop = errors.New("stop")

// TestNodesDoesNotEnterWhatIsKnown: after a push, a changed file costs the
// nodes on its path.
func TestNodesDoesNotEnterWhatIsKnown(t *testing.T) {
	t.Parallel()
	m := newMemory()
	dir := build(t, m, files(20_000))
	dir.Name = "data"
	root := build(t, m, []tree.Entry{dir, file("readme", "r")})
	have := make(map[oid.ID]bool)
	nodes := func(id oid.ID) (order []oid.ID, objects map[oid.ID]int64) {
		objects = make(map[oid.ID]int64)
		err := tree.Nodes(t.Context(), m, id, func(id oid.ID) bool { return have[id] }, func(id oid.ID, node bool, size int64) error {
			if b, ok := m.nodes[id]; ok != node || ok && size != int64(len(b)) {
				t.Errorf("%s: node is %v, %d bytes", id, node, size)
			}
			order = append(order, id)
			objects[id] = size
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return order, objects
	}
	order, all := nodes(root.ID)
	if order[0] != root.ID || len(all) != len(m.nodes)+20_000+1 {
		t.Fatalf("%d objects, want %d nodes and 20,001 files; the first is %s", len(all), len(m.nodes), order[0])
	}
	maps.DeleteFunc(all, func(id oid.ID, _ int64) bool { have[id] = true; return true })
	if order, _ := nodes(root.ID); order != nil {
		t.Fatalf("%d objects of a known tree", len(order))
	}
	changed := file("", "new content")
	next := update(t, m, root.ID, map[string]*tree.Entry{"data/img-0001234.png": &changed})
	m.reads = 0
	order, _ = nodes(next.ID)
	if len(order) != 4 || order[3] != changed.ID || m.reads != 3 {
		t.Fatalf("one changed file: %d objects after %d reads, want root, inner node, leaf and file", len(order), m.reads)
	}
}
