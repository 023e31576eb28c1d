package pack

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sort"

	"github.com/mlops-cli/mlops/pkg/oid"
)

// Version is the version of the format that this package writes.
const Version = 1

// Sizes of the fixed parts, in bytes.
const (
	HeaderSize = 16
	FooterSize = 64
	NonceSize  = 16

	trailerHead = 16
	entrySize   = oid.Size + 8 + 8 + 8 + 1
)

const (
	headMagic   = "MLPACK\r\n"
	footMagic   = "MLPKEND\n"
	trailMagic  = "MLIX"
	maxEntries  = 1 << 31
	maxFileSize = 1 << 48
)

// Kind says what a pack holds.
type Kind byte

// Data packs hold file contents, Tree packs hold tree nodes.
const (
	Data Kind = 1
	Tree Kind = 2
)

// String names the kind.
func (k Kind) String() string {
	switch k {
	case Data:
		return "data"
	case Tree:
		return "tree"
	}
	return fmt.Sprintf("kind %d", byte(k))
}

// Codec says how a blob's bytes are stored.
type Codec byte

// None stores the bytes as they are. Other codecs are reserved: a reader that
// meets one it does not know refuses the pack.
const None Codec = 0

// Item is a blob to be packed.
type Item struct {
	ID   oid.ID
	Size int64 // bytes
}

// Entry is where a blob is in its pack.
type Entry struct {
	ID     oid.ID
	Offset int64 // of the stored bytes, from the start of the pack
	Stored int64 // bytes in the pack
	Size   int64 // bytes of the object
	Codec  Codec
}

// Header returns the first bytes of a pack of kind k.
func Header(k Kind) []byte {
	h := make([]byte, HeaderSize)
	copy(h, headMagic)
	h[8], h[9], h[10] = Version, oid.Algorithm, byte(k)
	return h
}

// Tail returns the trailer and footer of a pack with these entries, which are
// sorted by id, and the pack's id. End is the offset of the trailer.
func Tail(k Kind, entries []Entry, nonce [NonceSize]byte, end int64) ([]byte, oid.ID) {
	n := len(entries)
	size := trailerHead + n*entrySize + NonceSize
	b := make([]byte, size+FooterSize)
	copy(b, trailMagic)
	b[4], b[5], b[6] = Version, oid.Algorithm, byte(k)
	binary.LittleEndian.PutUint64(b[8:], uint64(n))
	ids := b[trailerHead:]
	offsets := ids[n*oid.Size:]
	stored := offsets[n*8:]
	sizes := stored[n*8:]
	codecs := sizes[n*8:]
	for i, e := range entries {
		copy(ids[i*oid.Size:], e.ID[:])
		binary.LittleEndian.PutUint64(offsets[i*8:], uint64(e.Offset))
		binary.LittleEndian.PutUint64(stored[i*8:], uint64(e.Stored))
		binary.LittleEndian.PutUint64(sizes[i*8:], uint64(e.Size))
		codecs[i] = byte(e.Codec)
	}
	copy(b[size-NonceSize:], nonce[:])
	id := oid.ID(sha256.Sum256(b[:size]))
	foot := b[size:]
	copy(foot, id[:])
	binary.LittleEndian.PutUint64(foot[32:], uint64(end))
	binary.LittleEndian.PutUint64(foot[40:], uint64(size))
	foot[48], foot[49] = Version, oid.Algorithm
	copy(foot[FooterSize-8:], footMagic)
	return b, id
}

// SortEntries sorts entries by id, as a trailer has them.
func SortEntries(entries []Entry) {
	sort.Slice(entries, func(i, j int) bool { return entries[i].ID.Compare(entries[j].ID) < 0 })
}
