package store_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/store"
)

// keep is a mark that says these objects live.
func keep(ids ...oid.ID) func(context.Context) (func(oid.ID) bool, error) {
	live := make(map[oid.ID]bool)
	for _, id := range ids {
		live[id] = true
	}
	return func(context.Context) (func(oid.ID) bool, error) {
		return func(id oid.ID) bool { return live[id] }, nil
	}
}

func everything() store.SweepOptions { return store.SweepOptions{Before: time.Now().Add(time.Hour)} }

// TestSweepOfAnObjectInTwoPacks: two adds at once may both store an object.
func TestSweepOfAnObjectInTwoPacks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b1, b2 := begin(t, open(t, dir)), begin(t, open(t, dir))
	var id oid.ID
	for i, b := range []*store.Batch{b1, b2} {
		var err error
		if id, err = b.PutBytes([]byte("shared, live")); err != nil {
			t.Fatal(err)
		}
		if _, err := b.PutBytes(fmt.Appendf(nil, "dead %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range []*store.Batch{b1, b2} {
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := open(t, dir).Sweep(t.Context(), keep(id), everything()); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if got, err := s.Get(t.Context(), id); err != nil || string(got) != "shared, live" {
		t.Fatalf("get says %q, %v", got, err)
	}
	if p := problems(t, s); len(p) > 0 {
		t.Fatalf("verify finds %v", p)
	}
}

// TestReaderDuringSweep: a process that listed the packs before another swept
// them still finds what lives.
func TestReaderDuringSweep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	var live []oid.ID
	for i := range 10 {
		live = append(live, put(t, s, fmt.Appendf(nil, "live %d", i), fmt.Appendf(nil, "dead %d", i))[0])
	}
	reader := open(t, dir)
	if _, err := open(t, dir).Sweep(t.Context(), keep(live...), everything()); err != nil {
		t.Fatal(err)
	}
	for i, id := range live {
		if got, err := reader.Get(t.Context(), id); err != nil || string(got) != fmt.Sprintf("live %d", i) {
			t.Errorf("object %d: %q, %v", i, got, err)
		}
	}
}

// TestFlippedBitsInTheMergedIndex: a damaged index never costs an object.
func TestFlippedBitsInTheMergedIndex(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	var ids []oid.ID
	for i := range 10 {
		ids = append(ids, put(t, s, fmt.Appendf(nil, "object %d", i))...)
	}
	path := filepath.Join(dir, "packs", "multi.idx")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := range good {
		bad := bytes.Clone(good)
		bad[at] ^= 0x40
		rewrite(t, path, bad)
		s, err := store.Open(t.Context(), dir, store.Options{})
		if err != nil {
			t.Fatalf("byte %d: %v", at, err)
		}
		for i, id := range ids {
			if got, err := s.Get(t.Context(), id); err != nil || string(got) != fmt.Sprintf("object %d", i) {
				t.Errorf("byte %d of %d, object %d: %q, %v", at, len(good), i, got, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMergedIndexThatAnotherProcessReplaced: that an index was found good says
// nothing of the one that stands there now.
func TestMergedIndexThatAnotherProcessReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	var ids []oid.ID
	for i := range 10 {
		ids = append(ids, put(t, s, fmt.Appendf(nil, "object %d", i))...)
	}
	reader := open(t, dir)
	if reader.Has(oid.Sum([]byte("nowhere"))) { // has the index verified
		t.Fatal("an object is there that nobody stored")
	}
	path := filepath.Join(dir, "packs", "multi.idx")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		bad := bytes.Clone(good)
		at := bytes.Index(bad, id[:])
		if at < 0 {
			continue // in a pack outside the index
		}
		bad[at] ^= 0x40
		rewrite(t, path, bad)
		if _, err := reader.Get(t.Context(), id); err != nil {
			t.Errorf("object %s: %v", id, err)
		}
	}
}

// TestManySmallBatchesLeaveFewPacks: as a pipeline of many stages makes them.
func TestManySmallBatchesLeaveFewPacks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	var ids []oid.ID
	for i := range 200 {
		ids = append(ids, put(t, s, fmt.Appendf(nil, "object %d", i))...)
	}
	packs, err := s.Packs()
	if err != nil || len(packs) > 80 {
		t.Fatalf("%d packs (%v), want far fewer than batches", len(packs), err)
	}
	for i, id := range ids {
		if !s.Has(id) {
			t.Errorf("object %d is gone", i)
		}
	}
	if p := problems(t, s); len(p) > 0 {
		t.Fatalf("verify finds %v", p)
	}
}
