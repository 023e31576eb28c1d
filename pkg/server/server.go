package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/route"
)

// Options are the parts of a server and its limits. Zero limits get defaults.
type Options struct {
	Routes []route.Route
	Log    *slog.Logger
	Clock  clock.Clock

	// Auth says who asks; nil lets everybody do everything.
	Auth Authenticator
	// ReadOnly refuses routes that write.
	ReadOnly bool
	// Hosts are names under which the server is reached, beside localhost and
	// addresses of numbers; a '*' stands for any characters.
	Hosts []string
	// Origins are other sites whose pages may send requests, such as
	// https://hub.example.com.
	Origins []string
	// Metrics are more lines for /metrics.
	Metrics []Collector

	MaxBody     int64         // bytes of a document; 64 MiB
	MaxInFlight int           // requests at once; 2,000
	Timeout     time.Duration // of a request that is no stream; 1 minute
	Stall       time.Duration // for which a stream may stand still; 1 minute
	Shutdown    time.Duration // for which requests that have begun may go on at the end; 30 seconds
}

func (o Options) filled() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	fill(&o.MaxBody, 64<<20)
	fill(&o.MaxInFlight, 2000)
	fill(&o.Timeout, time.Minute)
	fill(&o.Stall, time.Minute)
	fill(&o.Shutdown, 30*time.Second)
	return o
}

func fill[T int | int64 | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// Server answers requests. It is an http.Handler.
type Server struct {
	o       Options
	mux     *http.ServeMux
	routes  map[string]*served // by method and pattern
	hosts   hosts
	origins *origins
	metrics *metrics
	flying  atomic.Int64
	ids     requestIDs
}

// New returns a server. It refuses routes that do not say what access they need.
func New(o Options) (*Server, error) {
	o = o.filled()
	s := &Server{
		o:      o,
		mux:    http.NewServeMux(),
		routes: make(map[string]*served),
		hosts:  newHosts(o.Hosts),
		ids:    newRequestIDs(),
	}
	var err error
	if s.origins, err = newOrigins(o.Origins); err != nil {
		return nil, err
	}
	s.metrics = newMetrics(o.Clock)
	for _, r := range append(s.builtin(), o.Routes...) {
		if err := s.add(r); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// add puts a route into the table. A pattern that meets another one is an error
// of who made them, which ServeMux reports by a panic.
func (s *Server) add(r route.Route) (err error) {
	if err := r.Check(); err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("route %s %s: %v", r.Method, r.Pattern, p)
		}
	}()
	pattern := r.Method + " " + r.Pattern
	served := &served{Route: r, s: s, counts: s.metrics.route(r.Method, r.Pattern)}
	s.mux.Handle(pattern, served)
	s.routes[pattern] = served
	return nil
}

// Routes are the entries of the table, for tests that walk all of it.
func (s *Server) Routes() []route.Route {
	all := make([]route.Route, 0, len(s.routes))
	for _, r := range s.routes {
		all = append(all, r.Route)
	}
	return all
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := s.record(w, r)
	ctx := route.WithFault(route.WithRequestID(r.Context(), rec.id), func(err error) { rec.err = err })
	r = r.WithContext(ctx)
	w.Header().Set("X-Request-Id", rec.id)
	secure(w.Header())
	s.metrics.inFlight.Add(1)
	defer s.metrics.inFlight.Add(-1)
	defer s.finish(rec, r)
	s.answer(rec, r)
}

// answer is the guards that every request passes, then the route.
func (s *Server) answer(w *recorder, r *http.Request) {
	// Probes of load balancers know no name of the server, and learn nothing.
	probe := r.URL.Path == "/health" || r.URL.Path == "/version"
	if !probe && !s.hosts.allow(r.Host) {
		w.note = "host " + r.Host
		http.Error(w, "Invalid Host header - possible DNS rebinding attack detected", http.StatusForbidden)
		return
	}
	if done := s.origins.check(w, r); done {
		return
	}
	if n := s.flying.Add(1); n > int64(s.o.MaxInFlight) {
		s.flying.Add(-1)
		s.refuse(w, r, busy())
		return
	}
	defer s.flying.Add(-1)
	if oddPath(r) {
		s.refuse(w, r, route.Refuse(http.StatusBadRequest, "Invalid path"))
		return
	}
	s.mux.ServeHTTP(w, r)
}

func busy() error {
	return route.Refuse(http.StatusServiceUnavailable, "the server has too many requests at once, try again")
}

// refuse answers in the words of the protocol that the path belongs to.
func (s *Server) refuse(w *recorder, r *http.Request, err error) {
	if served := s.nearest(r); served != nil {
		w.served = served
		served.fail(w, r, err)
		return
	}
	plainFail(w, r, err)
}

// oddPath reports whether a path has parts that could lead elsewhere, in the form
// in which it was sent. ServeMux would redirect to what it takes for the right
// path.
func oddPath(r *http.Request) bool {
	p := strings.TrimLeft(r.URL.EscapedPath(), "/")
	if strings.Contains(p, "//") {
		return true
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

// nearest is the route of the longest part of the path that has one.
func (s *Server) nearest(r *http.Request) *served {
	clone := *r
	u := *r.URL
	clone.URL = &u
	u.RawPath = ""
	u.Path = "/" + strings.TrimLeft(u.Path, "/")
	for range 32 {
		clean := strings.ReplaceAll(u.Path, "/..", "")
		u.Path = strings.ReplaceAll(strings.ReplaceAll(clean, "/./", "/"), "//", "/")
		_, pattern := s.mux.Handler(&clone)
		if served := s.routes[pattern]; served != nil {
			return served
		}
		at := strings.LastIndexByte(u.Path, '/')
		if at <= 0 {
			return nil
		}
		u.Path = u.Path[:at]
	}
	return nil
}
