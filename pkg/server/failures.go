package server

import (
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/mlops-cli/mlops/pkg/clock"
)

const (
	failuresAllowed = 10          // failed sign-ins of one address and name
	failuresWindow  = time.Minute // in which they count
	failuresKept    = 10_000      // addresses and names that are remembered
)

// failures slows down who guesses passwords.
type failures struct {
	clock clock.Clock

	mu   sync.Mutex
	seen map[string]failure
}

type failure struct {
	since time.Time
	n     int
}

func newFailures(c clock.Clock) *failures {
	return &failures{clock: c, seen: make(map[string]failure)}
}

// key is whose failures are counted together: behind a proxy all clients have
// one address, so the name counts too.
func (f *failures) key(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	name, _, _ := r.BasicAuth()
	return host + " " + name
}

func (f *failures) blocked(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen, ok := f.seen[key]
	return ok && seen.n >= failuresAllowed && f.clock.Now().Sub(seen.since) < failuresWindow
}

func (f *failures) add(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock.Now()
	seen := f.seen[key]
	if now.Sub(seen.since) >= failuresWindow {
		seen = failure{since: now}
	}
	seen.n++
	if len(f.seen) >= failuresKept {
		f.forget(now)
	}
	f.seen[key] = seen
}

// forget drops what is over, or everything when that is too little.
func (f *failures) forget(now time.Time) {
	for key, seen := range f.seen {
		if now.Sub(seen.since) >= failuresWindow {
			delete(f.seen, key)
		}
	}
	if len(f.seen) >= failuresKept {
		clear(f.seen)
	}
}
