package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// Options say how patient and how wide a Conn is. Zero fields get defaults.
type Options struct {
	Attempts int           // of one request, the first included; 6
	Backoff  time.Duration // longest wait before the second attempt, doubled each time up to 10 s; 200 ms
	Jobs     int           // most requests in flight; 64
}

// Conn is a bucket whose requests are tried again, bounded in number and
// counted. It is a Bucket.
type Conn struct {
	b        Bucket
	o        Options
	limit    *limiter
	requests atomic.Int64
}

// NewConn returns b with retries, a bound on the requests in flight, and a count.
func NewConn(b Bucket, o Options) *Conn {
	if o.Attempts == 0 {
		o.Attempts = 6
	}
	if o.Backoff == 0 {
		o.Backoff = 200 * time.Millisecond
	}
	if o.Jobs == 0 {
		o.Jobs = maxRequests
	}
	return &Conn{b: b, o: o, limit: newLimiter(o.Jobs)}
}

// Requests is the number of calls that the bucket has got, retries included. An
// upload in several parts is one.
func (c *Conn) Requests() int64 { return c.requests.Load() }

// Jobs is the most requests that are in flight at once.
func (c *Conn) Jobs() int { return c.o.Jobs }

// Close closes the bucket.
func (c *Conn) Close() error { return c.b.Close() }

// Get is Bucket.Get. A body that breaks off is continued where it ended.
func (c *Conn) Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	if err := c.limit.acquire(ctx); err != nil {
		return nil, err
	}
	r := &reader{ctx: ctx, conn: c, key: key, off: off, left: n}
	if err := r.open(); err != nil {
		c.limit.release()
		return nil, err
	}
	return r, nil
}

// Put is Bucket.Put. Where the answer to a put-if-absent was lost, the bytes
// that are there now decide whether it was ours that arrived.
func (c *Conn) Put(ctx context.Context, key string, size int64, body Body, o PutOptions) error {
	lost := false
	return c.do(ctx, func() error {
		err := c.b.Put(ctx, key, size, body, o)
		if lost && errs.Is(err, errs.Conflict) {
			same, serr := c.same(ctx, key, size, body)
			if serr != nil {
				return serr
			}
			if same {
				return nil
			}
		}
		lost = lost || err != nil && IsTemporary(err)
		return err
	})
}

// Stat is Bucket.Stat.
func (c *Conn) Stat(ctx context.Context, key string) (size int64, err error) {
	err = c.do(ctx, func() error {
		size, err = c.b.Stat(ctx, key)
		return err
	})
	return size, err
}

// List is Bucket.List.
func (c *Conn) List(ctx context.Context, prefix, token string) (page []Object, next string, err error) {
	err = c.do(ctx, func() error {
		page, next, err = c.b.List(ctx, prefix, token)
		return err
	})
	return page, next, err
}

// Delete is Bucket.Delete.
func (c *Conn) Delete(ctx context.Context, key string) error {
	lost := false
	return c.do(ctx, func() error {
		err := c.b.Delete(ctx, key)
		if lost && errs.Is(err, errs.NotFound) {
			return nil
		}
		lost = lost || err != nil && IsTemporary(err)
		return err
	})
}

func (c *Conn) do(ctx context.Context, request func() error) error {
	if err := c.limit.acquire(ctx); err != nil {
		return err
	}
	defer c.limit.release()
	for attempt := 1; ; attempt++ {
		c.requests.Add(1)
		err := request()
		if again, err := c.again(ctx, attempt, err); !again {
			return err
		}
	}
}

// again takes the outcome of an attempt, and waits when there is another one.
func (c *Conn) again(ctx context.Context, attempt int, err error) (bool, error) {
	if err == nil || !IsTemporary(err) {
		c.limit.answered()
		return false, err
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	c.limit.refused()
	if attempt >= c.o.Attempts {
		return false, giveUp(attempt, err)
	}
	longest := min(c.o.Backoff<<(attempt-1), 10*time.Second)
	wait := time.NewTimer(longest/2 + rand.N(longest/2+1)) //nolint:gosec // jitter needs no secrecy
	defer wait.Stop()
	select {
	case <-wait.C:
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func giveUp(attempts int, err error) error {
	if attempts < 2 {
		return err
	}
	return errs.New(errs.Remote, "%w (tried %d times)", err, attempts)
}

func (c *Conn) same(ctx context.Context, key string, size int64, body Body) (_ bool, err error) {
	c.requests.Add(1)
	there, err := c.b.Get(ctx, key, 0, -1)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, there.Close()) }()
	ours, err := body()
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, ours.Close()) }()
	a, b := make([]byte, 64<<10), make([]byte, 64<<10)
	for done := int64(0); ; {
		n, aerr := io.ReadFull(there, a)
		m, berr := io.ReadFull(ours, b)
		if !bytes.Equal(a[:n], b[:m]) {
			return false, nil
		}
		if done += int64(n); done == size {
			return true, nil
		}
		for _, err := range []error{aerr, berr} {
			if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
				return false, err
			}
		}
		if aerr != nil || berr != nil {
			return false, nil
		}
	}
}

// reader is a body that is asked for again from where it broke off.
type reader struct {
	ctx     context.Context //nolint:containedctx // a body lives as long as the call that opened it
	conn    *Conn
	key     string
	off     int64
	left    int64 // negative: unknown
	body    io.ReadCloser
	attempt int
	closed  bool
}

func (r *reader) open() error {
	for {
		r.attempt++
		r.conn.requests.Add(1)
		body, err := r.conn.b.Get(r.ctx, r.key, r.off, r.left)
		if err == nil {
			r.body = body
			return nil
		}
		if again, err := r.conn.again(r.ctx, r.attempt, err); !again {
			return err
		}
	}
}

// Read reads the body on, opening it again when it broke off.
func (r *reader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.body.Read(p)
	r.off += int64(n)
	if n > 0 {
		r.attempt = 0
	}
	if r.left > 0 {
		r.left = max(0, r.left-int64(n))
	}
	switch {
	case r.left == 0:
		return n, nil
	case errors.Is(err, io.EOF):
		if r.left < 0 {
			return n, io.EOF
		}
		err = io.ErrUnexpectedEOF
	case err == nil:
		return n, nil
	}
	if !IsTemporary(err) {
		return n, err
	}
	if cerr := r.body.Close(); cerr != nil && !IsTemporary(cerr) && !errors.Is(cerr, err) {
		return n, errors.Join(err, cerr)
	}
	r.body = io.NopCloser(bytes.NewReader(nil))
	r.attempt = max(1, r.attempt)
	if again, err := r.conn.again(r.ctx, r.attempt, err); !again {
		return n, err
	}
	return n, r.open()
}

// Close ends the request.
func (r *reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	if r.left == 0 {
		r.conn.limit.answered()
	}
	r.conn.limit.release()
	return r.body.Close()
}
