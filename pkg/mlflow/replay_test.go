package mlflow_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/db/dbtest"
	"github.com/mlops-cli/mlops/pkg/mlflow"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/trackdb"
)

// startServer serves the protocol over a fresh SQLite database and store.
func startServer(t testing.TB) string {
	t.Helper()
	base, _ := startService(t)
	return base
}

// startService is startServer that returns the routes, too.
func startService(t testing.TB) (base string, routes []route.Route) {
	t.Helper()
	return serve(t, dbtest.SQLite(t)(t))
}

// serve serves the protocol over a database and a fresh store.
func serve(t testing.TB, index *db.DB) (base string, routes []route.Route) {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	local := artifact.NewLocal(st)
	tracking := trackdb.New(index, clock.System{})
	files := artifact.New(tracking, local, local)
	models := registrydb.New(index, clock.System{})
	routes = mlflow.New(tracking, models, files).Routes()
	mux, err := route.Mux(routes, mlflow.FileRoutes(files, models, clock.System{}))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.Close()
		for _, c := range []interface{ Close() error }{files, st} {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return server.URL, routes
}

// TestRecord writes down what the reference server at MLOPS_MLFLOW_SERVER
// answers.
func TestRecord(t *testing.T) {
	base := os.Getenv("MLOPS_MLFLOW_SERVER")
	if base == "" || os.Getenv("MLOPS_UPDATE") == "" {
		t.Skip("MLOPS_MLFLOW_SERVER and MLOPS_UPDATE are not set")
	}
	writeAnswers(t, play(t, base))
}

// allowed lists where our answers differ from the reference server's, and why.
func allowed() map[string]string {
	const (
		reopened = "a run that was taken up again has no end until it ends"
		default0 = "Default is as old as the schema"
	)
	return map[string]string{
		"GET /health":                         "served by pkg/server",
		"GET /version":                        "served by pkg/server",
		"GET /api/3.0/mlflow/server-info":     "there is no gateway, and URLs are not presigned",
		"GET experiments/get?experiment_id=0": default0,
		"GET experiments/search?max_results=1&order_by=name&view_type=ALL":                                                                                      default0,
		`POST experiments/search {"max_results": 5, "filter": "attribute.creation_time > 0 and tag.team IS NULL", "order_by": ["experiment_id"]}`:               default0,
		`POST experiments/search {"max_results": 5, "page_token": "%%%"}`:                                                                                       "what is not base64 is said not to be",
		`POST runs/update {"run_id": "${r2}", "status": "RUNNING"}`:                                                                                             reopened,
		`POST runs/update {"run_id": "${r2}", "status": "SLEEPING"}`:                                                                                            reopened,
		`POST runs/create {"experiment_id": "${located}", "start_time": 1700000003000, "run_name": "by tag", "tags": [{"key": "mlflow.user", "value": "bob"}]}`: "the user of a run is known from the tag, too",
		`POST runs/log-metric {"run_id": "${odd}", "key": "loss", "value": 1, "timestamp": 1.5}`:                                                                "the reference server stores the time 0",
		`POST runs/log-metric {"run_id": "${r1}", "key": "loss", "value": 1, "timestamp": 1, "model_id": "m-00000000000000000000000000000000"}`:                 "says what is missing; the reference server shows its SQL",
		`PATCH logged-models/${m1} {"model_id": "${m1}", "status": "LOGGED_MODEL_ODD"}`:                                                                         "the reference server stores a status that is none",
		`DELETE logged-models/${m2}`: "what is gone is said to be gone",
		`POST logged-models/search {"experiment_ids": ["${exp}"], "order_by": [{"field_name": "name", "ascending": true}], "max_results": 1, "page_token": "${lpage}"}`: "JSON is quoted as JSON",
		"GET registered-models/search?max_results=0": "a page of nothing leads to itself for ever",
	}
}

// general says why an answer may differ from the reference server's whatever
// the request is, "" when it may not.
func general(got, want exchange) string {
	text, _ := lookUp(want.Answer, "message").(string)
	html, _ := want.Answer.(string)
	switch {
	case want.Status == http.StatusInternalServerError && got.Status >= 400 && got.Status < 500:
		return "what a client gets wrong is never a 5xx: clients try again for minutes"
	case strings.Contains(text, "sqlalche.me") && got.Status == want.Status:
		return "the reference server shows its SQL"
	case strings.HasPrefix(html, "<!doctype html>") && got.Status == want.Status:
		return "errors are JSON"
	case got.Status == want.Status && lookUp(got.Answer, "message") != nil && strings.HasPrefix(text, lookUp(got.Answer, "message").(string)+" Set the MLFLOW_ALLOWED_HOST"):
		return "there is no such setting"
	}
	return ""
}

// TestReplay compares our answers with the reference server's, field by field.
func TestReplay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, open dbtest.Opener) {
		base, _ := serve(t, open(t))
		compareAnswers(t, play(t, base))
	})
}

// TestMain ends the PostgreSQL server that the tests share.
func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func compareAnswers(t *testing.T, got []exchange) {
	t.Helper()
	data, err := os.ReadFile(answersFile)
	if err != nil {
		t.Fatal(err)
	}
	var want []exchange
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.UseNumber()
	if err := decoder.Decode(&want); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d requests, %d answers: record again", len(got), len(want))
	}
	for i := range got {
		sameHistory(got[i].Answer)
		sameHistory(want[i].Answer)
	}
	used := map[string]bool{}
	bad, differ := 0, 0
	for i := range got {
		if got[i].Request != want[i].Request {
			t.Fatalf("line %d: %s was recorded as %s: record again", got[i].line, got[i].Request, want[i].Request)
		}
		if got[i].Status == want[i].Status && reflect.DeepEqual(pythonSets(got[i].Answer), pythonSets(want[i].Answer)) {
			continue
		}
		if general(got[i], want[i]) != "" {
			differ++
			continue
		}
		if _, ok := allowed()[got[i].Request]; ok {
			used[got[i].Request] = true
			continue
		}
		bad++
		g, _ := json.Marshal(got[i].Answer)
		w, _ := json.Marshal(want[i].Answer)
		t.Errorf("line %d: %s\n got %d %s\nwant %d %s", got[i].line, got[i].Request, got[i].Status, g, want[i].Status, w)
	}
	for request := range allowed() {
		if !used[request] && request != "DELETE logged-models/${m2}" { // the first time it is the same
			t.Errorf("%s no longer differs: take it off the list", request)
		}
	}
	t.Logf("%d of %d answers are the same", len(got)-bad-differ-len(used), len(got))
}

var pythonSet = regexp.MustCompile(`\{('[^{}]*')\}`)

// pythonSets sorts the sets in messages, whose order changes with each start
// of Python.
func pythonSets(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	if s, ok := m["message"].(string); ok {
		m["message"] = pythonSet.ReplaceAllStringFunc(s, func(set string) string {
			words := strings.Split(set[1:len(set)-1], ", ")
			slices.Sort(words)
			return strings.Join(words, ", ")
		})
	}
	return m
}

// sameHistory brings JSON in a tag into one form.
func sameHistory(answer any) {
	items, _ := lookUp(answer, "run.data.tags").([]any)
	for _, item := range items {
		tag := item.(map[string]any)
		var models []map[string]any
		if text, _ := tag["value"].(string); tag["key"] == "mlflow.log-model.history" && json.Unmarshal([]byte(text), &models) == nil {
			for _, m := range models {
				delete(m, "model_uuid") // null
			}
			tag["value"] = models
		}
	}
}
