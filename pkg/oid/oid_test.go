package oid_test

import (
	"encoding/json"
	"testing"

	"github.com/mlops-cli/mlops/pkg/oid"
)

// What `printf abc | sha256sum` prints.
const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

func TestIDIsWhatSha256sumPrints(t *testing.T) {
	t.Parallel()
	if got := oid.Sum([]byte("abc")).String(); got != abc {
		t.Fatalf("id is %s, want %s", got, abc)
	}
	h := oid.NewHash()
	h.Write([]byte("abc"))
	if got := oid.FromHash(h); got != oid.Sum([]byte("abc")) {
		t.Fatalf("the streamed id %s differs from the whole", got)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, s := range []string{abc, "sha256:" + abc} {
		if id, err := oid.Parse(s); err != nil || id.String() != abc {
			t.Errorf("parse %q: %v, %v", s, id, err)
		}
	}
	for _, s := range []string{"", abc[:63], abc + "0", "md5:" + abc, "z" + abc[1:]} {
		if _, err := oid.Parse(s); err == nil {
			t.Errorf("parse %q: want an error", s)
		}
	}
}

func TestTextRoundTrip(t *testing.T) {
	t.Parallel()
	type doc struct{ A, B oid.ID }
	in := doc{A: oid.Sum([]byte("abc"))}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out doc
	if err := json.Unmarshal(text, &out); err != nil || out != in {
		t.Fatalf("%s became %v (%v)", text, out, err)
	}
}
