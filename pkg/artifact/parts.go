package artifact

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/track"
)

const (
	// MaxParts is the most parts of an upload.
	MaxParts = 10_000

	uploadLife = 24 * time.Hour // after which an upload that nobody ended is dropped
	maxUploads = 1000           // begun and not ended, where one server keeps them
)

// Uploads are files that come in parts, in any order and side by side. Where
// servers share a bucket their parts and all that is known of them are there, and
// each part may come to another server. Else they live in this server: when it
// ends, clients begin anew.
type Uploads struct {
	store *Store
	clock clock.Clock
	parts partKeeper
}

// partKeeper is where the parts of uploads stand.
type partKeeper interface {
	begin(ctx context.Context, id string, up upload) error
	// find is errs.NotFound for an upload that did not begin or has ended.
	find(ctx context.Context, id string) (upload, error)
	// put keeps a part until the end of its upload and returns its tag. One that
	// is sent again may stand beside the one before.
	put(ctx context.Context, id string, number int, r io.Reader) (tag string, err error)
	// open returns the bytes of a part, or errs.NotFound.
	open(ctx context.Context, id string, p Part) (io.ReadCloser, error)
	// has reports whether a part with that tag is here.
	has(ctx context.Context, id string, p Part) (bool, error)
	end(ctx context.Context, id string) error
	// expire drops uploads that began before a time and were not ended.
	expire(ctx context.Context, before time.Time) error
}

// upload is a file of which parts are missing.
type upload struct {
	Owner track.Owner
	Path  string
	Parts int
	Begun time.Time
}

// Part is a part that a client says it has sent.
type Part struct {
	Number int    // from 1 on
	Tag    string // the id of its bytes
}

// NewUploads returns uploads into store.
func NewUploads(store *Store, c clock.Clock) *Uploads {
	u := &Uploads{store: store, clock: c}
	if r, ok := store.blobs.(*Remote); ok {
		u.parts = &bucketParts{bucket: r.bucket, spool: r.spool}
	} else {
		u.parts = &ownParts{spool: store.blobs.Spool(), all: make(map[string]ownUpload)}
	}
	return u
}

// Begin opens an upload of a file in so many parts. The id is a secret: who has
// it may send parts.
func (u *Uploads) Begin(ctx context.Context, o track.Owner, p string, parts int) (id string, err error) {
	p, err = filePath(p)
	if err != nil {
		return "", err
	}
	if parts < 1 || parts > MaxParts {
		return "", errs.New(errs.Usage, "an upload has from 1 to %d parts, not %d", MaxParts, parts)
	}
	if err := u.store.writable(ctx, o, p); err != nil {
		return "", err
	}
	now := u.clock.Now()
	if err := u.parts.expire(ctx, now.Add(-uploadLife)); err != nil {
		return "", err
	}
	var secret [32]byte
	rand.Read(secret[:]) // never fails: the runtime stops the program instead
	id = hex.EncodeToString(secret[:])
	return id, u.parts.begin(ctx, id, upload{Owner: o, Path: p, Parts: parts, Begun: now})
}

func noUpload() error {
	return errs.New(errs.NotFound, "there is no such upload: it was completed or aborted, is older than a day, or the server was restarted")
}

// Check says whether an upload is of the file at p.
func (u *Uploads) Check(ctx context.Context, id string, o track.Owner, p string) error {
	up, err := u.parts.find(ctx, id)
	if err == nil && (up.Owner != o || up.Path != p) {
		err = errs.New(errs.Usage, "the upload is of another file than %s", p)
	}
	return err
}

// Put receives a part and returns its tag. A part that is sent again replaces
// the one before.
func (u *Uploads) Put(ctx context.Context, id string, number int, r io.Reader) (tag string, err error) {
	up, err := u.parts.find(ctx, id)
	if err != nil {
		return "", err
	}
	if number < 1 || number > up.Parts {
		return "", errs.New(errs.Usage, "part %d of %d", number, up.Parts)
	}
	return u.parts.put(ctx, id, number, r)
}

// Complete makes the file of its parts, which are all that were sent, in order.
func (u *Uploads) Complete(ctx context.Context, id string, parts []Part) (File, error) {
	up, err := u.parts.find(ctx, id)
	if err != nil {
		return File{}, err
	}
	if err := u.whole(ctx, id, up, parts); err != nil {
		return File{}, err
	}
	r := &partsReader{next: parts, open: func(p Part) (io.ReadCloser, error) { return u.parts.open(ctx, id, p) }}
	file, err := u.store.Put(ctx, up.Owner, up.Path, r)
	if err = errors.Join(err, r.close()); err != nil {
		return File{}, err
	}
	return file, u.parts.end(ctx, id)
}

func (u *Uploads) whole(ctx context.Context, id string, up upload, parts []Part) error {
	if len(parts) != up.Parts {
		return errs.New(errs.Usage, "the upload has %d parts, not %d", up.Parts, len(parts))
	}
	for i, p := range parts {
		if p.Number != i+1 {
			return errs.New(errs.Usage, "part %d is named in the place of part %d", p.Number, i+1)
		}
		here, err := u.parts.has(ctx, id, p)
		if err != nil {
			return err
		}
		if !here {
			return errs.New(errs.Usage, "part %d was not sent, or has another tag than %q", p.Number, p.Tag)
		}
	}
	return nil
}

// Abort ends an upload and forgets what was sent.
func (u *Uploads) Abort(ctx context.Context, id string) error {
	if _, err := u.parts.find(ctx, id); err != nil {
		return err
	}
	return u.parts.end(ctx, id)
}

// partsReader reads parts one after the other.
type partsReader struct {
	next []Part
	open func(Part) (io.ReadCloser, error)
	part io.ReadCloser
}

// Read implements io.Reader.
func (r *partsReader) Read(p []byte) (int, error) {
	for {
		if r.part == nil {
			if len(r.next) == 0 {
				return 0, io.EOF
			}
			part, err := r.open(r.next[0])
			if err != nil {
				return 0, errs.New(errs.Internal, "read part %d: %w", r.next[0].Number, err)
			}
			r.part, r.next = part, r.next[1:]
		}
		n, err := r.part.Read(p)
		if errors.Is(err, io.EOF) {
			err = r.close()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (r *partsReader) close() error {
	if r.part == nil {
		return nil
	}
	part := r.part
	r.part = nil
	return part.Close()
}
