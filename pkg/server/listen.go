package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
)

// maxHeader is the most bytes of a request's headers.
const maxHeader = 64 << 10

// Listen opens the port. Port 0 takes a free one.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	var c net.ListenConfig
	ln, err := c.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, errs.New(errs.Usage, "listen on %s: %w", address, err).Hint("%s", listenHint(err))
	}
	return ln, nil
}

func listenHint(err error) string {
	_, name := errors.AsType[*net.DNSError](err)
	switch {
	case name || errors.Is(err, syscall.EADDRNOTAVAIL):
		return "--host is an address of this machine: 127.0.0.1, or 0.0.0.0 for all that it has"
	case errors.Is(err, fs.ErrPermission):
		return "ports below 1024 are for the administrator: --port 8443, and a proxy before it"
	}
	return "another program may have the port: --port 0 takes a free one"
}

// Run answers on ln, with TLS when there is a configuration for it, until ctx is
// done; then it takes no more requests and waits for those that have begun.
func (s *Server) Run(ctx context.Context, ln net.Listener, secure *tls.Config) error {
	// Requests outlive ctx: a signal lets them end.
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	base = route.WithDraining(base, ctx.Done())
	srv := &http.Server{
		Handler:           s,
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: min(10*time.Second, s.o.Timeout),
		ReadTimeout:       s.o.Timeout,
		WriteTimeout:      2 * s.o.Timeout, // there is time to say that a body did not come
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
		TLSConfig:         secure,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				s.metrics.open.Add(1)
			case http.StateClosed, http.StateHijacked:
				s.metrics.open.Add(-1)
			case http.StateActive, http.StateIdle:
			}
		},
	}
	failed := make(chan error, 1)
	go func() {
		if secure != nil {
			failed <- srv.ServeTLS(ln, "", "")
			return
		}
		failed <- srv.Serve(ln)
	}()
	trimmed := time.AfterFunc(time.Second, func() {
		debug.FreeOSMemory()
		trim()
	})
	defer trimmed.Stop()
	select {
	case err := <-failed:
		return errs.New(errs.Internal, "serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	s.o.Log.Info("stopping", "in_flight", s.metrics.inFlight.Load())
	late, done := context.WithTimeout(base, s.o.Shutdown)
	defer done()
	// What does not look at route.Draining is told by its context.
	stopStreams := time.AfterFunc(s.o.Shutdown/2, cancel)
	defer stopStreams.Stop()
	err := srv.Shutdown(late)
	if err != nil {
		err = srv.Close()
	}
	if serr := <-failed; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	if err != nil {
		return errs.New(errs.Internal, "stop the server: %w", err)
	}
	return nil
}
