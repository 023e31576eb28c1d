package server_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/server"
)

// TestReadOnlyOffersNoChange: what a page asks before it shows a button.
func TestReadOnlyOffersNoChange(t *testing.T) {
	t.Parallel()
	for _, auth := range []server.Authenticator{nil, keeper{}} {
		s := build(t, server.Options{ReadOnly: true, Auth: auth, Routes: []route.Route{at(http.MethodGet, "/x", route.Open, func(w http.ResponseWriter, r *http.Request) error {
			write := route.ScopeOf(r.Context(), route.Write, route.SomeExperiments)
			_, err := fmt.Fprint(w, route.Allow(r.Context(), route.Write, route.Subject{}) == nil, write.All, len(write.Of))
			return err
		})}})
		if w := ask(s, http.MethodGet, "/x"); w.Body.String() != "false false 0" {
			t.Errorf("%T: %s", auth, w.Body)
		}
	}
}

// TestAFailureKnowsTheForm: a page that is shown again keeps what was typed.
func TestAFailureKnowsTheForm(t *testing.T) {
	t.Parallel()
	form := at(http.MethodPost, "/x", route.Open, func(_ http.ResponseWriter, r *http.Request) error {
		return errors.Join(r.ParseForm(), route.Refuse(http.StatusUnauthorized, "no"))
	})
	form.MaxBody = 100
	form.Fail = func(w http.ResponseWriter, r *http.Request, _ error) { _, _ = fmt.Fprint(w, r.FormValue("next")) }
	s := build(t, server.Options{Auth: keeper{}, Routes: []route.Route{form}})
	w := ask(s, http.MethodPost, "/x", header("Content-Type", "application/x-www-form-urlencoded"), func(r *http.Request) {
		r.Body = io.NopCloser(strings.NewReader("next=/models"))
		r.ContentLength = -1
	})
	if w.Body.String() != "/models" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}
