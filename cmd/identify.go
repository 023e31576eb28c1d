package cmd

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/remote/cloud"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// identifyTimeout bounds the request that asks for the version of a URL.
const identifyTimeout = 30 * time.Second

// identify asks for the version of what is at a URL that a stage depends on.
// The id is made of what the service says, or of the bytes where it says
// nothing.
func identify(ctx context.Context, rawURL string) (stagefile.Asset, error) {
	scheme, _, _ := strings.Cut(rawURL, "://")
	switch scheme {
	case "http", "https":
		return identifyHTTP(ctx, rawURL)
	case "s3", "gs", "azblob", "mem":
		v, err := cloud.Identify(ctx, rawURL)
		if err != nil {
			return stagefile.Asset{}, err
		}
		return stagefile.URLAsset(rawURL, v.Size, "etag "+v.ETag), nil
	default:
		return stagefile.Asset{}, errs.New(errs.Usage, "URLs of kind %s:// cannot be dependencies", scheme).
			Hint("use http, https, s3, gs or azblob, or download it in a stage of its own")
	}
}

func identifyHTTP(ctx context.Context, rawURL string) (stagefile.Asset, error) {
	ctx, cancel := context.WithTimeout(ctx, identifyTimeout)
	defer cancel()
	resp, err := request(ctx, http.MethodHead, rawURL)
	if err != nil {
		return stagefile.Asset{}, err
	}
	if err := resp.Body.Close(); err != nil {
		return stagefile.Asset{}, err
	}
	for _, header := range []string{"ETag", "Last-Modified"} {
		v := resp.Header.Get(header)
		if v != "" && !strings.HasPrefix(v, "W/") && resp.StatusCode == http.StatusOK {
			return stagefile.URLAsset(rawURL, resp.ContentLength, strings.ToLower(header)+" "+v), nil
		}
	}
	// It says nothing that tells versions apart: take the bytes.
	resp, err = request(ctx, http.MethodGet, rawURL)
	if err != nil {
		return stagefile.Asset{}, err
	}
	h := oid.NewHash()
	n, err := io.Copy(h, resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return stagefile.Asset{}, errs.New(errs.Remote, "read %s: %w", rawURL, err)
	}
	return stagefile.Asset{Path: rawURL, Kind: stagefile.KindFile, ID: oid.FromHash(h), Size: n, Files: 1}, nil
}

// request asks for a URL. An answer that is no success is an error, but for a
// server that does not know HEAD.
func request(ctx context.Context, method, rawURL string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, rawURL, nil)
	if err != nil {
		return nil, errs.New(errs.Usage, "%w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, errs.New(errs.Remote, "ask for %s: %w", rawURL, err)
	}
	unknown := method == http.MethodHead && (resp.StatusCode == http.StatusMethodNotAllowed || resp.StatusCode == http.StatusNotImplemented || resp.StatusCode == http.StatusForbidden)
	if resp.StatusCode/100 == 2 || unknown {
		return resp, nil
	}
	kind := errs.Remote
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone {
		kind = errs.NotFound
	}
	_ = resp.Body.Close() // the status says it all
	return nil, errs.New(kind, "ask for %s: %s", rawURL, resp.Status)
}
