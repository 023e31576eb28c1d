package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

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
	p.Title = http.StatusText(p.Status)
	if p.Status >= http.StatusInternalServerError && kind != errs.Remote {
		p.Detail = "something went wrong here; the log has it under request " + route.RequestID(ctx)
		return &internal{ErrorModel: p, cause: err}
	}
	for _, hint := range errs.Hints(err) {
		p.Errors = append(p.Errors, &huma.ErrorDetail{Location: "hint", Message: hint})
	}
	return p
}

// internal is a problem whose cause is for the log only.
type internal struct {
	*huma.ErrorModel
	cause error
}

// Unwrap is the cause.
func (p *internal) Unwrap() error { return p.cause }
