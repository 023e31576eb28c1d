package pack_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
)

func index(t testing.TB, kind pack.Kind, list [][]byte) *pack.Index {
	t.Helper()
	b, _ := write(t, kind, list)
	x, err := pack.ParsePack(b)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestMultiFindsWhatThePacksHold(t *testing.T) {
	t.Parallel()
	shared := blobs(50, 9)
	packs := []*pack.Index{
		index(t, pack.Data, append(blobs(300, 4)[1:], shared...)),
		index(t, pack.Data, nil),
		index(t, pack.Tree, append(blobs(200, 5)[1:], shared...)),
	}
	b := encodeMulti(t, packs)
	if err := pack.VerifyMulti(b); err != nil {
		t.Fatal(err)
	}
	m, err := pack.ParseMulti(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Packs()) != 3 || m.Packs()[2] != packs[2].Pack() || m.Len() != 299+199+50 {
		t.Fatalf("%d packs, %d objects", len(m.Packs()), m.Len())
	}
	seen := make(map[oid.ID]bool)
	for _, x := range packs {
		for i := range x.Len() {
			want := x.At(i)
			if seen[want.ID] {
				continue // an earlier pack has it: that one is named
			}
			seen[want.ID] = true
			id, kind, e, ok := m.Find(want.ID)
			if !ok || id != x.Pack() || kind != x.Kind() || e != want {
				t.Fatalf("find gives %s %s %+v %v, want %s %s %+v", id, kind, e, ok, x.Pack(), x.Kind(), want)
			}
		}
	}
	if _, _, _, ok := m.Find(oid.Sum([]byte("missing"))); ok {
		t.Fatal("found an object that no pack has")
	}
	if !bytes.Equal(b, encodeMulti(t, packs)) {
		t.Fatal("the same packs give two indexes")
	}
}

func TestMultiOfNothing(t *testing.T) {
	t.Parallel()
	m, err := pack.ParseMulti(encodeMulti(t, nil))
	if err != nil || m.Len() != 0 || len(m.Packs()) != 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	if _, _, _, ok := m.Find(oid.ID{}); ok {
		t.Fatal("found an object in nothing")
	}
}

// TestBrokenMultiIsSeen flips each bit: Verify sees it, and Parse with Find
// give an error or an answer, never a panic.
func TestBrokenMultiIsSeen(t *testing.T) {
	t.Parallel()
	x := index(t, pack.Data, blobs(20, 6))
	whole := encodeMulti(t, []*pack.Index{x})
	for at := range whole {
		for bit := range 8 {
			b := bytes.Clone(whole)
			b[at] ^= 1 << bit
			if err := pack.VerifyMulti(b); !errors.Is(err, pack.ErrFormat) {
				t.Fatalf("bit %d of byte %d: verify says %v", bit, at, err)
			}
			findAll(b)
			if at < 24 { // the fixed head
				if _, err := pack.ParseMulti(b); !errors.Is(err, pack.ErrFormat) {
					t.Fatalf("bit %d of byte %d: parse says %v", bit, at, err)
				}
			}
		}
	}
	for n := range whole {
		if _, err := pack.ParseMulti(whole[:n]); !errors.Is(err, pack.ErrFormat) {
			t.Fatalf("%d of %d bytes: parse says %v", n, len(whole), err)
		}
		if err := pack.VerifyMulti(whole[:n]); !errors.Is(err, pack.ErrFormat) {
			t.Fatalf("%d of %d bytes: verify says %v", n, len(whole), err)
		}
	}
}

// findAll looks up every id that the bytes may list.
func findAll(b []byte) int {
	m, err := pack.ParseMulti(b)
	if err != nil {
		return 0
	}
	found := 0
	for at := 24; at+oid.Size <= len(b); at++ {
		if _, _, _, ok := m.Find(oid.ID(b[at : at+oid.Size])); ok {
			found++
		}
	}
	return found
}
