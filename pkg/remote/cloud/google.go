package cloud

import (
	"context"
	"net/url"
	"os"

	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/gcp"
)

// open has gocloud open a URL. Of Google's it would write a warning to stdout
// when it finds no credentials, and go on with some that fail much later.
func open(ctx context.Context, u *url.URL) (*blob.Bucket, error) {
	q := u.Query()
	switch {
	case u.Scheme != gcsblob.Scheme, os.Getenv("STORAGE_EMULATOR_HOST") != "", os.Getenv("STORAGE_EMULATOR_HOST_GRPC") != "":
	case q.Get("anonymous") == "true", q.Get("access_id") == "-":
		return new(gcsblob.URLOpener).OpenBucketURL(ctx, u)
	default:
		if _, err := gcp.DefaultCredentials(ctx); err != nil {
			return nil, err
		}
	}
	return blob.OpenBucket(ctx, u.String())
}
