package mlflow

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/route"
)

// TestAFullDiskIsSaid: what the server says in so many words is shown, and what
// went wrong inside is not.
func TestAFullDiskIsSaid(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	full := errors.Join(route.Refuse(http.StatusInsufficientStorage, "the server's disk is full"), errors.New("write /srv/x"))
	fail(w, httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/", nil), full)
	if w.Code != http.StatusInsufficientStorage || !strings.Contains(w.Body.String(), "the server's disk is full") || strings.Contains(w.Body.String(), "/srv/x") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
