package server

import (
	"context"
	"net/http"

	"github.com/mlops-cli/mlops/pkg/route"
)

// looking is the guard of a server that is read-only, so that pages offer no
// change that it would refuse.
type looking struct {
	route.Guard // nil where nobody has to sign in
}

func errReadOnly() error { return route.Refuse(http.StatusForbidden, "this server is read-only") }

// May implements route.Guard.
func (l looking) May(ctx context.Context, u route.User, a route.Access, s route.Subject) error {
	if a >= route.Write {
		return errReadOnly()
	}
	if l.Guard == nil {
		return nil
	}
	return l.Guard.May(ctx, u, a, s)
}

// Scope implements route.Lister.
func (l looking) Scope(u route.User, a route.Access, k route.Kind) route.Scope {
	if a >= route.Write {
		return route.Scope{}
	}
	if list, ok := l.Guard.(route.Lister); ok {
		return list.Scope(u, a, k)
	}
	return route.Scope{All: true}
}
