package server

import (
	"context"
	"errors"
	"net/http"
	"os"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
)

// Authenticator knows users.
type Authenticator interface {
	// Authenticate says who sent a request and who guards what he does. A Refusal
	// with status 401 means that it says nothing of that, or something wrong.
	Authenticate(r *http.Request) (route.User, route.Guard, error)
}

// served is a route behind its guards.
type served struct {
	route.Route

	s      *Server
	counts *routeCounts
}

// ServeHTTP implements http.Handler.
func (v *served) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w, ok := rw.(*recorder)
	if !ok { // only tests come without
		w = v.s.record(rw, r)
	}
	w.served = v
	if r, err := v.serve(w, r); err != nil {
		v.fail(w, r, err)
	}
}

// serve returns the request as the handler had it: a form that was read is in it.
func (v *served) serve(w *recorder, r *http.Request) (*http.Request, error) {
	if err := v.limit(w, r); err != nil {
		return r, err
	}
	if v.s.o.ReadOnly && v.Access >= route.Write {
		return r, errReadOnly()
	}
	ctx, err := v.admit(w, r)
	if err != nil {
		return r, err
	}
	r = r.WithContext(ctx)
	return r, v.Handler(w, r)
}

// admit finds out who asks and whether they may.
func (v *served) admit(w *recorder, r *http.Request) (context.Context, error) {
	auth := v.s.o.Auth
	if auth == nil {
		if v.s.o.ReadOnly {
			return route.WithUser(r.Context(), route.User{}, looking{}), nil
		}
		return r.Context(), nil
	}
	user, guard, err := auth.Authenticate(r)
	if err == nil && guard == nil {
		return nil, errors.New("there is nobody to guard " + user.Name)
	}
	if err != nil && v.Access == route.Open {
		user, guard, err = route.User{}, nobody{}, nil // who is unknown may see it all the same
	}
	if err != nil {
		if refusal, ok := errors.AsType[*route.Refusal](err); ok && refusal.Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="mlops", charset="UTF-8"`)
		}
		return nil, err
	}
	w.user = user.Name
	if v.s.o.ReadOnly {
		guard = looking{guard}
	}
	ctx := route.WithUser(r.Context(), user, guard)
	if v.Access == route.Open {
		return ctx, nil
	}
	subjects := []route.Subject{{}}
	if v.Subjects != nil {
		found, err := v.Subjects(r)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			subjects = found
		}
	}
	for _, subject := range subjects {
		if err := guard.May(ctx, user, v.Access, subject); err != nil {
			return nil, err
		}
	}
	return ctx, nil
}

// nobody is the guard of who did not sign in.
type nobody struct{}

// May implements route.Guard.
func (nobody) May(_ context.Context, _ route.User, a route.Access, _ route.Subject) error {
	if a == route.Open {
		return nil
	}
	return route.Refuse(http.StatusUnauthorized, "sign in first")
}

// away is the answer where the database or the bucket cannot be used now: it is no
// fault of the program, and clients try again.
func away(id string) error {
	return route.Refuse(http.StatusServiceUnavailable, "what this server keeps its data in does not answer, try again; its log has it under request id %s", id)
}

// fail writes an error in the protocol's form, unless the answer has begun: then
// the connection is broken off, so that nobody takes the part for the whole.
func (v *served) fail(w *recorder, r *http.Request, err error) {
	w.err = err
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	_, refused := errors.AsType[*route.Refusal](err)
	tooLarge, large := errors.AsType[*http.MaxBytesError](err)
	switch {
	case refused:
	case large:
		err = route.Refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", tooLarge.Limit)
	case errors.Is(w.broken, os.ErrDeadlineExceeded):
		err = route.Refuse(http.StatusRequestTimeout, "the body did not come in time")
	case w.broken != nil:
		err = route.Refuse(http.StatusBadRequest, "the body broke off")
	case errs.Is(err, errs.Remote), errs.Is(err, errs.Locked):
		err = away(w.id)
	}
	if refusal, ok := errors.AsType[*route.Refusal](err); ok {
		switch refusal.Status {
		case http.StatusServiceUnavailable:
			w.Header().Set("Retry-After", "1")
		case http.StatusTooManyRequests:
			w.Header().Set("Retry-After", "6")
		}
	}
	v.Fail(w, r, err)
}
