package mlflow_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/mlflow"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/webhook"
)

func TestWebhooks(t *testing.T) {
	t.Parallel()
	schema, err := db.Index()
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "index.db"), db.Options{Migrations: schema})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
			return
		}
		w.WriteHeader(http.StatusTeapot)
		if _, err := w.Write([]byte("short and stout")); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(receiver.Close)
	k := webhook.NewKeeper(d, clock.System{}, true)
	routes := mlflow.HookRoutes(k, webhook.NewSender(k, slog.New(slog.DiscardHandler)))
	for _, r := range routes {
		if r.Access != route.Admin {
			t.Errorf("%s %s is for %s; a webhook is told of every model", r.Method, r.Pattern, r.Access)
		}
	}
	mux, err := route.Mux(routes)
	if err != nil {
		t.Fatal(err)
	}
	id := ""
	for _, x := range []struct {
		method, path, body string
		status             int
		has                string
	}{
		{"GET", "", "", 200, `{}`},
		{"POST", "", `{"name":"ci"}`, 400, `Missing value for required parameter 'url'`},
		{"POST", "", `{"name":"-","url":"` + receiver.URL + `","events":[{"entity":"MODEL_VERSION","action":"CREATED"}]}`, 400, `INVALID_PARAMETER_VALUE`},
		{"POST", "", `{"name":"ci","url":"` + receiver.URL + `","events":[{"entity":"MODEL_VERSION","action":"SET"}]}`, 400, `Invalid action 'set' for entity 'model_version'`},
		{"POST", "", `{"name":"ci","url":"` + receiver.URL + `","secret":"x","events":[{"entity":"MODEL_VERSION","action":"CREATED"}]}`, 200, `"status":"ACTIVE"`},
		{"GET", "", "", 200, `"entity":"MODEL_VERSION"`},
		{"GET", "?max_results=1001", "", 400, `max_results must be between 1 and 1000.`},
		{"GET", "?max_results=0", "", 200, `"entity":"MODEL_VERSION"`},
		{"GET", "/ID", "", 200, `"name":"ci"`},
		{"PATCH", "/ID", `{"status":"DISABLED","description":"d"}`, 200, `"status":"DISABLED"`},
		{"PATCH", "/ID", `{"status":"WHAT"}`, 400, `INVALID_PARAMETER_VALUE`},
		{"POST", "/ID/test", `{}`, 200, `"response_body":"short and stout"`},
		{"POST", "/ID/test", `{"event":{"entity":"REGISTERED_MODEL","action":"CREATED"}}`, 200, `"success":false`},
		{"PATCH", "/ID", `{"url":"` + receiver.URL + `/moved"}`, 200, `/moved`},
		{"POST", "/ID/test", `{}`, 200, `"response_status":307,"success":false`}, // no delivery would arrive
		{"DELETE", "/ID", "", 200, `{}`},
		{"GET", "/ID", "", 404, `not found.`},
		{"DELETE", "/ID", "", 404, `RESOURCE_DOES_NOT_EXIST`},
	} {
		req := httptest.NewRequestWithContext(t.Context(), x.method, "/api/2.0/mlflow/webhooks"+strings.Replace(x.path, "ID", id, 1), strings.NewReader(x.body))
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, req)
		var compact any
		if err := json.Unmarshal(w.Body.Bytes(), &compact); err != nil {
			t.Fatalf("%s %s: %v: %s", x.method, x.path, err, w.Body)
		}
		text, err := json.Marshal(compact)
		if err != nil {
			t.Fatal(err)
		}
		if w.Code != x.status || !strings.Contains(string(text), x.has) || strings.Contains(string(text), "secret") {
			t.Errorf("%s %s %s: %d %s", x.method, x.path, x.body, w.Code, text)
		}
		var made struct {
			Webhook struct {
				ID string `json:"webhook_id"`
			} `json:"webhook"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &made); err == nil && made.Webhook.ID != "" {
			id = made.Webhook.ID
		}
	}
}
