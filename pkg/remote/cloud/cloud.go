package cloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/memblob"   // mem://
	_ "gocloud.dev/blob/s3blob"    // s3://
	"golang.org/x/sync/semaphore"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/remote"
)

// Uploads share this much memory for the parts that they hold.
const uploadMemory = 96 << 20

// Parts are small enough to hold several, and grow for objects that would have
// more parts than the 10,000 that S3 takes.
const (
	partSize  = 8 << 20
	maxParts  = 9000
	parallel  = 3
	listPage  = 1000
	mediaType = "application/octet-stream"
)

// Driver opens s3://, gs://, azblob:// and mem:// URLs: bucket as the host,
// a prefix of all keys as the path, settings as the query.
func Driver() remote.Driver {
	return remote.Driver{Schemes: []string{"s3", "gs", "azblob", "mem"}, Open: Open}
}

// Bucket is a bucket of a cloud.
type Bucket struct {
	b      *blob.Bucket
	url    string // without the query, for messages
	scheme string
	byName bool // the bucket is in the name of the host, of a service other than Amazon's
	memory *semaphore.Weighted
}

// Open connects to the bucket at u. The service is not asked yet.
func Open(ctx context.Context, u *url.URL) (remote.Bucket, error) {
	at := *u
	q := at.Query()
	if at.Scheme == "s3" && q.Get("endpoint") != "" && q.Get("region") == "" &&
		os.Getenv("AWS_REGION") == "" && os.Getenv("AWS_DEFAULT_REGION") == "" && q.Get("profile") == "" {
		// Services other than Amazon's have no regions, but requests are signed for one.
		q.Set("region", "us-east-1")
	}
	if at.Scheme != "mem" && at.Host == "" {
		return nil, errs.New(errs.Usage, "remote %s has no bucket: %s://BUCKET/PREFIX", u, u.Scheme)
	}
	prefix := strings.Trim(at.Path, "/")
	at.Path, at.RawPath, at.RawQuery = "", "", q.Encode()
	name := u.Scheme + "://" + u.Host + u.Path
	b, err := open(ctx, &at)
	if err != nil {
		e := errs.New(errs.Remote, "open remote %s: %w", name, err)
		switch text := err.Error(); {
		case strings.Contains(text, "unknown query parameter"):
			e = errs.New(errs.Usage, "open remote %s: %w", name, err).
				Hint("docs/remotes.md lists the parameters of each service")
		case u.Scheme != "mem":
			e = noCredentials(u.Scheme, name, err)
		}
		return nil, e
	}
	if prefix != "" {
		b = blob.PrefixedBucket(b, prefix+"/")
	}
	return &Bucket{
		b: b, url: name, scheme: u.Scheme, byName: q.Get("endpoint") != "" && !pathStyle(q),
		memory: semaphore.NewWeighted(uploadMemory),
	}, nil
}

// pathStyle reports whether a URL of S3 asks for the bucket in the path.
func pathStyle(q url.Values) bool {
	return q.Get("use_path_style") == "true" || q.Get("s3ForcePathStyle") == "true"
}

// Close ends idle connections.
func (b *Bucket) Close() error { return b.b.Close() }

// Get reads a part of an object.
func (b *Bucket) Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	r, err := b.b.NewRangeReader(ctx, key, off, n, &blob.ReaderOptions{BeforeRead: quietly})
	if err != nil {
		return nil, b.explain(ctx, err, "read", key)
	}
	return &body{Reader: r, ctx: ctx, b: b, key: key}, nil
}

// quietly keeps Amazon's library from writing a line to stderr for each object that
// was uploaded in parts: its checksum is one of the parts', and ours is looked at.
func quietly(as func(any) bool) error {
	var settings *[]func(*s3.Options)
	if as(&settings) {
		*settings = append(*settings, func(o *s3.Options) { o.DisableLogOutputChecksumValidationSkipped = true })
	}
	return nil
}

// body gives errors in the middle of a read their kind.
type body struct {
	*blob.Reader
	ctx context.Context //nolint:containedctx // a body lives as long as the call that opened it
	b   *Bucket
	key string
}

func (r *body) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.b.explain(r.ctx, err, "read", r.key)
		if errs.Is(err, errs.Remote) {
			err = remote.Temporary(err)
		}
	}
	return n, err
}

// Put uploads an object, a large one in parts. It must go by Upload: a Writer
// of gocloud 0.47 panics when Azure refuses what was written.
func (b *Bucket) Put(ctx context.Context, key string, size int64, open remote.Body, o remote.PutOptions) (err error) {
	part := max(partSize, (size/maxParts+1<<18)&^(1<<18-1))
	need := min(uploadMemory, 2*size)
	if size > 2*part {
		need = min(uploadMemory, (parallel+3)*part)
	} else {
		part = max(1<<18, min(part, size))
	}
	if err := b.memory.Acquire(ctx, need); err != nil {
		return err
	}
	defer b.memory.Release(need)
	src, err := open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	// Some drivers keep what they have got of a body that failed, unless the
	// context is done.
	upload, cancel := context.WithCancel(ctx)
	defer cancel()
	sized := &exact{r: src, left: size, fail: cancel}
	err = b.b.Upload(upload, key, sized, &blob.WriterOptions{
		ContentType: mediaType, IfNotExist: o.IfAbsent, BufferSize: int(part), MaxConcurrency: parallel,
	})
	if sized.err != nil {
		return errs.New(errs.Internal, "upload %s: %w", key, sized.err)
	}
	return b.explain(ctx, err, "write", key)
}

// exact fails the upload of a body that is not as long as was said.
type exact struct {
	r    io.Reader
	left int64
	err  error
	fail context.CancelFunc
}

func (e *exact) Read(p []byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	n, err := e.r.Read(p)
	e.left -= int64(n)
	switch {
	case e.left < 0:
		e.err = fmt.Errorf("the body is %d bytes longer than was said", -e.left)
	case errors.Is(err, io.EOF) && e.left > 0:
		e.err = fmt.Errorf("the body is %d bytes shorter than was said", e.left)
	case err != nil && !errors.Is(err, io.EOF):
		e.err = err
	}
	if e.err != nil {
		e.fail()
		return 0, e.err
	}
	return n, err
}

// Stat returns the size of an object.
func (b *Bucket) Stat(ctx context.Context, key string) (int64, error) {
	a, err := b.b.Attributes(ctx, key)
	if err != nil {
		return 0, b.explain(ctx, err, "look up", key)
	}
	return a.Size, nil
}

// List returns one page.
func (b *Bucket) List(ctx context.Context, prefix, token string) ([]remote.Object, string, error) {
	at := blob.FirstPageToken
	if token != "" {
		at = []byte(token)
	}
	objects, next, err := b.b.ListPage(ctx, at, listPage, &blob.ListOptions{Prefix: prefix})
	if err != nil {
		return nil, "", b.explain(ctx, err, "list", prefix)
	}
	page := make([]remote.Object, len(objects))
	for i, o := range objects {
		page[i] = remote.Object{Key: o.Key, Size: o.Size}
	}
	return page, string(next), nil
}

// Delete removes an object.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	return b.explain(ctx, b.b.Delete(ctx, key), "delete", key)
}
