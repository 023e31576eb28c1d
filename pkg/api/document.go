package api

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/mlops-cli/mlops/pkg/route"
)

//go:embed docs.html
var docsPage string

// document adds the OpenAPI document and a page of it, which needs no script.
func (a *api) document() {
	spec := sync.OnceValues(func() ([]byte, error) { return json.Marshal(a.huma.OpenAPI()) })
	page := sync.OnceValues(func() (string, error) {
		t, err := template.New("docs").Parse(docsPage)
		if err != nil {
			return "", err
		}
		var b strings.Builder
		err = t.Execute(&b, a.chapters())
		return b.String(), err
	})
	a.routes = append(a.routes,
		route.Route{Method: http.MethodGet, Pattern: Prefix + "/openapi.json", Access: route.Open, Fail: fail, Handler: func(w http.ResponseWriter, _ *http.Request) error {
			text, err := spec()
			if err != nil {
				return err
			}
			w.Header().Set("Content-Type", "application/openapi+json")
			_, err = w.Write(text)
			return err
		}},
		route.Route{Method: http.MethodGet, Pattern: Prefix + "/docs", Access: route.Open, Fail: fail, Handler: func(w http.ResponseWriter, _ *http.Request) error {
			text, err := page()
			if err != nil {
				return err
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
			_, err = w.Write([]byte(text))
			return err
		}})
}

// chapter is the operations of one tag on the page.
type chapter struct {
	Name       string
	Operations []described
}

type described struct {
	ID, Method, Path, Summary, Description string
	Access                                 string
	Params                                 []field
	Body                                   []field
	Answer                                 []field
	Status                                 string
}

// field is a parameter, or a field of a body with its path.
type field struct {
	Name, In, Type, Doc string
	Required            bool
}

func (a *api) chapters() []chapter {
	var all []chapter
	doc := a.huma.OpenAPI()
	for _, r := range a.routes {
		path := strings.Replace(r.Pattern, "...}", "}", 1)
		item := doc.Paths[path]
		if item == nil {
			continue
		}
		op := map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete}[r.Method]
		if op == nil {
			continue
		}
		i := slices.IndexFunc(all, func(c chapter) bool { return c.Name == op.Tags[0] })
		if i < 0 {
			i = len(all)
			all = append(all, chapter{Name: op.Tags[0]})
		}
		all[i].Operations = append(all[i].Operations, a.describe(op, path, r))
	}
	return all
}

func (a *api) describe(op *huma.Operation, path string, r route.Route) described {
	d := described{ID: op.OperationID, Method: r.Method, Path: path, Summary: op.Summary, Description: op.Description, Access: r.Access.String()}
	for _, p := range op.Parameters {
		d.Params = append(d.Params, field{Name: p.Name, In: p.In, Type: typeOf(p.Schema), Doc: p.Description, Required: p.Required})
	}
	if op.RequestBody != nil {
		if media := op.RequestBody.Content["application/json"]; media != nil {
			d.Body = a.fields(media.Schema, "", 0)
		}
	}
	for status, answer := range op.Responses {
		if strings.HasPrefix(status, "2") {
			d.Status = status
			if media := answer.Content["application/json"]; media != nil {
				d.Answer = a.fields(media.Schema, "", 0)
			}
		}
	}
	return d
}

// fields lists the fields of a schema with those of objects in it, some levels deep.
func (a *api) fields(s *huma.Schema, path string, depth int) []field {
	if s.Ref != "" {
		s = a.huma.OpenAPI().Components.Schemas.SchemaFromRef(s.Ref)
	}
	if s == nil || depth > 3 {
		return nil
	}
	if s.Type == huma.TypeArray && s.Items != nil {
		return a.fields(s.Items, path+"[]", depth+1)
	}
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	var all []field
	for _, name := range names {
		p := s.Properties[name]
		full := strings.TrimPrefix(path+"."+name, ".")
		all = append(all, field{Name: full, Type: typeOf(p), Doc: p.Description, Required: slices.Contains(s.Required, name)})
		all = append(all, a.fields(p, full, depth+1)...)
	}
	return all
}

func typeOf(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return "object"
	case len(s.Enum) > 0:
		var words []string
		for _, e := range s.Enum {
			if text, ok := e.(string); ok {
				words = append(words, text)
			}
		}
		return strings.Join(words, " | ")
	case s.Type == huma.TypeArray:
		return typeOf(s.Items) + "[]"
	case len(s.OneOf) > 0:
		return "number"
	}
	return s.Type
}
