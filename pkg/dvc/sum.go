package dvc

import (
	"crypto/md5" //nolint:gosec // the names that DVC gives
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// The algorithms of sums, as the key hash spells them.
const (
	MD5    = "md5"
	Legacy = "md5-dos2unix" // of DVC 2, where the key hash is missing
)

// DirSuffix ends the sum of a directory.
const DirSuffix = ".dir"

// Sum names content.
type Sum struct {
	Algorithm string // MD5 or Legacy
	Hex       string // 32 hex digits, and DirSuffix for a directory
}

// IsZero reports whether the sum names nothing.
func (s Sum) IsZero() bool { return s.Hex == "" }

// IsDir reports whether the sum is of a directory.
func (s Sum) IsDir() bool { return strings.HasSuffix(s.Hex, DirSuffix) }

// File is the sum of a file that a manifest of the directory s lists.
func (s Sum) File(hexDigits string) Sum { return Sum{s.Algorithm, hexDigits} }

// String is the sum as .dvc files have it.
func (s Sum) String() string { return s.Hex }

// Key is the name of the object below a cache or a remote, in the layout that
// belongs to the algorithm: files/md5/ab/cdef… of DVC 3, ab/cdef… of DVC 2.
func (s Sum) Key() string {
	key := s.Hex[:2] + "/" + s.Hex[2:]
	if s.Algorithm == Legacy {
		return key
	}
	return "files/md5/" + key
}

// ParseSum checks the text of a sum; algorithm is what the key hash says, "" when
// there is none.
func ParseSum(algorithm, text string) (Sum, error) {
	switch algorithm {
	case MD5, Legacy:
	case "":
		algorithm = Legacy
	default:
		return Sum{}, fmt.Errorf("hash %q is not known", algorithm)
	}
	digits := strings.TrimSuffix(text, DirSuffix)
	if len(digits) != 2*md5.Size || strings.Trim(digits, "0123456789abcdef") != "" {
		return Sum{}, fmt.Errorf("%q is not an MD5", text)
	}
	return Sum{algorithm, text}, nil
}

// Hash returns a hash of an algorithm.
func Hash(algorithm string) hash.Hash {
	if algorithm == Legacy {
		return &dos2unix{md5: md5.New()} //nolint:gosec // see above
	}
	return md5.New() //nolint:gosec // see above
}

// SumOf is the sum of a file that is read from r.
func SumOf(algorithm string, r io.Reader) (Sum, error) {
	h := Hash(algorithm)
	if _, err := io.Copy(h, r); err != nil {
		return Sum{}, err
	}
	return Sum{algorithm, hex.EncodeToString(h.Sum(nil))}, nil
}

// legacyChunk is how many bytes DVC 2 read at once: whether they are text it
// decided anew for each.
const legacyChunk = 1 << 20

// dos2unix is the hash of DVC 2. It gathers chunks of the size that DVC read.
type dos2unix struct {
	md5 hash.Hash
	buf []byte
}

func (d *dos2unix) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		take := min(len(p), legacyChunk-len(d.buf))
		d.buf, p = append(d.buf, p[:take]...), p[take:]
		if len(d.buf) == legacyChunk {
			d.md5.Write(unix(d.buf))
			d.buf = d.buf[:0]
		}
	}
	return n, nil
}

func (d *dos2unix) Sum(b []byte) []byte {
	d.md5.Write(unix(d.buf))
	d.buf = d.buf[:0]
	return d.md5.Sum(b)
}

func (d *dos2unix) Reset()       { d.md5.Reset(); d.buf = d.buf[:0] }
func (*dos2unix) Size() int      { return md5.Size }
func (*dos2unix) BlockSize() int { return md5.BlockSize }

// unix makes CRLF LF in a chunk that looks like text. It does so in place.
func unix(chunk []byte) []byte {
	if !isText(chunk[:min(len(chunk), 512)]) {
		return chunk
	}
	out := chunk[:0]
	for i, c := range chunk {
		if c == '\r' && i+1 < len(chunk) && chunk[i+1] == '\n' {
			continue
		}
		out = append(out, c)
	}
	return out
}

// isText is DVC's guess: no zero byte, and at most 30 % of bytes that no text
// has.
func isText(b []byte) bool {
	odd := 0
	for _, c := range b {
		switch {
		case c == 0:
			return false
		case c >= 0x20 && c < 0x7f, c == '\n', c == '\r', c == '\t', c == '\f', c == '\b':
		default:
			odd++
		}
	}
	return float64(odd) <= 0.3*float64(len(b))
}

// ErrFormat is in the chain of errors about bytes that DVC would not have
// written.
var ErrFormat = errors.New("not what DVC writes")
