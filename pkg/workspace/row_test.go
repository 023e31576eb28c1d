package workspace

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/tree"
)

var update = flag.Bool("update", false, "write the golden files anew")

func someItems() []item {
	return []item{
		{name: "a", kind: tree.File, size: 1 << 40, mtime: 1700000000123456789, ctime: 1700000000123456790, inode: 42, id: oid.Sum([]byte("a"))},
		{name: "b\n\xff", kind: tree.Symlink, size: 3, mtime: -1, ctime: 5, inode: 1<<63 + 7, id: oid.Sum([]byte("b"))},
		{name: "dir", kind: tree.Dir, size: 300, files: 7, id: oid.Sum([]byte("dir"))},
		{name: "run.sh", kind: tree.File, exec: true, mtime: 1, ctime: 1, id: oid.Sum(nil)},
	}
}

func TestRowIsReadForEver(t *testing.T) {
	t.Parallel()
	file := filepath.Join("testdata", "row-v1.hex")
	got := hex.EncodeToString(encodeItems(someItems())) + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Fatalf("entries are encoded as %s, want %s (%v)", got, want, err)
	}
	raw, err := hex.DecodeString(string(want[:len(want)-1]))
	if err != nil {
		t.Fatal(err)
	}
	back, err := decodeItems(string(raw))
	if err != nil || !reflect.DeepEqual(back, someItems()) {
		t.Fatalf("decoded %+v, %v", back, err)
	}
	for n := range raw {
		if _, err := decodeItems(string(raw[:n])); err == nil {
			t.Errorf("the first %d bytes were taken for a whole row", n)
		}
	}
}

func TestRacyFilesAreNotTrusted(t *testing.T) {
	t.Parallel()
	const now = 1_700_000_000_500_000_000
	for _, c := range []struct {
		mtime, ctime int64
		want         bool
	}{
		{now - 1, now - 1, true},
		{now + 5, 1, true},
		{1, now - 1e6, true},
		{now - 20e6, now - 20e6, false},
		{now - 500_000_000, 1, true}, // whole seconds: a coarse clock
		{now - 2_500_000_000, 1, false},
	} {
		if got := racy(c.mtime, c.ctime, now); got != c.want {
			t.Errorf("mtime %d, ctime %d: racy %t, want %t", c.mtime-now, c.ctime-now, got, c.want)
		}
	}
}

func FuzzRow(f *testing.F) {
	f.Add(encodeItems(someItems()))
	f.Add(encodeItems(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		items, err := decodeItems(string(b))
		if err != nil {
			return
		}
		if again := encodeItems(items); string(again) != string(b) {
			t.Fatalf("two spellings of one row:\n%x\n%x", b, again)
		}
	})
}
