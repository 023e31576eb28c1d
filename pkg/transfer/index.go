package transfer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pack"
	"github.com/mlops-cli/mlops/pkg/remote"
)

const (
	partMagic = "MLPARTS1"
	// A part holds trailers up to this many bytes, or one that is larger.
	partTarget = 16 << 20
	// maxPart bounds what a part may unpack to.
	maxPart = 4 << 30
	// So many packs are looked through one by one before they are merged.
	mergePacks = 16
)

// Index finds the objects of a remote: in a merged index on disk, or in the
// trailers of packs that came since.
type Index struct {
	multi   *pack.Multi
	mapping *fsx.Mapping
	fresh   []*pack.Index
	packs   map[oid.ID]*PackRef
}

// PackRef is a pack of a remote.
type PackRef struct {
	ID   oid.ID
	Size int64 // bytes
}

// Place is where a remote has an object. There is one for each object that is
// fetched, so it is small.
type Place struct {
	Pack  *PackRef
	Kind  pack.Kind
	Entry pack.Entry
}

// Find returns where id is.
func (x *Index) Find(id oid.ID) (Place, bool) {
	if x.multi != nil {
		if p, kind, e, ok := x.multi.Find(id); ok {
			return Place{x.packs[p], kind, e}, true
		}
	}
	for _, f := range x.fresh {
		if e, ok := f.Find(id); ok {
			return Place{x.packs[f.Pack()], f.Kind(), e}, true
		}
	}
	return Place{}, false
}

// Has reports whether the remote has id.
func (x *Index) Has(id oid.ID) bool {
	_, ok := x.Find(id)
	return ok
}

// Close ends the use of the index.
func (x *Index) Close() error {
	if x.mapping == nil {
		return nil
	}
	return x.mapping.Close()
}

func (h *History) multiPath() string { return filepath.Join(h.dir, "merged.idx") }
func (h *History) partPath(id oid.ID) string {
	return filepath.Join(h.dir, "part-"+id.String())
}

// Index returns the index of everything in the log, fetching the parts that
// were not seen yet.
func (h *History) Index(ctx context.Context) (*Index, error) {
	x := &Index{packs: make(map[oid.ID]*PackRef, len(h.Packs))}
	for _, p := range h.Packs {
		x.packs[p.ID] = &PackRef{ID: p.ID, Size: p.Size}
	}
	if h.Merged > len(h.Parts) || h.Merged > 0 && !x.open(h.multiPath(), packsOf(h.Parts[:h.Merged])) {
		h.Merged = 0
	}
	fresh, err := h.readParts(ctx, h.Parts[h.Merged:])
	if err != nil {
		return nil, errors.Join(err, x.Close())
	}
	x.fresh = fresh
	if len(fresh) <= mergePacks {
		return x, nil
	}
	if err := x.Close(); err != nil {
		return nil, err
	}
	return x, h.merge(ctx, x)
}

// open maps the merged index, which covers so many packs. One that is missing,
// damaged or of other packs is not used.
func (x *Index) open(path string, packs int) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	m, err := fsx.Map(f)
	if errors.Join(err, f.Close()) != nil {
		return false
	}
	multi, err := pack.ParseMulti(m.Data)
	good := err == nil && len(multi.Packs()) == packs
	for i := 0; good && i < packs; i++ {
		_, good = x.packs[multi.Packs()[i]]
	}
	if !good {
		_ = m.Close() // it is replaced in any case
		return false
	}
	x.multi, x.mapping = multi, m
	return true
}

func packsOf(parts []Part) int {
	n := 0
	for _, p := range parts {
		n += p.Packs
	}
	return n
}

// merge writes an index over all parts and uses it.
func (h *History) merge(ctx context.Context, x *Index) error {
	all, err := h.readParts(ctx, h.Parts)
	if err != nil {
		return err
	}
	if err := fsx.Replace(h.multiPath(), 0o666, func(w io.Writer) error { return pack.WriteMulti(w, all) }); err != nil {
		return err
	}
	x.fresh = nil
	if !x.open(h.multiPath(), len(all)) {
		return errs.New(errs.Internal, "the merged index %s cannot be read back", h.multiPath())
	}
	h.Merged = len(h.Parts)
	return h.save()
}

// readParts reads parts from the cache or, those that are not there, from the
// remote.
func (h *History) readParts(ctx context.Context, parts []Part) ([]*pack.Index, error) {
	known := make(map[oid.ID]bool, len(h.Packs))
	for _, p := range h.Packs {
		known[p.ID] = true
	}
	read := make([][]*pack.Index, len(parts))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, p := range parts {
		group.Go(func() (err error) {
			if data, rerr := os.ReadFile(h.partPath(p.ID)); rerr == nil {
				if read[i], err = parsePart(data, known); err == nil {
					return nil
				}
			} else if !errors.Is(rerr, fs.ErrNotExist) {
				return rerr
			}
			data, err := h.fetchPart(gctx, p)
			if err != nil {
				return err
			}
			if read[i], err = parsePart(data, known); err != nil {
				return errs.New(errs.Corrupt, "index part %s of the remote: %w", p.ID, err)
			}
			return h.keepPart(p.ID, data)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var all []*pack.Index
	for _, list := range read {
		all = append(all, list...)
	}
	return all, nil
}

// keepPart keeps a plain part in the cache.
func (h *History) keepPart(id oid.ID, plain []byte) error {
	return fsx.WriteFile(h.partPath(id), plain, 0o666)
}

func (h *History) fetchPart(ctx context.Context, p Part) ([]byte, error) {
	packed, err := remote.ReadAll(ctx, h.b, partKey(p.ID), p.Size)
	if err != nil {
		if errs.Is(err, errs.NotFound) {
			return nil, errs.New(errs.Corrupt, "the remote has lost its index part %s: %w", p.ID, err).
				Hint("restore it from a backup or the bucket's older versions")
		}
		return nil, err
	}
	if got := oid.Sum(packed); got != p.ID {
		return nil, errs.New(errs.Corrupt, "index part %s of the remote is damaged: its SHA-256 is %s", p.ID, got)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxPart), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	data, err := dec.DecodeAll(packed, nil)
	if err != nil {
		return nil, errs.New(errs.Corrupt, "index part %s of the remote: %w", p.ID, err)
	}
	return data, nil
}

// encodePart joins trailers into a part, and returns it compressed and plain.
func encodePart(trailers [][]byte) (packed, plain []byte, err error) {
	plain = append(plain, partMagic...)
	for _, t := range trailers {
		plain = binary.LittleEndian.AppendUint64(plain, uint64(len(t)))
		plain = append(plain, t...)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, nil, err
	}
	return enc.EncodeAll(plain, nil), plain, enc.Close()
}

// parsePart reads a plain part. Known are the packs of the log: trailers of
// others are refused.
func parsePart(data []byte, known map[oid.ID]bool) ([]*pack.Index, error) {
	rest, ok := bytes.CutPrefix(data, []byte(partMagic))
	if !ok {
		return nil, errors.New("not an index part")
	}
	var list []*pack.Index
	for len(rest) > 0 {
		if len(rest) < 8 {
			return nil, errors.New("the index part is cut off")
		}
		n := binary.LittleEndian.Uint64(rest)
		rest = rest[8:]
		if n > uint64(len(rest)) {
			return nil, errors.New("the index part is cut off")
		}
		x, err := pack.ParseTrailer(rest[:n:n])
		if err != nil {
			return nil, err
		}
		if !known[x.Pack()] {
			return nil, fmt.Errorf("the index part has pack %s, which the log does not name", x.Pack())
		}
		list = append(list, x)
		rest = rest[n:]
	}
	return list, nil
}
