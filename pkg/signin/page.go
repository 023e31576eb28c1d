package signin

import (
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"strings"

	"github.com/mlops-cli/mlops/pkg/route"
)

//go:embed page.html
var pageText string

// Path is where the page is; next says where to go on.
const Path = "/signin"

// shown is what the page shows.
type shown struct {
	Next, Name, Problem string
}

// Routes are the page and its forms.
func (d *Door) Routes() ([]route.Route, error) {
	page, err := template.New("signin").Parse(pageText)
	if err != nil {
		return nil, err
	}
	show := func(w http.ResponseWriter, status int, s shown) error {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		w.WriteHeader(status)
		return page.Execute(w, s)
	}
	fail := func(w http.ResponseWriter, r *http.Request, err error) {
		s, status := shown{Next: local(r.FormValue("next")), Name: r.FormValue("name")}, http.StatusInternalServerError
		if refusal, ok := errors.AsType[*route.Refusal](err); ok {
			s.Problem, status = refusal.Message, refusal.Status
		} else {
			s.Problem = "something went wrong here; the log has it under request " + route.RequestID(r.Context())
		}
		if err := show(w, status, s); err != nil && r.Context().Err() == nil {
			panic(http.ErrAbortHandler)
		}
	}
	return []route.Route{
		{Method: http.MethodGet, Pattern: Path, Access: route.Open, Fail: fail, Handler: func(w http.ResponseWriter, r *http.Request) error {
			return show(w, http.StatusOK, shown{Next: local(r.FormValue("next"))})
		}},
		{Method: http.MethodPost, Pattern: Path, Access: route.Open, Fail: fail, MaxBody: 8 << 10, Handler: func(w http.ResponseWriter, r *http.Request) error {
			if err := r.ParseForm(); err != nil {
				return route.Refuse(http.StatusBadRequest, "the form cannot be read")
			}
			secret, err := d.keeper.SignIn(r.Context(), r.PostForm.Get("name"), r.PostForm.Get("password"), address(r))
			if err != nil {
				return err
			}
			w.Header().Set("Cache-Control", "no-store")
			http.SetCookie(w, cookie(r, secret))
			http.Redirect(w, r, local(r.PostForm.Get("next")), http.StatusSeeOther) //nolint:gosec // local sees to it
			return nil
		}},
		{Method: http.MethodPost, Pattern: "/signout", Access: route.Open, Fail: fail, MaxBody: 8 << 10, Handler: func(w http.ResponseWriter, r *http.Request) error {
			for _, name := range []string{secureCookie, plainCookie} {
				if c, err := r.Cookie(name); err == nil {
					if err := d.keeper.SignOut(r.Context(), c.Value); err != nil {
						return err
					}
				}
			}
			http.SetCookie(w, cookie(r, ""))
			http.Redirect(w, r, Path, http.StatusSeeOther)
			return nil
		}},
	}, nil
}

// local is a path of this server, or its root: nobody is led elsewhere.
func local(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}
