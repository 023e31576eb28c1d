package store_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
	"github.com/mlops-cli/mlops/pkg/store"
)

// TestAdopt takes files in that were fetched whole: a pack and a large object.
func TestAdopt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	var packed bytes.Buffer
	w, err := pack.NewWriter(&packed, pack.Data, [pack.NonceSize]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	small, large := []byte("small"), random(store.LooseSize, 5)
	if err := w.Append(oid.Sum(small), small); err != nil {
		t.Fatal(err)
	}
	id, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	temp := func(name string, data []byte) string {
		path := filepath.Join(dir, "tmp", name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	b := begin(t, s)
	if err := b.AdoptPack(temp("bad", packed.Bytes()[1:])); !errs.Is(err, errs.Corrupt) {
		t.Fatalf("a damaged pack: %v", err)
	}
	if err := b.AdoptPack(temp("pack", packed.Bytes())); err != nil {
		t.Fatal(err)
	}
	if err := b.AdoptObject(temp("object", large), oid.Sum(large)); err != nil {
		t.Fatal(err)
	}
	wanted := []oid.ID{oid.Sum([]byte("other")), oid.Sum(large), oid.Sum(small)}
	if missing, err := s.Missing(slices.Clone(wanted)); err != nil || !slices.Equal(missing, wanted) {
		t.Fatalf("before the commit %v are missing, %v", missing, err)
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if missing, err := open(t, dir).Missing(slices.Clone(wanted)); err != nil || !slices.Equal(missing, wanted[:1]) {
		t.Fatalf("after the commit %v are missing, %v", missing, err)
	}
	for _, data := range [][]byte{small, large} {
		if got, err := s.Get(t.Context(), oid.Sum(data)); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes: %v", len(data), err)
		}
	}
	if info, err := s.Stat(oid.Sum(small)); err != nil || info.Pack != id {
		t.Fatalf("stat says %+v, %v", info, err)
	}
	if p := problems(t, s); len(p) > 0 {
		t.Fatalf("verify finds %v", p)
	}
}

// TestTreesAreInPacksOfTheirOwn, whatever their size.
func TestTreesAreInPacksOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	b := begin(t, s)
	nodes := make(map[oid.ID][]byte)
	for i := range 50 {
		node := random(1+i*8000, uint64(i))
		id, err := b.PutTree(node)
		if err != nil {
			t.Fatal(err)
		}
		nodes[id] = node
		if _, err := b.PutBytes(fmt.Appendf(nil, "data %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // from the pack, then from memory
		for id, want := range nodes {
			if got, err := s.Tree(t.Context(), id); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("node of %d bytes: %v", len(want), err)
			}
		}
	}
	if _, err := s.Tree(t.Context(), oid.ID{1}); !errs.Is(err, errs.NotFound) {
		t.Fatalf("a node that is not there: %v", err)
	}
	count := make(map[pack.Kind]int)
	err := s.Objects(func(id oid.ID, info store.Info) error {
		if _, node := nodes[id]; node != (info.Kind == pack.Tree) || info.Loose {
			t.Errorf("object %s is %+v", id, info)
		}
		count[info.Kind]++
		return nil
	})
	packs, perr := s.Packs()
	if err != nil || perr != nil || len(packs) != 2 || count[pack.Tree] != 50 || count[pack.Data] != 50 {
		t.Fatalf("%d packs with %v, %v, %v", len(packs), count, err, perr)
	}
}
