package account

import (
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
)

// Role says what a user may do.
type Role string

// The roles, each of which includes those before it.
const (
	None   Role = "none"
	Reader Role = "reader"
	Writer Role = "writer"
	Admin  Role = "admin"
)

// Roles returns every role, the least first.
func Roles() []Role { return []Role{None, Reader, Writer, Admin} }

// ParseRole reads the name of a role.
func ParseRole(text string) (Role, error) {
	names := make([]string, 0, len(Roles()))
	for _, r := range Roles() {
		if string(r) == text {
			return r, nil
		}
		names = append(names, string(r))
	}
	return "", errs.New(errs.Usage, "%q is not a role", text).DidYouMean(text, names).
		Hint("roles are none, reader, writer and admin")
}

func (r Role) rank() int {
	for i, known := range Roles() {
		if r == known {
			return i
		}
	}
	return 0
}

// Less returns the smaller of two roles.
func (r Role) Less(other Role) Role {
	if other.rank() < r.rank() {
		return other
	}
	return r
}

// Allows reports whether the role is enough for an access.
func (r Role) Allows(a route.Access) bool {
	switch a {
	case route.Open:
		return true
	case route.Read:
		return r.rank() >= Reader.rank()
	case route.Write:
		return r.rank() >= Writer.rank()
	case route.Admin:
		return r == Admin
	}
	return false
}
