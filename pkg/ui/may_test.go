package ui_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/route"
)

// reader may look only.
type reader struct{}

func (reader) May(_ context.Context, _ route.User, a route.Access, _ route.Subject) error {
	if a >= route.Write {
		return route.Refuse(http.StatusForbidden, "only looking")
	}
	return nil
}

func (reader) Scope(_ route.User, a route.Access, _ route.Kind) route.Scope {
	return route.Scope{All: a < route.Write}
}

// TestReaderHasNoButtons: what would be refused is not offered.
func TestReaderHasNoButtons(t *testing.T) {
	t.Parallel()
	h := fixture(t).handler(t)
	for _, path := range []string{"/runs", "/runs?deleted", "/runs/rich", "/models/digits", "/models/digits/2", "/experiments/1/about"} {
		w := httptest.NewRecorder()
		ctx := route.WithUser(t.Context(), route.User{Name: "rita"}, reader{})
		h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, path, http.NoBody))
		for _, button := range []string{`id="tag"`, `id="delete"`, `id="restore"`, `method="post" action="/runs`, `method="post" action="/models`, `method="post" action="/experiments`} {
			if w.Code != http.StatusOK || strings.Contains(w.Body.String(), button) {
				t.Errorf("%s: %d, with %s", path, w.Code, button)
			}
		}
	}
}
