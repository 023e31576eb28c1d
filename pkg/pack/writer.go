package pack

import (
	"fmt"
	"io"

	"github.com/mlops-cli/mlops/pkg/oid"
)

// Writer writes one pack, front to back.
type Writer struct {
	w       io.Writer
	kind    Kind
	nonce   [NonceSize]byte
	end     int64
	entries []Entry
	err     error // of the first write that failed: what follows would stand in the wrong place
}

// NewWriter begins a pack of kind k. The nonce must be random.
func NewWriter(w io.Writer, k Kind, nonce [NonceSize]byte) (*Writer, error) {
	if _, err := w.Write(Header(k)); err != nil {
		return nil, err
	}
	return &Writer{w: w, kind: k, nonce: nonce, end: HeaderSize}, nil
}

// Append writes an object whose id the caller knows. An id may be appended
// once. After an error the pack cannot be closed.
func (w *Writer) Append(id oid.ID, data []byte) error {
	if w.err != nil {
		return w.err
	}
	if _, w.err = w.w.Write(data); w.err != nil {
		return w.err
	}
	w.add(id, int64(len(data)))
	return nil
}

// AppendFrom writes an object of size bytes from r.
func (w *Writer) AppendFrom(id oid.ID, size int64, r io.Reader) error {
	if w.err != nil {
		return w.err
	}
	n, err := io.Copy(w.w, r)
	if err == nil && n != size {
		err = fmt.Errorf("pack object %s: %d bytes read, want %d", id, n, size)
	}
	if w.err = err; err != nil {
		return err
	}
	w.add(id, size)
	return nil
}

func (w *Writer) add(id oid.ID, size int64) {
	w.entries = append(w.entries, Entry{ID: id, Offset: w.end, Stored: size, Size: size})
	w.end += size
}

// Size is the number of bytes written so far.
func (w *Writer) Size() int64 { return w.end }

// Len is the number of objects written so far.
func (w *Writer) Len() int { return len(w.entries) }

// Close writes trailer and footer and returns the pack's id. It is an error
// when an id was appended twice: such a pack could not be read.
func (w *Writer) Close() (oid.ID, error) {
	if w.err != nil {
		return oid.ID{}, w.err
	}
	SortEntries(w.entries)
	for i := 1; i < len(w.entries); i++ {
		if w.entries[i-1].ID == w.entries[i].ID {
			return oid.ID{}, fmt.Errorf("pack object %s: it stands twice in one pack", w.entries[i].ID)
		}
	}
	for i := 1; i < len(w.entries); i++ {
		if w.entries[i].ID == w.entries[i-1].ID {
			return oid.ID{}, fmt.Errorf("write pack: object %s stands in it twice", w.entries[i].ID)
		}
	}
	tail, id := Tail(w.kind, w.entries, w.nonce, w.end)
	_, err := w.w.Write(tail)
	return id, err
}

// Layout is a pack whose objects are known but not read yet: its id and size,
// and every byte that is not an object's, are.
type Layout struct {
	id     oid.ID
	header []byte
	tail   []byte
	blobs  int64
}

// Plan lays out a pack that holds items in this order.
func Plan(k Kind, items []Item, nonce [NonceSize]byte) *Layout {
	entries := make([]Entry, len(items))
	end := int64(HeaderSize)
	for i, it := range items {
		entries[i] = Entry{ID: it.ID, Offset: end, Stored: it.Size, Size: it.Size}
		end += it.Size
	}
	SortEntries(entries)
	tail, id := Tail(k, entries, nonce, end)
	return &Layout{id: id, header: Header(k), tail: tail, blobs: end - HeaderSize}
}

// ID is the id of the pack.
func (l *Layout) ID() oid.ID { return l.id }

// Size is the length of the whole pack in bytes.
func (l *Layout) Size() int64 { return int64(len(l.header)) + l.blobs + int64(len(l.tail)) }

// Header is what stands before the objects.
func (l *Layout) Header() []byte { return l.header }

// Tail is what stands behind the objects: trailer and footer.
func (l *Layout) Tail() []byte { return l.tail }

// Trailer is the trailer alone, as ParseTrailer reads it.
func (l *Layout) Trailer() []byte { return l.tail[:len(l.tail)-FooterSize] }
