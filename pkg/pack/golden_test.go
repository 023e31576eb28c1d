package pack_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
)

var golden = flag.Bool("update", false, "write golden files that are missing; those that exist never change")

const goldenDir = "testdata/v1"

// goldenPacks are the packs of the golden files, by name.
func goldenPacks() map[string]struct {
	kind  pack.Kind
	blobs [][]byte
} {
	text := [][]byte{nil, []byte("\n"), []byte("hello, pack\n"), bytes.Repeat([]byte{0, 0xff}, 500)}
	for i := range 40 {
		text = append(text, fmt.Appendf(nil, "object %d\n", i))
	}
	return map[string]struct {
		kind  pack.Kind
		blobs [][]byte
	}{
		"data.pack":  {pack.Data, text},
		"tree.pack":  {pack.Tree, [][]byte{[]byte("T\x01\x01\x00\x00"), []byte("hello, pack\n")}},
		"empty.pack": {pack.Data, nil},
	}
}

// describe lists what a pack's index says, as the .txt beside it does.
func describe(x *pack.Index) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# id offset stored size codec\npack %s kind %s objects %d\n", x.Pack(), x.Kind(), x.Len())
	for i := range x.Len() {
		e := x.At(i)
		fmt.Fprintf(&b, "%s %d %d %d %d\n", e.ID, e.Offset, e.Stored, e.Size, e.Codec)
	}
	return b.String()
}

// describeMulti lists where an index over packs has the objects of the packs.
func describeMulti(t *testing.T, m *pack.Multi, packs []*pack.Index) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "# id pack offset stored size codec\npacks %d objects %d\n", len(m.Packs()), m.Len())
	seen := make(map[oid.ID]bool)
	for _, x := range packs {
		for i := range x.Len() {
			id := x.At(i).ID
			p, _, e, ok := m.Find(id)
			if !ok {
				t.Fatalf("object %s is not in the index over packs", id)
			}
			if !seen[id] {
				fmt.Fprintf(&b, "%s %s %d %d %d %d\n", id, p, e.Offset, e.Stored, e.Size, e.Codec)
			}
			seen[id] = true
		}
	}
	return b.String()
}

// TestGolden reads what version 1 wrote, and writes the same again.
func TestGolden(t *testing.T) {
	t.Parallel()
	byName := make(map[string]*pack.Index)
	for name, g := range goldenPacks() {
		again, _ := write(t, g.kind, g.blobs)
		stored := goldenFile(t, name, again)
		if !bytes.Equal(stored, again) {
			t.Errorf("%s: written to other bytes now", name)
		}
		x, err := pack.ParsePack(stored)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		byName[name] = x
		if want := string(goldenFile(t, name+".txt", []byte(describe(x)))); describe(x) != want {
			t.Errorf("%s: read as\n%swant\n%s", name, describe(x), want)
		}
		checkObjects(t, name, stored)
	}
	packs := []*pack.Index{byName["data.pack"], byName["empty.pack"], byName["tree.pack"]}
	again := encodeMulti(t, packs)
	stored := goldenFile(t, "multi.idx", again)
	if !bytes.Equal(stored, again) {
		t.Error("multi.idx: written to other bytes now")
	}
	m, err := pack.ParseMulti(stored)
	if err != nil {
		t.Fatal(err)
	}
	if err := pack.VerifyMulti(stored); err != nil {
		t.Error(err)
	}
	is := describeMulti(t, m, packs)
	if want := string(goldenFile(t, "multi.idx.txt", []byte(is))); is != want {
		t.Errorf("multi.idx: read as\n%swant\n%s", is, want)
	}
}

// checkObjects takes the places from the text, as another program would.
func checkObjects(t *testing.T, name string, b []byte) {
	t.Helper()
	lines := bufio.NewScanner(bytes.NewReader(goldenFile(t, name+".txt", nil)))
	for lines.Scan() {
		var hex string
		var off, stored, size, codec int
		if n, err := fmt.Sscanf(lines.Text(), "%64s %d %d %d %d", &hex, &off, &stored, &size, &codec); n < 5 || err != nil {
			continue
		}
		if got := oid.Sum(b[off : off+stored]); got.String() != hex || stored != size {
			t.Errorf("%s: object %s has the content of %s", name, hex, got)
		}
	}
}

// goldenFile reads a golden file; with -update it writes one that is missing.
func goldenFile(t *testing.T, name string, now []byte) []byte {
	t.Helper()
	path := filepath.Join(goldenDir, name)
	b, err := os.ReadFile(path)
	if *golden && now != nil && os.IsNotExist(err) {
		if err := os.MkdirAll(goldenDir, fs.ModePerm); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, now, 0o644); err != nil {
			t.Fatal(err)
		}
		return now
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}
