package server_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/server"
)

// TestADatabaseThatIsAway: clients are told to come again, and not where the
// database is.
func TestADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	for _, kind := range []errs.Kind{errs.Remote, errs.Locked} {
		var log bytes.Buffer
		away := at(http.MethodGet, "/api/away", route.Read, func(http.ResponseWriter, *http.Request) error {
			return errs.New(kind, "connect to database db.internal: refused")
		})
		s := build(t, server.Options{Routes: []route.Route{away}, Log: slog.New(slog.NewJSONHandler(&log, nil))})
		w := ask(s, http.MethodGet, "/api/away")
		id := w.Header().Get("X-Request-Id")
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), id) || strings.Contains(w.Body.String(), "db.internal") {
			t.Errorf("%s: %d %s", kind, w.Code, w.Body)
		}
		if !strings.Contains(log.String(), id) || !strings.Contains(log.String(), "db.internal") {
			t.Errorf("the log does not have it: %s", &log)
		}
	}
}

// TestWhatToTypeWhereItCannotListen: the hint fits the reason.
func TestWhatToTypeWhereItCannotListen(t *testing.T) {
	t.Parallel()
	ln, err := server.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for address, want := range map[string]string{
		ln.Addr().String(): "--port 0 takes a free one",
		"192.0.2.1:0":      "an address of this machine",
	} {
		other, err := server.Listen(t.Context(), address)
		if err == nil {
			_ = other.Close()
			t.Errorf("%s: it listens", address)
			continue
		}
		if hints := strings.Join(errs.Hints(err), "\n"); !strings.Contains(hints, want) {
			t.Errorf("%v: %s", err, hints)
		}
	}
}
