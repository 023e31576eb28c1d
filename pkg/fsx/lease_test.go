package fsx_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mlops-cli/mlops/pkg/fsx"
)

func TestLeaseHasOneHolderAndSaysWhatADeadOneDid(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lease")
	take := func() (*fsx.Lease, string) {
		t.Helper()
		l, held, err := fsx.TryLease(path)
		if err != nil {
			t.Fatal(err)
		}
		return l, string(held)
	}
	a, _ := take()
	if a == nil || a.Left != nil {
		t.Fatalf("a fresh lease: %+v", a)
	}
	for _, text := range []string{"a long text", "short"} {
		if err := a.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if b, held := take(); b != nil || held != "short" {
		t.Fatalf("taken twice, held by %q", held)
	}
	if held, text, err := fsx.LeaseHeld(path); !held || string(text) != "short" || err != nil {
		t.Fatalf("held %t %q %v", held, text, err)
	}
	if err := a.Abandon(); err != nil {
		t.Fatal(err)
	}
	if held, text, err := fsx.LeaseHeld(path); held || string(text) != "short" || err != nil {
		t.Fatalf("after its holder died: held %t %q %v", held, text, err)
	}
	b, _ := take()
	if b == nil || string(b.Left) != "short" {
		t.Fatalf("after its holder died: %+v", b)
	}
	if err := b.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a lease given up is still there")
	}
	if held, text, err := fsx.LeaseHeld(path); held || text != nil || err != nil {
		t.Fatalf("given up: held %t %q %v", held, text, err)
	}
}

func TestLeaseIsNeverHeldTwiceWhileFilesComeAndGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "lease")
	var holders, taken atomic.Int32
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			take, release := fsx.TryLease, (*fsx.Lease).Release
			if worker%2 == 1 {
				pool := fsx.NewLeasePool(dir, worker)
				take, release = pool.TryLease, pool.Release
				defer func() {
					if err := pool.Close(); err != nil {
						t.Error(err)
					}
				}()
			}
			for taken.Load() < 500 {
				l, _, err := take(path)
				if err != nil {
					t.Error(err)
					return
				}
				if l == nil {
					continue
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d holders at once", n)
				}
				taken.Add(1)
				holders.Add(-1)
				if err := release(l); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 1+3+5+7 || slices.ContainsFunc(left, func(e os.DirEntry) bool { return !fsx.IsSpare(e.Name()) }) {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestLeasePoolUsesTheFilesThatAnotherLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names := func() (all []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			all = append(all, e.Name())
		}
		return all
	}
	use := func(pool *fsx.LeasePool, n int) {
		t.Helper()
		var leases []*fsx.Lease
		for i := range n {
			l, held, err := pool.TryLease(filepath.Join(dir, string(rune('a'+i))))
			if l == nil || err != nil || l.Left != nil {
				t.Fatalf("%+v, %q, %v", l, held, err)
			}
			if err := l.Write([]byte("mine")); err != nil {
				t.Fatal(err)
			}
			leases = append(leases, l)
		}
		for _, l := range leases {
			if err := pool.Release(l); err != nil {
				t.Fatal(err)
			}
		}
	}
	first := fsx.NewLeasePool(dir, 3)
	use(first, 5)
	second := fsx.NewLeasePool(dir, 3)
	use(second, 2) // those of the first are taken
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	before := names()
	third := fsx.NewLeasePool(dir, 3)
	use(third, 3)
	if err := third.Close(); err != nil {
		t.Fatal(err)
	}
	if after := names(); runtime.GOOS != "windows" && (len(before) == 0 || len(after) > len(before)) {
		t.Errorf("before %v, after %v", before, after)
	}
}
