package oid

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// Size is the length of an id in bytes.
const Size = sha256.Size

// Algorithm is the byte that names SHA-256 in binary formats.
const Algorithm byte = 1

// ID is the SHA-256 of an object's bytes. The zero ID names no object.
type ID [Size]byte

// Sum returns the id of data.
func Sum(data []byte) ID { return sha256.Sum256(data) }

// NewHash returns a hash whose sum is an id; see FromHash.
func NewHash() hash.Hash { return sha256.New() }

// FromHash returns the id of what was written to h, a hash of NewHash.
func FromHash(h hash.Hash) ID {
	var id ID
	h.Sum(id[:0])
	return id
}

// FromBytes returns the id whose raw bytes are b, which must be Size long.
func FromBytes(b []byte) (ID, error) {
	var id ID
	if len(b) != Size {
		return id, fmt.Errorf("object id of %d bytes, want %d", len(b), Size)
	}
	copy(id[:], b)
	return id, nil
}

// Parse reads 64 hex digits, with or without a "sha256:" before them.
func Parse(s string) (ID, error) {
	var id ID
	digits := strings.TrimPrefix(s, "sha256:")
	if len(digits) != 2*Size {
		return id, fmt.Errorf("object id %q: want %d hex digits", s, 2*Size)
	}
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil {
		return ID{}, fmt.Errorf("object id %q: %w", s, err)
	}
	return id, nil
}

// String is the id as 64 hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Short is the id's first 8 hex digits, for people.
func (id ID) Short() string { return hex.EncodeToString(id[:4]) }

// IsZero reports whether the id names no object.
func (id ID) IsZero() bool { return id == ID{} }

// Compare orders ids by their bytes.
func (id ID) Compare(other ID) int { return bytes.Compare(id[:], other[:]) }

// MarshalText makes the id its hex digits in JSON and YAML; the zero id is "".
func (id ID) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return nil, nil
	}
	return []byte(id.String()), nil
}

// UnmarshalText is the inverse of MarshalText.
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = ID{}
		return nil
	}
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}
