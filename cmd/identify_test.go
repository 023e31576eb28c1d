package cmd

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// TestIdentifyHTTP asks a server that tells versions apart by ETag, by date, or
// not at all.
func TestIdentifyHTTP(t *testing.T) {
	t.Parallel()
	etag, body := `"1"`, "one"
	gets := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			gets++
		}
		switch r.URL.Path {
		case "/etag":
			w.Header().Set("ETag", etag)
		case "/date":
			w.Header().Set("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
		case "/weak":
			w.Header().Set("ETag", `W/"x"`)
		case "/nohead":
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
		default:
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	ids := func() map[string]string {
		out := map[string]string{}
		for _, p := range []string{"/etag", "/date", "/weak", "/nohead"} {
			a, err := identify(t.Context(), s.URL+p)
			if err != nil {
				t.Fatalf("%s: %v", p, err)
			}
			if a.Size != 3 || a.Path != s.URL+p {
				t.Errorf("%s: %+v", p, a)
			}
			out[p] = a.ID.String()
		}
		return out
	}
	first, again := ids(), ids()
	for p := range first {
		if first[p] != again[p] {
			t.Errorf("%s: two ids of one version", p)
		}
	}
	if gets != 4 { // /weak and /nohead, twice
		t.Errorf("%d downloads", gets)
	}
	body = "two"
	changed := ids()
	if changed["/etag"] != first["/etag"] || changed["/weak"] == first["/weak"] || changed["/nohead"] == first["/nohead"] {
		t.Error("ids follow what the server says, then the bytes")
	}
	etag = `"2"`
	if ids()["/etag"] == first["/etag"] {
		t.Error("another ETag is another version")
	}
	if _, err := identify(t.Context(), s.URL+"/gone"); !errs.Is(err, errs.NotFound) {
		t.Errorf("a missing URL: %v", err)
	}
}
