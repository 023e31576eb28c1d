package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// origins keeps pages of other sites from sending requests in the name of who
// looks at them. Programs that are no browsers send neither header and pass.
type origins struct {
	protection *http.CrossOriginProtection
	trusted    []string
}

func newOrigins(trusted []string) (*origins, error) {
	o := &origins{protection: http.NewCrossOriginProtection()}
	for _, origin := range trusted {
		origin = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(origin)), "/")
		if err := o.protection.AddTrustedOrigin(origin); err != nil {
			return nil, errs.New(errs.Usage, "origin %q: %w", origin, err).
				Hint("an origin has a scheme and a host: https://hub.example.com")
		}
		o.trusted = append(o.trusted, origin)
	}
	return o, nil
}

// check answers what is refused, and the questions that browsers ask before
// requests of sites that are trusted.
func (o *origins) check(w *recorder, r *http.Request) (done bool) {
	origin := r.Header.Get("Origin")
	trusted := origin != "" && slices.Contains(o.trusted, strings.ToLower(origin))
	if trusted {
		h := w.Header()
		h.Add("Vary", "Origin")
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return true
		}
	}
	if err := o.protection.Check(r); err != nil {
		w.note = "origin " + origin
		http.Error(w, "Cross-origin request blocked", http.StatusForbidden)
		return true
	}
	return false
}

// policy is what pages of this server may load and who may frame them. Handlers
// that need another one set it.
const policy = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"

// secure sets the headers that every answer has.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
