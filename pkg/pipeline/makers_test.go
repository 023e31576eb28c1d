package pipeline

import "testing"

func TestMakersFindWhatIsAround(t *testing.T) {
	t.Parallel()
	m := newMakers()
	if !m.empty() || m.around("a") != "" || m.around(".") != "" {
		t.Error("an empty one finds something")
	}
	m.set("a/b/c", "one")
	m.set("a/d", "two")
	m.set("/abs/x", "three")
	for p, want := range map[string]string{
		"a/b/c": "one", "a/b/c/file": "one", "a/b": "one", "a/d": "two", "a/d/e": "two", "a": "one", ".": "one",
		"a/bc": "", "b": "", "a/b/cc": "", "/abs/x": "three", "/abs": "three", "/other": "",
	} {
		if got := m.around(p); got != want {
			t.Errorf("around %s: %q, want %q", p, got, want)
		}
	}
	if m.of("a/b") != "" || m.of("a/d") != "two" {
		t.Error("of is not exact")
	}
}
