package watch

import (
	"testing"
	"time"
)

// TestBlindAsksToLook: where the system cannot watch, somebody looks now and then.
func TestBlindAsksToLook(t *testing.T) {
	t.Parallel()
	w := &Watcher{dirs: map[string]bool{}, changed: map[string]bool{}, wake: make(chan struct{}, 1), poll: 10 * time.Millisecond, blind: true}
	if err := w.Watch(Set{Paths: []string{t.TempDir()}}); err != nil {
		t.Fatal(err)
	}
	if !w.Blind() {
		t.Error("it says it sees")
	}
	for range 2 {
		if paths, err := w.Wait(t.Context()); err != nil || paths != nil {
			t.Errorf("got %q, %v", paths, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}
