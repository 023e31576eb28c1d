package pack_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/mlops-cli/mlops/pkg/pack"
)

// entries lists what an index says, and its nonce.
func entries(x *pack.Index) ([]pack.Entry, [pack.NonceSize]byte) {
	list := make([]pack.Entry, x.Len())
	for i := range list {
		list[i] = x.At(i)
	}
	return list, [pack.NonceSize]byte(x.Bytes()[len(x.Bytes())-pack.NonceSize:])
}

// FuzzParseTrailer holds that a trailer which is accepted is the one that its
// entries encode to, and that each of them is found.
func FuzzParseTrailer(f *testing.F) {
	for _, n := range []int{0, 1, 3, 40} {
		x := index(f, pack.Data, blobs(n, 1))
		f.Add(x.Bytes())
		f.Add(x.Bytes()[:len(x.Bytes())-1])
	}
	f.Add([]byte("MLIX\x01\x01\x01\x00\xff\xff\xff\xff\xff\xff\xff\x7f0123456789abcdef"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := pack.ParseTrailer(b)
		if err != nil {
			if !errors.Is(err, pack.ErrFormat) {
				t.Fatalf("error is %v", err)
			}
			return
		}
		list, nonce := entries(x)
		again, id := pack.Tail(x.Kind(), list, nonce, 16)
		if id != x.Pack() || !bytes.Equal(again[:len(again)-pack.FooterSize], b) {
			t.Fatal("the trailer is encoded to other bytes")
		}
		for _, e := range list {
			if got, ok := x.Find(e.ID); !ok || got != e {
				t.Fatalf("find gives %+v, %v, want %+v", got, ok, e)
			}
		}
	})
}

// FuzzReadPack holds that both ways to read a pack agree, that every object of
// a pack which is accepted lies in it, and that it is encoded to the same bytes.
func FuzzReadPack(f *testing.F) {
	for _, n := range []int{0, 1, 3, 40} {
		b, _ := write(f, pack.Tree, blobs(n, 1))
		f.Add(b)
		f.Add(b[1:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := pack.ReadIndex(bytes.NewReader(b), int64(len(b)))
		y, perr := pack.ParsePack(b)
		if (err == nil) != (perr == nil) {
			t.Fatalf("read says %v, parse says %v", err, perr)
		}
		if err != nil {
			if !errors.Is(err, pack.ErrFormat) {
				t.Fatalf("error is %v", err)
			}
			return
		}
		if x.Pack() != y.Pack() {
			t.Fatal("read and parse give two packs")
		}
		list, nonce := entries(x)
		end := len(b) - pack.FooterSize - len(x.Bytes())
		for _, e := range list {
			if e.Offset < pack.HeaderSize || e.Offset+e.Stored > int64(end) {
				t.Fatalf("object outside its pack: %+v", e)
			}
		}
		tail, _ := pack.Tail(x.Kind(), list, nonce, int64(end))
		again := append(pack.Header(x.Kind()), b[pack.HeaderSize:end]...)
		if !bytes.Equal(append(again, tail...), b) {
			t.Fatal("the pack is encoded to other bytes")
		}
	})
}

// FuzzParseMulti holds that no bytes make Parse, Find or Verify panic.
func FuzzParseMulti(f *testing.F) {
	f.Add(encodeMulti(f, nil))
	f.Add(encodeMulti(f, []*pack.Index{index(f, pack.Data, blobs(3, 1)), index(f, pack.Tree, blobs(20, 2))}))
	f.Fuzz(func(t *testing.T, b []byte) {
		findAll(b)
		if _, err := pack.ParseMulti(b); err != nil && !errors.Is(err, pack.ErrFormat) {
			t.Fatalf("error is %v", err)
		}
		if err := pack.VerifyMulti(b); err != nil && !errors.Is(err, pack.ErrFormat) {
			t.Fatalf("error is %v", err)
		}
	})
}
