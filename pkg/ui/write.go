package ui

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
)

// policy lets a page load only what comes from here, and no script or style
// that stands in it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; font-src 'self'; " +
	"connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// send answers with a body that is ready, compressed where that pays.
func send(w http.ResponseWriter, r *http.Request, status int, kind string, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Add("Vary", "Accept-Encoding")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	if len(body) > 1024 && acceptsGzip(r) {
		var small bytes.Buffer
		z := gzip.NewWriter(&small)
		if _, err := z.Write(body); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		h.Set("Content-Encoding", "gzip")
		body = small.Bytes()
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

// sendJSON answers a script.
func sendJSON(w http.ResponseWriter, r *http.Request, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	return send(w, r, http.StatusOK, "application/json", b.Bytes())
}

// problem is what a person is told of an error.
type problem struct {
	Status  int      `json:"-"`
	Title   string   `json:"-"`
	Message string   `json:"error"`
	Hints   []string `json:"hints,omitempty"`
}

func problemOf(r *http.Request, err error) problem {
	p := problem{Status: errs.KindOf(err).HTTPStatus(), Message: err.Error(), Hints: errs.Hints(err)}
	if refusal, ok := errors.AsType[*route.Refusal](err); ok {
		p.Status, p.Message = refusal.Status, refusal.Message
	} else if p.Status >= 500 && errs.KindOf(err) == errs.Internal {
		// The server's log has the rest under the id.
		p.Message, p.Hints = "something went wrong on the server", nil
		if id := route.RequestID(r.Context()); id != "" {
			p.Hints = []string{"the server's log has it under request " + id}
		}
	}
	p.Title = http.StatusText(p.Status)
	return p
}

// fail tells a browser, or a script, what went wrong.
func (u *pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(r, err)
	w.Header().Del("WWW-Authenticate") // people sign in on a page, not in a window of the browser
	if strings.HasPrefix(r.URL.Path, "/ui/") || strings.Contains(r.Header.Get("Accept"), "application/json") {
		body, merr := json.Marshal(p)
		if merr != nil {
			body = []byte(`{"error":"internal"}`)
		}
		_ = send(w, r, p.Status, "application/json", body) // nobody is left to tell
		return
	}
	if p.Status == http.StatusUnauthorized && r.Method == http.MethodGet {
		http.Redirect(w, r, "/signin?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		return
	}
	_ = u.show(w, r, p.Status, "error.html", page{Title: p.Title, Body: p})
}

// nowhere answers what no page is for: browsers by a page, others in a line.
func (u *pages) nowhere(w http.ResponseWriter, r *http.Request) error {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.NotFound(w, r)
		return nil
	}
	return errs.New(errs.NotFound, "there is no page %s", r.URL.Path)
}
