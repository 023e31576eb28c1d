package pack

import (
	"bufio"
	"bytes"
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/mlops-cli/mlops/pkg/oid"
)

const (
	multiMagic  = "MLMULTI\n"
	multiHead   = 24
	multiRecord = 4 + 8 + 8 + 8 + 1 // pack number, offset, stored, size, codec
	multiFoot   = oid.Size
)

// Multi is an index over many packs: every object once, with the pack that
// has it. It reads the bytes it was made from in place.
type Multi struct {
	packs   []oid.ID
	kinds   []byte
	count   int
	ids     []byte
	records []byte
}

// WriteMulti encodes an index over packs. Where several packs have an object,
// the first of them is named. It needs little memory: the packs' sorted
// trailers are merged once for each column.
func WriteMulti(w io.Writer, packs []*Index) error {
	count := 0
	if err := merge(packs, func(int, int) error { count++; return nil }); err != nil {
		return err
	}
	sum := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16)
	head := make([]byte, multiHead)
	copy(head, multiMagic)
	head[8], head[9] = Version, oid.Algorithm
	binary.LittleEndian.PutUint32(head[12:], uint32(len(packs)))
	binary.LittleEndian.PutUint64(head[16:], uint64(count))
	for _, x := range packs {
		head = append(head, x.pack[:]...)
	}
	for _, x := range packs {
		head = append(head, byte(x.kind))
	}
	if _, err := out.Write(head); err != nil {
		return err
	}
	err := merge(packs, func(p, i int) error {
		_, err := out.Write(packs[p].id(i))
		return err
	})
	if err != nil {
		return err
	}
	var record [multiRecord]byte
	err = merge(packs, func(p, i int) error {
		e := packs[p].At(i)
		binary.LittleEndian.PutUint32(record[:], uint32(p))
		binary.LittleEndian.PutUint64(record[4:], uint64(e.Offset))
		binary.LittleEndian.PutUint64(record[12:], uint64(e.Stored))
		binary.LittleEndian.PutUint64(record[20:], uint64(e.Size))
		record[28] = byte(e.Codec)
		_, err := out.Write(record[:])
		return err
	})
	if err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

// merge calls fn for every id of the packs in order, once each, with the
// number of the first pack that has it and its place there.
func merge(packs []*Index, fn func(p, i int) error) error {
	h := make(mergeHeap, 0, len(packs))
	for p, x := range packs {
		if x.count > 0 {
			h = append(h, cursor{x, p, 0})
		}
	}
	heap.Init(&h)
	var last []byte
	for len(h) > 0 {
		c := h[0]
		if id := c.x.id(c.at); last == nil || !bytes.Equal(id, last) {
			if err := fn(c.pack, c.at); err != nil {
				return err
			}
			last = id
		}
		if h[0].at++; h[0].at == c.x.count {
			heap.Pop(&h)
		} else {
			heap.Fix(&h, 0)
		}
	}
	return nil
}

// cursor is how far merge is in one pack.
type cursor struct {
	x        *Index
	pack, at int
}

type mergeHeap []cursor

func (h mergeHeap) Len() int { return len(h) }

func (h mergeHeap) Less(i, j int) bool {
	c := bytes.Compare(h[i].x.id(h[i].at), h[j].x.id(h[j].at))
	return c < 0 || c == 0 && h[i].pack < h[j].pack
}

func (h mergeHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is not used: the heap only gets shorter.
func (h *mergeHeap) Push(any) {}

// Pop takes the last cursor away.
func (h *mergeHeap) Pop() any {
	old := *h
	*h = old[:len(old)-1]
	return old[len(old)-1]
}

// ParseMulti reads an index over packs. The Multi keeps b. The checksum is
// left to Verify: reading it all would cost more than the look-ups.
func ParseMulti(b []byte) (*Multi, error) {
	if len(b) < multiHead+multiFoot || string(b[:8]) != multiMagic {
		return nil, fmt.Errorf("%w: no index over packs", ErrFormat)
	}
	if b[8] != Version || b[9] != oid.Algorithm {
		return nil, fmt.Errorf("%w: version %d with hash %d is not known to this program", ErrFormat, b[8], b[9])
	}
	if b[10] != 0 || b[11] != 0 {
		return nil, fmt.Errorf("%w: reserved bytes are not zero", ErrFormat)
	}
	packs := uint64(binary.LittleEndian.Uint32(b[12:]))
	count := binary.LittleEndian.Uint64(b[16:])
	if count > maxEntries || multiHead+packs*(oid.Size+1)+count*(oid.Size+multiRecord)+multiFoot != uint64(len(b)) {
		return nil, fmt.Errorf("%w: %d bytes cannot list %d objects in %d packs", ErrFormat, len(b), count, packs)
	}
	m := &Multi{count: int(count)}
	rest := b[multiHead:]
	for range packs {
		m.packs = append(m.packs, oid.ID(rest[:oid.Size]))
		rest = rest[oid.Size:]
	}
	m.kinds, rest = rest[:packs], rest[packs:]
	m.ids, rest = rest[:count*oid.Size], rest[count*oid.Size:]
	m.records = rest[:count*multiRecord]
	return m, nil
}

// VerifyMulti checks the checksum of an encoded index over packs.
func VerifyMulti(b []byte) error {
	if len(b) < multiFoot {
		return fmt.Errorf("%w: no index over packs", ErrFormat)
	}
	if sum := sha256.Sum256(b[:len(b)-multiFoot]); !bytes.Equal(sum[:], b[len(b)-multiFoot:]) {
		return fmt.Errorf("%w: the index over packs is damaged", ErrFormat)
	}
	return nil
}

// Packs lists the packs that the index covers.
func (m *Multi) Packs() []oid.ID { return m.packs }

// Len is the number of objects.
func (m *Multi) Len() int { return m.count }

// Find returns where id is.
func (m *Multi) Find(id oid.ID) (oid.ID, Kind, Entry, bool) {
	i, ok := search(m.ids, m.count, id)
	if !ok {
		return oid.ID{}, 0, Entry{}, false
	}
	r := m.records[i*multiRecord:]
	p := binary.LittleEndian.Uint32(r)
	if int(p) >= len(m.packs) {
		return oid.ID{}, 0, Entry{}, false
	}
	return m.packs[p], Kind(m.kinds[p]), Entry{
		ID:     id,
		Offset: int64(binary.LittleEndian.Uint64(r[4:])),
		Stored: int64(binary.LittleEndian.Uint64(r[12:])),
		Size:   int64(binary.LittleEndian.Uint64(r[20:])),
		Codec:  Codec(r[28]),
	}, true
}
