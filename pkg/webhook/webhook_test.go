package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/webhook"
)

func open(t *testing.T) *db.DB {
	t.Helper()
	schema, err := db.Index()
	must(t, err)
	d, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "index.db"), db.Options{Migrations: schema})
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type got struct {
	header http.Header
	body   []byte
}

// run delivers until the test ends.
func run(t *testing.T, k *webhook.Keeper) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		webhook.NewSender(k, slog.New(slog.DiscardHandler)).Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
}

func wait(t *testing.T, c <-chan got) got {
	t.Helper()
	select {
	case g := <-c:
		return g
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was delivered")
		return got{}
	}
}

// TestChangesOfTheRegistryAreDelivered: in order, signed, only those wanted, and
// again after a failure with the same id.
func TestChangesOfTheRegistryAreDelivered(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := open(t)
	came := make(chan got, 10)
	var failures atomic.Int32
	failures.Store(1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		came <- got{r.Header, body}
		if failures.Add(-1) >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	models := registrydb.New(d, clock.System{})
	_, err := models.CreateModel(ctx, registry.Model{Name: "before"})
	must(t, err)
	k := webhook.NewKeeper(d, clock.System{}, true)
	_, err = k.Create(ctx, webhook.Hook{
		Name: "ci", URL: server.URL, Secret: "s3cret", Active: true,
		Events: []webhook.Event{{Entity: "registered_model", Action: "created"}, {Entity: "model_version_alias", Action: "created"}},
	})
	must(t, err)
	_, err = k.Create(ctx, webhook.Hook{Name: "off", URL: server.URL, Events: webhook.Events()})
	must(t, err)
	run(t, k)

	_, err = models.CreateModel(ctx, registry.Model{Name: "fraud", Description: "finds it"})
	must(t, err)
	_, err = models.CreateVersion(ctx, registry.Version{Model: "fraud", Source: "s3://b/x"})
	must(t, err)
	must(t, models.SetAlias(ctx, "fraud", "live", 1))

	first, again, alias := wait(t, came), wait(t, came), wait(t, came)
	if first.header.Get("X-Mlflow-Delivery-Id") != again.header.Get("X-Mlflow-Delivery-Id") || string(first.body) != string(again.body) {
		t.Error("a delivery that is tried again is the same")
	}
	var body struct {
		Entity, Action, Timestamp string
		Data                      map[string]any
	}
	must(t, json.Unmarshal(again.body, &body))
	if body.Entity != "registered_model" || body.Action != "created" || body.Data["name"] != "fraud" || body.Data["description"] != "finds it" {
		t.Errorf("%s", again.body)
	}
	if _, err := time.Parse(time.RFC3339Nano, body.Timestamp); err != nil {
		t.Error(err)
	}
	mac := hmac.New(sha256.New, []byte("s3cret"))
	mac.Write([]byte(again.header.Get("X-Mlflow-Delivery-Id") + "." + again.header.Get("X-Mlflow-Timestamp") + "." + string(again.body)))
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); again.header.Get("X-Mlflow-Signature") != want {
		t.Errorf("signed %q, want %q", again.header.Get("X-Mlflow-Signature"), want)
	}
	must(t, json.Unmarshal(alias.body, &body))
	if body.Entity != "model_version_alias" || body.Data["alias"] != "live" || body.Data["version"] != "1" {
		t.Errorf("%s", alias.body)
	}
}

// TestPromptsHaveEventsOfTheirOwn: a prompt is a model with a tag, and nobody
// who waits for models hears of it.
func TestPromptsHaveEventsOfTheirOwn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := open(t)
	came := make(chan got, 20)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		came <- got{r.Header, body}
	}))
	t.Cleanup(server.Close)
	k := webhook.NewKeeper(d, clock.System{}, true)
	_, err := k.Create(ctx, webhook.Hook{Name: "all", URL: server.URL, Events: webhook.Events(), Active: true})
	must(t, err)
	run(t, k)
	models := registrydb.New(d, clock.System{})
	_, err = models.CreateModel(ctx, registry.Model{Name: "ask", Tags: []registry.Tag{{Key: registry.PromptTag, Value: "true"}, {Key: "team", Value: "x"}}})
	must(t, err)
	_, err = models.CreateVersion(ctx, registry.Version{Model: "ask", Source: "prompt-template", Tags: []registry.Tag{
		{Key: registry.PromptTag, Value: "true"}, {Key: "mlflow.prompt.text", Value: "Hello {{name}}!"}, {Key: "_mlflow_prompt_type", Value: "text"},
	}})
	must(t, err)
	must(t, models.SetTag(ctx, registry.Ref{Name: "ask"}, "a", "b"))
	must(t, models.SetAlias(ctx, "ask", "live", 1))
	_, err = models.CreateModel(ctx, registry.Model{Name: "plain"})
	must(t, err)
	must(t, models.SetTag(ctx, registry.Ref{Name: "plain"}, "a", "b")) // no event
	must(t, models.SetTag(ctx, registry.Ref{Name: "ask", Number: 1}, "c", "d"))
	for _, want := range []string{
		`"entity":"prompt","action":"created",{"name":"ask","tags":{"team":"x"},"description":null}`,
		`"entity":"prompt_version","action":"created",{"name":"ask","version":"1","template":"Hello {{name}}!","tags":{},"description":null}`,
		`"entity":"prompt_tag","action":"set",{"name":"ask","key":"a","value":"b"}`,
		`"entity":"prompt_alias","action":"created",{"name":"ask","alias":"live","version":"1"}`,
		`"entity":"registered_model","action":"created",{"name":"plain","tags":{},"description":null}`,
		`"entity":"prompt_version_tag","action":"set",{"name":"ask","version":"1","key":"c","value":"d"}`,
	} {
		body := string(wait(t, came).body)
		head, _, _ := strings.Cut(body, `"timestamp"`)
		_, data, _ := strings.Cut(body, `"data":`)
		if text := strings.TrimPrefix(head, "{") + strings.TrimSuffix(data, "}"); text != want {
			t.Errorf("%s, want %s", text, want)
		}
	}
}

func TestHooksAreKept(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	k := webhook.NewKeeper(open(t), clock.System{}, false)
	good := webhook.Hook{Name: "a.b", URL: "https://example.com/x", Events: webhook.Events()[:1], Active: true}
	for _, bad := range []func(*webhook.Hook){
		func(h *webhook.Hook) { h.Name = "-a" },
		func(h *webhook.Hook) { h.Name = strings.Repeat("a", 64) },
		func(h *webhook.Hook) { h.URL = "http://example.com" },
		func(h *webhook.Hook) { h.URL = "file:///etc/passwd" },
		func(h *webhook.Hook) { h.URL = "https://u:p@example.com" },
		func(h *webhook.Hook) { h.URL = "https://" },
		func(h *webhook.Hook) { h.URL = "" },
		func(h *webhook.Hook) { h.URL = "   " },
		func(h *webhook.Hook) { h.Events = nil },
		func(h *webhook.Hook) { h.Events = []webhook.Event{{Entity: "model_version", Action: "set"}} },
	} {
		h := good
		bad(&h)
		if _, err := k.Create(ctx, h); !errs.Is(err, errs.Usage) {
			t.Errorf("%+v: %v", h, err)
		}
	}
	h, err := k.Create(ctx, good)
	must(t, err)
	name, off := "other", false
	h, err = k.Update(ctx, h.ID, webhook.Change{Name: &name, Active: &off})
	must(t, err)
	same, err := k.Get(ctx, h.ID)
	must(t, err)
	if same.Name != "other" || same.Active || same.URL != good.URL {
		t.Errorf("%+v", same)
	}
	list, err := k.List(ctx, 0, 0)
	must(t, err)
	if len(list) != 1 {
		t.Errorf("%+v", list)
	}
	must(t, k.Delete(ctx, h.ID))
	for _, err := range []error{k.Delete(ctx, h.ID), func() error { _, err := k.Get(ctx, h.ID); return err }()} {
		if !errs.Is(err, errs.NotFound) {
			t.Error(err)
		}
	}
}

// TestCVE_2026_2393: a webhook leads nowhere into the network of the server,
// whatever its name says, and follows nobody there.
func TestCVE_2026_2393_WebhooksReachNoPrivateAddress(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	t.Cleanup(server.Close)
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	s := webhook.NewSender(webhook.NewKeeper(open(t), clock.System{}, false), slog.New(slog.DiscardHandler))
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"} {
		h := webhook.Hook{Name: "x", URL: "https://" + host + port, Events: webhook.Events()[:1]}
		_, err := s.Test(t.Context(), h, h.Events[0])
		if err == nil || reached.Load() {
			t.Errorf("%s was reached", host)
		}
		if host == "127.0.0.1" && !strings.Contains(err.Error(), "not a public address") {
			t.Error(err)
		}
	}
}

// TestFailuresAreSaidOnce: where the database cannot be used, the log does not fill.
func TestFailuresAreSaidOnce(t *testing.T) {
	t.Parallel()
	d := open(t)
	must(t, d.Close())
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	var log bytes.Buffer
	webhook.NewSender(webhook.NewKeeper(d, clock.System{}, false), slog.New(slog.NewTextHandler(&log, nil))).Run(ctx)
	if lines := strings.Count(log.String(), "\n"); lines != 1 {
		t.Errorf("%d lines: %s", lines, log.String())
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	t.Cleanup(inside.Close)
	outside := httptest.NewServer(http.RedirectHandler(inside.URL, http.StatusTemporaryRedirect))
	t.Cleanup(outside.Close)
	s := webhook.NewSender(webhook.NewKeeper(open(t), clock.System{}, true), slog.New(slog.DiscardHandler))
	a, err := s.Test(t.Context(), webhook.Hook{Name: "x", URL: outside.URL}, webhook.Events()[0])
	must(t, err)
	if reached.Load() || a.Status != http.StatusTemporaryRedirect {
		t.Errorf("%+v", a)
	}
}
