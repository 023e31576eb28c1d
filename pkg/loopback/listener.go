package loopback

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Config is what a Listener is made of.
type Config struct {
	// Open returns the records; asked at the first request.
	Open func(ctx context.Context) (track.Store, error)
	// Routes are those of the protocols, over records that a session may write.
	Routes func(ctx context.Context, s track.Store) ([]route.Route, error)
}

// Listener serves the sessions of one run.
type Listener struct {
	config Config

	mu       sync.Mutex
	server   *http.Server
	served   chan error
	url      string
	sessions map[string]*session // by token
}

// New returns a listener that listens to nothing yet.
func New(c Config) *Listener {
	return &Listener{config: c, sessions: map[string]*session{}}
}

// Session describes what some processes log to.
type Session struct {
	Run *track.Run // the run of the pipeline or project, which is recorded
	// Own is the name of a run of its own, a child of Run, that the session gets
	// when something is logged. "" logs to Run itself.
	Own string
}

// Access is how the processes of a session reach it.
type Access struct {
	URL   string
	Token string
	RunID string // that they log to
}

// Start begins a session. The first one opens the socket.
func (l *Listener) Start(ctx context.Context, s Session) (Access, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == nil {
		if err := l.listen(context.WithoutCancel(ctx)); err != nil {
			return Access{}, err
		}
	}
	a := Access{URL: l.url, Token: rand.Text(), RunID: s.Run.ID}
	if s.Own != "" {
		a.RunID = track.NewID()
	}
	l.sessions[a.Token] = &session{config: l.config, about: s, runID: a.RunID}
	return a, nil
}

// End ends a session, and its own run with a status: its processes are gone.
func (l *Listener) End(ctx context.Context, token string, status track.Status) error {
	l.mu.Lock()
	s := l.sessions[token]
	delete(l.sessions, token)
	l.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.end(ctx, status)
}

// Close ends the listener when the requests in hand are answered.
func (l *Listener) Close() error {
	l.mu.Lock()
	server := l.server
	l.server = nil
	l.mu.Unlock()
	if server == nil {
		return nil
	}
	return errors.Join(server.Close(), <-l.served)
}

// headerTimeout bounds how long a request may take to begin.
const headerTimeout = 10 * time.Second

func (l *Listener) listen(ctx context.Context) error {
	var c net.ListenConfig
	socket, err := c.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for what stages log: %w", err)
	}
	l.url = "http://" + socket.Addr().String()
	l.server = &http.Server{
		Handler: http.HandlerFunc(l.serve), ReadHeaderTimeout: headerTimeout,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	l.served = make(chan error, 1)
	go func(server *http.Server) {
		err := server.Serve(socket)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		l.served <- err
	}(l.server)
	return nil
}

// serve finds the session of a request.
func (l *Listener) serve(w http.ResponseWriter, r *http.Request) {
	s := l.find(tokenOf(r))
	if s == nil {
		refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED", "this listener is for the processes of a running stage, which are given a token")
		return
	}
	h, err := s.handler(r.Context())
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "TEMPORARILY_UNAVAILABLE", err.Error())
		return
	}
	h.ServeHTTP(w, r)
}

func (l *Listener) find(token string) *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	for known, s := range l.sessions {
		if subtle.ConstantTimeCompare([]byte(known), []byte(token)) == 1 {
			return s
		}
	}
	return nil
}

// tokenOf is the token of a request: as a bearer, or as the password of basic
// authentication.
func tokenOf(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error_code": %q, "message": %q}`+"\n", code, message) //nolint:errcheck // a client that is gone needs no answer
}
