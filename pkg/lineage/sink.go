package lineage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
)

const (
	waiting     = 4096            // events that may wait to be sent
	sendTimeout = 5 * time.Second // of one event, and of all that wait at the end
	giveUpAfter = 3               // failures in a row
	endpoint    = "api/v1/lineage"
)

// Target says where events go: to a file, to a URL, or to both.
type Target struct {
	File     string // a line of JSON is appended for each event
	URL      string // a server that speaks OpenLineage, such as Marquez
	Endpoint string // path below URL; "" is api/v1/lineage
	Key      string // sent as a bearer token, "" for none
}

// ParseURL reads the URL of a server.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errs.New(errs.Usage, "%q is not the URL of a server", text).Hint("it begins with http:// or https://")
	}
	return u, nil
}

// Sink sends events in the background.
type Sink struct {
	file   *os.File
	url    string
	key    string
	client *http.Client
	queue  chan []byte
	done   chan struct{}
	cancel context.CancelFunc

	mu      sync.Mutex
	dropped int
	err     error // the first that went wrong
}

// Open opens the target and starts to send. It is errs.Usage when the target
// cannot be.
func Open(ctx context.Context, t Target) (*Sink, error) {
	s := &Sink{queue: make(chan []byte, waiting), done: make(chan struct{}), key: t.Key, client: &http.Client{Timeout: sendTimeout}}
	if t.URL != "" {
		u, err := ParseURL(t.URL)
		if err != nil {
			return nil, errs.New(errs.Usage, "lineage: %w", err)
		}
		below := strings.Trim(t.Endpoint, "/")
		if below == "" {
			below = endpoint
		}
		if !strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/"+below) {
			u = u.JoinPath(below)
		}
		s.url = u.String()
	}
	if t.File != "" {
		f, err := os.OpenFile(t.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
		if err != nil {
			return nil, errs.New(errs.Usage, "lineage: %w", err)
		}
		s.file = f
	}
	ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go s.loop(ctx)
	return s, nil
}

// Send takes an event on its way. When too many wait, it is dropped.
func (s *Sink) Send(e Event) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		s.lost(1, err)
		return
	}
	select {
	case s.queue <- b.Bytes():
	default:
		s.lost(1, errors.New("more events than can be sent"))
	}
}

func (s *Sink) lost(n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped += n
	if s.err == nil {
		s.err = err
	}
}

// Close waits a few seconds for what is on its way. The error says how many
// events were not sent, and why; it is meant to be a warning.
func (s *Sink) Close() error {
	close(s.queue)
	timer := time.AfterFunc(sendTimeout, s.cancel)
	<-s.done
	timer.Stop()
	s.cancel()
	if s.file != nil {
		if err := s.file.Close(); err != nil {
			s.lost(0, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return fmt.Errorf("lineage: %d events were not sent: %w", s.dropped, s.err)
	}
	return nil
}

func (s *Sink) loop(ctx context.Context) {
	defer close(s.done)
	failures := 0
	for text := range s.queue {
		if s.file != nil {
			if _, err := s.file.Write(text); err != nil {
				s.lost(1, err)
			}
		}
		if s.url == "" {
			continue
		}
		if failures >= giveUpAfter || ctx.Err() != nil {
			s.lost(1, context.Cause(ctx))
			continue
		}
		if err := s.post(ctx, text); err != nil {
			s.lost(1, err)
			failures++
			continue
		}
		failures = 0
	}
}

func (s *Sink) post(ctx context.Context, text []byte) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if s.key != "" {
		req.Header.Set("Authorization", "Bearer "+s.key)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	said, err := io.ReadAll(io.LimitReader(res.Body, 300))
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		if text := strings.TrimSpace(string(said)); text != "" {
			return fmt.Errorf("%s answered %s: %s", s.url, res.Status, text)
		}
		return fmt.Errorf("%s answered %s", s.url, res.Status)
	}
	return nil
}
