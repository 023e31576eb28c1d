package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/project"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Prefix is where the API is.
const Prefix = "/api/v1"

// Deps is what the API shows. Parts that a server does not have are nil: their
// resources answer 404.
type Deps struct {
	Version  string // of this program
	Clock    clock.Clock
	Tracking Tracking
	Models   registry.Service
	Projects *project.Keeper
	Files    *artifact.Store
	Data     Data
	Stages   Stages
}

// Tracking is runs and experiments with their history.
type Tracking interface {
	track.Store
	track.Corrector
	Events(ctx context.Context, q track.EventQuery) ([]track.Event, error)
}

// api builds the routes.
type api struct {
	Deps

	huma   huma.API
	routes []route.Route
	access map[string]access // by operation id
}

// access is who may call an operation, and about what it is.
type access struct {
	need     route.Access
	subjects func(*http.Request) ([]route.Subject, error)
	stream   bool
	rest     bool
	makes    string
}

// Routes are the operations, the OpenAPI document at /api/v1/openapi.json and
// a page of it at /api/v1/docs.
func Routes(d Deps) []route.Route {
	a := &api{Deps: d, access: map[string]access{}}
	config := huma.DefaultConfig("mlops", d.Version)
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil // they add links to schemas, which nobody asked for
	config.Formats = map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}
	config.DefaultFormat = "application/json"
	config.Transformers = []huma.Transformer{typed}
	config.RejectUnknownQueryParameters = true
	config.Info.Description = "Projects, models, experiments, runs, data and pipelines of an mlops server. Times are milliseconds since 1970 in UTC."
	config.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	config.Servers = []*huma.Server{{URL: "/"}}
	config.Components = &huma.Components{
		Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
		SecuritySchemes: map[string]*huma.SecurityScheme{
			"token": {Type: "http", Scheme: "bearer", Description: "mlops server token create"},
			"basic": {Type: "http", Scheme: "basic"},
		},
	}
	a.huma = huma.NewAPI(config, a)
	a.health()
	a.addProjects()
	a.addModels()
	a.addVersions()
	a.addExperiments()
	a.addRuns()
	a.addMetrics()
	a.addCorrections()
	a.addArtifacts()
	a.addData()
	a.addPipelines()
	a.addEvents()
	a.link()
	a.document()
	a.unknown()
	return a.routes
}

// Handle implements huma.Adapter: an operation becomes a route.
func (a *api) Handle(op *huma.Operation, handler func(huma.Context)) {
	who := a.access[op.OperationID]
	pattern := op.Path
	if who.rest {
		pattern = strings.TrimSuffix(pattern, "}") + "...}"
	}
	a.routes = append(a.routes, route.Route{
		Method: op.Method, Pattern: pattern, Access: who.need, Subjects: who.subjects, Stream: who.stream, MaxBody: op.MaxBodyBytes,
		Handler: func(w http.ResponseWriter, r *http.Request) error {
			if strings.ContainsRune(r.URL.Path, 0) || strings.Contains(r.URL.RawQuery, "%00") {
				return huma.Error400BadRequest("text cannot hold a zero byte")
			}
			if user := route.UserOf(r.Context()).Name; user != "" { // the history says who
				r = r.WithContext(track.AsUser(r.Context(), user))
			}
			handler(humago.NewContext(op, r, w))
			return nil
		},
		Fail: fail,
	})
}

// ServeHTTP implements huma.Adapter; routes are served by who asked for them.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// fail writes an error that did not come from an operation, such as a guard's.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problem(r.Context(), err)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.GetStatus())
	if err := json.NewEncoder(w).Encode(p); err != nil && r.Context().Err() == nil {
		panic(http.ErrAbortHandler)
	}
}

// operation is what is not said by types.
type operation struct {
	id, method, path, summary, tag string
	describe                       string
	need                           route.Access
	subjects                       func(*http.Request) ([]route.Subject, error)
	status                         int // of success, 200 when 0
	stream                         bool
	rest                           bool   // the last part of the path may have slashes
	bytes                          bool   // the body of the request is a file
	makes                          string // the parameter of other paths that the answer has, as PARAMETER=FIELD
}

// add makes an operation of a function.
func add[I, O any](a *api, op operation, fn func(ctx context.Context, in *I) (*O, error)) {
	a.access[op.id] = access{need: op.need, subjects: op.subjects, stream: op.stream, rest: op.rest, makes: op.makes}
	o := huma.Operation{
		OperationID: op.id, Method: op.method, Path: Prefix + op.path, Summary: op.summary, Description: op.describe,
		Tags: []string{op.tag}, DefaultStatus: op.status, MaxBodyBytes: 16 << 20,
		Errors: []int{400, 404, 409, 422},
		// The listener says so before there is a request.
		Responses: map[string]*huma.Response{"431": {
			Description: "The address or the headers are longer than 64 KiB",
			Content:     map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}},
		}},
	}
	if op.bytes {
		o.MaxBodyBytes = -1
		o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}}
	}
	if op.need != route.Open {
		o.Security = []map[string][]string{{"token": {}}, {"basic": {}}}
		o.Errors = append(o.Errors, 401, 403, 429)
	}
	huma.Register(a.huma, o, func(ctx context.Context, in *I) (*O, error) {
		out, err := fn(ctx, in)
		if err != nil {
			p := problem(ctx, err)
			if p.GetStatus() >= http.StatusInternalServerError {
				route.Fault(ctx, err)
			}
			return nil, p
		}
		return out, nil
	})
}

// link tells readers of the document which operations go on with what another
// one made.
func (a *api) link() {
	each := func(fn func(path string, op *huma.Operation)) {
		for path, item := range a.huma.OpenAPI().Paths {
			for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
				if op != nil {
					fn(path, op)
				}
			}
		}
	}
	each(func(_ string, from *huma.Operation) {
		parameter, field, ok := strings.Cut(a.access[from.OperationID].makes, "=")
		if !ok {
			return
		}
		answer := from.Responses[strconv.Itoa(from.DefaultStatus)]
		answer.Links = map[string]*huma.Link{}
		each(func(path string, to *huma.Operation) {
			if strings.Contains(path, "{"+parameter+"}") {
				answer.Links[to.OperationID] = &huma.Link{OperationID: to.OperationID, Parameters: map[string]any{parameter: "$response.body#/" + field}}
			}
		})
	})
}

// reply is an answer with a body.
type reply[T any] struct {
	Body T
}

func ok[T any](body T, err error) (*reply[T], error) {
	if err != nil {
		return nil, err
	}
	return &reply[T]{Body: body}, nil
}

// nothing is an answer without a body.
type nothing struct{}

func done(err error) (*nothing, error) {
	if err != nil {
		return nil, err
	}
	return &nothing{}, nil
}

type healthBody struct {
	Status  string `json:"status" example:"ok"`
	Version string `json:"version"`
}

func (a *api) health() {
	add(a, operation{id: "health", method: http.MethodGet, path: "/health", summary: "Say that the server works", tag: "server", need: route.Open},
		func(ctx context.Context, _ *struct{}) (*reply[healthBody], error) {
			// A query shows that the database answers.
			_, err := a.Tracking.Experiment(ctx, "0")
			if missing, is := errors.AsType[*track.MissingError](err); is && missing != nil {
				err = nil
			}
			return ok(healthBody{"ok", a.Version}, err)
		})
}
