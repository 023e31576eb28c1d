package parquetfile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// chunk is where the pages of a column are.
type chunk struct {
	begin, length int64
	codec         format.CompressionCodec
	elsewhere     bool // in another file
}

// cleaned is the pages of a chunk, within the limits and not compressed, for
// one that reads them in order.
type cleaned struct {
	in     *bufio.Reader
	pages  thrift.Decoder
	codec  format.CompressionCodec
	levels levels
	budget *int64 // bytes that may still be made
	base   int64  // where page begins
	page   []byte
	err    error // why it ended, but for its end
}

func newCleaned(r io.ReaderAt, size int64, c chunk, l levels, budget *int64) (*cleaned, error) {
	if c.elsewhere {
		return nil, errors.New("its values are in another file")
	}
	if c.begin < int64(len(magic)) || c.length <= 0 || c.begin >= size {
		return nil, errors.New("it is damaged: its place is outside of the file")
	}
	in := bufio.NewReaderSize(io.NewSectionReader(r, c.begin, min(c.length, size-c.begin)), 64<<10)
	return &cleaned{in: in, pages: *thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(in)), codec: c.codec, levels: l, budget: budget, base: int64(len(magic))}, nil
}

// ReadAt reads on: only what the last page has, and what comes after it.
func (c *cleaned) ReadAt(p []byte, off int64) (n int, err error) {
	if off < c.base {
		return 0, errors.New("pages are read in order")
	}
	for n < len(p) {
		at := off + int64(n) - c.base
		if at < int64(len(c.page)) {
			n += copy(p[n:], c.page[at:])
			continue
		}
		if n > 0 {
			return n, nil // what comes next may not be needed
		}
		if err := c.next(); err != nil {
			if !errors.Is(err, io.EOF) {
				c.err = err
			}
			return n, io.EOF
		}
	}
	return n, nil
}

// next makes the next page.
func (c *cleaned) next() error {
	var h format.PageHeader
	if _, err := c.in.Peek(1); err != nil {
		return io.EOF
	}
	if err := c.pages.Decode(&h); err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	if h.CompressedPageSize < 0 || h.UncompressedPageSize < 0 {
		return errors.New("it is damaged: a page has no size")
	}
	if h.CompressedPageSize > maxPage || h.UncompressedPageSize > maxPage || values(&h) > maxValues {
		return fmt.Errorf("its pages are too large to show: %d MiB, %d values", h.UncompressedPageSize>>20, values(&h))
	}
	if *c.budget -= int64(h.UncompressedPageSize) + int64(h.CompressedPageSize); *c.budget < 0 {
		return errors.New("the columns before it are too large to show it, too")
	}
	body := make([]byte, h.CompressedPageSize)
	if _, err := io.ReadFull(c.in, body); err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	// Levels of pages of the second version are never compressed.
	begin, packed := 0, true
	if v2 := &h.DataPageHeaderV2; v2.Valid {
		begin = int(v2.V.RepetitionLevelsByteLength) + int(v2.V.DefinitionLevelsByteLength)
		if begin < 0 || begin > len(body) || begin > int(h.UncompressedPageSize) {
			return errors.New("it is damaged: levels are longer than their page")
		}
		packed = !v2.V.IsCompressed.Valid || v2.V.IsCompressed.V
		v2.V.IsCompressed.V, v2.V.IsCompressed.Valid = false, true
	}
	if packed && c.codec != format.Uncompressed {
		data, err := unpack(c.codec, body[begin:], int(h.UncompressedPageSize)-begin)
		if err != nil {
			return err
		}
		body = append(body[:begin:begin], data...)
	}
	if err := c.levels.check(&h, body); err != nil {
		return err
	}
	h.CompressedPageSize, h.UncompressedPageSize, h.CRC = int32(len(body)), int32(len(body)), 0
	head, err := thrift.Marshal(new(thrift.CompactProtocol), &h)
	if err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	c.base += int64(len(c.page))
	c.page = slices.Concat(head, body)
	return nil
}

// values is how many values a page says it has.
func values(h *format.PageHeader) int32 {
	return max(h.DataPageHeader.V.NumValues, h.DataPageHeaderV2.V.NumValues, h.DictionaryPageHeader.V.NumValues)
}

// unpack decompresses a page that has size bytes.
func unpack(codec format.CompressionCodec, packed []byte, size int) ([]byte, error) {
	whole := func(data []byte, err error) ([]byte, error) {
		if err == nil && len(data) != size {
			err = fmt.Errorf("a page has %d bytes instead of %d", len(data), size)
		}
		if err != nil {
			return nil, fmt.Errorf("it is damaged: %w", err)
		}
		return data, nil
	}
	some := func(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, int64(size)+1)) }
	switch codec {
	case format.Snappy:
		if n, err := snappy.DecodedLen(packed); err != nil || n != size {
			return whole(nil, errors.Join(err, fmt.Errorf("a page has %d bytes instead of %d", n, size)))
		}
		return whole(snappy.Decode(nil, packed))
	case format.Gzip:
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return whole(nil, err)
		}
		return whole(some(z))
	case format.Zstd:
		z, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(2*maxPage))
		if err != nil {
			return whole(nil, err)
		}
		defer z.Close()
		return whole(some(z))
	case format.Brotli:
		return whole(some(brotli.NewReader(bytes.NewReader(packed))))
	case format.Lz4Raw:
		data := make([]byte, size)
		n, err := lz4.UncompressBlock(packed, data)
		return whole(data[:max(n, 0)], err)
	default:
		return nil, fmt.Errorf("it is compressed by %s, which is not read here", codec)
	}
}
