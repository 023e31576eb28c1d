package ui

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/route"
)

//go:embed page/*.html
var pageFS embed.FS

// templates are the pages by the names of their files, each with the layout.
type templates map[string]*template.Template

func loadTemplates(u *pages) (templates, error) {
	layout, err := template.New("layout.html").Funcs(u.functions()).ParseFS(pageFS, "page/layout.html", "page/part_*.html")
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(pageFS, "page/*.html")
	if err != nil {
		return nil, err
	}
	all := templates{}
	for _, file := range files {
		name := path.Base(file)
		if name == "layout.html" || strings.HasPrefix(name, "part_") {
			continue
		}
		t, err := layout.Clone()
		if err != nil {
			return nil, err
		}
		if all[name], err = t.ParseFS(pageFS, file); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// page is what every page has, and what one has of its own.
type page struct {
	Title   string
	Nav     string   // which entry of the navigation it belongs to
	Scripts []string // modules
	Imports []string // modules that these import, to be fetched beside them
	Styles  []string
	Wide    bool // as wide as the window, and it scrolls inside
	Crumbs  []crumb
	Body    any

	// Filled in by show.
	Name, Version, Theme, User string
	Now                        time.Time
}

// crumb is a step of the way to a page.
type crumb struct{ Name, URL string }

// show answers with a page.
func (u *pages) show(w http.ResponseWriter, r *http.Request, status int, name string, p page) error {
	p.Name, p.Version, p.Now = u.Name, u.Version, u.Clock.Now()
	p.User = route.UserOf(r.Context()).Name
	if c, err := r.Cookie("mlops_theme"); err == nil && (c.Value == "dark" || c.Value == "light") {
		p.Theme = c.Value
	}
	var b bytes.Buffer
	if err := u.templates[name].ExecuteTemplate(&b, "layout.html", p); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	return send(w, r, status, "text/html; charset=utf-8", b.Bytes())
}
