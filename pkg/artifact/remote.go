package artifact

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/remote"
)

// Remote is a bucket that has each object under objects/ab/<id in hex>.
type Remote struct {
	bucket remote.Bucket
	spool  *Spool
	near   *Local
}

// NewRemote keeps objects in bucket, which stays open until after Close. Uploads
// stand in spool until their ids are known. What near has, the files of runs of
// this repository, is read there; it may be nil.
func NewRemote(bucket remote.Bucket, spool *Spool, near *Local) *Remote {
	return &Remote{bucket: bucket, spool: spool, near: near}
}

func key(id oid.ID) string {
	hex := id.String()
	return "objects/" + hex[:2] + "/" + hex
}

// Put implements Blobs.
func (r *Remote) Put(ctx context.Context, body io.Reader, named func(Object) error) (err error) {
	u, err := r.spool.receive(ctx, body)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, u.remove()) }()
	if err := r.keep(ctx, u); err != nil {
		return err
	}
	if err := fault.At(ctx, "artifact.kept"); err != nil {
		return err
	}
	return named(u.Object)
}

func (r *Remote) keep(ctx context.Context, u *spooled) error {
	name := key(u.ID)
	size, err := r.bucket.Stat(ctx, name)
	if err == nil && size == u.Size {
		return nil
	}
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	body := remote.Bytes(u.data)
	if u.path != "" {
		body = func() (io.ReadCloser, error) { return os.Open(u.path) }
	}
	// One of another size is what some accident left: it is written over.
	err = r.bucket.Put(ctx, name, u.Size, body, remote.PutOptions{IfAbsent: err != nil})
	if errs.Is(err, errs.Conflict) {
		return nil // another upload of the same bytes was first
	}
	return err
}

// Open implements Blobs.
func (r *Remote) Open(ctx context.Context, o Object) (io.ReadSeekCloser, error) {
	if r.near != nil && r.near.has(o.ID) {
		return r.near.Open(ctx, o)
	}
	return &remoteReader{ctx: ctx, bucket: r.bucket, object: o}, nil
}

// Spool implements Blobs.
func (r *Remote) Spool() *Spool { return r.spool }

// Close implements Blobs.
func (r *Remote) Close() error {
	err := r.spool.Close()
	if r.near != nil {
		err = errors.Join(err, r.near.Close())
	}
	return err
}

// remoteReader asks for bytes when they are read, from where it stands to the
// end.
type remoteReader struct {
	ctx    context.Context //nolint:containedctx // a reader lives within one request
	bucket remote.Bucket
	object Object

	at   int64
	body io.ReadCloser
	hash hash.Hash // of what was read, from the start without a gap; nil else
}

// Read implements io.Reader.
func (r *remoteReader) Read(p []byte) (int, error) {
	if r.at >= r.object.Size {
		return 0, io.EOF
	}
	if r.body == nil {
		body, err := r.bucket.Get(r.ctx, key(r.object.ID), r.at, -1)
		if err != nil {
			return 0, err
		}
		r.body = body
		if r.at == 0 {
			r.hash = oid.NewHash()
		}
	}
	n, err := r.body.Read(p[:min(int64(len(p)), r.object.Size-r.at)])
	r.at += int64(n)
	if r.hash != nil {
		r.hash.Write(p[:n])
	}
	if r.at < r.object.Size {
		if errors.Is(err, io.EOF) {
			return n, r.corrupt("it ends after %d of %d bytes", r.at, r.object.Size)
		}
		return n, err
	}
	if r.hash != nil && oid.FromHash(r.hash) != r.object.ID {
		return 0, r.corrupt("it has other bytes")
	}
	return n, nil
}

func (r *remoteReader) corrupt(format string, args ...any) error {
	return errs.New(errs.Corrupt, "artifact object %s: %s", r.object.ID, fmt.Sprintf(format, args...))
}

// Seek implements io.Seeker.
func (r *remoteReader) Seek(off int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		off += r.at
	case io.SeekEnd:
		off += r.object.Size
	}
	if off < 0 {
		return 0, errs.New(errs.Internal, "seek to %d", off)
	}
	if off == r.at {
		return off, nil
	}
	r.at, r.hash = off, nil
	if r.body == nil {
		return off, nil
	}
	body := r.body
	r.body = nil
	return off, body.Close()
}

// Close implements io.Closer.
func (r *remoteReader) Close() error {
	if r.body == nil {
		return nil
	}
	return r.body.Close()
}
