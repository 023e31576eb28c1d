package cloud

import (
	"context"
	"net/url"
	"path"
	"strings"
)

// Version is what a service says of an object: two versions that are equal
// have the same bytes.
type Version struct {
	ETag string
	Size int64 // bytes
}

// Identify asks for the version of the object at a URL, s3://bucket/key, whose
// query has the settings of the bucket. Nothing is downloaded. An object that
// is not there is errs.NotFound.
func Identify(ctx context.Context, rawURL string) (Version, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return Version{}, err
	}
	at := *u
	key := strings.TrimPrefix(path.Clean("/"+u.Path), "/")
	at.Path = ""
	opened, err := Open(ctx, &at)
	if err != nil {
		return Version{}, err
	}
	b := opened.(*Bucket)
	defer func() { _ = b.Close() }() // it was only read
	a, err := b.b.Attributes(ctx, key)
	if err != nil {
		return Version{}, b.explain(ctx, err, "read", key)
	}
	etag := a.ETag
	if etag == "" {
		etag = a.ModTime.UTC().String()
	}
	return Version{ETag: etag, Size: a.Size}, nil
}
