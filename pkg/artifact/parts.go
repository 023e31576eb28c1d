package artifact

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/track"
)

const (
	// MaxParts is the most parts of an upload.
	MaxParts = 10_000

	uploadLife = 24 * time.Hour // after which an upload that nobody ended is dropped
	maxUploads = 1000           // begun and not ended
)

// Uploads are files that come in parts, in any order and side by side. They live
// in the memory of one server: when it ends, clients begin anew.
type Uploads struct {
	store *Store
	clock clock.Clock

	mu  sync.Mutex
	all map[string]*upload
}

// upload is a file of which parts are missing.
type upload struct {
	owner track.Owner
	path  string
	parts int
	dir   string
	begun time.Time
	tags  map[int]string // of the parts that are here
}

// Part is a part that a client says it has sent.
type Part struct {
	Number int // from 1 on
	Tag    string
}

// NewUploads returns uploads into store.
func NewUploads(store *Store, c clock.Clock) *Uploads {
	return &Uploads{store: store, clock: c, all: make(map[string]*upload)}
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
	if err := u.expire(); err != nil {
		return "", err
	}
	base, err := u.store.blobs.Spool().Dir()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(base, "parts-*")
	if err != nil {
		return "", errs.New(errs.Internal, "receive artifact: %w", err)
	}
	var secret [32]byte
	rand.Read(secret[:]) // never fails: the runtime stops the program instead
	id = hex.EncodeToString(secret[:])
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all[id] = &upload{owner: o, path: p, parts: parts, dir: dir, begun: u.clock.Now(), tags: make(map[int]string)}
	return id, nil
}

// expire drops uploads that nobody goes on with.
func (u *Uploads) expire() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	var all error
	for id, up := range u.all {
		if u.clock.Now().Sub(up.begun) > uploadLife {
			delete(u.all, id)
			all = errors.Join(all, os.RemoveAll(up.dir))
		}
	}
	if all == nil && len(u.all) >= maxUploads {
		return errs.New(errs.Conflict, "%d uploads have begun and not ended", len(u.all)).
			Hint("complete or abort those, or restart the server")
	}
	return all
}

func (u *Uploads) find(id string) (*upload, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	up := u.all[id]
	if up == nil {
		return nil, errs.New(errs.NotFound, "there is no such upload: it was completed or aborted, is older than a day, or the server was restarted")
	}
	return up, nil
}

// Check says whether an upload is of the file at p.
func (u *Uploads) Check(id string, o track.Owner, p string) error {
	up, err := u.find(id)
	if err == nil && (up.owner != o || up.path != p) {
		err = errs.New(errs.Usage, "the upload is of another file than %s", p)
	}
	return err
}

// Put receives a part and returns its tag. A part that is sent again replaces
// the one before.
func (u *Uploads) Put(ctx context.Context, id string, number int, r io.Reader) (tag string, err error) {
	up, err := u.find(id)
	if err != nil {
		return "", err
	}
	if number < 1 || number > up.parts {
		return "", errs.New(errs.Usage, "part %d of %d", number, up.parts)
	}
	f, err := os.CreateTemp(up.dir, "part-*")
	if err != nil {
		return "", errs.New(errs.Internal, "receive artifact: %w", err)
	}
	sum, _, err := stream(ctx, f, nil, r)
	if err = errors.Join(err, f.Close()); err == nil {
		err = fsx.Rename(f.Name(), up.file(number))
	}
	if err != nil {
		return "", errors.Join(err, remove(f.Name()))
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	up.tags[number] = sum.String()
	return sum.String(), nil
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (up *upload) file(number int) string { return filepath.Join(up.dir, fmt.Sprintf("%05d", number)) }

// Complete makes the file of its parts, which are all that were sent, in order.
func (u *Uploads) Complete(ctx context.Context, id string, parts []Part) (File, error) {
	up, err := u.find(id)
	if err != nil {
		return File{}, err
	}
	u.mu.Lock()
	err = up.whole(parts)
	u.mu.Unlock()
	if err != nil {
		return File{}, err
	}
	r := &partsReader{up: up}
	file, err := u.store.Put(ctx, up.owner, up.path, r)
	if err = errors.Join(err, r.close()); err != nil {
		return File{}, err
	}
	return file, u.Abort(id)
}

func (up *upload) whole(parts []Part) error {
	if len(parts) != up.parts {
		return errs.New(errs.Usage, "the upload has %d parts, not %d", up.parts, len(parts))
	}
	for i, p := range parts {
		if p.Number != i+1 {
			return errs.New(errs.Usage, "part %d is named in the place of part %d", p.Number, i+1)
		}
		tag, sent := up.tags[p.Number]
		if !sent {
			return errs.New(errs.Usage, "part %d was not sent", p.Number)
		}
		if tag != p.Tag {
			return errs.New(errs.Usage, "part %d has the tag %q, not %q", p.Number, tag, p.Tag)
		}
	}
	return nil
}

// Abort ends an upload and forgets what was sent.
func (u *Uploads) Abort(id string) error {
	up, err := u.find(id)
	if err != nil {
		return err
	}
	u.mu.Lock()
	delete(u.all, id)
	u.mu.Unlock()
	if err := os.RemoveAll(up.dir); err != nil {
		return errs.New(errs.Internal, "end upload: %w", err)
	}
	return nil
}

// partsReader reads the parts one after the other.
type partsReader struct {
	up   *upload
	next int
	file *os.File
}

// Read implements io.Reader.
func (r *partsReader) Read(p []byte) (int, error) {
	for {
		if r.file == nil {
			if r.next == r.up.parts {
				return 0, io.EOF
			}
			r.next++
			f, err := os.Open(r.up.file(r.next))
			if err != nil {
				return 0, errs.New(errs.Internal, "read part %d: %w", r.next, err)
			}
			r.file = f
		}
		n, err := r.file.Read(p)
		if errors.Is(err, io.EOF) {
			err = r.close()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (r *partsReader) close() error {
	if r.file == nil {
		return nil
	}
	f := r.file
	r.file = nil
	return f.Close()
}
