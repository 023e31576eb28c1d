package workspace

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// rowVersion is the version of the encoding of a row's entries. The format is
// specified in docs/format/statcache.md.
const rowVersion = 1

const execFlag = 0x80

// errRow is in the chain of every error about entries that cannot be decoded.
var errRow = errors.New("not valid entries of a stat cache row")

// item is one name in a directory: what it looked like, and its id.
type item struct {
	name         string
	kind         tree.Kind
	exec         bool
	size         int64 // of a directory all below it
	files        int64 // directories: all below it
	mtime, ctime int64 // ns; 0 for directories
	inode        uint64
	id           oid.ID
}

func (it *item) entry() tree.Entry {
	e := tree.Entry{Name: it.name, Kind: it.kind, Exec: it.exec, Size: it.size, Files: 1, ID: it.id}
	if it.kind == tree.Dir {
		e.Files = it.files
	}
	return e
}

// looks reports whether s is what the item looked like.
func (it *item) looks(s fsx.Stat) bool {
	kind, exec := kindOf(s.Mode)
	return it.kind == kind && it.exec == exec && it.size == s.Size && it.mtime == s.Mtime &&
		it.ctime == s.Ctime && it.inode == s.Inode
}

// racy reports whether a change after the scan could have left the times as
// they are.
func (it *item) racy(scanned int64) bool { return racy(it.mtime, it.ctime, scanned) }

// ticks of the clocks of file systems. A time of whole seconds is taken as one
// of a file system that knows no others.
const (
	fineTick   = int64(10e6)
	coarseTick = int64(2e9)
)

func racy(mtime, ctime, scanned int64) bool {
	for _, t := range [2]int64{mtime, ctime} {
		tick := fineTick
		if t%1e9 == 0 {
			tick = coarseTick
		}
		if t != 0 && t >= scanned-tick {
			return true
		}
	}
	return false
}

// encodeItems writes items, sorted by name.
func encodeItems(items []item) []byte {
	size := 16
	for i := range items {
		size += len(items[i].name) + 64
	}
	b := make([]byte, 0, size)
	b = append(b, rowVersion, oid.Algorithm)
	b = binary.AppendUvarint(b, uint64(len(items)))
	for i := range items {
		it := &items[i]
		b = binary.AppendUvarint(b, uint64(len(it.name)))
		b = append(b, it.name...)
		k := byte(it.kind)
		if it.exec {
			k |= execFlag
		}
		b = append(b, k)
		b = binary.AppendUvarint(b, uint64(it.size))
		if it.kind == tree.Dir {
			b = binary.AppendUvarint(b, uint64(it.files))
		} else {
			b = binary.LittleEndian.AppendUint64(b, uint64(it.mtime))
			b = binary.LittleEndian.AppendUint64(b, uint64(it.ctime))
			b = binary.AppendUvarint(b, it.inode)
		}
		b = append(b, it.id[:]...)
	}
	return b
}

// reader walks over encoded items without decoding more than one at a time.
type reader struct {
	b     string // names are parts of it
	count int
	last  string
}

func newReader(b string) (reader, error) {
	if len(b) < 3 || b[0] != rowVersion || b[1] != oid.Algorithm {
		return reader{}, fmt.Errorf("%w: unknown version", errRow)
	}
	r := reader{b: b[2:]}
	n, ok := r.uvarint()
	// No item is shorter than this, so a count cannot ask for more memory than there are bytes.
	if !ok || n > uint64(len(r.b))/(oid.Size+4) {
		return reader{}, fmt.Errorf("%w: bad count", errRow)
	}
	r.count = int(n)
	return r, nil
}

func (r *reader) uvarint() (uint64, bool) {
	var v uint64
	for i := 0; i < len(r.b) && i < binary.MaxVarintLen64; i++ {
		c := r.b[i]
		if c < 0x80 {
			if i == binary.MaxVarintLen64-1 && c > 1 || i > 0 && c == 0 {
				return 0, false
			}
			v |= uint64(c) << (7 * i)
			r.b = r.b[i+1:]
			return v, true
		}
		v |= uint64(c&0x7f) << (7 * i)
	}
	return 0, false
}

func (r *reader) amount() (int64, bool) {
	v, ok := r.uvarint()
	return int64(v), ok && v <= 1<<62
}

func (r *reader) fixed() (int64, bool) {
	if len(r.b) < 8 {
		return 0, false
	}
	var v uint64
	for i := range 8 {
		v |= uint64(r.b[i]) << (8 * i)
	}
	r.b = r.b[8:]
	return int64(v), true
}

// next decodes the next item into it.
func (r *reader) next(it *item) error {
	n, ok := r.uvarint()
	if !ok || n >= uint64(len(r.b)) {
		return fmt.Errorf("%w: name", errRow)
	}
	it.name = r.b[:n]
	k := r.b[n]
	r.b = r.b[n+1:]
	if err := tree.CheckName(it.name); err != nil || it.name <= r.last {
		return fmt.Errorf("%w: name %q", errRow, it.name)
	}
	r.last = it.name
	it.kind, it.exec = tree.Kind(k&^execFlag), k&execFlag != 0
	if it.kind < tree.File || it.kind > tree.Symlink || it.exec && it.kind != tree.File {
		return fmt.Errorf("%w: kind of %q", errRow, it.name)
	}
	var good [4]bool
	it.size, good[0] = r.amount()
	it.files, it.mtime, it.ctime, it.inode = 0, 0, 0, 0
	if it.kind == tree.Dir {
		it.files, good[1] = r.amount()
		good[2], good[3] = true, true
	} else {
		it.mtime, good[1] = r.fixed()
		it.ctime, good[2] = r.fixed()
		it.inode, good[3] = r.uvarint()
	}
	if good != [4]bool{true, true, true, true} || len(r.b) < oid.Size {
		return fmt.Errorf("%w: fields of %q", errRow, it.name)
	}
	copy(it.id[:], r.b)
	r.b = r.b[oid.Size:]
	return nil
}

// decodeItems reads what encodeItems wrote, and nothing else.
func decodeItems(b string) ([]item, error) {
	r, err := newReader(b)
	if err != nil {
		return nil, err
	}
	items := make([]item, r.count)
	for i := range items {
		if err := r.next(&items[i]); err != nil {
			return nil, err
		}
	}
	if len(r.b) > 0 {
		return nil, fmt.Errorf("%w: %d bytes behind the end", errRow, len(r.b))
	}
	return items, nil
}
