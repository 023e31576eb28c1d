package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/store"
)

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dir, store.Options{What: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func begin(t *testing.T, s *store.Store) *store.Batch {
	t.Helper()
	b, err := s.NewBatch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func put(t *testing.T, s *store.Store, data ...[]byte) []oid.ID {
	t.Helper()
	b := begin(t, s)
	ids := make([]oid.ID, len(data))
	for i, d := range data {
		id, err := b.PutBytes(d)
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = id
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return ids
}

func random(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	r.Read(b)
	return b
}

// problems is what Verify says of the store.
func problems(t *testing.T, s *store.Store) []store.Problem {
	t.Helper()
	var all []store.Problem
	if err := s.Verify(t.Context(), progress.Nop{}, func(p store.Problem) { all = append(all, p) }); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestStoreIsAMap holds the store against a map through many batches, reopens
// and the sizes around which it changes its ways.
func TestStoreIsAMap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	r := rand.New(rand.NewPCG(1, 2))
	sizes := []int{0, 1, 100, 4096, store.LooseSize - 1, store.LooseSize, store.LooseSize + 1}
	model := make(map[oid.ID][]byte)
	for round := range 30 {
		b := begin(t, s)
		pending := make(map[oid.ID][]byte)
		for i := range 20 {
			size := sizes[r.IntN(len(sizes))]
			if i == 0 && round%6 == 0 {
				size = 5 << 20 // read and written by blocks
			}
			data := random(size, uint64(round*20+i))
			if r.IntN(4) == 0 && len(model) > 0 {
				for _, known := range model { // again
					data = known
					break
				}
			}
			id, err := b.PutBytes(data)
			if err != nil {
				t.Fatal(err)
			}
			pending[id] = data
		}
		if r.IntN(4) > 0 {
			if err := b.Commit(); err != nil {
				t.Fatal(err)
			}
			maps.Copy(model, pending)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if r.IntN(5) == 0 {
			s = open(t, dir)
		}
		for id := range pending {
			if _, in := model[id]; s.Has(id) != in {
				t.Fatalf("round %d: has %s is %v, want %v", round, id, !in, in)
			}
		}
	}
	for id, want := range model {
		got, err := s.Get(t.Context(), id)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("get %s: %d bytes, %v; want %d", id, len(got), err, len(want))
		}
		info, err := s.Stat(id)
		if err != nil || info.Size != int64(len(want)) {
			t.Fatalf("stat %s: %+v, %v", id, info, err)
		}
		f, err := os.Create(filepath.Join(dir, "out"))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Materialise(t.Context(), id, f); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("materialise %s: %d bytes, %v; want %d", id, len(got), err, len(want))
		}
	}
	if p := problems(t, s); len(p) > 0 {
		t.Fatalf("verify finds %v", p)
	}
}

func TestPutFileSeesAChangedSize(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	for _, size := range []int{10, store.LooseSize, 5 << 20} {
		path := filepath.Join(dir, "f")
		data := random(size, 7)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		b := begin(t, s)
		for _, said := range []int{size - 1, size, size + 1} {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			id, err := b.PutFile(f, int64(said))
			if said == size {
				if err != nil || id != oid.Sum(data) {
					t.Fatalf("%d bytes: %s, %v", size, id, err)
				}
			} else if !errors.Is(err, store.ErrChanged) {
				t.Fatalf("%d bytes said to be %d: %v", size, said, err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestManyWritersAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			ctx := context.WithoutCancel(t.Context())
			s, err := store.Open(ctx, dir, store.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for i := range 10 {
				b, err := s.NewBatch(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				for j := range 10 {
					if _, err := b.PutBytes(fmt.Appendf(nil, "%d %d", (w+i)%5, j)); err != nil {
						t.Error(err)
					}
				}
				if err := errors.Join(b.Commit(), b.Close()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s := open(t, dir)
	for i := range 5 {
		for j := range 10 {
			if id := oid.Sum(fmt.Appendf(nil, "%d %d", i, j)); !s.Has(id) {
				t.Errorf("object %d %d is lost", i, j)
			}
		}
	}
	if p := problems(t, s); len(p) > 0 {
		t.Fatalf("verify finds %v", p)
	}
}

func TestAnotherProcessSeesWhatIsCommitted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	reader, writer := open(t, dir), open(t, dir)
	for i := range 30 { // more than may stand outside the merged index
		id := put(t, writer, fmt.Appendf(nil, "object %d", i))[0]
		if _, err := reader.Get(t.Context(), id); err != nil {
			t.Fatalf("object %d: %v", i, err)
		}
	}
}

func TestCommitThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"add.pack.written", "add.flushed"} {
		dir := t.TempDir()
		s := open(t, dir)
		stop := errors.New("stop")
		ctx := fault.WithHook(t.Context(), func(p string) error {
			if p == point {
				return stop
			}
			return nil
		})
		b, err := s.NewBatch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		small, err := b.PutBytes([]byte("small"))
		if err != nil {
			t.Fatal(err)
		}
		large, err := b.PutBytes(random(store.LooseSize, 3))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Commit(); !errors.Is(err, stop) {
			t.Fatalf("%s: commit says %v", point, err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if s.Has(small) || s.Has(large) {
			t.Errorf("%s: an object of the failed batch is visible", point)
		}
		left := 0
		err = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && d.Name() != "store.lock" && d.Name() != "store.lock.holder" {
				left++
			}
			return err
		})
		if err != nil || left > 0 {
			t.Errorf("%s: %d files left (%v)", point, left, err)
		}
	}
}

func TestSweepRemovesOnlyWhatIsDead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	ids := put(t, s, []byte("keep small"), []byte("drop small"), random(store.LooseSize, 1), random(store.LooseSize, 2))
	whole := put(t, s, []byte("drop a whole pack"))
	live := func(id oid.ID) bool { return id == ids[0] || id == ids[2] }
	mark := func(context.Context) (func(oid.ID) bool, error) { return live, nil }

	if res, err := s.Sweep(t.Context(), mark, store.SweepOptions{Before: time.Now().Add(-time.Hour)}); err != nil || res.Objects != 0 {
		t.Fatalf("young objects are spared: %+v, %v", res, err)
	}
	o := store.SweepOptions{Before: time.Now().Add(time.Hour), DryRun: true}
	dry, err := s.Sweep(t.Context(), mark, o)
	if err != nil || dry.Objects != 3 || !s.Has(ids[1]) || !s.Has(whole[0]) {
		t.Fatalf("dry run: %+v, %v", dry, err)
	}
	o.DryRun = false
	if res, err := s.Sweep(t.Context(), mark, o); err != nil || res != dry {
		t.Fatalf("sweep says %+v (%v), the dry run said %+v", res, err, dry)
	}
	for i, id := range append(ids, whole...) {
		if s.Has(id) != live(id) {
			t.Errorf("object %d: has is %v", i, s.Has(id))
		}
	}
	if p := problems(t, s); len(p) > 0 {
		t.Fatalf("verify finds %v", p)
	}
}

func TestSweepSparesWhatABatchFoundHere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	data := [][]byte{[]byte("small"), random(store.LooseSize, 1)}
	ids := put(t, s, data...)
	old := time.Now().Add(-30 * 24 * time.Hour)
	for _, pattern := range []string{"packs/*.pack", "objects/*/*"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(paths) != 1 {
			t.Fatalf("%v, %v", paths, err)
		}
		if err := os.Chtimes(paths[0], old, old); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, data...) // found, not stored again; nothing names it yet
	nothing := func(context.Context) (func(oid.ID) bool, error) {
		return func(oid.ID) bool { return false }, nil
	}
	if _, err := s.Sweep(t.Context(), nothing, store.SweepOptions{Before: time.Now().Add(-14 * 24 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		if !s.Has(id) {
			t.Errorf("object %d is gone", i)
		}
	}
}

// TestDamage breaks files one way each and says what must come of it.
func TestDamage(t *testing.T) {
	t.Parallel()
	flip := func(at int64) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			t.Helper()
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if at < 0 {
				b[int64(len(b))+at] ^= 1
			} else {
				b[at] ^= 1
			}
			rewrite(t, path, b)
		}
	}
	cut := func(t *testing.T, path string) {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rewrite(t, path, b[:len(b)/2])
	}
	for _, c := range []struct {
		name  string
		file  string
		do    func(*testing.T, string)
		reads bool
	}{
		{"pack header", "packs/*.pack", flip(3), false},
		{"pack blob", "packs/*.pack", flip(20), false},
		{"pack trailer", "packs/*.pack", flip(-100), false},
		{"pack footer", "packs/*.pack", flip(-20), false},
		{"half a pack", "packs/*.pack", cut, false},
		{"loose object", "objects/*/*", flip(5), false},
		{"half a loose object", "objects/*/*", cut, false},
		{"nothing", "packs/*.pack", func(*testing.T, string) {}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ids := put(t, open(t, dir), []byte("some small object"), random(store.LooseSize, 9))
			paths, err := filepath.Glob(filepath.Join(dir, c.file))
			if err != nil || len(paths) != 1 {
				t.Fatalf("%v, %v", paths, err)
			}
			c.do(t, paths[0])
			s := open(t, dir)
			var failed error
			for _, id := range ids {
				if _, err := s.Get(t.Context(), id); err != nil {
					failed = err
				}
			}
			if c.reads != (failed == nil) {
				t.Fatalf("get says %v", failed)
			}
			if failed != nil && (!errs.Is(failed, errs.Corrupt) || !strings.Contains(failed.Error(), filepath.Base(paths[0]))) {
				t.Fatalf("get says %v, want a corrupt store and the name of %s", failed, paths[0])
			}
			if p := problems(t, s); (len(p) == 0) != c.reads {
				t.Fatalf("verify finds %v", p)
			}
		})
	}
}

func rewrite(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o444); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedMergedIndexIsNotNeeded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	var ids []oid.ID
	for i := range 12 {
		ids = append(ids, put(t, s, fmt.Appendf(nil, "object %d", i))...)
	}
	path := filepath.Join(dir, "packs", "multi.idx")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("twelve packs should have a merged index: %v", err)
	}
	rewrite(t, path, b[:len(b)-5])
	s = open(t, dir)
	for _, id := range ids {
		if _, err := s.Get(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if p := problems(t, s); len(p) != 1 || p[0].Path != path {
		t.Fatalf("verify finds %v, want the merged index", p)
	}
}
