package parquetfile

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/parquet-go/parquet-go/format"
)

// The decoder makes as many values as the runs of a page say, whatever its
// header says. So runs are counted before they are decoded.

var (
	errDamaged  = errors.New("it is damaged: the values of a page end before their end")
	errTooLarge = errors.New("its pages have too many values to show")
)

// plainDictionary is what old writers call RLEDictionary.
const plainDictionary format.Encoding = 2

// levels is how deep a column is nested.
type levels struct{ repetition, definition int }

// check counts the values that decoding the page makes.
func (l levels) check(h *format.PageHeader, body []byte) error {
	encoding := h.DataPageHeader.V.Encoding
	switch {
	case h.DataPageHeaderV2.Valid:
		v2 := h.DataPageHeaderV2.V
		encoding = v2.Encoding
		for _, part := range []struct {
			length int32
			most   int
		}{{v2.RepetitionLevelsByteLength, l.repetition}, {v2.DefinitionLevelsByteLength, l.definition}} {
			if part.length < 0 || int(part.length) > len(body) {
				return errDamaged
			}
			if err := hybrid(body[:part.length], bits.Len(uint(part.most))); err != nil {
				return err
			}
			body = body[part.length:]
		}
	case h.DataPageHeader.Valid:
		for _, part := range []struct {
			encoding format.Encoding
			most     int
		}{{h.DataPageHeader.V.RepetitionLevelEncoding, l.repetition}, {h.DataPageHeader.V.DefinitionLevelEncoding, l.definition}} {
			if part.most == 0 {
				continue
			}
			if len(body) < 4 || uint64(binary.LittleEndian.Uint32(body)) > uint64(len(body)-4) {
				return errDamaged
			}
			end := 4 + int(binary.LittleEndian.Uint32(body))
			if part.encoding != format.BitPacked {
				if err := hybrid(body[4:end], bits.Len(uint(part.most))); err != nil {
					return err
				}
			}
			body = body[end:]
		}
	default:
		return nil // a dictionary is as long as its bytes
	}
	switch encoding {
	case format.RLEDictionary, plainDictionary:
		if len(body) == 0 {
			return nil
		}
		return hybrid(body[1:], int(body[0]))
	case format.RLE:
		if len(body) < 4 {
			return nil
		}
		return hybrid(body[4:], 1)
	case format.DeltaBinaryPacked, format.DeltaLengthByteArray:
		_, err := deltas(body)
		return err
	case format.DeltaByteArray: // each value may repeat all of the one before
		n, err := deltas(body)
		if err == nil && n*uint64(len(body)) > maxRead {
			return errTooLarge
		}
		return err
	default:
		return nil // no longer than its bytes
	}
}

// hybrid counts the values of runs, repeated and packed.
func hybrid(data []byte, width int) error {
	var total uint64
	for len(data) > 0 {
		head, n := binary.Uvarint(data)
		if n <= 0 {
			return errDamaged
		}
		data = data[n:]
		count, size := head>>1, uint64((width+7)/8)
		if head&1 == 1 {
			count, size = head>>1*8, head>>1*uint64(width)
		}
		if total += count; total > maxValues+1024 || head>>1 > maxValues+1024 {
			return errTooLarge
		}
		data = data[min(size, uint64(len(data))):]
	}
	return nil
}

// deltas is how many differences a block has, by its head.
func deltas(data []byte) (uint64, error) {
	var head [3]uint64 // values of a block, parts of a block, values in all
	for i := range head {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			return 0, errDamaged
		}
		head[i], data = v, data[n:]
	}
	if head[0] > maxValues || head[2] > maxValues {
		return 0, errTooLarge
	}
	return head[2], nil
}
