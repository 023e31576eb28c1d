package fsx_test

import (
	"os"
	"path/filepath"
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
				pool := fsx.NewLeasePool(dir)
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
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}
