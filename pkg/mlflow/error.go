package mlflow

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
)

// Code is one of MLflow's names of what went wrong.
type Code string

// The codes that are sent.
const (
	InvalidParameter Code = "INVALID_PARAMETER_VALUE"
	BadRequest       Code = "BAD_REQUEST"
	AlreadyExists    Code = "RESOURCE_ALREADY_EXISTS"
	Unauthenticated  Code = "UNAUTHENTICATED"
	PermissionDenied Code = "PERMISSION_DENIED"
	DoesNotExist     Code = "RESOURCE_DOES_NOT_EXIST"
	NoEndpoint       Code = "ENDPOINT_NOT_FOUND"
	TooMany          Code = "REQUEST_LIMIT_EXCEEDED"
	InternalError    Code = "INTERNAL_ERROR"
	NotImplemented   Code = "NOT_IMPLEMENTED"
	Unavailable      Code = "TEMPORARILY_UNAVAILABLE"
)

// Status is the HTTP status that goes with a code.
func (c Code) Status() int {
	switch c {
	case InvalidParameter, BadRequest, AlreadyExists:
		return http.StatusBadRequest
	case Unauthenticated:
		return http.StatusUnauthorized
	case PermissionDenied:
		return http.StatusForbidden
	case DoesNotExist, NoEndpoint:
		return http.StatusNotFound
	case TooMany:
		return http.StatusTooManyRequests
	case NotImplemented:
		return http.StatusNotImplemented
	case Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// Error is an error in MLflow's words, which clients and their tests match.
type Error struct {
	Code    Code
	Message string
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Errorf makes an error with one of MLflow's messages.
func Errorf(c Code, format string, args ...any) *Error {
	return &Error{Code: c, Message: fmt.Sprintf(format, args...)}
}

// fail is how all routes of the protocol write errors. What is internal is not
// shown to clients: the id of the request leads to it in the server's log.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	e, status := asError(err)
	message := e.Message
	if _, said := errors.AsType[*route.Refusal](err); e.Code == InternalError && !said {
		message = "internal error; the server's log has it under request id " + route.RequestID(r.Context())
	}
	var out encoder
	out.open()
	out.str("error_code", string(e.Code))
	out.str("message", message)
	out.close()
	out.send(w, status)
}

// asError finds MLflow's words for any error, and the HTTP status.
func asError(err error) (*Error, int) {
	if refusal, ok := errors.AsType[*route.Refusal](err); ok {
		return &Error{Code: codeOf(refusal.Status), Message: refusal.Message}, refusal.Status
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return Errorf(InvalidParameter, "the request body is larger than %d bytes", tooLarge.Limit), http.StatusRequestEntityTooLarge
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = words(err)
	}
	if e == nil {
		e = &Error{Code: codeOf(errs.KindOf(err).HTTPStatus()), Message: err.Error()}
	}
	return e, e.Code.Status()
}

// codeOf is the code that fits an HTTP status best.
func codeOf(status int) Code {
	switch status {
	case http.StatusUnauthorized:
		return Unauthenticated
	case http.StatusForbidden:
		return PermissionDenied
	case http.StatusNotFound:
		return DoesNotExist
	case http.StatusTooManyRequests:
		return TooMany
	case http.StatusNotImplemented:
		return NotImplemented
	case http.StatusServiceUnavailable, 499:
		return Unavailable
	}
	if status < http.StatusInternalServerError {
		return InvalidParameter
	}
	return InternalError
}
