package tree_test

import (
	"testing"

	"github.com/mlops-cli/mlops/pkg/tree"
)

// BenchmarkMillion works on one directory of a million files.
func BenchmarkMillion(b *testing.B) {
	m := newMemory()
	all := files(1_000_000)
	root := build(b, m, all)
	changed := all[777_777]
	changed.ID[0] ^= 1
	edit := map[string]*tree.Entry{changed.Name: &changed}
	other := update(b, m, root.ID, edit)
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			build(b, m, all)
		}
	})
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			if err := tree.List(b.Context(), m, root.ID, func(tree.Entry) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("lookup", func(b *testing.B) {
		for b.Loop() {
			if _, err := tree.Lookup(b.Context(), m, root.ID, changed.Name); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("diff one", func(b *testing.B) {
		for b.Loop() {
			n := 0
			err := tree.Diff(b.Context(), m, root.ID, other.ID, func(tree.Change) error { n++; return nil })
			if err != nil || n != 1 {
				b.Fatalf("%d changes, %v", n, err)
			}
		}
	})
	b.Run("update one", func(b *testing.B) {
		for b.Loop() {
			if update(b, m, root.ID, edit) != other {
				b.Fatal("another tree")
			}
		}
	})
}
