package transfer

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
)

// FuzzParseEntry: a remote may hold anything; what is accepted is used.
func FuzzParseEntry(f *testing.F) {
	good, err := json.Marshal(Entry{
		Type: typeAdd, Seq: 7, Nonce: "n",
		Packs: []Pack{{ID: oid.Sum([]byte("p")), Kind: "data", Size: 10, Count: 1}},
		Parts: []Part{{ID: oid.Sum([]byte("i")), Size: 10, Packs: 1}},
		Roots: []Root{{Kind: RootTree, ID: oid.Sum([]byte("r")), Name: "data"}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"add"`), []byte(`"sweep"`), 1))
	f.Add([]byte(`{"type":"add","seq":7,"needs":["later"]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := parseEntry(data, 7)
		if err != nil {
			return
		}
		if e.Type != typeAdd || e.Seq != 7 || len(e.Needs) > len(knownFeatures()) {
			t.Fatalf("accepted %+v", e)
		}
		for _, p := range e.Packs {
			if p.ID.IsZero() || p.Size < 0 || p.Count < 0 {
				t.Fatalf("accepted the pack %+v", p)
			}
		}
	})
}

// FuzzParsePart: trailers come from a remote, cut anywhere.
func FuzzParsePart(f *testing.F) {
	var nonce [pack.NonceSize]byte
	l := pack.Plan(pack.Data, []pack.Item{{ID: oid.Sum([]byte("a")), Size: 3}, {ID: oid.Sum([]byte("b")), Size: 4}}, nonce)
	known := map[oid.ID]bool{l.ID(): true}
	_, plain, err := encodePart([][]byte{l.Trailer(), l.Trailer()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add(plain[:len(plain)-1])
	f.Add([]byte(partMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parsePart(data, known)
		if err != nil {
			return
		}
		var trailers [][]byte
		for _, x := range list {
			if !known[x.Pack()] {
				t.Fatalf("accepted the unknown pack %s", x.Pack())
			}
			trailers = append(trailers, x.Bytes())
		}
		if _, again, err := encodePart(trailers); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("what was accepted is not what is written (%v)", err)
		}
	})
}

// FuzzParseLogKey: one key for one number.
func FuzzParseLogKey(f *testing.F) {
	f.Add(logKey(1))
	f.Add("log/18446744073709551616")
	f.Add("log/+8446744073709551614")
	f.Fuzz(func(t *testing.T, key string) {
		if seq, err := parseLogKey(key); err == nil && logKey(seq) != key {
			t.Fatalf("%q is taken for %d, whose key is %q", key, seq, logKey(seq))
		}
	})
}
