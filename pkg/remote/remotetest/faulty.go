package remotetest

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/remote"
)

func canceled(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx, cancel
}

// Faults say what goes wrong in a Faulty bucket. Zero fields do nothing.
type Faults struct {
	Every    int           // every so many requests one fails before it is done
	Lost     int           // every so many writes the answer is lost after it was done
	Truncate int           // every so many reads the body breaks off half-way
	Delay    time.Duration // before each request
	Dead     string        // requests of keys that begin so always fail
	Fatal    bool          // failures do not pass when tried again
}

// Faulty is a bucket in which requests fail on purpose.
type Faulty struct {
	remote.Bucket
	f                       Faults
	requests, writes, reads atomic.Int64
}

// NewFaulty returns b with faults.
func NewFaulty(b remote.Bucket, f Faults) *Faulty { return &Faulty{Bucket: b, f: f} }

func nth(count *atomic.Int64, every int) bool {
	return every > 0 && count.Add(1)%int64(every) == 0
}

func (b *Faulty) fault(key string) error {
	time.Sleep(b.f.Delay)
	dead := b.f.Dead != "" && len(key) >= len(b.f.Dead) && key[:len(b.f.Dead)] == b.f.Dead
	if !dead && !nth(&b.requests, b.f.Every) {
		return nil
	}
	err := errs.New(errs.Remote, "request for %s: 503 on purpose", key)
	if b.f.Fatal {
		return err
	}
	return remote.Temporary(err)
}

// Get fails or breaks off as the faults say.
func (b *Faulty) Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	if err := b.fault(key); err != nil {
		return nil, err
	}
	r, err := b.Bucket.Get(ctx, key, off, n)
	if err != nil || !nth(&b.reads, b.f.Truncate) {
		return r, err
	}
	size := n
	if n < 0 {
		if size, err = b.Bucket.Stat(ctx, key); err != nil {
			return nil, errors.Join(err, r.Close())
		}
		size -= off
	}
	return &broken{ReadCloser: r, left: size / 2}, nil
}

type broken struct {
	io.ReadCloser
	left int64
}

func (b *broken) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// Put fails, or loses its answer, as the faults say.
func (b *Faulty) Put(ctx context.Context, key string, size int64, body remote.Body, o remote.PutOptions) error {
	if err := b.fault(key); err != nil {
		return err
	}
	err := b.Bucket.Put(ctx, key, size, body, o)
	if err == nil && nth(&b.writes, b.f.Lost) {
		return remote.Temporary(errs.New(errs.Remote, "write %s: the answer was lost on purpose", key))
	}
	return err
}

// List fails as the faults say.
func (b *Faulty) List(ctx context.Context, prefix, token string) ([]remote.Object, string, error) {
	if err := b.fault(prefix); err != nil {
		return nil, "", err
	}
	return b.Bucket.List(ctx, prefix, token)
}

// Stat fails as the faults say.
func (b *Faulty) Stat(ctx context.Context, key string) (int64, error) {
	if err := b.fault(key); err != nil {
		return 0, err
	}
	return b.Bucket.Stat(ctx, key)
}
