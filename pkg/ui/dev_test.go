package ui_test

import (
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// TestServe shows the repository of MLOPS_UI_SERVE on port 5555 to whoever
// works on the pages.
func TestServe(t *testing.T) {
	dir := os.Getenv("MLOPS_UI_SERVE")
	if dir == "" {
		t.Skip("for people: MLOPS_UI_SERVE names no repository")
	}
	l, err := net.Listen("tcp", "127.0.0.1:5555")
	must(t, err)
	s := &http.Server{Handler: open(t, dir).handler(t), ReadHeaderTimeout: time.Second}
	t.Log(s.Serve(l))
}
