package route

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Access is what a request needs a permission for. The zero access is not one:
// a route must say.
type Access uint8

// The kinds of access, each of which includes those before it.
const (
	Open  Access = iota + 1 // nobody needs to sign in: health, the sign-in page
	Read                    // looks
	Write                   // makes and changes
	Admin                   // deletes for good, users, settings
)

// String is the name of the access.
func (a Access) String() string {
	switch a {
	case Open:
		return "open"
	case Read:
		return "read"
	case Write:
		return "write"
	case Admin:
		return "admin"
	default:
		return "none"
	}
}

// Route is one entry of the server's table.
type Route struct {
	Method  string // GET answers HEAD too
	Pattern string // a path pattern of http.ServeMux, without method and host
	Access  Access

	// Subjects says what a request is about; nil means no subject in particular.
	// It may read the body when it puts an equal one back. Its errors are
	// written by Fail.
	Subjects func(*http.Request) ([]Subject, error)

	// Handler answers. What it returns is written by Fail, unless the answer has
	// begun.
	Handler func(http.ResponseWriter, *http.Request) error

	// Fail writes an error in the protocol's own form. Errors of guards come
	// here too, see Refusal.
	Fail func(http.ResponseWriter, *http.Request, error)

	// MaxBody is the most bytes of a body: 0 is the server's limit for
	// documents, a negative number no limit.
	MaxBody int64

	// Stream marks answers or bodies that take as long as they take: files,
	// events. They have no deadline as a whole, only one for standing still.
	Stream bool
}

// Check says why the route cannot be served.
func (r Route) Check() error {
	var why []error
	switch {
	case r.Method == "" || r.Method != strings.ToUpper(r.Method):
		why = append(why, fmt.Errorf("%q is not a method", r.Method))
	case r.Method == http.MethodHead:
		why = append(why, errors.New("HEAD is answered by GET"))
	}
	if !strings.HasPrefix(r.Pattern, "/") {
		why = append(why, fmt.Errorf("%q is not a path", r.Pattern))
	}
	if r.Access < Open || r.Access > Admin {
		why = append(why, errors.New("no access is given"))
	}
	if r.Handler == nil {
		why = append(why, errors.New("no handler"))
	}
	if r.Fail == nil {
		why = append(why, errors.New("no way to write errors"))
	}
	if err := errors.Join(why...); err != nil {
		return fmt.Errorf("route %s %s: %w", r.Method, r.Pattern, err)
	}
	return nil
}

// ServeHTTP answers without any guard: for tests, and listeners that have
// guarded already.
func (r Route) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if err := r.Handler(w, q); err != nil {
		r.Fail(w, q, err)
	}
}

// Mux serves routes without any guard, see Route.ServeHTTP.
func Mux(routes ...[]Route) (*http.ServeMux, error) {
	mux := http.NewServeMux()
	for _, list := range routes {
		for _, r := range list {
			if err := r.Check(); err != nil {
				return nil, err
			}
			mux.Handle(r.Method+" "+r.Pattern, r)
		}
	}
	return mux, nil
}
