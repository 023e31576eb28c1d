package remote

import (
	"context"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// Driver opens buckets of some URL schemes.
type Driver struct {
	Schemes []string
	Open    func(ctx context.Context, u *url.URL) (Bucket, error)
}

// Open connects to the bucket that rawURL names, with the driver for its scheme.
func Open(ctx context.Context, rawURL string, o Options, drivers ...Driver) (*Conn, error) {
	u, err := ParseURL(rawURL)
	if err != nil {
		return nil, err
	}
	var known []string
	for _, d := range drivers {
		known = append(known, d.Schemes...)
		if !slices.Contains(d.Schemes, u.Scheme) {
			continue
		}
		b, err := d.Open(ctx, u)
		if err != nil {
			return nil, err
		}
		return NewConn(b, o), nil
	}
	return nil, errs.New(errs.Usage, "remote %s: no driver for %s://", rawURL, u.Scheme).
		DidYouMean(u.Scheme, known).
		Hint("remotes are a path, file:///path, s3://bucket/prefix, gs://bucket/prefix or azblob://container/prefix")
}

// ParseURL reads the URL of a remote; what has no scheme is the path of a
// directory. URLs end up in files that git keeps, so those with credentials
// are refused.
func ParseURL(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, errs.New(errs.Usage, "the URL of a remote is empty")
	}
	if scheme, rest, _ := strings.Cut(raw, ":/"); slices.Contains([]string{"s3", "gs", "azblob"}, scheme) && !strings.HasPrefix(rest, "/") {
		return nil, errs.New(errs.Usage, "remote %s: a URL has two slashes after its scheme", raw).
			Hint("did you mean %s://%s?", scheme, rest)
	}
	if !strings.Contains(raw, "://") {
		path, err := filepath.Abs(raw)
		if err != nil {
			return nil, errs.New(errs.Usage, "remote %q: %w", raw, err)
		}
		return fileURL(path), nil
	}
	u, err := url.Parse(raw)
	if err != nil {
		// The parser's message repeats the URL, credentials included.
		scheme, _, _ := strings.Cut(raw, "://")
		return nil, errs.New(errs.Usage, "remote %s://…: this is not a URL", scheme).
			Hint("percent-encode unusual characters")
	}
	u.Scheme = strings.ToLower(u.Scheme)
	secret := u.User != nil
	for key := range u.Query() {
		secret = secret || regexp.MustCompile(`(?i)^(.*(secret|password|passwd|token|credential|signature).*|(aws_?)?access_?key(_?id)?|account_?key|sas|sig)$`).MatchString(key)
	}
	if secret {
		return nil, errs.New(errs.Usage, "remote %s://%s has credentials in its URL, which git would keep", u.Scheme, u.Host).
			Hint("%s", credentialsHint(u.Scheme))
	}
	return u, nil
}

func fileURL(path string) *url.URL {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/dir
	}
	return &url.URL{Scheme: "file", Path: path}
}

func credentialsHint(scheme string) string {
	switch scheme {
	case "s3":
		return "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or use ~/.aws/credentials"
	case "gs":
		return "type 'gcloud auth application-default login', or set GOOGLE_APPLICATION_CREDENTIALS to the file of a key"
	case "azblob":
		return "set AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or type 'az login'"
	}
	return "leave them out: each service has its own place for credentials"
}

// Denied is the error of a service that does not know us or does not let us.
func Denied(scheme, format string, args ...any) *errs.Error {
	return errs.New(errs.Remote, format, args...).Hint("%s", credentialsHint(scheme))
}
