package signin_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/account"
	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/signin"
)

const password = "correct horse battery"

type nowhere struct{}

func (nowhere) ExperimentOf(context.Context, route.Subject) (string, error) { return "", nil }

func open(t *testing.T) (*account.Keeper, *http.ServeMux, *signin.Door) {
	t.Helper()
	schema, err := db.Index()
	must(t, err)
	d, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "index.db"), db.Options{Migrations: schema})
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	k := account.New(d, clock.System{}, nowhere{}, "root")
	must(t, k.Add(t.Context(), "ann", account.Writer, password))
	door := signin.New(k)
	routes, err := door.Routes()
	must(t, err)
	mux, err := route.Mux(routes)
	must(t, err)
	return k, mux, door
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhoSendsARequest(t *testing.T) {
	t.Parallel()
	k, _, door := open(t)
	_, secret, err := k.Issue(t.Context(), account.Token{User: "ann", Role: account.Reader}, 0)
	must(t, err)
	for name, x := range map[string]struct {
		set  func(*http.Request)
		want string // "" is refused
	}{
		"nothing":              {func(*http.Request) {}, ""},
		"password":             {func(r *http.Request) { r.SetBasicAuth("ann", password) }, "ann"},
		"wrong password":       {func(r *http.Request) { r.SetBasicAuth("ann", "x") }, ""},
		"token as password":    {func(r *http.Request) { r.SetBasicAuth("ann", secret) }, "ann"},
		"token of another":     {func(r *http.Request) { r.SetBasicAuth("bob", secret) }, ""},
		"bearer":               {func(r *http.Request) { r.Header.Set("Authorization", "bearer "+secret) }, "ann"},
		"wrong bearer":         {func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, ""},
		"another kind":         {func(r *http.Request) { r.Header.Set("Authorization", "Digest x") }, ""},
		"token as a cookie":    {func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "mlops-session", Value: secret}) }, ""},
		"two, the header wins": {func(r *http.Request) { r.SetBasicAuth("ann", "x"); r.Header.Add("Authorization", "Bearer "+secret) }, ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		x.set(r)
		u, guard, err := door.Authenticate(r)
		if u.Name != x.want || (err == nil) != (x.want != "") || (guard == nil) != (err != nil) {
			t.Errorf("%s: %q, %v", name, u.Name, err)
		}
	}
}

type answer struct {
	status   int
	location string
	cookies  []*http.Cookie
}

func TestThePage(t *testing.T) {
	t.Parallel()
	_, mux, door := open(t)
	post := func(path string, form url.Values, secure bool, cookies ...*http.Cookie) answer {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		if secure {
			r.TLS = &tls.ConnectionState{}
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		got := w.Result()
		must(t, got.Body.Close())
		return answer{got.StatusCode, got.Header.Get("Location"), got.Cookies()}
	}
	wrong := post("/signin", url.Values{"name": {`"><script>`}, "password": {"x"}}, false)
	if wrong.status != http.StatusUnauthorized || len(wrong.cookies) > 0 {
		t.Error(wrong)
	}
	for _, next := range []string{"/runs?x=1", "//evil.example", "https://evil.example", `/\evil.example`, "/\t/evil.example", ""} {
		in := post("/signin", url.Values{"name": {"ann"}, "password": {password}, "next": {next}}, false)
		want := "/"
		if next == "/runs?x=1" {
			want = next
		}
		if in.status != http.StatusSeeOther || in.location != want {
			t.Errorf("next %q leads to %q", next, in.location)
		}
	}
	for secure, name := range map[bool]string{false: "mlops-session", true: "__Host-mlops"} {
		in := post("/signin", url.Values{"name": {"ann"}, "password": {password}}, secure)
		c := in.cookies[0]
		if c.Name != name || !c.HttpOnly || c.Secure != secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
			t.Errorf("%+v", c)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.AddCookie(c)
		if u, _, err := door.Authenticate(r); err != nil || u.Name != "ann" {
			t.Error(u, err)
		}
		out := post("/signout", nil, secure, c)
		if out.status != http.StatusSeeOther || out.cookies[0].MaxAge != -1 {
			t.Error(out)
		}
		if _, _, err := door.Authenticate(r); err == nil {
			t.Error("signed out, and still in")
		}
	}
}
