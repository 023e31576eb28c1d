package tree

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
)

func sample() [][]byte {
	id := oid.Sum([]byte("x"))
	return [][]byte{
		encode(0, nil),
		encode(0, []Entry{
			{Name: "a", Kind: File, Size: 300, Files: 1, ID: id},
			{Name: "ab\n", Kind: File, Exec: true, Size: 0, Files: 1, ID: id},
			{Name: "d", Kind: Dir, Size: 1 << 40, Files: 1 << 20, ID: id},
			{Name: "\xff", Kind: Symlink, Size: 4, Files: 1, ID: id},
		}),
		encode(2, []Entry{{Name: "k", Size: 7, Files: 900, ID: id}, {Name: "z", Size: 0, Files: 1, ID: id}}),
		encode(maxLevel, []Entry{{Name: "k", Size: 7, Files: 900, ID: id}}),
	}
}

// FuzzNode holds that what is accepted is encoded to the same bytes: a
// directory has one id.
func FuzzNode(f *testing.F) {
	for _, b := range sample() {
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Add(binary.AppendUvarint([]byte{'T', 1, 1, maxLevel}, 1<<60))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := decode(b)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("error is %v", err)
			}
			return
		}
		if !bytes.Equal(encode(n.level, n.entries), b) {
			t.Fatal("the node is encoded to other bytes")
		}
		for i, e := range n.entries {
			if e.Size < 0 || e.Files < 0 || CheckName(e.Name) != nil || i > 0 && n.entries[i-1].Name >= e.Name {
				t.Fatalf("entry %d is %+v", i, e)
			}
			if n.level == 0 && check(e) != nil {
				t.Fatalf("build would refuse entry %d: %v", i, check(e))
			}
		}
	})
}

func TestDecodeIsStrict(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("\x11", oid.Size)
	for _, c := range []struct{ name, node, want string }{
		{"nothing", "", "ends early"},
		{"only a head", "T\x01\x01\x00", "bad number"},
		{"other magic", "X\x01\x01\x00\x00", "version"},
		{"next version", "T\x02\x01\x00\x00", "version 2"},
		{"other hash", "T\x01\x02\x00\x00", "hash 2"},
		{"level", "T\x01\x01\x07\x01" + "\x00\x01a\x00\x01" + id, "level 7"},
		{"empty inner node", "T\x01\x01\x01\x00", "0 entries"},
		{"too many entries", "T\x01\x01\x00\x81\x40" + strings.Repeat(id, 20000), "8193 entries"},
		{"count overflows", "T\x01\x01\x06\x80\x80\x80\x80\x80\x80\x80\x80\x10" + id, "ends early"},
		{"count beyond the end", "T\x01\x01\x00\x02" + "\x00\x01a\x01\x05" + id, "ends early"},
		{"long number", "T\x01\x01\x00\x81\x00" + "\x00\x01a\x01\x05" + id, "bad number"},
		{"number of 70 bits", "T\x01\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "bad number"},
		{"name beyond the end", "T\x01\x01\x00\x01" + "\x00\x7fa\x01\x05" + id, "ends early"},
		{"first name shares", "T\x01\x01\x00\x01" + "\x01\x01a\x01\x05" + id, "bad name"},
		{"empty name", "T\x01\x01\x00\x01" + "\x00\x00\x01\x05\x00" + id, "cannot stand"},
		{"dot", "T\x01\x01\x00\x01" + "\x00\x01.\x01\x05" + id, "cannot stand"},
		{"slash", "T\x01\x01\x00\x01" + "\x00\x01/\x01\x05" + id, "cannot stand"},
		{"order", "T\x01\x01\x00\x02" + "\x00\x01b\x00\x01a\x01\x05\x01\x05" + id + id, "order"},
		{"twice", "T\x01\x01\x00\x02" + "\x00\x01b\x01\x00\x01\x05\x01\x05" + id + id + "\x00", "order"},
		{"prefix not shared", "T\x01\x01\x00\x02" + "\x00\x01a\x00\x02ab\x01\x05\x01\x05" + id + id, "order"},
		{"kind 0", "T\x01\x01\x00\x01" + "\x00\x01a\x00\x05" + id, "kind"},
		{"kind 4", "T\x01\x01\x00\x01" + "\x00\x01a\x04\x05" + id, "kind"},
		{"executable link", "T\x01\x01\x00\x01" + "\x00\x01a\x83\x05" + id, "kind"},
		{"huge size", "T\x01\x01\x00\x01" + "\x00\x01a\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" + id, "too large"},
		{"short id", "T\x01\x01\x00\x01" + "\x00\x01a\x02\x85\x01\x01" + id[3:], "ends early"},
		{"bytes behind", "T\x01\x01\x00\x01" + "\x00\x01a\x01\x05" + id + "x", "behind the end"},
		{"nothing wrong", "T\x01\x01\x00\x01" + "\x00\x01a\x01\x05" + id, ""},
	} {
		n, err := decode([]byte(c.node))
		switch {
		case c.want == "" && (err != nil || len(n.entries) != 1):
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (!errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: error is %v, want one with %q", c.name, err, c.want)
		}
	}
	for _, b := range sample() {
		for n := range b {
			if _, err := decode(b[:n]); !errors.Is(err, ErrFormat) {
				t.Errorf("%d of %d bytes: %v", n, len(b), err)
			}
		}
	}
}

// nodes is a Source of given bytes.
type nodes map[oid.ID][]byte

func (n nodes) Tree(_ context.Context, id oid.ID) ([]byte, error) { return n[id], nil }

func (n nodes) PutTree(b []byte) (oid.ID, error) {
	id := oid.Sum(b)
	n[id] = b
	return id, nil
}

// TestBadTreesAreCorrupt: every way to read a tree says so of a node that is
// none, and of one on the wrong level.
func TestBadTreesAreCorrupt(t *testing.T) {
	t.Parallel()
	src := make(nodes)
	put := func(b []byte) oid.ID { id := oid.Sum(b); src[id] = b; return id }
	good := put(encode(0, nil))
	above := func(id oid.ID) oid.ID { return put(encode(2, []Entry{{Name: "z", Files: 1, ID: id}})) }
	for name, bad := range map[string]oid.ID{
		"no node":       put([]byte("hello")),
		"no node below": above(put([]byte("hello"))),
		"leaf too high": above(put(encode(0, []Entry{{Name: "z", Kind: File, Files: 1, ID: good}}))),
		"itself below":  above(above(good)),
	} {
		stop := func() error { return nil }
		for call, err := range map[string]error{
			"list":      List(t.Context(), src, bad, func(Entry) error { return stop() }),
			"walk":      Walk(t.Context(), src, bad, func(string, Entry) error { return stop() }),
			"lookup":    second(Lookup(t.Context(), src, bad, "a")),
			"diff old":  Diff(t.Context(), src, bad, good, func(Change) error { return stop() }),
			"diff new":  Diff(t.Context(), src, oid.ID{}, bad, func(Change) error { return stop() }),
			"update":    second(Update(t.Context(), src, src, bad, map[string]*Entry{"a": nil})),
			"update in": second(Update(t.Context(), src, src, bad, map[string]*Entry{"a/b": nil})),
		} {
			if !errs.Is(err, errs.Corrupt) || !errors.Is(err, ErrFormat) {
				t.Errorf("%s of %s: %v", call, name, err)
			}
		}
	}
	bad := put([]byte("hello"))
	err := Nodes(t.Context(), src, bad, func(oid.ID) bool { return false }, func(oid.ID, bool, int64) error { return nil })
	if !errs.Is(err, errs.Corrupt) {
		t.Errorf("nodes: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestForcedCut: names chosen so that none ends a node still make nodes of at
// most 8,192 entries, and one more name at the front moves cuts only as far
// as the next name that ends a node by itself.
func TestForcedCut(t *testing.T) {
	t.Parallel()
	var list []Entry
	for i := 0; len(list) < 3*cutLimit; i++ {
		name := fmt.Sprintf("%08d", i)
		if !ends(name, 0) {
			list = append(list, Entry{Name: name, Kind: File, Files: 1})
		}
	}
	src := make(nodes)
	dir, err := Build(src, list)
	if err != nil {
		t.Fatal(err)
	}
	n, err := decode(src[dir.ID])
	if err != nil || n.level != 1 || len(n.entries) != 3 || n.entries[0].Files != cutLimit {
		t.Fatalf("root is %+v, %v", n, err)
	}
	got := 0
	if err := List(t.Context(), src, dir.ID, func(e Entry) error {
		if e.Name != list[got].Name {
			t.Fatalf("entry %d is %s, want %s", got, e.Name, list[got].Name)
		}
		got++
		return nil
	}); err != nil || got != len(list) {
		t.Fatalf("%d entries, %v", got, err)
	}
}

// TestHeight makes a high tree of few entries: names that end nodes on two
// levels.
func TestHeight(t *testing.T) {
	t.Parallel()
	var list []Entry
	for i := 0; len(list) < 4; i++ {
		if name := fmt.Sprintf("n%d", i); xxh3.HashString(name)&(1<<(2*cutBits)-1) == 0 {
			list = append(list, Entry{Name: name, Kind: File, Files: 1, ID: oid.Sum([]byte(name))})
		}
	}
	src := make(nodes)
	dir, err := Build(src, list)
	if err != nil {
		t.Fatal(err)
	}
	n, err := decode(src[dir.ID])
	if err != nil || n.level != 2 || len(n.entries) != 4 {
		t.Fatalf("root is %+v, %v", n, err)
	}
	for _, e := range list {
		if got, err := Lookup(t.Context(), src, dir.ID, e.Name); err != nil || got != e {
			t.Fatalf("lookup %s: %+v, %v", e.Name, got, err)
		}
	}
}

func TestKindNames(t *testing.T) {
	t.Parallel()
	for _, k := range []Kind{File, Dir, Symlink} {
		if got, err := ParseKind(k.String()); err != nil || got != k {
			t.Errorf("kind %s: %v, %v", k, got, err)
		}
	}
	if _, err := ParseKind("socket"); err == nil || Kind(9).String() != "kind 9" {
		t.Errorf("kind 9 is %s, a socket %v", Kind(9), err)
	}
}
