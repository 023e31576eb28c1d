package cmd

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/server"
)

// stranger is an authenticator that knows nobody.
type stranger struct{}

// Authenticate implements server.Authenticator.
func (stranger) Authenticate(*http.Request) (route.User, route.Guard, error) {
	return route.User{}, nil, route.Refuse(http.StatusUnauthorized, "who are you?")
}

// everyRoute is the table of a server as mlops server puts it together.
func everyRoute(t *testing.T) *server.Server {
	t.Helper()
	dir := t.TempDir()
	if _, err := repo.Init(t.Context(), dir, repo.InitOptions{NoGit: true}); err != nil {
		t.Fatal(err)
	}
	a := testApp()
	a.clock = clock.System{}
	r, err := repo.Find(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	a.repository = r
	a.atEnd(r.Close)
	t.Cleanup(func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	})
	o := &serverOptions{app: a}
	parts, err := o.open(t.Context(), slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Options{Routes: parts.routes, Auth: stranger{}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// openRoutes are those that answer everybody, and why.
func openRoutes() map[string]string {
	return map[string]string{
		"GET /health":              "probes",
		"GET /version":             "probes",
		"GET /api/v1/health":       "probes",
		"GET /api/v1/docs":         "says how to ask, nothing of what is here",
		"GET /api/v1/openapi.json": "the same",

		"GET /api/3.0/mlflow/server-info":      "clients ask it without credentials; it says what is not there",
		"GET /ajax-api/3.0/mlflow/server-info": "the same",
		"GET /static/{hash}/{file...}":         "styles of the sign-in page",

		"PUT /api/2.0/mlflow-artifacts/parts/{upload}/{number}":      "the upload's id is a secret that only who may write gets",
		"PUT /ajax-api/2.0/mlflow-artifacts/parts/{upload}/{number}": "the same",
	}
}

// TestEveryRouteAsksWhoItIs walks all routes of all protocols: none but those
// that are named here answers who did not sign in (CVE-2026-0545, CVE-2026-2651
// and MLflow's pull request 21708 were routes that nobody had thought of).
func TestEveryRouteAsksWhoItIs(t *testing.T) {
	t.Parallel()
	s := everyRoute(t)
	open := openRoutes()
	wildcard := regexp.MustCompile(`\{[a-zA-Z0-9_]+(\.\.\.)?\}`)
	prefixes := map[string]int{}
	for _, r := range s.Routes() {
		name := r.Method + " " + r.Pattern
		path := strings.ReplaceAll(wildcard.ReplaceAllString(r.Pattern, "1"), "{$}", "")
		q := httptest.NewRequest(r.Method, path, http.NoBody)
		q.Host = "localhost"
		q.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, q)
		prefixes[strings.SplitN(r.Pattern, "/", 3)[1]]++
		switch {
		case r.Access == route.Open && open[name] == "" && !notServed(w):
			t.Errorf("%s answers everybody: %d; say why in openRoutes", name, w.Code)
		case r.Access != route.Open && w.Code != http.StatusUnauthorized && !toSignIn(w):
			t.Errorf("%s answers %d to who did not sign in", name, w.Code)
		}
	}
	for _, prefix := range []string{"api", "ajax-api"} {
		if prefixes[prefix] < 50 {
			t.Errorf("%d routes below /%s", prefixes[prefix], prefix)
		}
	}
}

// TestCVE_2025_0453_NoGraphQL: batches of queries cannot exhaust what is not there.
func TestCVE_2025_0453_NoGraphQL(t *testing.T) {
	t.Parallel()
	s := everyRoute(t)
	for _, path := range []string{"/graphql", "/ajax-api/2.0/mlflow/graphql"} {
		q := httptest.NewRequest(http.MethodPost, path, strings.NewReader(`{"query": "{ a b }"}`))
		q.Host = "localhost"
		q.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, q)
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// notServed reports whether an answer says that there is no such route.
func notServed(w *httptest.ResponseRecorder) bool {
	return w.Code == http.StatusNotFound && strings.Contains(w.Body.String(), "ENDPOINT_NOT_FOUND") || w.Code == http.StatusMethodNotAllowed
}

// toSignIn reports whether an answer of a page leads to the sign-in page.
func toSignIn(w *httptest.ResponseRecorder) bool {
	return w.Code == http.StatusSeeOther && strings.HasPrefix(w.Header().Get("Location"), "/signin")
}

// TestBothPrefixesAskForTheSame: what MLflow serves below /api and /ajax-api
// needs the same access.
func TestBothPrefixesAskForTheSame(t *testing.T) {
	t.Parallel()
	access := map[string]route.Access{}
	all := everyRoute(t).Routes()
	for _, r := range all {
		access[r.Method+" "+r.Pattern] = r.Access
	}
	keys := make([]string, 0, len(access))
	for key := range access {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		method, pattern, _ := strings.Cut(key, " ")
		rest, ok := strings.CutPrefix(pattern, "/ajax-api/")
		if !ok {
			continue
		}
		if other, both := access[method+" /api/"+rest]; both && other != access[key] {
			t.Errorf("%s needs %s, without ajax- %s", key, access[key], other)
		}
	}
}
