package mlflow

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/mlops-cli/mlops/pkg/errs"
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
	Aborted          Code = "ABORTED"
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
	case Aborted:
		return http.StatusConflict
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

// asError finds MLflow's words for any error of a use case.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	var code Code
	switch errs.KindOf(err) {
	case errs.Usage, errs.Conflict, errs.StageFailed, errs.Differs, errs.Partial:
		code = InvalidParameter
	case errs.NotFound, errs.NotARepository:
		code = DoesNotExist
	case errs.Locked, errs.Canceled:
		code = Unavailable
	default:
		code = InternalError
	}
	return &Error{Code: code, Message: err.Error()}
}

// WriteError answers with MLflow's JSON of an error. What is internal is not
// shown to clients: id, the id of the request, leads to it in the server's log.
func WriteError(w http.ResponseWriter, err error, id string) {
	e := asError(err)
	message := e.Message
	if e.Code == InternalError {
		message = "internal error; the server's log has it under request id " + id
	}
	var out encoder
	out.open()
	out.str("error_code", string(e.Code))
	out.str("message", message)
	out.close()
	out.send(w, e.Code.Status())
}
