package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
)

// problem is an error as the API writes it. What is internal is named by the
// request id, under which the log has it.
func problem(ctx context.Context, err error) huma.StatusError {
	if p, ok := errors.AsType[huma.StatusError](err); ok {
		return p
	}
	if r, ok := errors.AsType[*route.Refusal](err); ok {
		return &huma.ErrorModel{Type: "urn:mlops:refused", Title: http.StatusText(r.Status), Status: r.Status, Detail: r.Message}
	}
	kind := errs.KindOf(err)
	p := &huma.ErrorModel{Type: "urn:mlops:" + kind.String(), Status: kind.HTTPStatus(), Detail: err.Error()}
	switch {
	case kind == errs.Remote, kind == errs.Locked: // the database or the bucket
		p.Status = http.StatusServiceUnavailable
		p.Detail = "what this server keeps its data in does not answer, try again; its log has it under request " + route.RequestID(ctx)
	case p.Status >= http.StatusInternalServerError:
		p.Detail = "something went wrong here; the log has it under request " + route.RequestID(ctx)
	}
	p.Title = http.StatusText(p.Status)
	if p.Status >= http.StatusInternalServerError {
		return &internal{ErrorModel: p, cause: err}
	}
	for _, hint := range errs.Hints(err) {
		p.Errors = append(p.Errors, &huma.ErrorDetail{Location: "hint", Message: hint})
	}
	return p
}

// typed gives the problems that huma finds in requests the type that others have.
func typed(_ huma.Context, _ string, body any) (any, error) {
	p, is := body.(*huma.ErrorModel)
	if !is || p.Type != "" {
		return body, nil
	}
	p.Type = "urn:mlops:" + errs.Usage.String()
	for _, e := range p.Errors {
		if e.Message == validation.MsgExpectedMatchExactlyOneSchema { // a number is all that may be one of two things
			e.Message = `expected a number, "NaN", "Infinity" or "-Infinity"`
		}
	}
	return p, nil
}

// unknown answers with a problem where there is no operation.
func (a *api) unknown() {
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	known := http.NewServeMux()
	for _, r := range a.routes {
		known.Handle(r.Method+" "+r.Pattern, r)
	}
	answer := func(w http.ResponseWriter, r *http.Request) error {
		var allowed []string
		for _, method := range methods {
			q := *r
			q.Method = method
			if _, pattern := known.Handler(&q); pattern != "" {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) == 0 {
			return errs.New(errs.NotFound, "there is no %s", r.URL.Path).Hint("GET %s/docs shows what there is", Prefix)
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return route.Refuse(http.StatusMethodNotAllowed, "%s knows %s, not %s", r.URL.Path, strings.Join(allowed, " and "), r.Method)
	}
	for _, method := range methods {
		need := route.Write
		if method == http.MethodGet {
			need = route.Read
		}
		a.routes = append(a.routes, route.Route{Method: method, Pattern: Prefix + "/{rest...}", Access: need, Handler: answer, Fail: fail})
	}
}

// internal is a problem whose cause is for the log only.
type internal struct {
	*huma.ErrorModel
	cause error
}

// Unwrap is the cause.
func (p *internal) Unwrap() error { return p.cause }

// GetHeaders implements huma.HeadersError.
func (p *internal) GetHeaders() http.Header {
	if p.Status != http.StatusServiceUnavailable {
		return nil
	}
	return http.Header{"Retry-After": {"1"}}
}
