package pack_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
)

// planned is an index with these ids, whatever they are the ids of.
func planned(t testing.TB, ids []oid.ID) *pack.Index {
	t.Helper()
	items := make([]pack.Item, len(ids))
	for i, id := range ids {
		items[i] = pack.Item{ID: id, Size: int64(i)}
	}
	x, err := pack.ParseTrailer(pack.Plan(pack.Data, items, nonce).Trailer())
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// shapes are ways in which ids may lie. Real ones are even; a remote may list
// any.
func shapes() map[string]func(i int) oid.ID {
	number := func(high, low uint64) (id oid.ID) {
		binary.BigEndian.PutUint64(id[:], high)
		binary.BigEndian.PutUint64(id[24:], low)
		return id
	}
	return map[string]func(i int) oid.ID{
		"even":         func(i int) oid.ID { return oid.Sum(binary.LittleEndian.AppendUint64(nil, uint64(i))) },
		"one prefix":   func(i int) oid.ID { return number(0x0707070707070707, uint64(2*i+1)) },
		"two prefixes": func(i int) oid.ID { return number(uint64(i%2)<<40, uint64(2*i+1)) },
		"at the front": func(i int) oid.ID { return number(uint64(2*i+1)<<32, 1) },
		"at the back":  func(i int) oid.ID { return number(^uint64(0)-uint64(2*i+1)<<32, 1) },
		"both ends": func(i int) oid.ID {
			if i%2 == 0 {
				return number(uint64(2*i)<<32, 1)
			}
			return number(^uint64(0)-uint64(2*i)<<32, 1)
		},
		"powers": func(i int) oid.ID { return number(1<<(i%64), uint64(2*i+1)) },
	}
}

func TestFindEveryIDAndNoOther(t *testing.T) {
	t.Parallel()
	for name, shape := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{0, 1, 2, 7, 8, 9, 10, 63, 1000, 100_000} {
				ids := make([]oid.ID, n)
				known := make(map[oid.ID]int, n)
				for i := range ids {
					ids[i] = shape(i)
					known[ids[i]] = i
				}
				x := planned(t, ids)
				m, err := pack.ParseMulti(encodeMulti(t, []*pack.Index{x}))
				if err != nil {
					t.Fatal(err)
				}
				check := func(id oid.ID) {
					i, want := known[id]
					e, ok := x.Find(id)
					_, _, f, also := m.Find(id)
					if ok != want || also != want || ok && (e.ID != id || e.Size != int64(i) || f != e) {
						t.Fatalf("%d ids: find %s gives %+v, %v and %+v, %v; want %v", n, id, e, ok, f, also, want)
					}
				}
				for i, id := range ids {
					check(id)
					if n > 10_000 && i%32 > 0 {
						continue
					}
					check(step(id, 1))
					check(step(id, ^uint64(0)))
				}
				check(oid.ID{})
				check(oid.ID{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
				for i := range 1000 {
					check(oid.Sum(binary.LittleEndian.AppendUint64(nil, uint64(n+i))))
				}
			}
		})
	}
}

// step is the id by its last eight bytes further on.
func step(id oid.ID, by uint64) oid.ID {
	binary.BigEndian.PutUint64(id[24:], binary.BigEndian.Uint64(id[24:])+by)
	return id
}

// BenchmarkFind looks ids up that are there and that are not.
func BenchmarkFind(b *testing.B) {
	for name, shape := range shapes() {
		b.Run(name, func(b *testing.B) {
			ids := make([]oid.ID, 1_000_000)
			for i := range ids {
				ids[i] = shape(i)
			}
			x := planned(b, ids)
			r := rand.New(rand.NewPCG(1, 1))
			start, finds := time.Now(), 0
			for b.Loop() {
				for range 500 {
					id := ids[r.IntN(len(ids))]
					x.Find(id)
					x.Find(step(id, 1))
				}
				finds += 1000
			}
			b.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(finds), "ns/find")
		})
	}
}
