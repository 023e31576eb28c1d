package api_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
)

// TestProblems: what is wrong with a request is a problem with a type, also where
// there is no operation, and nothing is changed by halves.
func TestProblems(t *testing.T) {
	t.Parallel()
	const usage = `"type":"urn:mlops:usage"`
	walk(t, serve(t), []step{
		{"POST", "/projects", `{"name":5}`, 422, usage, ""},
		{"POST", "/projects", `{bad`, 400, usage, ""},
		{"POST", "/projects", ``, 400, usage, ""},
		{"POST", "/projects", `{"name":"a\u0000b"}`, 422, `zero byte`, ""},
		{"POST", "/models", `{"name":"a\u0000b"}`, 422, `zero byte`, ""},
		{"GET", "/nosuch", "", 404, `"type":"urn:mlops:not_found"`, ""},
		{"POST", "/nosuch", "{}", 404, `"type":"urn:mlops:not_found"`, ""},
		{"PUT", "/projects", "{}", 405, `/api/v1/projects knows GET and POST, not PUT`, ""},
		{"GET", "/projects?order=color", "", 400, `order \"color\": projects have no attribute`, ""},
		{"GET", "/projects?order=color", "", 400, `the attributes are name, description, creation_time, last_update_time"`, ""},
		{"POST", "/runs", `{"metrics":[{"key":"loss","value":"low"}]}`, 422, `expected a number, \"NaN\"`, ""},

		{"POST", "/experiments", `{"name":"one","tags":{"a":"b"}}`, 201, ``, "experiment_id"},
		{"POST", "/experiments", `{"name":"two"}`, 201, ``, ""},
		{"PATCH", "/experiments/$experiment_id", `{"name":"two","tags":{"a":"c"}}`, 409, ``, ""},
		{"PATCH", "/experiments/$experiment_id", `{"name":"three","tags":{"\\":"c"}}`, 400, ``, ""},
		{"GET", "/experiments/$experiment_id", "", 200, `"name":"one","runs":0,"tags":{"a":"b"}`, ""},
		{"POST", "/experiments/$experiment_id/restore", "", 200, `"deleted":false`, ""},
		{"POST", "/models", `{"name":"m","description":"d"}`, 201, ``, ""},
		{"POST", "/models", `{"name":"n"}`, 201, ``, ""},
		{"PATCH", "/models/m", `{"name":"n","description":"e","tags":{"x":"y"}}`, 409, ``, ""},
		{"GET", "/models/m", "", 200, `"description":"d","last`, ""},
		{"GET", "/models/m", "", 200, `"tags":{}`, ""},

		{"POST", "/models/m/versions", `{"source":"s3://b/k","run_id":"nosuch"}`, 404, `run nosuch does not exist`, ""},
		{"POST", "/models/m/versions", `{"source":"runs:/00000000000000000000000000000000/m"}`, 404, `does not exist`, ""},
		{"POST", "/models/m/versions", `{"source":"s3://b/k"}`, 201, `"version":1`, ""},
		{"PUT", "/models/m/aliases/live", `{"version":1}`, 204, ``, ""},
		{"GET", "/models/m/aliases/live", "", 200, `"version":1`, ""},
		{"GET", "/models/m/aliases/dead", "", 404, `has no alias`, ""},
		{"DELETE", "/models/m/aliases/dead", "", 404, `has no alias`, ""},
		{"DELETE", "/models/m/aliases/none", "", 404, `has no alias`, ""}, // it is a stage
		{"GET", "/models/m/aliases/none", "", 404, `has no alias`, ""},
	})
}

// TestModelOfExperiments: experiments stay with a model that gets another name, and
// are of none when it is deleted.
func TestModelOfExperiments(t *testing.T) {
	t.Parallel()
	walk(t, serve(t), []step{
		{"POST", "/models", `{"name":"m"}`, 201, ``, ""},
		{"POST", "/experiments", `{"name":"one","model":"m"}`, 201, `"model":"m"`, "experiment_id"},
		{"PATCH", "/models/m", `{"name":"n","description":"d"}`, 200, `"description":"d"`, ""},
		{"GET", "/models/n/experiments", "", 200, `"name":"one"`, ""},
		{"DELETE", "/models/n", "", 204, ``, ""},
		{"POST", "/models", `{"name":"n"}`, 201, ``, ""},
		{"GET", "/models/n/experiments", "", 200, `"items":[]`, ""},
	})
}

// TestStreamGoesOn: who lost the stream before the first event came misses none.
func TestStreamGoesOn(t *testing.T) {
	t.Parallel()
	url := serve(t)
	id := streamed(t, url, "", "id")
	walk(t, url, []step{{"POST", "/projects", `{"name":"p"}`, 201, ``, ""}})
	if first := streamed(t, url, id, "data"); !strings.Contains(first, `"kind":"project.created"`) {
		t.Errorf("behind %s came %s", id, first)
	}
	walk(t, url, []step{{"GET", "/events/stream?after=x", "", 422, `query.after`, ""}})
}

// streamed is the first value of a field of the stream of events behind one.
func streamed(t *testing.T, url, last, field string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/events/stream", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", last)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}()
	want := field + ": "
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), want); ok {
			return value
		}
	}
	t.Fatalf("no %s came: %v", want, lines.Err())
	return ""
}
