package artifact

import (
	"context"
	"io"

	"github.com/mlops-cli/mlops/pkg/oid"
)

// Object is bytes that are kept.
type Object struct {
	ID   oid.ID
	Size int64 // bytes
}

// Blobs keeps bytes by their id.
type Blobs interface {
	// Put reads r to its end and keeps the bytes; they are durable when named is
	// called, which gives them a name. Until it has returned nothing removes
	// them. Its error is Put's.
	Put(ctx context.Context, r io.Reader, named func(Object) error) error
	// Open returns the bytes of an object. Nothing is read before the first Read.
	// Bytes that are not what the id says end in errs.Corrupt when they are read
	// from start to end.
	Open(ctx context.Context, o Object) (io.ReadSeekCloser, error)
	// Spool returns the place for uploads that come in parts.
	Spool() *Spool
	// Close removes what is temporary. The methods must have returned.
	Close() error
}
