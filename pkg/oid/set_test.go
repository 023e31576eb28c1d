package oid_test

import (
	"encoding/binary"
	"testing"

	"github.com/mlops-cli/mlops/pkg/oid"
)

func numbered(i int) oid.ID { return oid.Sum(binary.LittleEndian.AppendUint64(nil, uint64(i))) }

func TestSetHoldsWhatWasAdded(t *testing.T) {
	t.Parallel()
	var s oid.Set
	if s.Has(numbered(0)) {
		t.Fatal("an empty set has an id")
	}
	const n = 20000
	for i := range n {
		if !s.Add(numbered(i)) || s.Add(numbered(i/2)) {
			t.Fatalf("id %d: Add does not tell new from old", i)
		}
	}
	for _, keep := range []int{n, n - 1, 8192, 8191, 1, 0} {
		s.Truncate(keep)
		if s.Len() != keep {
			t.Fatalf("%d ids after Truncate(%d)", s.Len(), keep)
		}
		for i := range n {
			if s.Has(numbered(i)) != (i < keep) {
				t.Fatalf("after Truncate(%d), Has(%d) is %v", keep, i, i >= keep)
			}
		}
	}
	if !s.Add(numbered(7)) || !s.Has(numbered(7)) || s.Len() != 1 {
		t.Fatal("a set that was emptied cannot be used again")
	}
}
