package ui_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkRunsFeed answers with the rows of 10,000 runs.
func BenchmarkRunsFeed(b *testing.B) {
	h := tenThousand(b).handler(b)
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/ui/runs", nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		b.ReportMetric(float64(w.Body.Len()), "wire-bytes")
	}
}
