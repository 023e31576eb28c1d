package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/api"
	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/trackdb"
)

func TestArtifacts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	schema, err := db.Index()
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), filepath.Join(dir, "index.db"), db.Options{Migrations: schema})
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tracking, local := trackdb.New(d, clock.System{}), artifact.NewLocal(st)
	files := artifact.New(tracking, local, local)
	mux, err := route.Mux(api.Routes(api.Deps{Version: "1", Clock: clock.System{}, Tracking: tracking, Files: files}))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(func() {
		s.Close()
		for _, c := range []io.Closer{files, st, d} {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	run, err := tracking.Create(t.Context(), track.Run{})
	if err != nil {
		t.Fatal(err)
	}
	large := strings.Repeat("x", 20<<20) // beyond what documents may have
	for _, x := range []struct {
		method, path, body, ranged string
		want                       int
		has                        string
	}{
		{"GET", "/a/b.txt", "", "", 404, "not_found"},
		{"PUT", "/a/b.txt", "hello", "", 200, `"id":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"`},
		{"PUT", "/large", large, "", 200, `"size":20971520`},
		{"PUT", "/..%2Fx", "hello", "", 400, "urn:mlops:usage"},
		{"GET", "/a/b.txt", "", "", 200, "hello"},
		{"GET", "/a/b.txt", "", "bytes=1-2", 206, "el"},
		{"GET", "/a", "", "", 400, "is a directory"},
		{"GET", "", "", "", 200, `{"path":"a","dir":true,"size":5}`},
		{"GET", "?path=a", "", "", 200, `"path":"a/b.txt"`},
		{"GET", "?filter=size%20%3E%2010&order=path", "", "", 200, `{"items":[{"path":"large"`},
		{"DELETE", "/a", "", "", 204, ""},
		{"GET", "/a/b.txt", "", "", 404, "not_found"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), x.method, s.URL+api.Prefix+"/runs/"+run.ID+"/artifacts"+x.path, strings.NewReader(x.body))
		if err != nil {
			t.Fatal(err)
		}
		if x.ranged != "" {
			r.Header.Set("Range", x.ranged)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != x.want || !strings.Contains(string(text), x.has) {
			t.Errorf("%s %s: %d %.300s, want %d with %s", x.method, x.path, resp.StatusCode, text, x.want, x.has)
		}
		if x.method == "GET" && x.want == 200 && strings.HasSuffix(x.path, ".txt") &&
			(resp.Header.Get("Content-Disposition") != "attachment" || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "sandbox")) {
			t.Error(resp.Header)
		}
	}
}
