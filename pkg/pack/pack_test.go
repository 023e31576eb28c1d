package pack_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
)

var nonce = [pack.NonceSize]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

// blobs makes n blobs of different sizes, the first one empty.
func blobs(n int, seed uint64) [][]byte {
	r := rand.New(rand.NewPCG(seed, 1))
	list := make([][]byte, n)
	for i := range list {
		list[i] = make([]byte, 0, i%97+4)
		for range i % 97 {
			list[i] = append(list[i], byte(r.Uint32()))
		}
		if i > 0 {
			list[i] = binary.LittleEndian.AppendUint32(list[i], uint32(seed)<<20|uint32(i))
		}
	}
	return list
}

// write makes a pack of the blobs with a Writer.
func write(t testing.TB, kind pack.Kind, list [][]byte) ([]byte, oid.ID) {
	t.Helper()
	var out bytes.Buffer
	w, err := pack.NewWriter(&out, kind, nonce)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range list {
		if i%2 == 0 {
			err = w.Append(oid.Sum(b), b)
		} else {
			err = w.AppendFrom(oid.Sum(b), int64(len(b)), bytes.NewReader(b))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if w.Len() != len(list) || w.Size() != int64(out.Len()) {
		t.Fatalf("writer counts %d objects in %d bytes, want %d in %d", w.Len(), w.Size(), len(list), out.Len())
	}
	id, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), id
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 3, 100, 5000} {
		for _, kind := range []pack.Kind{pack.Data, pack.Tree} {
			list := blobs(n, 1)
			b, id := write(t, kind, list)
			read, err := pack.ReadIndex(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatalf("%d objects: %v", n, err)
			}
			parsed, err := pack.ParsePack(b)
			if err != nil {
				t.Fatalf("%d objects: %v", n, err)
			}
			for _, x := range []*pack.Index{read, parsed} {
				if x.Pack() != id || x.Kind() != kind || x.Len() != n || oid.Sum(x.Bytes()) != id {
					t.Fatalf("index of pack %s, %s, %d objects; want %s, %s, %d", x.Pack(), x.Kind(), x.Len(), id, kind, n)
				}
				for _, blob := range list {
					e, ok := x.Find(oid.Sum(blob))
					if !ok || e.ID != oid.Sum(blob) || e.Size != int64(len(blob)) || !bytes.Equal(b[e.Offset:e.Offset+e.Stored], blob) {
						t.Fatalf("find gives %+v, %v for %d bytes", e, ok, len(blob))
					}
				}
				for i := 1; i < n; i++ {
					if x.At(i-1).ID.Compare(x.At(i).ID) >= 0 {
						t.Fatalf("entry %d is not behind entry %d", i, i-1)
					}
				}
			}
		}
	}
}

// TestPlanIsWhatWriterWrites proves that an upload can be announced, with its
// id and length, before an object was read.
func TestPlanIsWhatWriterWrites(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 7, 1000} {
		list := blobs(n, 2)
		items := make([]pack.Item, n)
		for i, b := range list {
			items[i] = pack.Item{ID: oid.Sum(b), Size: int64(len(b))}
		}
		want, id := write(t, pack.Data, list)
		l := pack.Plan(pack.Data, items, nonce)
		got := append([]byte(nil), l.Header()...)
		for _, b := range list {
			got = append(got, b...)
		}
		got = append(got, l.Tail()...)
		if l.ID() != id || l.Size() != int64(len(want)) || !bytes.Equal(got, want) {
			t.Fatalf("%d objects: plan says pack %s of %d bytes, the writer made %s of %d", n, l.ID(), l.Size(), id, len(want))
		}
		x, err := pack.ParseTrailer(l.Trailer())
		if err != nil || x.Pack() != id || x.Len() != n {
			t.Fatalf("%d objects: the planned trailer: %v", n, err)
		}
		for i, it := range items {
			if it.ID != oid.Sum(list[i]) {
				t.Fatal("plan changed the order of its items")
			}
		}
	}
}

func TestNonceMakesPacksDiffer(t *testing.T) {
	t.Parallel()
	items := []pack.Item{{ID: oid.Sum([]byte("x")), Size: 1}}
	if pack.Plan(pack.Data, items, nonce).ID() == pack.Plan(pack.Data, items, [pack.NonceSize]byte{}).ID() {
		t.Fatal("two packs with different nonces have one id")
	}
}

// failing fails after some bytes, once.
type failing struct {
	left int
	out  bytes.Buffer
}

var errFull = errors.New("no space left")

func (f *failing) Write(b []byte) (int, error) {
	if f.left >= 0 && len(b) > f.left {
		n := f.left
		f.left = -1
		f.out.Write(b[:n])
		return n, errFull
	}
	if f.left >= 0 {
		f.left -= len(b)
	}
	return f.out.Write(b)
}

// TestWriterThatFailedStaysFailed proves that a pack with a hole is never
// closed as if it were whole.
func TestWriterThatFailedStaysFailed(t *testing.T) {
	t.Parallel()
	begin := func(room int) *pack.Writer {
		w, err := pack.NewWriter(&failing{left: room}, pack.Data, nonce)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	a, b := []byte("first"), []byte("second")
	full := begin(pack.HeaderSize + 2)
	if err := full.Append(oid.Sum(a), a); !errors.Is(err, errFull) {
		t.Fatalf("append says %v", err)
	}
	if err := full.Append(oid.Sum(b), b); !errors.Is(err, errFull) {
		t.Fatalf("append after a failure says %v", err)
	}
	if _, err := full.Close(); !errors.Is(err, errFull) {
		t.Fatalf("close says %v", err)
	}
	for _, said := range []int64{4, 6} {
		w := begin(1000)
		if err := w.AppendFrom(oid.Sum(a), said, bytes.NewReader(a)); err == nil {
			t.Fatalf("an object of 5 bytes was taken for one of %d", said)
		}
		if _, err := w.Close(); err == nil {
			t.Fatal("a pack with an object of another length was closed")
		}
	}
	twice := begin(1000)
	for range 2 {
		if err := twice.Append(oid.Sum(a), a); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := twice.Close(); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Fatalf("a pack with an object twice: %v", err)
	}
	if _, err := pack.NewWriter(&failing{left: 3}, pack.Data, nonce); !errors.Is(err, errFull) {
		t.Fatalf("header on a full disk: %v", err)
	}
}

// TestEveryBrokenByteIsSeen flips each bit outside the objects, cuts at each
// length and adds a byte.
func TestEveryBrokenByteIsSeen(t *testing.T) {
	t.Parallel()
	list := blobs(5, 3)
	whole, id := write(t, pack.Tree, list)
	x, err := pack.ParsePack(whole)
	if err != nil {
		t.Fatal(err)
	}
	end := len(whole) - pack.FooterSize - len(x.Bytes())
	refuse := func(what string, b []byte) {
		t.Helper()
		if _, err := pack.ParsePack(b); !errors.Is(err, pack.ErrFormat) {
			t.Errorf("%s: parse says %v", what, err)
		}
		if _, err := pack.ReadIndex(bytes.NewReader(b), int64(len(b))); !errors.Is(err, pack.ErrFormat) {
			t.Errorf("%s: read says %v", what, err)
		}
	}
	for at := range whole {
		if at >= pack.HeaderSize && at < end {
			continue // an object's own bytes: its id sees that
		}
		for bit := range 8 {
			b := bytes.Clone(whole)
			b[at] ^= 1 << bit
			refuse(fmt.Sprintf("bit %d of byte %d", bit, at), b)
		}
	}
	for n := range whole {
		refuse(fmt.Sprintf("%d of %d bytes", n, len(whole)), whole[:n])
		refuse(fmt.Sprintf("the last %d of %d bytes", n, len(whole)), whole[len(whole)-n:])
	}
	refuse("a byte too many", append(bytes.Clone(whole), 0))
	if x, err := pack.ParsePack(whole); err != nil || x.Pack() != id {
		t.Fatalf("the test broke its own pack: %v", err)
	}
}

// TestTrailerInvariants makes packs whose ids are right and whose content is
// not, as a bad writer would.
func TestTrailerInvariants(t *testing.T) {
	t.Parallel()
	lo, hi := oid.ID{1}, oid.ID{2}
	const end = pack.HeaderSize + 10
	for _, c := range []struct {
		name    string
		kind    pack.Kind
		entries []pack.Entry
		edit    func(trailer []byte)
		want    string
	}{
		{"nothing wrong", pack.Data, []pack.Entry{{lo, 16, 4, 4, 0}, {hi, 20, 6, 6, 0}}, nil, ""},
		{"an empty object at the end", pack.Data, []pack.Entry{{lo, end, 0, 0, 0}}, nil, ""},
		{"ids out of order", pack.Data, []pack.Entry{{hi, 16, 4, 4, 0}, {lo, 20, 6, 6, 0}}, nil, "order"},
		{"an id twice", pack.Data, []pack.Entry{{lo, 16, 4, 4, 0}, {lo, 20, 6, 6, 0}}, nil, "order"},
		{"inside the header", pack.Data, []pack.Entry{{lo, 15, 4, 4, 0}}, nil, "outside"},
		{"inside the trailer", pack.Data, []pack.Entry{{lo, 20, 7, 7, 0}}, nil, "outside"},
		{"far outside", pack.Data, []pack.Entry{{lo, 1 << 50, 4, 4, 0}}, nil, "outside"},
		{"offset below zero", pack.Data, []pack.Entry{{lo, -1, 4, 4, 0}}, nil, "outside"},
		{"length below zero", pack.Data, []pack.Entry{{lo, 16, -1, -1, 0}}, nil, "outside"},
		{"sum overflows", pack.Data, []pack.Entry{{lo, 1 << 48, 1<<63 - 1, 1<<63 - 1, 0}}, nil, "outside"},
		{"unknown codec", pack.Data, []pack.Entry{{lo, 16, 4, 4, 9}}, nil, "codec 9"},
		{"stored is not size", pack.Data, []pack.Entry{{lo, 16, 4, 5, 0}}, nil, "stored"},
		{"unknown kind", 7, nil, nil, "kind 7"},
		{"next version", pack.Data, nil, func(b []byte) { b[4]++ }, "version 2"},
		{"other hash", pack.Data, nil, func(b []byte) { b[5]++ }, "hash 2"},
		{"reserved byte", pack.Data, nil, func(b []byte) { b[7]++ }, "kind"},
		{"more than it holds", pack.Data, nil, func(b []byte) { b[8]++ }, "cannot list"},
		{"count overflows", pack.Data, nil, func(b []byte) { b[15] = 0x80 }, "cannot list"},
		{"other magic", pack.Data, nil, func(b []byte) { b[0]++ }, "no trailer"},
	} {
		tail, id := pack.Tail(c.kind, c.entries, nonce, end)
		if c.edit != nil {
			trailer := tail[:len(tail)-pack.FooterSize]
			c.edit(trailer)
			id = oid.Sum(trailer)
			copy(tail[len(trailer):], id[:])
		}
		b := append(pack.Header(c.kind), make([]byte, 10)...)
		x, err := pack.ParsePack(append(b, tail...))
		switch {
		case c.want == "" && (err != nil || x.Pack() != id):
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (!errors.Is(err, pack.ErrFormat) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: error is %v, want one with %q", c.name, err, c.want)
		}
	}
}

// reader counts the bytes that are asked for, and can fail.
type reader struct {
	b    []byte
	err  error
	read int
}

func (r *reader) ReadAt(b []byte, off int64) (int, error) {
	r.read += len(b)
	if r.err != nil {
		return 0, r.err
	}
	return copy(b, r.b[off:]), nil
}

func TestReadIndexReadsOnlyTheIndex(t *testing.T) {
	t.Parallel()
	b, _ := write(t, pack.Data, [][]byte{make([]byte, 1<<20)})
	r := &reader{b: b}
	if _, err := pack.ReadIndex(r, int64(len(b))); err != nil || r.read > 200 {
		t.Fatalf("%d bytes read, %v", r.read, err)
	}
	r.err = errors.New("disk is gone")
	if _, err := pack.ReadIndex(r, int64(len(b))); !errors.Is(err, r.err) || errors.Is(err, pack.ErrFormat) {
		t.Fatalf("a disk that fails is not a damaged pack: %v", err)
	}
}

func TestKindNames(t *testing.T) {
	t.Parallel()
	if got := fmt.Sprint(pack.Data, pack.Tree, pack.Kind(9)); got != "data tree kind 9" {
		t.Fatal(got)
	}
}
