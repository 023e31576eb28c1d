package mlflow_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/mlflow"
)

// TestFilesPastTheServer: with a root of their own, clients are sent there, and
// a source may be a path of theirs as long as it is the run's.
func TestFilesPastTheServer(t *testing.T) {
	t.Parallel()
	s := startFilesAt(t, mlflow.Places{Dir: "/work", Root: "file:///srv/files/"})
	const api = "/api/2.0/mlflow/"
	post := func(path, body string) answer {
		return s.do(http.MethodPost, api+path, body, "Content-Type", "application/json")
	}
	s.expect(s.do(http.MethodGet, api+"experiments/get?experiment_id=0", ""), 200, `"artifact_location":"file:///srv/files/0"`)
	s.expect(post("experiments/create", `{"name":"near","artifact_location":"models/here"}`), 200, "experiment_id")
	s.expect(s.do(http.MethodGet, api+"experiments/get-by-name?experiment_name=near", ""), 200, `"artifact_location":"/work/models/here"`)
	s.expect(post("experiments/create", `{"name":"odd","artifact_location":"mysql://user@host:port/db?driver=x"}`), 200, `"2"`)
	s.expect(post("runs/create", `{"experiment_id":"2"}`), 200, `"artifact_uri":"mysql://user@host:port/db/`)
	s.expect(post("runs/create", `{"experiment_id":"2"}`), 200, `/artifacts?driver=x"`)
	made := post("runs/create", `{"experiment_id":"0"}`)
	s.expect(made, 200, `"artifact_uri":"file:///srv/files/0/`)
	_, id, _ := strings.Cut(made.body, `"run_id":"`)
	id = id[:32]
	s.expect(post("registered-models/create", `{"name":"m"}`), 200, "")
	for source, want := range map[string]int{
		"file:///srv/files/0/" + id + "/artifacts":               200,
		"file:///srv/files/0/" + id + "/artifacts/model":         200,
		"/srv/files/0/" + id + "/artifacts/model":                200,
		"/srv/files/0/" + id + "/artifactsX":                     400,
		"/srv/files/0/" + id + "/artifacts/../../x":              400,
		"/srv/files/0/" + id + "/artifacts/%2e%2e/%2e%2e/x":      400,
		"/srv/files/0/" + strings.Repeat("0", 32) + "/artifacts": 400,
		"file:///srv/files/0/" + id + "/artifacts/model/..":      200,
		"/tmp": 400,
	} {
		s.expect(post("model-versions/create", `{"name":"m","source":"`+source+`","run_id":"`+id+`"}`), want, "")
		s.expect(post("model-versions/create", `{"name":"m","source":"`+source+`"}`), 400, "")
	}
	// The server never looks there.
	s.expect(s.do(http.MethodGet, "/model-versions/get-artifact?name=m&version=1&path=x", ""), 404, "not kept here")
	s.expect(s.do(http.MethodGet, api+"artifacts/list?run_id="+id, ""), 400, "does not look")
	for root, ok := range map[string]bool{"": true, "s3://b/x": true, "file:///a": true, "a": false, "/a": false, "file:a": false, "s3://b/x#y": false, "s3://b?x": false} {
		if err := (mlflow.Places{Root: root}).Check(); (err == nil) != ok || err != nil && !errs.Is(err, errs.Usage) {
			t.Errorf("%q: %v", root, err)
		}
	}
}
