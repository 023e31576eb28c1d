package tree

import (
	"context"
	"fmt"
	"strings"

	"github.com/mlops-cli/mlops/pkg/oid"
)

// Kind says what an entry is.
type Kind byte

// The kinds of entries.
const (
	File    Kind = 1
	Dir     Kind = 2
	Symlink Kind = 3
)

// String names the kind as pointers, locks and JSON have it.
func (k Kind) String() string {
	switch k {
	case File:
		return "file"
	case Dir:
		return "dir"
	case Symlink:
		return "symlink"
	}
	return fmt.Sprintf("kind %d", byte(k))
}

// ParseKind is the inverse of String.
func ParseKind(s string) (Kind, error) {
	for _, k := range []Kind{File, Dir, Symlink} {
		if k.String() == s {
			return k, nil
		}
	}
	return 0, fmt.Errorf("kind %q is not file, dir or symlink", s)
}

// Entry is one name in a directory.
type Entry struct {
	Name  string // raw bytes, without a slash
	Kind  Kind
	Exec  bool   // files only
	Size  int64  // bytes: of the file, of the link's target, of all files below a directory
	Files int64  // 1, or the number of entries below a directory that are no directories
	ID    oid.ID // content, target text, or root node
}

// Source gives the verified bytes of a node.
type Source interface {
	Tree(ctx context.Context, id oid.ID) ([]byte, error)
}

// Sink stores a node.
type Sink interface {
	PutTree(node []byte) (oid.ID, error)
}

// CheckName says why name cannot stand in a directory.
func CheckName(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("name %q cannot stand in a directory", name)
	}
	return nil
}
