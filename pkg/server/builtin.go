package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/version"
)

// builtin is the routes of the server itself.
func (s *Server) builtin() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Pattern: "/health", Access: route.Open, Handler: text("OK"), Fail: plainFail},
		{Method: http.MethodGet, Pattern: "/version", Access: route.Open, Handler: text(number(version.Get().Version)), Fail: plainFail},
		{Method: http.MethodGet, Pattern: "/metrics", Access: route.Read, Handler: s.writeMetrics, Fail: plainFail},
	}
}

// number is a version as MLflow clients can read it.
func number(v string) string {
	if n, ok := strings.CutPrefix(v, "v"); ok {
		return n
	}
	return "0.0.0+" + v
}

func text(body string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, _ *http.Request) error {
		h := w.Header()
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		_, err := w.Write([]byte(body))
		return err
	}
}

// plainFail writes an error as a line of text.
func plainFail(w http.ResponseWriter, r *http.Request, err error) {
	status, message := errs.KindOf(err).HTTPStatus(), err.Error()
	if refusal, ok := errors.AsType[*route.Refusal](err); ok {
		status = refusal.Status
	} else if status >= http.StatusInternalServerError {
		message = "internal error, request id " + route.RequestID(r.Context())
	}
	http.Error(w, message, status)
}
