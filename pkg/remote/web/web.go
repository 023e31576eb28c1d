package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/remote"
)

// Driver opens http:// and https:// URLs.
func Driver() remote.Driver {
	return remote.Driver{Schemes: []string{"http", "https"}, Open: func(_ context.Context, u *url.URL) (remote.Bucket, error) {
		return Open(u), nil
	}}
}

// Bucket is what a web server shows below a URL.
type Bucket struct {
	base   url.URL
	client *http.Client
}

// headerTimeout is how long a server may think before it answers.
const headerTimeout = 30 * time.Second

// Open returns the bucket below a URL. Nothing is asked of the server.
func Open(u *url.URL) *Bucket {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute,
		ResponseHeaderTimeout: headerTimeout, DisableCompression: true, ForceAttemptHTTP2: true,
	}
	return &Bucket{base: *u, client: &http.Client{Transport: t}}
}

// Close ends idle connections.
func (b *Bucket) Close() error {
	b.client.CloseIdleConnections()
	return nil
}

func (b *Bucket) ask(ctx context.Context, method, key string, header http.Header) (*http.Response, error) {
	at := b.base
	at.Path = strings.TrimRight(at.Path, "/") + "/" + key
	req, err := http.NewRequestWithContext(ctx, method, at.String(), http.NoBody)
	if err != nil {
		return nil, errs.New(errs.Usage, "remote %s: %w", b.base.Redacted(), err)
	}
	req.Header = header
	res, err := b.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, remote.Temporary(errs.New(errs.Remote, "remote %s: %w", b.base.Redacted(), err))
	}
	return res, b.check(res, key)
}

// check turns a status into an error; the body is closed then.
func (b *Bucket) check(res *http.Response, key string) error {
	if res.StatusCode < http.StatusMultipleChoices {
		return nil
	}
	_ = res.Body.Close() // the status says more
	err := errs.New(errs.Remote, "remote %s: %s of %s", b.base.Redacted(), res.Status, key)
	switch code := res.StatusCode; {
	case code == http.StatusNotFound || code == http.StatusGone:
		return errs.New(errs.NotFound, "remote %s has no %s", b.base.Redacted(), key)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return remote.Denied(b.base.Scheme, "remote %s: %s", b.base.Redacted(), res.Status)
	case code == http.StatusTooManyRequests || code >= http.StatusInternalServerError:
		return remote.Temporary(err)
	}
	return err
}

// Get reads a part of a key.
func (b *Bucket) Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	header := http.Header{}
	whole := off == 0 && n < 0
	switch {
	case whole:
	case n < 0:
		header.Set("Range", fmt.Sprintf("bytes=%d-", off))
	case n == 0:
		return io.NopCloser(strings.NewReader("")), nil
	default:
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", off, off+n-1))
	}
	res, err := b.ask(ctx, http.MethodGet, key, header)
	if err != nil {
		return nil, err
	}
	if !whole && res.StatusCode != http.StatusPartialContent {
		_ = res.Body.Close() // nothing of it is used
		return nil, errs.New(errs.Remote, "remote %s does not give parts of objects", b.base.Redacted())
	}
	return res.Body, nil
}

// Stat returns the size of a key.
func (b *Bucket) Stat(ctx context.Context, key string) (int64, error) {
	res, err := b.ask(ctx, http.MethodHead, key, http.Header{})
	if err != nil {
		return 0, err
	}
	if err := res.Body.Close(); err != nil {
		return 0, err
	}
	if res.ContentLength < 0 {
		return 0, errs.New(errs.Remote, "remote %s does not tell the size of %s", b.base.Redacted(), key)
	}
	return res.ContentLength, nil
}

func (b *Bucket) readOnly(verb string) error {
	return errs.New(errs.Usage, "%s: remote %s can only be read", verb, b.base.Redacted()).
		Hint("add one that can be written: mlops remote add NAME s3://bucket/prefix")
}

// Put is refused.
func (b *Bucket) Put(context.Context, string, int64, remote.Body, remote.PutOptions) error {
	return b.readOnly("write")
}

// List is refused: web servers do not list.
func (b *Bucket) List(context.Context, string, string) ([]remote.Object, string, error) {
	return nil, "", b.readOnly("list")
}

// Delete is refused.
func (b *Bucket) Delete(context.Context, string) error { return b.readOnly("delete") }
