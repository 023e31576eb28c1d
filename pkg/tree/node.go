package tree

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/zeebo/xxh3"

	"github.com/mlops-cli/mlops/pkg/oid"
)

// Version is the version of the node format.
const Version = 1

const (
	cutBits  = 10   // a node ends behind one name in 1,024
	cutLimit = 8192 // and at the latest behind so many
	maxLevel = 6    // of inner nodes: 1,024^6 names are never met

	// minEntry is the least an entry takes in bytes: its id, three numbers or
	// two and a kind, and one byte of name.
	minEntry = oid.Size + 5

	execFlag = 0x80
)

// ErrFormat is in the chain of every error about bytes that are not a node.
var ErrFormat = errors.New("not a valid tree node")

// node is a decoded node. In inner nodes an entry is a child: its Name is the
// last name below it, its Kind is 0.
type node struct {
	level   int
	entries []Entry
}

// ends reports whether a node at level ends behind name.
func ends(name string, level int) bool {
	return xxh3.HashString(name)>>(cutBits*level)&(1<<cutBits-1) == 0
}

// encode writes a node. Entries are sorted by name.
func encode(level int, entries []Entry) []byte {
	size := 8
	for _, e := range entries {
		size += len(e.Name) + 2*binary.MaxVarintLen64 + oid.Size
	}
	b := make([]byte, 0, size)
	b = append(b, 'T', Version, oid.Algorithm, byte(level))
	b = binary.AppendUvarint(b, uint64(len(entries)))
	last := ""
	for _, e := range entries {
		same := shared(last, e.Name)
		b = binary.AppendUvarint(b, uint64(same))
		b = binary.AppendUvarint(b, uint64(len(e.Name)-same))
		b = append(b, e.Name[same:]...)
		last = e.Name
	}
	for _, e := range entries {
		if level == 0 {
			k := byte(e.Kind)
			if e.Exec {
				k |= execFlag
			}
			b = append(b, k)
		}
		b = binary.AppendUvarint(b, uint64(e.Size))
		if level > 0 || e.Kind == Dir {
			b = binary.AppendUvarint(b, uint64(e.Files))
		}
	}
	for _, e := range entries {
		b = append(b, e.ID[:]...)
	}
	return b
}

func shared(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// reader takes fields off the front of a node.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
	}
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	// A longer spelling of the same number would give one directory two ids.
	if n <= 0 || n > 1 && r.b[n-1] == 0 {
		r.fail("bad number")
		r.b = nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) amount() int64 {
	v := r.uvarint()
	if v > 1<<62 {
		r.fail("number %d is too large", v)
		return 0
	}
	return int64(v)
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail("it ends early")
		r.b = nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

// decode reads a node. It accepts only what encode writes.
func decode(b []byte) (*node, error) {
	r := &reader{b: b}
	head := r.bytes(4)
	if r.err != nil {
		return nil, r.err
	}
	if head[0] != 'T' || head[1] != Version || head[2] != oid.Algorithm {
		return nil, fmt.Errorf("%w: version %d with hash %d is not known to this program", ErrFormat, head[1], head[2])
	}
	n := &node{level: int(head[3])}
	count := r.uvarint()
	switch {
	case n.level > maxLevel:
		r.fail("level %d", n.level)
	case n.level < maxLevel && count > cutLimit || n.level > 0 && count == 0:
		r.fail("%d entries", count)
	case count > uint64(len(r.b))/minEntry: // a product could overflow
		r.fail("it ends early")
	}
	if r.err != nil {
		return nil, r.err
	}
	n.entries = make([]Entry, count)
	n.names(r)
	for i := range n.entries {
		n.attributes(r, &n.entries[i])
	}
	for i := range n.entries {
		copy(n.entries[i].ID[:], r.bytes(oid.Size))
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail("%d bytes behind the end", len(r.b))
	}
	return n, r.err
}

func (n *node) names(r *reader) {
	last := ""
	for i := range n.entries {
		same := r.uvarint()
		rest := r.bytes(r.uvarint())
		if r.err != nil {
			return
		}
		if same > uint64(len(last)) {
			r.fail("bad name")
			return
		}
		name := last[:same] + string(rest)
		if err := CheckName(name); err != nil {
			r.fail("%v", err)
			return
		}
		if i > 0 && name <= last || shared(last, name) != int(same) {
			r.fail("names are not in order")
			return
		}
		n.entries[i].Name, last = name, name
	}
}

func (n *node) attributes(r *reader, e *Entry) {
	if n.level == 0 {
		k := r.bytes(1)
		if r.err != nil {
			return
		}
		e.Exec = k[0]&execFlag != 0
		e.Kind = Kind(k[0] &^ execFlag)
		if e.Kind < File || e.Kind > Symlink || e.Exec && e.Kind != File {
			r.fail("kind %d of %q", k[0], e.Name)
			return
		}
	}
	e.Size, e.Files = r.amount(), 1
	if n.level > 0 || e.Kind == Dir {
		e.Files = r.amount()
	}
}
