package ui_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestNowhere: a wrong address has a page in a browser, and a line elsewhere.
func TestNowhere(t *testing.T) {
	t.Parallel()
	h := fixture(t).handler(t)
	w := ask(t, h, http.MethodGet, "/nowhere", "", "Accept", "text/html")
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "there is no page /nowhere") || !strings.Contains(w.Body.String(), `href="/runs"`) {
		t.Errorf("in a browser: %d\n%s", w.Code, w.Body)
	}
	if w := get(t, h, "/nowhere"); w.Code != http.StatusNotFound || w.Body.String() != "404 page not found\n" {
		t.Errorf("elsewhere: %d\n%s", w.Code, w.Body)
	}
}
