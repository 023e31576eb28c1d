package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// Bucket keeps bytes by key. Keys are slash-separated, made of letters, digits,
// '.', '-' and '_'; no key is a folder of another. Its methods may be called by
// many goroutines at once. Errors are of kind errs.NotFound, errs.Conflict or
// errs.Remote; those that may pass when tried again are marked by Temporary.
type Bucket interface {
	// Get reads n bytes of key from off, all from off on when n is negative.
	// The range must lie within the object. A missing key is errs.NotFound.
	Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, error)
	// Put writes size bytes under key: all of them or none. The body is opened
	// once for each attempt and closed by Put.
	Put(ctx context.Context, key string, size int64, body Body, o PutOptions) error
	// Stat returns the size of key in bytes, or errs.NotFound.
	Stat(ctx context.Context, key string) (size int64, err error)
	// List returns one page of the objects whose keys begin with prefix, in key
	// order, and the token of the next page, "" after the last. The first page
	// has the token "".
	List(ctx context.Context, prefix, token string) (page []Object, next string, err error)
	// Delete removes key, or is errs.NotFound.
	Delete(ctx context.Context, key string) error
	// Close gives up what the bucket holds.
	Close() error
}

// Body opens what a Put writes, from its start.
type Body func() (io.ReadCloser, error)

// PutOptions say how a Put writes.
type PutOptions struct {
	// IfAbsent makes Put fail with errs.Conflict, and change nothing, where the
	// key exists.
	IfAbsent bool
}

// Object is one line of a listing.
type Object struct {
	Key  string
	Size int64 // bytes
}

// Bytes is the body that reads data.
func Bytes(data []byte) Body {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
}

// ReadAll reads the whole of key, which is not longer than limit bytes.
func ReadAll(ctx context.Context, b Bucket, key string, limit int64) (data []byte, err error) {
	r, err := b.Get(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	data, err = io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = io.ErrShortBuffer
	}
	return data, err
}

// temporary marks an error that may pass.
type temporary struct{ err error }

func (t temporary) Error() string { return t.err.Error() }
func (t temporary) Unwrap() error { return t.err }

// Temporary marks err as one that may pass when the same is tried again.
func Temporary(err error) error { return temporary{err} }

// IsTemporary reports whether err was marked by Temporary or is a body that
// ended too early.
func IsTemporary(err error) bool {
	var t temporary
	return errors.As(err, &t) || errors.Is(err, io.ErrUnexpectedEOF)
}
