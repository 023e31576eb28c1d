package artifact

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"sync"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/remote"
)

// bucketParts are parts that all servers of a bucket see: objects under
// uploads/<upload>/, with what is known of the upload beside them.
type bucketParts struct {
	bucket remote.Bucket
	spool  *Spool

	mu    sync.Mutex
	swept time.Time // the limit of the last expire that looked
}

const (
	uploadsPrefix = "uploads/"
	uploadFile    = "upload.json"
	sweepEvery    = time.Hour // how often one server looks for uploads that nobody ended
)

func (b *bucketParts) key(id, name string) string { return uploadsPrefix + id + "/" + name }

func (b *bucketParts) begin(ctx context.Context, id string, up upload) error {
	data, err := json.Marshal(up)
	if err != nil {
		return err
	}
	return b.bucket.Put(ctx, b.key(id, uploadFile), int64(len(data)), remote.Bytes(data), remote.PutOptions{})
}

func (b *bucketParts) find(ctx context.Context, id string) (up upload, err error) {
	if !isTag(id) { // as long as an id of bytes, and part of a key
		return up, noUpload()
	}
	r, err := b.bucket.Get(ctx, b.key(id, uploadFile), 0, -1)
	if errs.Is(err, errs.NotFound) {
		return up, noUpload()
	}
	if err != nil {
		return up, err
	}
	data, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return up, err
	}
	return up, json.Unmarshal(data, &up)
}

func (b *bucketParts) put(ctx context.Context, id string, number int, r io.Reader) (tag string, err error) {
	u, err := b.spool.receive(ctx, r)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, u.remove()) }()
	body := remote.Bytes(u.data)
	if u.path != "" {
		body = func() (io.ReadCloser, error) { return os.Open(u.path) }
	}
	tag = u.ID.String()
	return tag, b.bucket.Put(ctx, b.key(id, partName(Part{number, tag})), u.Size, body, remote.PutOptions{})
}

func (b *bucketParts) has(ctx context.Context, id string, p Part) (bool, error) {
	if !isTag(p.Tag) {
		return false, nil
	}
	_, err := b.bucket.Stat(ctx, b.key(id, partName(p)))
	if errs.Is(err, errs.NotFound) {
		return false, nil
	}
	return err == nil, err
}

func (b *bucketParts) open(ctx context.Context, id string, p Part) (io.ReadCloser, error) {
	return b.bucket.Get(ctx, b.key(id, partName(p)), 0, -1)
}

// end removes what says that there is an upload first.
func (b *bucketParts) end(ctx context.Context, id string) error {
	if err := b.delete(ctx, b.key(id, uploadFile)); err != nil {
		return err
	}
	return b.each(ctx, b.key(id, ""), func(key string) error { return b.delete(ctx, key) })
}

func (b *bucketParts) delete(ctx context.Context, key string) error {
	if err := b.bucket.Delete(ctx, key); !errs.Is(err, errs.NotFound) {
		return err
	}
	return nil
}

func (b *bucketParts) each(ctx context.Context, prefix string, fn func(key string) error) error {
	for token, more := "", true; more; more = token != "" {
		page, next, err := b.bucket.List(ctx, prefix, token)
		if err != nil {
			return err
		}
		for _, o := range page {
			if err := fn(o.Key); err != nil {
				return err
			}
		}
		token = next
	}
	return nil
}

// expire drops also what a server left that died while it ended an upload: parts
// beside which nothing is known any more.
func (b *bucketParts) expire(ctx context.Context, before time.Time) error {
	b.mu.Lock()
	due := before.Sub(b.swept) >= sweepEvery
	if due {
		b.swept = before
	}
	b.mu.Unlock()
	if !due {
		return nil
	}
	ids := map[string]bool{}
	if err := b.each(ctx, uploadsPrefix, func(key string) error {
		ids[path.Base(path.Dir(key))] = true
		return nil
	}); err != nil {
		return err
	}
	for id := range ids {
		up, err := b.find(ctx, id)
		if err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
		if err != nil || up.Begun.Before(before) {
			if err := b.end(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}
