package mlflow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/mlflow"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/trackdb"
)

// nasty is values that do not belong where they are sent.
func nasty() []string {
	return []string{
		`null`, `5`, `-1`, `1e999`, `99999999999999999999999`, `true`, `""`, `"x"`, `"\u0000"`, `"a/../b"`, `[]`, `["x"]`, `[5]`, `{}`, `[{}]`, `[[1]]`,
		`[{"key": 5}]`, `[{"key": "k", "value": {}, "timestamp": []}]`, `[{"dataset": 1}]`, `"` + strings.Repeat("ü", 10_000) + `"`, `"'; DROP TABLE runs; --"`, `"=="`,
	}
}

// TestNoRequestIsAnInternalError sends every endpoint what it does not expect.
func TestNoRequestIsAnInternalError(t *testing.T) {
	t.Parallel()
	base := startServer(t)
	run := lookUp(ask(t, "POST", base+"/api/2.0/mlflow/runs/create", `{"experiment_id": "0"}`), "run.info.run_id").(string)
	model := lookUp(ask(t, "POST", base+"/api/2.0/mlflow/logged-models", `{"experiment_id": "0", "name": "m"}`), "model.info.model_id").(string)
	ask(t, "POST", base+"/api/2.0/mlflow/registered-models/create", `{"name": "m"}`)
	ask(t, "POST", base+"/api/2.0/mlflow/model-versions/create", `{"name": "m", "source": "s3://b/m"}`)
	good := map[string]string{
		"run_id": quote(run), "experiment_id": `"0"`, "experiment_ids": `["0"]`, "run_ids": `["` + run + `"]`, "name": `"m"`, "version": `"1"`, "key": `"k"`, "value": `"1"`,
		"timestamp": `1`, "metric_key": `"k"`, "model_id": quote(model), "alias": `"a"`, "stage": `"Staging"`, "status": `"LOGGED_MODEL_READY"`, "source": `"s3://b/m"`,
		"new_name": `"m"`, "models": `[]`, "model_json": `"{}"`, "max_results": `5`, "experiment_name": `"Default"`, "path": `"a"`,
	}
	for endpoint, fields := range mlflow.New(trackdb.New(nil, nil), registrydb.New(nil, nil), nil).Fields() {
		t.Run(endpoint, func(t *testing.T) {
			t.Parallel()
			method, path, _ := strings.Cut(endpoint, " ")
			path = strings.NewReplacer("{model_id}", model, "{tag_key...}", "k").Replace(path)
			for _, bad := range append(fields, "view_type", "run_view_type", "user_id") {
				for _, value := range nasty() {
					send(t, base, method, path, good, bad, value)
				}
			}
		})
	}
}

func quote(s string) string { return `"` + s + `"` }

// send sends good fields with one bad one.
func send(t *testing.T, base, method, path string, good map[string]string, bad, value string) {
	t.Helper()
	var body strings.Builder
	query := url.Values{}
	add := func(name, v string) {
		fmt.Fprintf(&body, "%s%q: %s", comma(body.Len()), name, v)
		var text string
		var list []any
		switch {
		case json.Unmarshal([]byte(v), &text) == nil:
			query.Set(name, text)
		case json.Unmarshal([]byte(v), &list) == nil:
			for _, item := range list {
				query.Add(name, fmt.Sprint(item))
			}
		default:
			query.Set(name, v)
		}
	}
	for name, v := range good {
		if name != bad {
			add(name, v)
		}
	}
	add(bad, value)
	var reader io.Reader
	if method == http.MethodGet {
		path += "?" + query.Encode()
	} else {
		reader = strings.NewReader("{" + body.String() + "}")
	}
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode >= http.StatusInternalServerError {
		t.Errorf("%s %s with %s = %.60s: %d %s", method, path, bad, value, res.StatusCode, data)
	}
	if !json.Valid(data) {
		t.Errorf("%s %s with %s = %.60s: %s is not JSON", method, path, bad, value, data)
	}
}

// TestSubjects finds every way in which a request names what it is about: who
// may not touch one of them must not get in by another.
func TestSubjects(t *testing.T) {
	t.Parallel()
	_, routes := startService(t)
	for _, c := range []struct {
		method, path, body, want string
	}{
		{"POST", "runs/log-metric", `{"run_id": "a"}`, "run a"},
		{"POST", "runs/log-metric", `{"run_uuid": "a"}`, "run a"},
		{"POST", "runs/log-metric", `{"run_id": "", "run_uuid": "a"}`, "run a"},
		{"POST", "runs/log-metric", `{"run_id": "a", "run_id": "b"}`, "run b"},
		{"POST", "runs/log-metric", `"{\"run_id\": \"a\"}"`, "run a"},
		{"GET", "runs/get?run_id=a", "", "run a"},
		{"GET", "runs/get?run_uuid=a", "", "run a"},
		{"GET", "runs/get", `{"run_id": "a"}`, "run a"},
		{"GET", "metrics/get-history-bulk-interval?run_ids=a&run_ids=b", "", "run a, run b"},
		{"POST", "runs/create", `{"experiment_id": "3"}`, "experiment 3"},
		{"GET", "experiments/get-by-name?experiment_name=x", "", "experiment x"},
		{"PATCH", "logged-models/m-1", `{"model_id": "m-2"}`, "logged model m-1"},
		{"DELETE", "model-versions/delete", `{"name": "n"}`, "model n"},
		{"POST", "registered-models/rename", `{"name": "n", "new_name": "o"}`, "model n, model o"},
	} {
		req := httptest.NewRequest(c.method, "/api/2.0/mlflow/"+c.path, strings.NewReader(c.body))
		req.Header.Set("Content-Type", "application/json")
		var got []string
		mux := http.NewServeMux()
		for _, r := range routes {
			mux.HandleFunc(r.Method+" "+r.Pattern, func(_ http.ResponseWriter, q *http.Request) {
				if r.Subjects == nil {
					return
				}
				all, err := r.Subjects(q)
				if err != nil {
					t.Error(err)
				}
				for _, s := range all {
					got = append(got, s.Kind.String()+" "+s.ID)
				}
			})
		}
		mux.ServeHTTP(httptest.NewRecorder(), req)
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s %s %s is about %q, want %s", c.method, c.path, c.body, got, c.want)
		}
	}
}

// closed is a guard that lets one experiment be seen.
type closed struct{ experiment string }

func (g closed) May(_ context.Context, _ route.User, a route.Access, s route.Subject) error {
	if a == route.Read && s.Kind == route.Experiment && s.ID == g.experiment {
		return nil
	}
	return route.Refuse(http.StatusForbidden, "no")
}

// TestListsHideWhatMayNotBeSeen asks as somebody who may see one experiment.
func TestListsHideWhatMayNotBeSeen(t *testing.T) {
	t.Parallel()
	base, routes := startService(t)
	api := base + "/api/2.0/mlflow/"
	mine := ask(t, "POST", api+"experiments/create", `{"name": "mine"}`)["experiment_id"].(string)
	for _, id := range []string{"0", mine} {
		ask(t, "POST", api+"runs/create", `{"experiment_id": "`+id+`", "run_name": "in `+id+`"}`)
		ask(t, "POST", api+"logged-models", `{"experiment_id": "`+id+`", "name": "of `+id+`"}`)
	}
	ask(t, "POST", api+"registered-models/create", `{"name": "secret"}`)
	ask(t, "POST", api+"model-versions/create", `{"name": "secret", "source": "s3://b/m"}`)
	mux, err := route.Mux(routes)
	if err != nil {
		t.Fatal(err)
	}
	guarded := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(route.WithUser(r.Context(), route.User{Name: "ann"}, closed{mine})))
	}))
	defer guarded.Close()
	api = guarded.URL + "/api/2.0/mlflow/"
	both := `{"experiment_ids": ["0", "` + mine + `"]}`
	for _, c := range []struct{ method, path, body, has, hides string }{
		{"POST", "experiments/search", `{"max_results": 10}`, `"mine"`, "Default"},
		{"POST", "runs/search", both, "in " + mine, "in 0"},
		{"POST", "logged-models/search", both, "of " + mine, "of 0"},
		{"GET", "registered-models/search", "", "{}", "secret"},
		{"GET", "model-versions/search", "", "{}", "secret"},
	} {
		data, err := json.Marshal(ask(t, c.method, api+c.path, c.body))
		if err != nil || !strings.Contains(string(data), c.has) || strings.Contains(string(data), c.hides) {
			t.Errorf("%s: %s (%v), want %s and not %s", c.path, data, err, c.has, c.hides)
		}
	}
}
