package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

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

// BuildMulti encodes an index over packs. Where two packs have an object, the
// first one is named.
func BuildMulti(packs []*Index) []byte {
	type ref struct{ pack, at int }
	total := 0
	for _, x := range packs {
		total += x.Len()
	}
	refs := make([]ref, 0, total)
	for p, x := range packs {
		for i := range x.Len() {
			refs = append(refs, ref{p, i})
		}
	}
	id := func(r ref) []byte { return packs[r.pack].ids[r.at*oid.Size : (r.at+1)*oid.Size] }
	slices.SortFunc(refs, func(a, b ref) int {
		if c := bytes.Compare(id(a), id(b)); c != 0 {
			return c
		}
		return a.pack - b.pack
	})
	refs = slices.CompactFunc(refs, func(a, b ref) bool { return bytes.Equal(id(a), id(b)) })

	b := make([]byte, multiHead, multiHead+len(packs)*(oid.Size+1)+len(refs)*(oid.Size+multiRecord)+multiFoot)
	copy(b, multiMagic)
	b[8], b[9] = Version, oid.Algorithm
	binary.LittleEndian.PutUint32(b[12:], uint32(len(packs)))
	binary.LittleEndian.PutUint64(b[16:], uint64(len(refs)))
	for _, x := range packs {
		b = append(b, x.pack[:]...)
	}
	for _, x := range packs {
		b = append(b, byte(x.kind))
	}
	for _, r := range refs {
		b = append(b, id(r)...)
	}
	for _, r := range refs {
		e := packs[r.pack].At(r.at)
		b = binary.LittleEndian.AppendUint32(b, uint32(r.pack))
		b = binary.LittleEndian.AppendUint64(b, uint64(e.Offset))
		b = binary.LittleEndian.AppendUint64(b, uint64(e.Stored))
		b = binary.LittleEndian.AppendUint64(b, uint64(e.Size))
		b = append(b, byte(e.Codec))
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
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
