package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	requestTime = 30 * time.Second
	lookEvery   = 500 * time.Millisecond
	failPause   = 5 * time.Second // after what could not be read or noted
	failQuiet   = time.Minute     // for which the same failure is logged once
	senders     = 4
	maxAttempts = 10 // with the pauses between them some nine minutes
	maxPause    = 2 * time.Minute
	maxAnswer   = 4 << 10 // bytes of an answer that a test shows
)

// Sender delivers events to hooks. Many may work on one database.
type Sender struct {
	keeper *Keeper
	client *http.Client
	log    *slog.Logger
	failed failure
}

// failure is what went wrong last, so that it is not said again and again.
type failure struct {
	mu   sync.Mutex
	text string
	at   time.Time
}

// news reports whether err is worth a line.
func (f *failure) news(err error, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.text == err.Error() && now.Sub(f.at) < failQuiet {
		return false
	}
	f.text, f.at = err.Error(), now
	return true
}

// NewSender returns a sender for the hooks of keeper.
func NewSender(keeper *Keeper, log *slog.Logger) *Sender {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if !keeper.insecure {
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return public(address) }
	}
	return &Sender{keeper: keeper, log: log, client: &http.Client{
		Timeout: requestTime,
		// No proxy: it would be the one whose address is checked.
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute},
		// What answers somewhere else is not who was asked.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// reserved are addresses that net/netip does not know to be none of the public
// internet: RFC 6890 and IANA's special-purpose registries.
func reserved() []netip.Prefix {
	var all []netip.Prefix
	for _, p := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}

// public refuses to connect to an address that is none of the public internet.
func public(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := at.Addr().Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || slices.ContainsFunc(reserved(), func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return fmt.Errorf("%s is not a public address", ip)
	}
	return nil
}

// Run delivers until ctx is done.
func (s *Sender) Run(ctx context.Context) {
	var wait sync.WaitGroup
	for range senders {
		wait.Go(func() {
			for {
				worked, err := s.work(ctx)
				pause := lookEvery
				switch {
				case err != nil:
					pause = failPause
					if ctx.Err() == nil && s.failed.news(err, s.keeper.clock.Now()) {
						s.log.ErrorContext(ctx, "webhooks", "error", err)
					}
				case worked:
					continue
				}
				select {
				case <-time.After(pause):
				case <-ctx.Done():
					return
				}
			}
		})
	}
	wait.Wait()
}

// work brings one hook forward, as far as it goes.
func (s *Sender) work(ctx context.Context) (worked bool, err error) {
	h, ok, err := s.keeper.take(ctx)
	if !ok || err != nil {
		return false, err
	}
	after, attempts, pause := h.after, h.attempts, time.Duration(0)
	defer func() {
		// Also when ctx is done: what was delivered must not be delivered again.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		tryAt := s.keeper.now() + pause.Milliseconds()
		err = errors.Join(err, s.keeper.settle(ctx, h.ID, after, attempts, tryAt))
	}()
	list, err := s.keeper.next(ctx, h.after)
	if err != nil {
		return true, err
	}
	for _, r := range list {
		e, data, known, err := payload(r)
		if err != nil {
			s.log.ErrorContext(ctx, "webhooks: unreadable event", "error", err)
		}
		if !known || !slices.Contains(h.Events, e) {
			after = r.seq
			continue
		}
		answer, err := s.send(ctx, h, e, time.UnixMilli(r.time), data, delivery(h.ID, r.seq))
		if ctx.Err() != nil {
			return true, nil // told to stop: it counts as not tried
		}
		if again, wait := answer.again(err, attempts); again {
			attempts++
			pause = wait
			s.log.WarnContext(ctx, "webhook not delivered, will try again", "webhook", h.Name, "event", e.String(), "attempt", attempts, "status", answer.Status, "error", err)
			return true, nil
		}
		if err != nil || answer.Status >= 300 {
			s.log.ErrorContext(ctx, "webhook not delivered", "webhook", h.Name, "event", e.String(), "status", answer.Status, "error", err)
		}
		// One delivery at a time: another server sees it done, and a change of
		// the hook counts for the next.
		after, attempts = r.seq, 0
		return true, nil
	}
	return true, nil
}

// delivery names a delivery: the same event to the same hook has the same name
// each time it is tried, so that receivers can tell.
func delivery(hook string, seq int64) string {
	sum := sha256.Sum256([]byte(hook + "/" + strconv.FormatInt(seq, 10)))
	return hex.EncodeToString(sum[:16])
}

// Answer is what came of a request.
type Answer struct {
	Status     int // HTTP
	Body       string
	retryAfter time.Duration
}

// again says whether to try once more, and when.
func (a Answer) again(err error, attempts int) (bool, time.Duration) {
	switch {
	case attempts+1 >= maxAttempts:
		return false, 0
	case err == nil && a.Status != 429 && (a.Status < 500 || a.Status == 501 || a.Status == 505):
		return false, 0
	}
	pause := min(maxPause, time.Second<<attempts)
	return true, max(pause, min(a.retryAfter, time.Hour))
}

// Test sends an example of an event, and tells what was answered.
func (s *Sender) Test(ctx context.Context, h Hook, e Event) (Answer, error) {
	return s.send(ctx, h, e, s.keeper.clock.Now(), example(e), rand.Text())
}

func (s *Sender) send(ctx context.Context, h Hook, e Event, at time.Time, data map[string]any, id string) (Answer, error) {
	ordered, err := inOrder(data)
	if err != nil {
		return Answer{}, err
	}
	body, err := json.Marshal(struct {
		Entity    string          `json:"entity"`
		Action    string          `json:"action"`
		Timestamp string          `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}{e.Entity, e.Action, at.UTC().Format("2006-01-02T15:04:05.000000-07:00"), ordered})
	if err != nil {
		return Answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	now := strconv.FormatInt(s.keeper.clock.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Mlflow-Delivery-Id", id)
	req.Header.Set("X-Mlflow-Timestamp", now)
	if h.Secret != "" {
		req.Header.Set("X-Mlflow-Signature", sign(h.Secret, id, now, body))
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	a := Answer{Status: resp.StatusCode, Body: string(text)}
	if seconds, e := strconv.Atoi(resp.Header.Get("Retry-After")); e == nil && seconds > 0 {
		a.retryAfter = time.Duration(seconds) * time.Second
	}
	return a, errors.Join(err, resp.Body.Close())
}

// sign is the signature that MLflow's receivers check: version 1 of HMAC-SHA-256
// over the delivery's id, the time of sending and the body.
func sign(secret, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
