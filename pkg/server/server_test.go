package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/server"
)

func fail(w http.ResponseWriter, _ *http.Request, err error) {
	status := http.StatusInternalServerError
	if refusal, ok := errors.AsType[*route.Refusal](err); ok {
		status = refusal.Status
	}
	http.Error(w, "proto: "+err.Error(), status)
}

func at(method, pattern string, a route.Access, h func(http.ResponseWriter, *http.Request) error) route.Route {
	return route.Route{Method: method, Pattern: pattern, Access: a, Handler: h, Fail: fail}
}

func say(w http.ResponseWriter, _ *http.Request) error {
	_, err := io.WriteString(w, "hello")
	return err
}

// routes has one of each access, as a protocol would.
func routes() []route.Route {
	echo := at(http.MethodPost, "/api/echo", route.Write, func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.Copy(w, r.Body)
		return err
	})
	return []route.Route{
		at(http.MethodGet, "/api/open", route.Open, say),
		at(http.MethodGet, "/api/read", route.Read, say),
		at(http.MethodPost, "/api/write", route.Write, say),
		at(http.MethodPost, "/api/admin", route.Admin, say),
		echo,
		at(http.MethodGet, "/api/files/{path...}", route.Read, say),
		at(http.MethodGet, "/api/broken", route.Read, func(http.ResponseWriter, *http.Request) error { panic("at the disco") }),
		at(http.MethodGet, "/api/secret", route.Read, func(http.ResponseWriter, *http.Request) error { return errors.New("password 1234") }),
	}
}

func build(t *testing.T, o server.Options) *server.Server {
	t.Helper()
	if o.Routes == nil {
		o.Routes = routes()
	}
	s, err := server.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(s http.Handler, method, target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, http.NoBody)
	r.Host = "localhost:5000"
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func host(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }

func TestARouteWithoutAccessIsRefused(t *testing.T) {
	t.Parallel()
	r := at(http.MethodGet, "/x", 0, say)
	if _, err := server.New(server.Options{Routes: []route.Route{r}}); err == nil || !strings.Contains(err.Error(), "access") {
		t.Errorf("%v", err)
	}
	twice := at(http.MethodGet, "/health", route.Open, say)
	if _, err := server.New(server.Options{Routes: []route.Route{twice}}); err == nil {
		t.Error("a pattern that is there already is taken")
	}
}

func TestBuiltinRoutes(t *testing.T) {
	t.Parallel()
	s := build(t, server.Options{})
	for path, want := range map[string]string{"/health": "OK", "/version": "0.0.0+devel"} {
		if w := ask(s, http.MethodGet, path, host("any.example.com")); w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
	w := ask(s, http.MethodGet, "/nothing")
	if w.Code != http.StatusNotFound || w.Header().Get("X-Request-Id") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := ask(s, http.MethodPost, "/health"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("%d", w.Code)
	}
}

func TestEveryAnswerHasSecurityHeaders(t *testing.T) {
	t.Parallel()
	s := build(t, server.Options{})
	for _, path := range []string{"/health", "/nothing", "/api/read", "/api/broken"} {
		h := ask(s, http.MethodGet, path).Header()
		for _, name := range []string{"Content-Security-Policy", "X-Frame-Options", "Referrer-Policy"} {
			if h.Get(name) == "" {
				t.Errorf("%s has no %s", path, name)
			}
		}
		if h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be sniffed", path)
		}
	}
}

// A page whose name was made to lead here must not be answered.
func TestCVE_2025_14279_HostHeader(t *testing.T) {
	t.Parallel()
	s := build(t, server.Options{Hosts: []string{"mlops.example.com", "*.team.example.com"}})
	for name, want := range map[string]int{
		"localhost": 200, "localhost:1234": 200, "127.0.0.1:5000": 200, "[::1]:5000": 200, "192.168.1.7:5000": 200, "10.0.0.1": 200,
		"mlops.example.com": 200, "MLOPS.example.com:443": 200, "a.team.example.com:80": 200, "mlops.example.com.": 200,
		"evil.com": 403, "evil.com:5000": 403, "localhost.evil.com": 403, "mlops.example.com.evil.com": 403, "127.0.0.1.evil.com": 403,
		"team.example.com": 403, "": 403, "localhost@evil.com": 403,
	} {
		if w := ask(s, http.MethodGet, "/api/read", host(name)); w.Code != want {
			t.Errorf("host %q: %d", name, w.Code)
		} else if want == 403 && !strings.HasPrefix(w.Body.String(), "Invalid Host header - possible DNS rebinding attack detected") {
			t.Errorf("host %q: %q", name, w.Body)
		}
	}
	if w := ask(build(t, server.Options{Hosts: []string{"*"}}), http.MethodGet, "/api/read", host("evil.com")); w.Code != 200 {
		t.Errorf("*: %d", w.Code)
	}
}

func TestCrossOriginRequests(t *testing.T) {
	t.Parallel()
	s := build(t, server.Options{Origins: []string{"https://hub.example.com"}})
	for _, c := range []struct {
		name   string
		method string
		change []func(*http.Request)
		want   int
	}{
		{"no browser", http.MethodPost, nil, 200},
		{"own page", http.MethodPost, []func(*http.Request){header("Origin", "http://localhost:5000")}, 200},
		{"own page says fetch metadata", http.MethodPost, []func(*http.Request){header("Sec-Fetch-Site", "same-origin")}, 200},
		{"other site", http.MethodPost, []func(*http.Request){header("Origin", "https://evil.com")}, 403},
		{"other port", http.MethodPost, []func(*http.Request){header("Origin", "http://localhost:3000")}, 403},
		{"other site says fetch metadata", http.MethodPost, []func(*http.Request){header("Sec-Fetch-Site", "cross-site")}, 403},
		{"null", http.MethodPost, []func(*http.Request){header("Origin", "null")}, 403},
		{"trusted", http.MethodPost, []func(*http.Request){header("Origin", "https://hub.example.com"), header("Sec-Fetch-Site", "cross-site")}, 200},
		{"reading", http.MethodGet, []func(*http.Request){header("Origin", "https://evil.com")}, 200},
	} {
		path := "/api/write"
		if c.method == http.MethodGet {
			path = "/api/read"
		}
		w := ask(s, c.method, path, c.change...)
		if w.Code != c.want {
			t.Errorf("%s: %d", c.name, w.Code)
		}
		if w.Code == 403 && !strings.HasPrefix(w.Body.String(), "Cross-origin request blocked") {
			t.Errorf("%s: %q", c.name, w.Body)
		}
		if c.name == "reading" && w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Error("another site may read the answer")
		}
	}
	w := ask(s, http.MethodOptions, "/api/write", header("Origin", "https://hub.example.com"), header("Access-Control-Request-Method", "POST"))
	if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Origin") != "https://hub.example.com" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if _, err := server.New(server.Options{Origins: []string{"hub.example.com"}}); err == nil {
		t.Error("an origin without a scheme is taken")
	}
}

func TestPathsThatLeadElsewhereAreRefusedByTheirProtocol(t *testing.T) {
	t.Parallel()
	s := build(t, server.Options{})
	for _, path := range []string{"/api/files/../../etc/passwd", "/api/files/./x", "/api/files//etc/passwd", "/api/files/a/.."} {
		w := ask(s, http.MethodGet, "/x", func(r *http.Request) { r.URL.Path = path })
		if w.Code != http.StatusBadRequest || !strings.HasPrefix(w.Body.String(), "proto: Invalid path") {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := build(t, server.Options{ReadOnly: true})
	for path, want := range map[string]int{"/api/write": 403, "/api/admin": 403, "/api/echo": 403} {
		if w := ask(s, http.MethodPost, path); w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := ask(s, http.MethodGet, "/api/read"); w.Code != 200 {
		t.Errorf("%d", w.Code)
	}
}

func TestErrorsOfTheServerAreNotShown(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := build(t, server.Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	w := ask(s, http.MethodGet, "/api/broken")
	id := w.Header().Get("X-Request-Id")
	if w.Code != 500 || strings.Contains(w.Body.String(), "disco") || id == "" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), id) || !strings.Contains(log.String(), "disco") {
		t.Errorf("the log does not have it: %s", &log)
	}
}

// keeper lets ada write experiment 1 and bob read it.
type keeper struct{}

func (keeper) Authenticate(r *http.Request) (route.User, route.Guard, error) {
	name, password, ok := r.BasicAuth()
	if !ok || password != "right" {
		return route.User{}, nil, route.Refuse(http.StatusUnauthorized, "who are you?")
	}
	return route.User{Name: name, Admin: name == "root"}, keeper{}, nil
}

func (keeper) May(_ context.Context, u route.User, a route.Access, s route.Subject) error {
	switch {
	case u.Admin, s.ID == "1" && u.Name == "ada" && a <= route.Write, s.ID == "1" && u.Name == "bob" && a == route.Read:
		return nil
	}
	return route.Refuse(http.StatusForbidden, "%s may not %s %s", u.Name, a, s.ID)
}

func as(name, password string) func(*http.Request) {
	return header("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(name+":"+password)))
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	list := routes()
	for i := range list {
		list[i].Subjects = route.Query(route.Experiment, "id")
	}
	s := build(t, server.Options{Auth: keeper{}, Routes: list})
	for _, c := range []struct {
		who                func(*http.Request)
		method, path, name string
		want               int
	}{
		{as("", ""), "GET", "/api/open", "nobody", 200},
		{as("", ""), "GET", "/health", "nobody", 200},
		{as("", ""), "GET", "/api/read?id=1", "nobody", 401},
		{as("", ""), "GET", "/metrics", "nobody", 401},
		{as("bob", "wrong"), "GET", "/api/read?id=1", "bob, wrong", 401},
		{as("bob", "right"), "GET", "/api/read?id=1", "bob", 200},
		{as("bob", "right"), "GET", "/api/read?id=1&id=2", "bob, two", 403},
		{as("bob", "right"), "POST", "/api/write?id=1", "bob", 403},
		{as("ada", "right"), "POST", "/api/write?id=1", "ada", 200},
		{as("ada", "right"), "POST", "/api/write", "ada, no subject", 403},
		{as("ada", "right"), "POST", "/api/admin?id=1", "ada", 403},
		{as("root", "right"), "POST", "/api/admin?id=1", "root", 200},
		{as("root", "right"), "GET", "/metrics", "root", 200},
	} {
		w := ask(s, c.method, c.path, c.who)
		if w.Code != c.want {
			t.Errorf("%s %s as %s: %d", c.method, c.path, c.name, w.Code)
		}
		if w.Code == 401 && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic") {
			t.Errorf("%s as %s: not asked to sign in", c.path, c.name)
		}
	}
}

// Every route but the open ones turns nobody away with 401, whatever its
// protocol: the answer comes before its handler.
func TestCVE_2026_0545_NoRouteWithoutAuth(t *testing.T) {
	t.Parallel()
	list := routes()
	for i := range list {
		list[i].Handler = func(http.ResponseWriter, *http.Request) error {
			t.Error("a handler was reached")
			return nil
		}
	}
	s := build(t, server.Options{Auth: keeper{}, Routes: list})
	for _, r := range s.Routes() {
		if r.Access == route.Open {
			continue
		}
		path := strings.ReplaceAll(r.Pattern, "{path...}", "x")
		if w := ask(s, r.Method, path); w.Code != http.StatusUnauthorized {
			t.Errorf("%s %s: %d", r.Method, r.Pattern, w.Code)
		}
	}
}

// Clients that are told to come later are told when.
func TestWhoIsSentAwayLearnsWhenToComeAgain(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{http.StatusTooManyRequests: "6", http.StatusServiceUnavailable: "1", http.StatusForbidden: ""} {
		s := build(t, server.Options{Routes: []route.Route{at(http.MethodGet, "/api/x", route.Read, func(http.ResponseWriter, *http.Request) error {
			return route.Refuse(status, "later")
		})}})
		if w := ask(s, http.MethodGet, "/api/x"); w.Code != status || w.Header().Get("Retry-After") != want {
			t.Errorf("%d: come again after %q, want %q", w.Code, w.Header().Get("Retry-After"), want)
		}
	}
}

func TestBodiesHaveALimit(t *testing.T) {
	t.Parallel()
	s := build(t, server.Options{MaxBody: 100})
	send := func(body string, length int64) int {
		r := httptest.NewRequest(http.MethodPost, "/api/echo", strings.NewReader(body))
		r.Host, r.ContentLength = "localhost", length
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	if got := send("short", 5); got != 200 {
		t.Errorf("%d", got)
	}
	if got := send(strings.Repeat("x", 101), 101); got != http.StatusRequestEntityTooLarge {
		t.Errorf("%d", got)
	}
}

// Half a body is the client's fault, and no error of the server.
func TestBodiesThatDoNotCome(t *testing.T) {
	t.Parallel()
	echo := at(http.MethodPost, "/echo", route.Write, func(_ http.ResponseWriter, r *http.Request) error {
		_, err := io.ReadAll(r.Body)
		return err
	})
	address, _ := start(t, server.Options{Routes: []route.Route{echo}, Timeout: 200 * time.Millisecond})
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestTimeout {
		t.Errorf("%s", resp.Status)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := build(t, server.Options{Metrics: []server.Collector{func(e *server.Exposition) {
		e.Family("mlops_test_total", "counter", "Of a test.")
		e.Sample("mlops_test_total", 3, "label", `odd "value"`+"\n")
	}}})
	for range 3 {
		ask(s, http.MethodGet, "/api/read")
	}
	ask(s, http.MethodGet, "/nothing")
	page := ask(s, http.MethodGet, "/metrics").Body.String()
	for _, line := range []string{
		`mlops_http_requests_total{method="GET",route="/api/read",status="200"} 3`,
		`mlops_http_requests_total{method="",route="none",status="404"} 1`,
		`mlops_http_request_duration_seconds_count{method="GET",route="/api/read"} 3`,
		`mlops_http_request_duration_seconds_bucket{method="GET",route="/api/read",le="+Inf"} 3`,
		`mlops_test_total{label="odd \"value\"\n"} 3`,
		"mlops_http_requests_in_flight 1",
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("missing: %s\n%s", line, page)
		}
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Log("promtool is not here: the page is not linted")
		return
	}
	cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(page)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// start serves on a port until the test ends.
func start(t *testing.T, o server.Options) (address string, stop func() error) {
	t.Helper()
	s := build(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	ln, err := server.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, ln, nil) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String(), stop
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(body)
}

func TestStoppingLetsRequestsEnd(t *testing.T) {
	t.Parallel()
	begun, watched, goOn := make(chan struct{}), make(chan struct{}), make(chan struct{})
	slow := at(http.MethodGet, "/slow", route.Read, func(w http.ResponseWriter, r *http.Request) error {
		close(begun)
		<-goOn
		if err := r.Context().Err(); err != nil {
			return err
		}
		return say(w, r)
	})
	events := at(http.MethodGet, "/events", route.Read, func(w http.ResponseWriter, r *http.Request) error {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		close(watched)
		<-route.Draining(r.Context())
		return nil
	})
	events.Stream = true
	address, stop := start(t, server.Options{Routes: []route.Route{slow, events}})
	var wg sync.WaitGroup
	wg.Go(func() {
		if status, body := fetch(t, "http://"+address+"/slow"); status != 200 || body != "hello" {
			t.Errorf("%d %q", status, body)
		}
	})
	wg.Go(func() { fetch(t, "http://"+address+"/events") })
	<-begun
	<-watched
	stopped := make(chan error)
	go func() { stopped <- stop() }()
	time.Sleep(20 * time.Millisecond)
	close(goOn)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	wg.Wait()
}

// Clients that send or read slowly, or not at all, do not keep others waiting,
// and are turned away.
func TestSlowClientsDoNotStopOthers(t *testing.T) {
	t.Parallel()
	large := at(http.MethodGet, "/large", route.Read, func(w http.ResponseWriter, _ *http.Request) error {
		block := make([]byte, 1<<20)
		for range 1000 {
			if _, err := w.Write(block); err != nil {
				return err
			}
		}
		return nil
	})
	large.Stream = true
	gone := make(chan error, 100)
	upload := at(http.MethodPost, "/upload", route.Write, func(_ http.ResponseWriter, r *http.Request) error {
		_, err := io.Copy(io.Discard, r.Body)
		gone <- err
		return err
	})
	upload.Stream = true
	address, _ := start(t, server.Options{
		Routes: append(routes(), large, upload), Timeout: 300 * time.Millisecond, Stall: 300 * time.Millisecond, Shutdown: 2 * time.Second,
	})
	var d net.Dialer
	var half []net.Conn
	for i := range 300 {
		c, err := d.DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		switch i % 4 {
		case 0: // says nothing
		case 1: // half a header
			fmt.Fprintf(c, "GET /api/read HTTP/1.1\r\nHost: loc")
		case 2: // half a body
			half = append(half, c)
			fmt.Fprintf(c, "POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nhalf")
		case 3: // reads nothing
			fmt.Fprintf(c, "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
		}
	}
	begun := time.Now()
	for range 20 {
		if status, _ := fetch(t, "http://"+address+"/api/read"); status != 200 {
			t.Errorf("%d", status)
		}
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("20 requests took %v", took)
	}
	for range 75 { // all of them break off
		select {
		case err := <-gone:
			if err == nil {
				t.Error("half a body was whole")
			}
		case <-time.After(5 * time.Second):
			t.Fatal("a client that sends half a body is still waited for")
		}
	}
	for _, c := range half {
		if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("the connection of half a body stays open")
		}
	}
}

// A download goes on for longer than a request may take as long as it moves.
func TestStreamsMayTakeLong(t *testing.T) {
	t.Parallel()
	drip := at(http.MethodGet, "/drip", route.Read, func(w http.ResponseWriter, r *http.Request) error {
		for range 6 {
			if err := r.Context().Err(); err != nil {
				return err
			}
			if err := say(w, r); err != nil {
				return err
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				return err
			}
			time.Sleep(100 * time.Millisecond)
		}
		return nil
	})
	drip.Stream = true
	address, _ := start(t, server.Options{Routes: []route.Route{drip}, Timeout: 200 * time.Millisecond, Stall: 400 * time.Millisecond})
	if status, body := fetch(t, "http://"+address+"/drip"); status != 200 || body != strings.Repeat("hello", 6) {
		t.Errorf("%d %q", status, body)
	}
}

// A handler that works for long after the body still gets its answer out.
func TestStreamsMayWorkLong(t *testing.T) {
	t.Parallel()
	slow := at(http.MethodPost, "/slow", route.Write, func(w http.ResponseWriter, r *http.Request) error {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return err
		}
		time.Sleep(400 * time.Millisecond)
		w.WriteHeader(http.StatusOK)
		return nil
	})
	slow.Stream = true
	address, _ := start(t, server.Options{Routes: []route.Route{slow}, Stall: 200 * time.Millisecond})
	resp, err := http.Post("http://"+address+"/slow", "text/plain", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		t.Error(resp.Status, err)
	}
}
