package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/mlops-cli/mlops/pkg/oid"
)

// ErrFormat is in the chain of every error about bytes that are not a pack of
// a version that this program reads.
var ErrFormat = errors.New("not a valid pack")

// Index is a decoded trailer. It reads the bytes it was made from in place.
type Index struct {
	pack    oid.ID
	kind    Kind
	count   int
	end     int64 // offset of the trailer in the pack; -1 when not known
	raw     []byte
	ids     []byte
	offsets []byte
	stored  []byte
	sizes   []byte
	codecs  []byte
}

// ParseTrailer reads a trailer. The index keeps b.
func ParseTrailer(b []byte) (*Index, error) {
	if len(b) < trailerHead+NonceSize || string(b[:4]) != trailMagic {
		return nil, fmt.Errorf("%w: no trailer", ErrFormat)
	}
	if b[4] != Version || b[5] != oid.Algorithm {
		return nil, fmt.Errorf("%w: version %d with hash %d is not known to this program", ErrFormat, b[4], b[5])
	}
	kind := Kind(b[6])
	if kind != Data && kind != Tree || b[7] != 0 {
		return nil, fmt.Errorf("%w: kind %d", ErrFormat, b[6])
	}
	n := binary.LittleEndian.Uint64(b[8:])
	if n > maxEntries || int(n)*entrySize+trailerHead+NonceSize != len(b) {
		return nil, fmt.Errorf("%w: trailer of %d bytes cannot list %d objects", ErrFormat, len(b), n)
	}
	x := &Index{pack: sha256.Sum256(b), kind: kind, count: int(n), end: -1, raw: b}
	rest := b[trailerHead:]
	cut := func(width int) []byte {
		col := rest[:x.count*width]
		rest = rest[x.count*width:]
		return col
	}
	x.ids, x.offsets, x.stored, x.sizes, x.codecs = cut(oid.Size), cut(8), cut(8), cut(8), cut(1)
	return x, x.check()
}

// check holds the trailer against its invariants.
func (x *Index) check() error {
	for i := range x.count {
		e := x.At(i)
		switch {
		case i > 0 && bytes.Compare(x.ids[(i-1)*oid.Size:i*oid.Size], e.ID[:]) >= 0:
			return fmt.Errorf("%w: ids are not in order", ErrFormat)
		case e.Offset < HeaderSize || e.Offset > maxFileSize || e.Stored < 0 || e.Stored > maxFileSize || e.Size < 0:
			return fmt.Errorf("%w: object %s lies outside the pack", ErrFormat, e.ID)
		case e.Codec != None:
			return fmt.Errorf("%w: object %s is stored with codec %d, which this program does not know", ErrFormat, e.ID, e.Codec)
		case e.Stored != e.Size:
			return fmt.Errorf("%w: object %s has %d bytes stored for %d", ErrFormat, e.ID, e.Stored, e.Size)
		}
	}
	return nil
}

// Footer is the end of a pack: where its trailer is.
type Footer struct {
	Pack        oid.ID
	Offset, Len int64 // of the trailer
}

// ParseFooter reads the last FooterSize bytes of a pack of size bytes.
func ParseFooter(b []byte, size int64) (Footer, error) {
	if len(b) != FooterSize || string(b[FooterSize-8:]) != footMagic {
		return Footer{}, fmt.Errorf("%w: no footer", ErrFormat)
	}
	if b[48] != Version || b[49] != oid.Algorithm {
		return Footer{}, fmt.Errorf("%w: version %d with hash %d is not known to this program", ErrFormat, b[48], b[49])
	}
	f := Footer{
		Pack:   oid.ID(b[:oid.Size]),
		Offset: int64(binary.LittleEndian.Uint64(b[32:])),
		Len:    int64(binary.LittleEndian.Uint64(b[40:])),
	}
	if !bytes.Equal(b[50:FooterSize-8], make([]byte, 6)) || f.Offset < HeaderSize || f.Len < 0 || f.Offset > size || f.Offset+f.Len != size-FooterSize {
		return Footer{}, fmt.Errorf("%w: its footer does not fit its size", ErrFormat)
	}
	return f, nil
}

// ReadIndex reads the footer and trailer of a pack of size bytes, and checks
// them and the header.
func ReadIndex(r io.ReaderAt, size int64) (*Index, error) {
	if size < HeaderSize+trailerHead+NonceSize+FooterSize {
		return nil, fmt.Errorf("%w: %d bytes are too few", ErrFormat, size)
	}
	head := make([]byte, HeaderSize)
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, err
	}
	foot := make([]byte, FooterSize)
	if _, err := r.ReadAt(foot, size-FooterSize); err != nil {
		return nil, err
	}
	f, err := ParseFooter(foot, size)
	if err != nil {
		return nil, err
	}
	trailer := make([]byte, f.Len)
	if _, err := r.ReadAt(trailer, f.Offset); err != nil {
		return nil, err
	}
	return assemble(head, trailer, f)
}

// ParsePack reads the index of a whole pack in memory, in place.
func ParsePack(b []byte) (*Index, error) {
	size := int64(len(b))
	if size < HeaderSize+trailerHead+NonceSize+FooterSize {
		return nil, fmt.Errorf("%w: %d bytes are too few", ErrFormat, size)
	}
	f, err := ParseFooter(b[size-FooterSize:], size)
	if err != nil {
		return nil, err
	}
	return assemble(b[:HeaderSize], b[f.Offset:f.Offset+f.Len], f)
}

func assemble(head, trailer []byte, f Footer) (*Index, error) {
	x, err := ParseTrailer(trailer)
	if err != nil {
		return nil, err
	}
	if x.pack != f.Pack {
		return nil, fmt.Errorf("%w: its trailer is damaged", ErrFormat)
	}
	if !bytes.Equal(head, Header(x.kind)) {
		return nil, fmt.Errorf("%w: its header is damaged", ErrFormat)
	}
	x.end = f.Offset
	for i := range x.count {
		if e := x.At(i); e.Offset+e.Stored > x.end {
			return nil, fmt.Errorf("%w: object %s lies outside the pack", ErrFormat, e.ID)
		}
	}
	return x, nil
}

// Pack is the id of the pack.
func (x *Index) Pack() oid.ID { return x.pack }

// Kind is what the pack holds.
func (x *Index) Kind() Kind { return x.kind }

// Len is the number of objects.
func (x *Index) Len() int { return x.count }

// Bytes is the trailer that the index was made from.
func (x *Index) Bytes() []byte { return x.raw }

// At returns the i-th entry by id.
func (x *Index) At(i int) Entry {
	return Entry{
		ID:     oid.ID(x.ids[i*oid.Size : (i+1)*oid.Size]),
		Offset: int64(binary.LittleEndian.Uint64(x.offsets[i*8:])),
		Stored: int64(binary.LittleEndian.Uint64(x.stored[i*8:])),
		Size:   int64(binary.LittleEndian.Uint64(x.sizes[i*8:])),
		Codec:  Codec(x.codecs[i]),
	}
}

// id is the i-th id.
func (x *Index) id(i int) []byte { return x.ids[i*oid.Size : (i+1)*oid.Size] }

// Find returns the entry of id.
func (x *Index) Find(id oid.ID) (Entry, bool) {
	if i, ok := search(x.ids, x.count, id); ok {
		return x.At(i), true
	}
	return Entry{}, false
}

// guesses is how many steps of search trust that ids are spread evenly.
const guesses = 16

// search finds id in n sorted ids. Ids are spread evenly, so their first
// bytes tell where to look: a few steps instead of log2 n. Where they are not,
// as a pack from elsewhere may have them, halving takes over.
func search(ids []byte, n int, id oid.ID) (int, bool) {
	lo, hi := 0, n
	loKey, hiKey := uint64(0), uint64(1)<<32
	key := prefix(id[:])
	for step := 0; lo < hi; step++ {
		mid := int(uint(lo+hi) / 2)
		if step < guesses && loKey < hiKey {
			mid = min(lo+int(uint64(hi-lo)*(key-loKey)/(hiKey-loKey)), hi-1)
		}
		at := ids[mid*oid.Size : (mid+1)*oid.Size]
		switch bytes.Compare(at, id[:]) {
		case 0:
			return mid, true
		case -1:
			lo, loKey = mid+1, prefix(at)
		case 1:
			hi, hiKey = mid, prefix(at)
		}
	}
	return 0, false
}

// prefix is the first four bytes of an id as a number: times maxEntries it
// still fits 64 bits.
func prefix(b []byte) uint64 { return uint64(binary.BigEndian.Uint32(b)) }
