package transfer

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/store"
)

// readSize is how much of a file is read at once, in bytes.
const readSize = 1 << 20

// uploads is the number of packs that are sent at once, where --jobs allows.
const uploads = 8

// uploader sends packs.
type uploader struct {
	ctx  context.Context //nolint:containedctx // lives as long as one send
	st   *store.Store
	b    *remote.Conn
	task progress.Task
}

func (u *uploader) send(p parcel) (sentPack, error) {
	if p.whole != nil {
		return u.sendWhole(*p.whole)
	}
	var nonce [pack.NonceSize]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return sentPack{}, err
	}
	l := pack.Plan(p.kind, p.items, nonce)
	r := &packReader{u: u, layout: l, items: p.items}
	if err := u.b.Put(u.ctx, packKey(l.ID()), l.Size(), r.open, remote.PutOptions{}); err != nil {
		return sentPack{}, err
	}
	return sentOf(l.ID(), p.kind, l.Size(), len(p.items), l.Trailer()), nil
}

// sendWhole sends a pack of the store as it is, after a look at every object:
// a damaged one must not get into a remote under a good name.
func (u *uploader) sendWhole(info store.PackInfo) (sentPack, error) {
	x, err := verifyPack(u.ctx, info.Path)
	if err != nil {
		return sentPack{}, errs.New(errs.KindOf(err), "push pack: %w", err).Hint("type 'mlops fsck' to see what is affected")
	}
	if x.Pack() != info.ID {
		return sentPack{}, errs.New(errs.Corrupt, "pack %s has the trailer of %s", info.Path, x.Pack())
	}
	body := func() (io.ReadCloser, error) { return os.Open(info.Path) }
	if err := u.b.Put(u.ctx, packKey(info.ID), info.Size, body, remote.PutOptions{}); err != nil {
		return sentPack{}, err
	}
	u.task.Add(int64(info.Count), info.Size)
	return sentOf(info.ID, info.Kind, info.Size, info.Count, x.Bytes()), nil
}

// verifyPack holds every object of a pack file against its id. It reads the
// file front to back: mapped, all of it would count as this program's memory.
func verifyPack(ctx context.Context, path string) (x *pack.Index, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if x, err = pack.ReadIndex(f, info.Size()); err != nil {
		return nil, errs.New(errs.Corrupt, "%s: %w", path, err)
	}
	order := make([]uint32, x.Len()) // places in x, by offset
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return cmp.Compare(x.At(int(a)).Offset, x.At(int(b)).Offset) })
	buf := bufio.NewReaderSize(f, readSize)
	at := int64(0)
	h := oid.NewHash()
	for i, k := range order {
		e := x.At(int(k))
		if i%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if e.Offset < at {
			return nil, errs.New(errs.Corrupt, "%s: object %s overlaps another", path, e.ID)
		}
		if _, err := io.CopyN(io.Discard, buf, e.Offset-at); err != nil {
			return nil, err
		}
		h.Reset()
		if _, err := io.CopyN(h, buf, e.Stored); err != nil {
			return nil, err
		}
		at = e.Offset + e.Stored
		if got := oid.FromHash(h); got != e.ID {
			return nil, errs.New(errs.Corrupt, "%s: object %s has the content of %s", path, e.ID, got)
		}
	}
	return x, nil
}

// packReader reads a pack that does not exist as a file: what stands around the
// objects from the layout, the objects from the store.
type packReader struct {
	u      *uploader
	layout *pack.Layout
	items  []pack.Item

	next     int
	cur      io.Reader
	closer   io.Closer
	reported int64 // bytes that the task was told of
	files    int64
}

// open begins again from the start.
func (r *packReader) open() (io.ReadCloser, error) {
	if err := r.Close(); err != nil {
		return nil, err
	}
	r.u.task.Add(-r.files, -r.reported)
	r.next, r.cur, r.reported, r.files = 0, bytes.NewReader(r.layout.Header()), 0, 0
	return r, nil
}

func (r *packReader) Read(p []byte) (int, error) {
	for {
		n, err := r.cur.Read(p)
		if n > 0 || err != nil && !errors.Is(err, io.EOF) {
			r.reported += int64(n)
			r.u.task.Add(0, int64(n))
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return n, err
		}
		if err := r.Close(); err != nil {
			return 0, err
		}
		switch {
		case r.next < len(r.items):
			if err := r.object(r.items[r.next]); err != nil {
				return 0, err
			}
			r.files++
			r.u.task.Add(1, 0)
		case r.next == len(r.items):
			r.cur = bytes.NewReader(r.layout.Tail())
		default:
			return 0, io.EOF
		}
		r.next++
	}
}

func (r *packReader) object(it pack.Item) error {
	body, err := r.u.st.Open(r.u.ctx, it.ID)
	if err != nil {
		return err
	}
	r.cur, r.closer = &sized{body, it.Size, it.ID}, body
	return nil
}

// sized fails where an object is not as long as was planned.
type sized struct {
	r    io.Reader
	left int64
	id   oid.ID
}

func (s *sized) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.left -= int64(n)
	if s.left < 0 || errors.Is(err, io.EOF) && s.left > 0 {
		return n, fmt.Errorf("object %s changed its length while it was read", s.id)
	}
	return n, err
}

// Close ends the object that is being read.
func (r *packReader) Close() error {
	c := r.closer
	r.closer = nil
	if c == nil {
		return nil
	}
	return c.Close()
}
