package mlflow

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Service answers MLflow's requests with what the stores below it keep.
type Service struct {
	tracking  track.Store
	registry  registry.Service
	artifacts *artifact.Store
	places    Places
	locations sync.Map // artifact location of an experiment, by id: it never changes
}

// New returns a service. It does nothing before the first request.
func New(tracking track.Store, models registry.Service, artifacts *artifact.Store) *Service {
	return &Service{tracking: tracking, registry: models, artifacts: artifacts}
}

// endpoint is one row of the protocol.
type endpoint struct {
	method string
	path   string // below /api/2.0/mlflow/
	access route.Access
	about  subjects
	schema []rule
	call   func(ctx context.Context, in *request, out *encoder) error
}

// subjects says which fields name what a request is about; no field is for lists
// that leave out what may not be seen.
type subjects []struct {
	kind  route.Kind
	field string
}

func about(kind route.Kind, field string) subjects {
	return subjects{{kind, field}}
}

func (s subjects) and(kind route.Kind, field string) subjects {
	return append(s, subjects{{kind, field}}...)
}

// Routes returns all routes of the protocol, under both prefixes.
func (s *Service) Routes() []route.Route {
	var all []route.Route
	known := map[string][]string{}
	add := func(e endpoint, prefixes ...string) {
		for _, prefix := range prefixes {
			pattern := prefix + e.path
			known[pattern] = append(known[pattern], e.method)
			all = append(all, route.Route{
				Method:   e.method,
				Pattern:  pattern,
				Access:   e.access,
				Subjects: e.subjects,
				Handler:  e.serve,
				Fail:     fail,
			})
		}
	}
	for _, group := range s.groups() {
		for _, e := range group {
			add(e, "/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/")
		}
	}
	for _, e := range s.ajax() {
		add(e, "/ajax-api/2.0/mlflow/")
	}
	add(endpoint{method: http.MethodGet, path: "server-info", access: route.Open, call: serverInfo}, "/api/3.0/mlflow/", "/ajax-api/3.0/mlflow/")
	return append(all, fallback(known)...)
}

func (s *Service) groups() [][]endpoint {
	return [][]endpoint{s.experiments(), s.runs(), s.metrics(), s.loggedModels(), s.registeredModels(), s.versions()}
}

// fallback answers what is not here, such as the GenAI groups: clients look
// for the code.
func fallback(known map[string][]string) []route.Route {
	var all []route.Route
	for _, pattern := range []string{"/api/2.0/{rest...}", "/api/3.0/{rest...}", "/ajax-api/{rest...}", "/graphql", "/v1/traces"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			all = append(all, route.Route{
				Method: method, Pattern: pattern, Access: route.Open, Fail: fail,
				Handler: func(w http.ResponseWriter, r *http.Request) error {
					if methods := known[r.URL.Path]; len(methods) > 0 {
						w.Header().Set("Allow", strings.Join(methods, ", "))
						return route.Refuse(http.StatusMethodNotAllowed, "%s is not a method of %s, which has %s", r.Method, r.URL.Path, strings.Join(methods, ", "))
					}
					return Errorf(NoEndpoint, "%s %s is not served here", r.Method, r.URL.Path)
				},
			})
		}
	}
	return all
}

// subjects is what a request is about.
func (e endpoint) subjects(r *http.Request) ([]route.Subject, error) {
	if e.about == nil {
		return nil, nil
	}
	in, err := readRequest(r)
	if err != nil {
		return nil, err
	}
	var all []route.Subject
	for _, a := range e.about {
		if a.field == "" {
			all = append(all, route.Subject{Kind: a.kind})
			continue
		}
		ids := in.texts(a.field) // of a list, or a key of the query that is repeated
		if v := in.get(a.field); v != nil && v.kind != list && !slices.Contains(ids, v.text) {
			ids = append(ids, v.text)
		}
		for _, id := range ids {
			all = append(all, route.Subject{Kind: a.kind, ID: id})
		}
	}
	return all, nil
}

// serve reads a request, checks it against its schema and answers it.
func (e endpoint) serve(w http.ResponseWriter, r *http.Request) error {
	in, err := readRequest(r)
	if err != nil {
		return err
	}
	if err := in.check(e.schema); err != nil {
		return err
	}
	ctx := r.Context()
	if user := route.UserOf(ctx).Name; user != "" {
		ctx = track.AsUser(ctx, user)
	}
	out := encoder{buf: make([]byte, 0, 512)}
	out.open()
	if err := e.call(ctx, in, &out); err != nil {
		return err
	}
	out.close()
	out.send(w, http.StatusOK)
	return nil
}

// visible reports whether the one who asks may see a thing of a list.
func visible(ctx context.Context, kind route.Kind, id string) bool {
	return route.Allow(ctx, route.Read, route.Subject{Kind: kind, ID: id}) == nil
}

// scoped is the condition that holds of what the one who asks may see of a kind,
// so that pages of lists are full. Key is the attribute that names one.
func scoped(ctx context.Context, kind route.Kind, key string) track.Filter {
	s := route.ScopeOf(ctx, route.Read, kind)
	if s.Everything() {
		return nil
	}
	return track.Filter{track.Among(key, s.Of, s.All)}
}

// mayUse asks whether somebody may do something with each of some things that a
// request names within it.
func mayUse(ctx context.Context, access route.Access, kind route.Kind, ids ...string) error {
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if id == "" {
			continue
		}
		if err := route.Allow(ctx, access, route.Subject{Kind: kind, ID: id}); err != nil {
			return err
		}
	}
	return nil
}

// serverInfo says what newer clients may use: nothing beside the plain
// protocol.
func serverInfo(_ context.Context, _ *request, out *encoder) error {
	out.str("store_type", "SqlStore")
	for _, name := range []string{
		"workspaces_enabled", "trace_archival_enabled", "multipart_uploads_enabled", "multipart_downloads_enabled",
		"presigned_upload_run_id_supported", "presigned_upload_model_id_supported",
	} {
		out.boolean(name, false)
	}
	out.object("features_enabled")
	out.boolean("gateway", false)
	out.close()
	return nil
}
