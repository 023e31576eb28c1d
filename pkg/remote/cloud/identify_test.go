package cloud_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/remote/cloud"
	"github.com/mlops-cli/mlops/pkg/remote/remotetest"
)

// The version of an object is told without reading it: another content has
// another one, the same content the same.
func TestIdentify(t *testing.T) {
	t.Parallel()
	for name, place := range map[string]string{"s3": remotetest.S3URL(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(place)
			if err != nil {
				t.Fatal(err)
			}
			b, err := cloud.Open(t.Context(), u)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			}()
			put := func(text string) cloud.Version {
				t.Helper()
				if err := b.Put(t.Context(), "raw/data 1.csv", int64(len(text)), remote.Bytes([]byte(text)), remote.PutOptions{}); err != nil {
					t.Fatal(err)
				}
				v, err := cloud.Identify(t.Context(), at(place, "raw/data%201.csv"))
				if err != nil {
					t.Fatal(err)
				}
				if v.Size != int64(len(text)) || v.ETag == "" {
					t.Errorf("version of %q is %+v", text, v)
				}
				return v
			}
			one, two, again := put("one\n"), put("two\n"), put("one\n")
			if one == two || one != again {
				t.Errorf("versions are %+v, %+v and %+v", one, two, again)
			}
			if _, err := cloud.Identify(t.Context(), at(place, "raw/none.csv")); !errs.Is(err, errs.NotFound) {
				t.Errorf("of what is not there: %v", err)
			}
			if _, err := cloud.Identify(t.Context(), at(strings.Replace(place, "//bucket", "//other", 1), "x")); err == nil {
				t.Error("a bucket that is not there has a version")
			}
		})
	}
}

// at is the URL of a key in the bucket of a URL.
func at(place, key string) string {
	base, query, _ := strings.Cut(place, "?")
	return base + "/" + key + "?" + query
}
