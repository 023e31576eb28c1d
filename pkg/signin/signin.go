package signin

import (
	"context"
	"net"
	"net/http"
	"strings"

	"github.com/mlops-cli/mlops/pkg/account"
	"github.com/mlops-cli/mlops/pkg/route"
)

// Door lets users in. It is the server's Authenticator.
type Door struct {
	keeper *account.Keeper
}

// New returns a door for the users of keeper.
func New(keeper *account.Keeper) *Door { return &Door{keeper: keeper} }

// Authenticate says who sent a request, and what guards the user's steps.
func (d *Door) Authenticate(r *http.Request) (route.User, route.Guard, error) {
	v, err := d.visitor(r)
	if err != nil {
		return route.User{}, nil, err
	}
	return v.User(), v, nil
}

func (d *Door) visitor(r *http.Request) (*account.Visitor, error) {
	ctx, from := r.Context(), address(r)
	if header := r.Header.Get("Authorization"); header != "" {
		if name, password, ok := r.BasicAuth(); ok {
			if account.IsSecret(password) {
				return d.token(ctx, name, password, from)
			}
			return d.keeper.Password(ctx, name, password, from)
		}
		if kind, secret, _ := strings.Cut(header, " "); strings.EqualFold(kind, "Bearer") {
			return d.keeper.Secret(ctx, strings.TrimSpace(secret), from, false)
		}
		return nil, route.Refuse(http.StatusUnauthorized, "the Authorization header is neither Basic nor Bearer")
	}
	for _, name := range []string{secureCookie, plainCookie} {
		if c, err := r.Cookie(name); err == nil {
			return d.keeper.Secret(ctx, c.Value, from, true)
		}
	}
	return nil, route.Refuse(http.StatusUnauthorized, "You are not authenticated. Send a name and a password, or a token.")
}

// token lets in by a token that came as a password. A name beside it must be its
// user's.
func (d *Door) token(ctx context.Context, name, secret, from string) (*account.Visitor, error) {
	v, err := d.keeper.Secret(ctx, secret, from, false)
	if err == nil && name != "" && name != v.User().Name {
		return nil, route.Refuse(http.StatusUnauthorized, "the token is not that of user %q", name)
	}
	return v, err
}

// address is where a request comes from.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// The names of the cookie. Browsers accept the first only from the host itself
// over HTTPS.
const (
	secureCookie = "__Host-mlops"
	plainCookie  = "mlops-session"
)

// cookie is the cookie of a session; an empty secret ends it.
func cookie(r *http.Request, secret string) *http.Cookie {
	secure := r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
	c := &http.Cookie{Name: plainCookie, Value: secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure, MaxAge: int(account.SessionTime.Seconds())} //nolint:gosec // over plain HTTP a secure cookie would not come back
	if secure {
		c.Name = secureCookie
	}
	if secret == "" {
		c.MaxAge = -1
	}
	return c
}
