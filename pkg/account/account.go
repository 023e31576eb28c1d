package account

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
)

// User is who may use the server.
type User struct {
	Name     string `json:"name"`
	Role     Role   `json:"role"`     // for everything that no grant is about
	Password bool   `json:"password"` // it has one; without it only tokens open the door
	Created  int64  `json:"created"`  // ms
	Changed  int64  `json:"changed"`  // ms, role or password

	Grants []Grant `json:"grants"`
}

// Grant is a role for one thing.
type Grant struct {
	Kind GrantKind `json:"kind"`
	ID   string    `json:"id"` // the experiment's number, the model's name
	Role Role      `json:"role"`
}

// GrantKind is what a grant is about.
type GrantKind string

// The kinds of things that grants are about.
const (
	Experiments GrantKind = "experiment"
	Models      GrantKind = "model"
)

// Token is a secret that stands for its user. The secret itself is shown once.
type Token struct {
	ID      string `json:"id"`
	User    string `json:"user"`
	Name    string `json:"name,omitempty"` // what it is for
	Role    Role   `json:"role"`           // it gives no more than this, and no more than its user has
	Created int64  `json:"created"`        // ms
	Expires int64  `json:"expires"`        // ms, 0: never
	Used    int64  `json:"used"`           // ms, when it was last used, to the minute
	session bool
}

// MaxName is the most bytes of a user's name.
const MaxName = 128

// MinPassword is the fewest characters of a password: NIST SP 800-63B-4 asks for
// 15 where it is the only factor, and 8 at least; length is what counts.
const MinPassword = 12

// maxPassword bounds the work that a sign-in may ask for, in bytes.
const maxPassword = 1024

// CheckName says what is wrong with the name of a user.
func CheckName(name string) error {
	bad := func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) || r == ':' }
	if name == "" || len(name) > MaxName || !utf8.ValidString(name) || strings.ContainsFunc(name, bad) {
		return errs.New(errs.Usage, "%q cannot be the name of a user", name).
			Hint("1 to %d bytes, without spaces and colons", MaxName)
	}
	return nil
}

// CheckPassword says what is wrong with a password.
func CheckPassword(name, password string) error {
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return errs.New(errs.Usage, "a password has %d characters or more", MinPassword)
	case len(password) > maxPassword:
		return errs.New(errs.Usage, "a password has %d bytes at most", maxPassword)
	case strings.EqualFold(password, name) || strings.Count(password, password[:1]) == len(password):
		return errs.New(errs.Usage, "that password is too easy to guess")
	}
	return nil
}

// roleFor is the role of a user for a subject, given the experiment or model
// that it belongs to.
func (u User) roleFor(kind GrantKind, id string) Role {
	if u.Role == Admin {
		return Admin // who may change grants is not held by them
	}
	for _, g := range u.Grants {
		if g.Kind == kind && g.ID == id {
			return g.Role
		}
	}
	return u.Role
}

// may decides about one subject. Settings and users are for admins only.
func (u User) may(a route.Access, kind GrantKind, id string) error {
	if u.roleFor(kind, id).Allows(a) {
		return nil
	}
	what := "everything"
	if kind != "" {
		what = string(kind) + " " + id
	}
	return route.Refuse(403, "user %q may not %s %s", u.Name, a, what)
}

// maySome decides about things of a kind of which each is asked for later: one
// is enough.
func (u User) maySome(a route.Access, kind GrantKind) error {
	if s := u.scope(a, kind); s.All || len(s.Of) > 0 {
		return nil
	}
	return route.Refuse(403, "user %q may not %s any %s", u.Name, a, kind)
}

// scope is the things of a kind with which the user may do a.
func (u User) scope(a route.Access, kind GrantKind) route.Scope {
	s := route.Scope{All: u.Role.Allows(a)}
	for _, g := range u.Grants {
		if g.Kind == kind && u.roleFor(kind, g.ID).Allows(a) != s.All {
			s.Of = append(s.Of, g.ID)
		}
	}
	slices.Sort(s.Of)
	return s
}
