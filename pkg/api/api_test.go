package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/api"
	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/project"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/trackdb"
)

func serve(t *testing.T) string {
	t.Helper()
	mux, d := routes(t)
	s := httptest.NewServer(mux)
	t.Cleanup(func() {
		s.Close()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.URL + api.Prefix
}

func routes(t *testing.T) (http.Handler, *db.DB) {
	t.Helper()
	schema, err := db.Index()
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "index.db"), db.Options{Migrations: schema})
	if err != nil {
		t.Fatal(err)
	}
	c := clock.System{}
	mux, err := route.Mux(api.Routes(api.Deps{
		Version: "1", Clock: c, Tracking: trackdb.New(d, c), Models: registrydb.New(d, c), Projects: project.New(d, c),
	}))
	if err != nil {
		t.Fatal(err)
	}
	return mux, d
}

// TestTheLogHasWhatAnAnswerDoesNotShow breaks the database.
func TestTheLogHasWhatAnAnswerDoesNotShow(t *testing.T) {
	t.Parallel()
	mux, d := routes(t)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	var logged error
	ctx := route.WithFault(t.Context(), func(err error) { logged = err })
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, api.Prefix+"/projects", http.NoBody))
	if w.Code != http.StatusInternalServerError || logged == nil || strings.Contains(w.Body.String(), logged.Error()) {
		t.Errorf("%d %s, logged %v", w.Code, w.Body, logged)
	}
}

// ask sends a request and returns the status and the answer. Fields of the
// answer that a test wants later are put into vars as $NAME.
func ask(t *testing.T, url, method, path, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, text)
		}
	}
	return resp.StatusCode, answer
}

// step is a request, and what its answer is to be.
type step struct {
	method, path, body string
	want               int
	has                string // part of the answer as JSON
	keep               string // a field that becomes $NAME
}

// walk sends requests one after the other.
func walk(t *testing.T, url string, steps []step) {
	t.Helper()
	vars := map[string]string{}
	for _, x := range steps {
		fill := func(s string) string {
			for name, value := range vars {
				s = strings.ReplaceAll(s, "$"+name, value)
			}
			return s
		}
		status, answer := ask(t, url, x.method, fill(x.path), fill(x.body))
		text, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		if status != x.want || !bytes.Contains(text, []byte(fill(x.has))) {
			t.Errorf("%s %s %s: %d %s, want %d with %s", x.method, fill(x.path), x.body, status, text, x.want, fill(x.has))
		}
		if x.keep != "" {
			vars[x.keep], _ = answer[x.keep].(string)
		}
	}
}

// TestModelDatabase walks what a model database needs: a project has models, a
// model has experiments with hyperparameters and metrics.
func TestModelDatabase(t *testing.T) {
	t.Parallel()
	walk(t, serve(t), []step{
		{"GET", "/health", "", 200, `"status":"ok"`, ""},
		{"POST", "/projects", `{"name":"cards","description":"payment cards"}`, 201, `"name":"cards"`, ""},
		{"POST", "/projects", `{"name":"cards"}`, 409, `"type":"urn:mlops:conflict"`, ""},
		{"POST", "/projects", `{"name":""}`, 422, `"location":"body.name"`, ""},
		{"POST", "/projects", `{"nam":"x"}`, 422, `"location":"body.nam"`, ""},
		{"GET", "/projects/nope", "", 404, `"type":"urn:mlops:not_found"`, ""},
		{"PATCH", "/projects/cards", `{"description":"all cards"}`, 200, `"description":"all cards"`, ""},
		{"POST", "/models", `{"name":"fraud","project":"cards","tags":{"team":"risk"}}`, 201, `"project":"cards"`, ""},
		{"POST", "/models", `{"name":"x","project":"nope"}`, 404, ``, ""},
		{"POST", "/models", `{"name":"a/b"}`, 400, `"type":"urn:mlops:usage"`, ""},
		{"GET", "/projects/cards/models", "", 200, `"name":"fraud"`, ""},
		{"GET", "/projects?filter=name%20LIKE%20'c%25'%20and%20creation_time%20%3E%201&order=name%20DESC", "", 200, `"name":"cards"`, ""},
		{"GET", "/projects?filter=name%20!%3D%20'cards'", "", 200, `"items":[]`, ""},
		{"GET", "/projects?filter=color%20%3D%20'x'", "", 400, `"type":"urn:mlops:usage"`, ""},
		{"GET", "/projects/cards/models?filter=name%20%3D%20'fraud'&order=name", "", 200, `"name":"fraud"`, ""},
		{"GET", "/projects/cards/models?filter=name%20%3D%20'x'", "", 200, `"items":[]`, ""},
		{"PATCH", "/models/fraud", `{"description":"d","tags":{"team":null,"x":"y"}}`, 200, `"tags":{"x":"y"}`, ""},
		{"GET", "/models?filter=tags.x%20%3D%20'y'", "", 200, `"name":"fraud"`, ""},
		{"GET", "/models?filter=nonsense", "", 400, `"status":400`, ""},
		{"GET", "/models?limit=0", "", 422, `"location":"query.limit"`, ""},
		{"GET", "/models?lmit=1", "", 422, `query.lmit`, ""},
		{"POST", "/experiments", `{"name":"deep","model":"fraud"}`, 201, `"model":"fraud"`, "experiment_id"},
		{"GET", "/models/fraud/experiments", "", 200, `"name":"deep"`, ""},
		{"GET", "/models/fraud/experiments?filter=name%20%3D%20'x'&order=name", "", 200, `"items":[]`, ""},
		{"PATCH", "/experiments/$experiment_id", `{"name":"deeper","tags":{"a":"b"}}`, 200, `"name":"deeper"`, ""},
		{"POST", "/runs", `{"experiment":"deeper","params":{"lr":"0.1"},"metrics":[{"key":"loss","value":0.5},{"key":"loss","value":"NaN"}],"tags":{"t":"1"}}`, 201, `"count":2`, "run_id"},
		{"POST", "/runs/$run_id/log", `{"params":{"lr":"0.2"}}`, 409, `"type":"urn:mlops:conflict"`, ""},
		{"POST", "/runs/$run_id/log", `{"params":{"depth":"3"},"metrics":[{"key":"val/acc","value":0.9,"step":7}]}`, 204, ``, ""},
		{"GET", "/runs/$run_id/metrics/loss", "", 200, `"values":[0.5,"NaN"]`, ""},
		{"GET", "/runs/$run_id/metrics/val/acc", "", 200, `"steps":[7]`, ""},
		{"GET", "/runs/$run_id/metrics/val%2Facc?samples=10", "", 200, `"steps":[7]`, ""},
		{"GET", "/runs/$run_id/metrics/nope", "", 404, ``, ""},
		{"GET", "/runs/$run_id/params/depth", "", 200, `"value":"3"`, ""},
		{"PUT", "/runs/$run_id/params/depth", `{"value":"4"}`, 200, `{"key":"depth","value":"4"}`, ""},
		{"PUT", "/runs/$run_id/params/a/b", `{"value":"1"}`, 200, `"key":"a/b"`, ""},
		{"PUT", "/runs/$run_id/params/a", `{"value":1}`, 422, `"location":"body.value"`, ""},
		{"PUT", "/runs/$run_id/params/a", `{}`, 422, `"location":"body"`, ""},
		{"DELETE", "/runs/$run_id/params/a%2Fb", "", 204, ``, ""},
		{"DELETE", "/runs/$run_id/params/a%2Fb", "", 404, `has no param`, ""},
		{"GET", "/runs/$run_id/params/a/b", "", 404, `has no param`, ""},
		{"PUT", "/runs/$run_id/metrics/f1", `{"points":[{"value":1},{"value":"NaN","step":5},{"value":3}]}`, 200, `"count":3,"key":"f1","max":3,"min":1,"step":6`, ""},
		{"PATCH", "/runs/$run_id/metrics/f1", `{"value":2,"step":5}`, 200, `"count":3`, ""},
		{"PATCH", "/runs/$run_id/metrics/f1", `{"value":2,"step":4}`, 404, `step 4`, ""},
		{"PATCH", "/runs/$run_id/metrics/f1", `{"value":0.5}`, 200, `"value":0.5`, ""},
		{"GET", "/runs/$run_id/metrics/f1", "", 200, `"values":[1,2,0.5]`, ""},
		{"PATCH", "/runs/$run_id/metrics/nope", `{"value":0.5}`, 404, `has no metric`, ""},
		{"PUT", "/runs/$run_id/metrics/f1", `{"points":[]}`, 422, `"location":"body.points"`, ""},
		{"PUT", "/runs/$run_id/metrics/..%2Ff1", `{"points":[{"value":1}]}`, 400, `clean path`, ""},
		{"DELETE", "/runs/$run_id/metrics/f1", "", 204, ``, ""},
		{"DELETE", "/runs/$run_id/metrics/f1", "", 404, `has no metric`, ""},
		{"GET", "/events?kind=run.corrected&limit=1000", "", 200, `"was":"3"`, ""},
		{"PATCH", "/runs/$run_id", `{"status":"FINISHED","note":"good","tags":{"t":null}}`, 200, `"status":"FINISHED"`, ""},
		{"GET", "/runs?experiment=$experiment_id&filter=params.lr%20%3D%20'0.1'", "", 200, `"run_id":"$run_id"`, ""},
		{"GET", "/runs?experiment=999", "", 404, ``, ""},
		{"POST", "/bulk/runs", `{"runs":[{"name":"a"},{"name":"b","status":"FINISHED"},{"name":"c","params":{"":"x"}}]}`, 200, `"error":`, ""},
		{"DELETE", "/runs/$run_id", "", 204, ``, ""},
		{"GET", "/runs?deleted=true", "", 200, `"run_id":"$run_id"`, ""},
		{"POST", "/runs/$run_id/restore", "", 200, `"deleted":false`, ""},
		{"POST", "/models/fraud/versions", `{"source":"runs:/$run_id/model","run_id":"$run_id"}`, 201, `"version":1`, ""},
		{"POST", "/models/fraud/versions", `{"source":"../../etc/passwd"}`, 400, ``, ""},
		{"POST", "/models/fraud/versions", `{"source":"file:///etc/passwd"}`, 400, ``, ""},
		{"PUT", "/models/fraud/aliases/live", `{"version":1}`, 204, ``, ""},
		{"GET", "/models/fraud", "", 200, `"aliases":{"live":1}`, ""},
		{"PATCH", "/models/fraud/versions/1", `{"stage":"Production","description":"v"}`, 200, `"stage":"Production"`, ""},
		{"GET", "/models/fraud/versions", "", 200, `"version":1`, ""},
		{"DELETE", "/models/fraud/aliases/live", "", 204, ``, ""},
		{"DELETE", "/models/fraud/versions/1", "", 204, ``, ""},
		{"GET", "/events?kind=model", "", 200, `"kind":"model.created"`, ""},
		{"GET", "/datasets", "", 404, `serves no repository`, ""},
		{"DELETE", "/models/fraud/experiments/$experiment_id", "", 204, ``, ""},
		{"DELETE", "/projects/cards", "", 204, ``, ""},
		{"GET", "/events?kind=project", "", 200, `"kind":"project.deleted"`, ""},
		{"GET", "/models/fraud", "", 200, `"name":"fraud"`, ""},
		{"DELETE", "/models/fraud", "", 204, ``, ""},
		{"DELETE", "/experiments/$experiment_id", "", 204, ``, ""},
		{"POST", "/experiments/$experiment_id/restore", "", 200, `"deleted":false`, ""},
	})
}

// TestPages walks all pages of a list.
func TestPages(t *testing.T) {
	t.Parallel()
	url := serve(t)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		if status, answer := ask(t, url, "POST", "/models", `{"name":"`+name+`"}`); status != http.StatusCreated {
			t.Fatal(status, answer)
		}
	}
	var names []string
	for next := ""; ; {
		status, answer := ask(t, url, "GET", "/models?limit=2&cursor="+next, "")
		if status != http.StatusOK {
			t.Fatal(status, answer)
		}
		for _, item := range answer["items"].([]any) {
			names = append(names, item.(map[string]any)["name"].(string))
		}
		if answer["next"] == nil {
			break
		}
		next = answer["next"].(string)
	}
	if strings.Join(names, "") != "abcde" {
		t.Errorf("%q", names)
	}
	if status, _ := ask(t, url, "GET", "/models?cursor=nonsense", ""); status != http.StatusBadRequest {
		t.Error("a wrong cursor:", status)
	}
}

// TestDocument: every operation is described and guarded, and the page needs
// nothing from elsewhere.
func TestDocument(t *testing.T) {
	t.Parallel()
	url := serve(t)
	status, doc := ask(t, url, "GET", "/openapi.json", "")
	if status != http.StatusOK || doc["openapi"] != "3.1.0" || len(doc["paths"].(map[string]any)) < 20 {
		t.Fatal(status, doc["openapi"])
	}
	for _, r := range api.Routes(api.Deps{}) {
		if err := r.Check(); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.Pattern, err)
		}
		if r.Access == route.Open && !slices.Contains([]string{"/health", "/openapi.json", "/docs"}, strings.TrimPrefix(r.Pattern, api.Prefix)) {
			t.Errorf("%s %s is open to everybody", r.Method, r.Pattern)
		}
		if r.Method != http.MethodGet && r.Access < route.Write {
			t.Errorf("%s %s changes something and is for readers", r.Method, r.Pattern)
		}
	}
	resp, err := http.Get(url + "/docs")
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/api/v1/runs/{run}/log", "/api/v1/events/stream", "metrics[].key"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not have %s", want)
		}
	}
	if strings.Contains(string(page), "<script") || strings.Contains(string(page), "src=") {
		t.Error("the page loads something")
	}
}
