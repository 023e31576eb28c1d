package dvc

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the names that DVC gives
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// File is a file of a directory. The bytes of its path need not be UTF-8.
type File struct {
	Path string // slash path below the directory
	Hex  string // its sum
}

// Manifest is the files below a directory, sorted by path.
type Manifest []File

// Encode writes the manifest byte for byte as DVC does, and returns its sum.
func (m Manifest) Encode(algorithm string) ([]byte, Sum) {
	sorted := slices.Clone(m)
	slices.SortFunc(sorted, func(a, b File) int { return compare(a.Path, b.Path) })
	b := make([]byte, 0, 2+len(sorted)*100)
	b = append(b, '[')
	for i, f := range sorted {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, `{"md5": `...)
		b = appendString(b, f.Hex)
		b = append(b, `, "relpath": `...)
		b = appendString(b, f.Path)
		b = append(b, '}')
	}
	b = append(b, ']')
	h := md5.Sum(b) //nolint:gosec // see above
	return b, Sum{algorithm, hex.EncodeToString(h[:]) + DirSuffix}
}

// ParseManifest reads a manifest. Paths that would lead out of the directory, or
// are there twice, are refused.
func ParseManifest(text []byte) (Manifest, error) {
	var entries []struct {
		MD5     string          `json:"md5"`
		RelPath json.RawMessage `json:"relpath"`
	}
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, fmt.Errorf("directory manifest: %w: %w", ErrFormat, err)
	}
	m := make(Manifest, len(entries))
	for i, e := range entries {
		p, err := unquote(e.RelPath)
		if err != nil {
			return nil, fmt.Errorf("directory manifest: entry %d: %w", i+1, err)
		}
		if strings.ToValidUTF8(p, "") == p && !fs.ValidPath(p) || p == "." || badPath(p) {
			return nil, fmt.Errorf("directory manifest: entry %d: path %q: %w", i+1, p, ErrFormat)
		}
		if s, err := ParseSum(MD5, e.MD5); err != nil || s.IsDir() {
			return nil, fmt.Errorf("directory manifest: entry %d: sum %q: %w", i+1, e.MD5, ErrFormat)
		}
		m[i] = File{Path: p, Hex: e.MD5}
	}
	slices.SortFunc(m, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for i := 1; i < len(m); i++ {
		if m[i].Path == m[i-1].Path {
			return nil, fmt.Errorf("directory manifest: path %q is there twice: %w", m[i].Path, ErrFormat)
		}
	}
	return m, nil
}

// compare orders paths as Python orders their text: bytes that are no UTF-8 by the
// surrogates that stand for them.
func compare(a, b string) int {
	for a != "" && b != "" {
		r, n := character(a)
		q, m := character(b)
		if r != q {
			return int(r) - int(q)
		}
		a, b = a[n:], b[m:]
	}
	return len(a) - len(b)
}

func character(s string) (rune, int) {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 {
		r = 0xdc00 + rune(s[0])
	}
	return r, n
}

func badPath(p string) bool {
	for part := range strings.SplitSeq(p, "/") {
		if part == "" || part == "." || part == ".." || strings.IndexByte(part, 0) >= 0 {
			return true
		}
	}
	return false
}

// appendString writes a string as Python's json.dumps does: ASCII only, bytes
// that are no UTF-8 as the surrogates that Python has for them.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		r, n := character(s[i:])
		i += n
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == '\b':
			b = append(b, `\b`...)
		case r == '\f':
			b = append(b, `\f`...)
		case r >= 0x20 && r < 0x7f:
			b = append(b, byte(r))
		case r > 0xffff:
			r -= 0x10000
			b = appendUnit(appendUnit(b, 0xd800+r>>10), 0xdc00+r&0x3ff)
		default:
			b = appendUnit(b, r)
		}
	}
	return append(b, '"')
}

func appendUnit(b []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}

// unquote reads a JSON string; Python's surrogates for odd bytes become those.
func unquote(raw json.RawMessage) (string, error) {
	if !bytes.Contains(raw, []byte(`\u`)) {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return "", fmt.Errorf("%w: %w", ErrFormat, err)
		}
		return s, nil
	}
	if len(raw) < 2 || raw[0] != '"' {
		return "", ErrFormat
	}
	var out []byte
	text := raw[1 : len(raw)-1]
	for len(text) > 0 {
		at := bytes.IndexByte(text, '\\')
		if at < 0 {
			out = append(out, text...)
			break
		}
		out = append(out, text[:at]...)
		text = text[at:]
		unit, ok := codeUnit(text)
		if !ok { // one of the short escapes
			if len(text) < 2 {
				return "", ErrFormat
			}
			var s string
			if err := json.Unmarshal([]byte(`"`+string(text[:2])+`"`), &s); err != nil {
				return "", fmt.Errorf("%w: %w", ErrFormat, err)
			}
			out, text = append(out, s...), text[2:]
			continue
		}
		text = text[6:]
		switch {
		case unit >= 0xd800 && unit < 0xdc00:
			low, ok := codeUnit(text)
			if !ok || low < 0xdc00 || low > 0xdfff {
				return "", fmt.Errorf("half a character: %w", ErrFormat)
			}
			out, text = utf8.AppendRune(out, 0x10000+(unit-0xd800)<<10+low-0xdc00), text[6:]
		case unit >= 0xdc80 && unit <= 0xdcff:
			out = append(out, byte(unit-0xdc00))
		case unit >= 0xdc00 && unit <= 0xdfff:
			return "", fmt.Errorf("half a character: %w", ErrFormat)
		default:
			out = utf8.AppendRune(out, unit)
		}
	}
	return string(out), nil
}

func codeUnit(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}
