package route

import (
	"context"
	"net/http"
)

// Kind is what a subject is.
type Kind uint8

// The kinds of subjects.
const (
	Experiment     Kind = iota + 1 // by id
	ExperimentName                 // by name
	Run                            // by id
	LoggedModel                    // by id
	Model                          // a registered model, by name
	Files                          // a path below the artifact root: EXPERIMENT/RUN/artifacts/…
	Users                          // accounts and permissions

	// Lists, and what names its experiment or model in the body: the handler asks
	// for each of them, and leaves out what may not be seen. Who may do nothing
	// with any of them is refused before.
	SomeExperiments
	SomeModels
)

// String is the name of the kind.
func (k Kind) String() string {
	switch k {
	case Experiment, ExperimentName:
		return "experiment"
	case Run:
		return "run"
	case LoggedModel:
		return "logged model"
	case Model:
		return "model"
	case Files:
		return "files"
	case Users:
		return "users"
	case SomeExperiments:
		return "experiments"
	case SomeModels:
		return "models"
	default:
		return "none"
	}
}

// Subject is what a request is about. Whether it exists is not said.
type Subject struct {
	Kind Kind
	ID   string
}

// Query is a Subjects function that takes the ids of kind from the query's
// parameter, repeated ones all.
func Query(kind Kind, parameter string) func(*http.Request) ([]Subject, error) {
	return func(r *http.Request) ([]Subject, error) {
		var all []Subject
		for _, id := range r.URL.Query()[parameter] {
			all = append(all, Subject{Kind: kind, ID: id})
		}
		return all, nil
	}
}

// Path is a Subjects function that takes the id of kind from the pattern's
// wildcard.
func Path(kind Kind, wildcard string) func(*http.Request) ([]Subject, error) {
	return func(r *http.Request) ([]Subject, error) {
		return []Subject{{Kind: kind, ID: r.PathValue(wildcard)}}, nil
	}
}

// Some is a Subjects function of routes that are about several things, see
// SomeExperiments and SomeModels.
func Some(kind Kind) func(*http.Request) ([]Subject, error) {
	return func(*http.Request) ([]Subject, error) { return []Subject{{Kind: kind}}, nil }
}

// User is who asks. The zero user is nobody in particular: the server asks for
// no names, or the route is open.
type User struct {
	Name  string // "" is nobody in particular
	Admin bool   // may do everything
}

// Guard decides what a user may do. Its error is nil, or a Refusal.
type Guard interface {
	May(ctx context.Context, u User, a Access, s Subject) error
}

// Lister is a Guard that knows in advance what Allow will say about experiments
// (by id) or models (by name), so that lists need not ask for each.
type Lister interface {
	Scope(u User, a Access, k Kind) Scope
}

// Scope is those of a kind that a user may do something with.
type Scope struct {
	All bool     // all but Of; else only those in Of
	Of  []string // sorted
}

// Everything reports whether nothing is left out.
func (s Scope) Everything() bool { return s.All && len(s.Of) == 0 }

type userKey struct{}

type guarded struct {
	user  User
	guard Guard
}

// WithUser returns a context in which u asks and guard decides. A nil guard
// allows everything.
func WithUser(ctx context.Context, u User, guard Guard) context.Context {
	return context.WithValue(ctx, userKey{}, guarded{user: u, guard: guard})
}

// UserOf is who asks.
func UserOf(ctx context.Context) User {
	g, _ := ctx.Value(userKey{}).(guarded)
	return g.user
}

// ScopeOf is what the user of ctx may do a with of a kind: SomeExperiments or
// SomeModels. A guard that does not know in advance says everything, and must be
// asked for each.
func ScopeOf(ctx context.Context, a Access, k Kind) Scope {
	g, _ := ctx.Value(userKey{}).(guarded)
	if l, ok := g.guard.(Lister); ok {
		return l.Scope(g.user, a, k)
	}
	return Scope{All: true}
}

// Allow asks whether the user of ctx may do a with s: for handlers that find out
// late what they touch, or leave out of a list what may not be seen. The server
// has asked for a route's own subjects before its handler is called.
func Allow(ctx context.Context, a Access, s Subject) error {
	g, _ := ctx.Value(userKey{}).(guarded)
	if g.guard == nil || a == Open {
		return nil
	}
	return g.guard.May(ctx, g.user, a, s)
}
