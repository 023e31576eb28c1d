package loopback_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/loopback"
	"github.com/mlops-cli/mlops/pkg/mlflow"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/trackdb"
)

// fixture is a listener over records of its own.
type fixture struct {
	*testing.T
	runs     *trackdb.Service
	listener *loopback.Listener
	opened   int
	routed   int
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	dir := t.TempDir()
	migrations, err := db.Index()
	if err != nil {
		t.Fatal(err)
	}
	index, err := db.Open(t.Context(), filepath.Join(dir, "index.db"), db.Options{Migrations: migrations})
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), dir, store.Options{What: "test"})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, runs: trackdb.New(index, clock.System{})}
	local := artifact.NewLocal(st)
	models := registrydb.New(index, clock.System{})
	var mu sync.Mutex
	f.listener = loopback.New(loopback.Config{
		Open: func(context.Context) (track.Store, error) {
			mu.Lock()
			defer mu.Unlock()
			f.opened++
			return f.runs, nil
		},
		Routes: func(_ context.Context, s track.Store) ([]route.Route, error) {
			mu.Lock()
			defer mu.Unlock()
			f.routed++
			files := artifact.New(s, local, local)
			return append(mlflow.New(s, models, files).Routes(), mlflow.FileRoutes(files, models, clock.System{})...), nil
		},
	})
	t.Cleanup(func() {
		for _, end := range []func() error{f.listener.Close, local.Close, st.Close, index.Close} {
			if err := end(); err != nil {
				t.Error(err)
			}
		}
	})
	return f
}

func (f *fixture) run(name string) *track.Run {
	f.Helper()
	r, err := f.runs.Create(f.Context(), track.Run{Name: name, Kind: track.Pipeline, Params: []track.Param{{Key: "depth", Value: "null"}, {Key: "lr", Value: "0.001"}}})
	if err != nil {
		f.Fatal(err)
	}
	return &r
}

func (f *fixture) start(s loopback.Session) loopback.Access {
	f.Helper()
	a, err := f.listener.Start(f.Context(), s)
	if err != nil {
		f.Fatal(err)
	}
	return a
}

// ask sends a request of MLflow's protocol and returns the status and the answer.
func (f *fixture) ask(a loopback.Access, method, path string, body any) (int, map[string]any) {
	f.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		f.Fatal(err)
	}
	q, err := http.NewRequestWithContext(f.Context(), method, a.URL+path, bytes.NewReader(text))
	if err != nil {
		f.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Authorization", "Bearer "+a.Token)
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		f.Fatal(err)
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		f.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		f.Fatal(err)
	}
	answer := map[string]any{}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &answer); err != nil {
			f.Fatalf("%s: %v", data, err)
		}
	}
	return resp.StatusCode, answer
}

const api = "/api/2.0/mlflow/"

type object = map[string]any

func (f *fixture) must(a loopback.Access, path string, body object) map[string]any {
	f.Helper()
	status, answer := f.ask(a, http.MethodPost, api+path, body)
	if status != http.StatusOK {
		f.Fatalf("%s: %d %v", path, status, answer)
	}
	return answer
}

func TestNothingIsOpenedUntilSomebodyAsks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	run := f.run("main")
	for range 100 {
		a := f.start(loopback.Session{Run: run, Own: "fold"})
		if err := f.listener.End(t.Context(), a.Token, track.Finished); err != nil {
			t.Fatal(err)
		}
	}
	if f.opened+f.routed > 0 {
		t.Errorf("opened %d, put together %d", f.opened, f.routed)
	}
	if all, err := f.runs.Runs(t.Context(), track.Query{}); err != nil || len(all) != 1 {
		t.Errorf("%d runs, %v", len(all), err)
	}
	a := f.start(loopback.Session{Run: run})
	for range 3 {
		f.must(a, "runs/log-metric", object{"run_id": run.ID, "key": "x", "value": 1, "timestamp": 1})
	}
	if f.opened != 1 || f.routed != 1 {
		t.Errorf("opened %d, put together %d", f.opened, f.routed)
	}
}

func TestSessionWritesToItsRunOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	run, other := f.run("main"), f.run("other")
	a := f.start(loopback.Session{Run: run})
	f.must(a, "runs/log-batch", object{"run_id": run.ID, "params": []object{{"key": "depth", "value": "None"}, {"key": "lr", "value": "1e-3"}, {"key": "new", "value": "1"}}})
	if status, answer := f.ask(a, http.MethodPost, api+"runs/log-parameter", object{"run_id": run.ID, "key": "lr", "value": "0.5"}); status != http.StatusBadRequest ||
		!strings.HasPrefix(answer["message"].(string), "Changing param values is not allowed.") { //nolint:forcetypeassert // a test
		t.Errorf("%d %v", status, answer)
	}
	f.must(a, "runs/update", object{"run_id": run.ID, "status": "FINISHED", "end_time": 5})
	f.must(a, "runs/set-tag", object{"run_id": run.ID, "key": "k", "value": "v"})
	for _, c := range []struct {
		path string
		body object
	}{
		{"runs/log-metric", object{"run_id": other.ID, "key": "x", "value": 1, "timestamp": 1}},
		{"runs/set-tag", object{"run_id": other.ID, "key": "x", "value": "1"}},
		{"runs/delete-tag", object{"run_id": other.ID, "key": "x"}},
		{"runs/update", object{"run_id": other.ID, "status": "FAILED"}},
		{"runs/delete", object{"run_id": other.ID}},
		{"runs/restore", object{"run_id": other.ID}},
		{"runs/delete", object{"run_id": run.ID}},
		{"runs/log-inputs", object{"run_id": other.ID, "datasets": []object{{"dataset": object{"name": "n", "digest": "d", "source_type": "s", "source": "s"}}}}},
		{"experiments/delete", object{"experiment_id": "0"}},
		{"experiments/update", object{"experiment_id": "0", "new_name": "x"}},
	} {
		if status, answer := f.ask(a, http.MethodPost, api+c.path, c.body); status != http.StatusForbidden {
			t.Errorf("%s: %d %v", c.path, status, answer)
		}
	}
	if status, _ := f.ask(a, http.MethodPut, "/api/2.0/mlflow-artifacts/artifacts/0/"+other.ID+"/artifacts/a.txt", "x"); status != http.StatusForbidden {
		t.Errorf("a file of another run: %d", status)
	}
	if status, answer := f.ask(a, http.MethodGet, api+"runs/get?run_id="+other.ID, nil); status != http.StatusOK {
		t.Errorf("reading another run: %d %v", status, answer)
	}
	r, err := f.runs.Run(t.Context(), run.ID)
	if err != nil || r.Status != track.Running || len(r.Params) != 3 || r.Deleted {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err = f.runs.Run(t.Context(), other.ID); err != nil || len(r.Metrics)+len(r.Tags)+len(r.Datasets) > 0 || r.Status != track.Running {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRunsThatASessionMakesAreChildren(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	run := f.run("main")
	a := f.start(loopback.Session{Run: run})
	made := func(tags ...object) string {
		answer := f.must(a, "runs/create", object{"experiment_id": "0", "run_name": "inner", "tags": tags})
		return answer["run"].(object)["info"].(object)["run_id"].(string) //nolint:forcetypeassert // a test
	}
	child := made()
	grandchild := made(object{"key": "mlflow.parentRunId", "value": child})
	for id, parent := range map[string]string{child: run.ID, grandchild: child} {
		f.must(a, "runs/log-metric", object{"run_id": id, "key": "x", "value": 1, "timestamp": 1})
		f.must(a, "runs/update", object{"run_id": id, "status": "FINISHED", "end_time": 5})
		if r, err := f.runs.Run(t.Context(), id); err != nil || r.Parent != parent || r.Status != track.Finished {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

func TestOwnRunEndsWithItsSession(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	run := f.run("main")
	a := f.start(loopback.Session{Run: run, Own: "fold@1"})
	if a.RunID == run.ID {
		t.Fatal("the session has no run of its own")
	}
	f.must(a, "runs/log-parameter", object{"run_id": a.RunID, "key": "lr", "value": "7"})
	f.must(a, "runs/update", object{"run_id": a.RunID, "status": "FINISHED", "end_time": 5})
	if status, _ := f.ask(a, http.MethodPost, api+"runs/log-parameter", object{"run_id": run.ID, "key": "x", "value": "1"}); status != http.StatusForbidden {
		t.Errorf("the run of the pipeline: %d", status)
	}
	if err := f.listener.End(t.Context(), a.Token, track.Failed); err != nil {
		t.Fatal(err)
	}
	r, err := f.runs.Run(t.Context(), a.RunID)
	if err != nil || r.Status != track.Failed || r.Parent != run.ID || r.Name != "fold@1" || r.Kind != track.Stage {
		t.Errorf("%+v, %v", r, err)
	}
	if status, answer := f.ask(a, http.MethodGet, api+"runs/get?run_id="+run.ID, nil); status != http.StatusUnauthorized || answer["error_code"] != "UNAUTHENTICATED" {
		t.Errorf("after the end: %d %v", status, answer)
	}
}

func TestOneExperimentByAnyName(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	run := f.run("main")
	a := f.start(loopback.Session{Run: run})
	_, answer := f.ask(a, http.MethodGet, api+"experiments/get-by-name?experiment_name=mine", nil)
	e, ok := answer["experiment"].(object)
	if !ok || e["name"] != "mine" || e["experiment_id"] != "0" {
		t.Errorf("%v", answer)
	}
	if made := f.must(a, "experiments/create", object{"name": "mine"}); made["experiment_id"] != "0" {
		t.Errorf("%v", made)
	}
	if all, err := f.runs.Experiments(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestManyStagesLogAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	run := f.run("main")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			a, err := f.listener.Start(t.Context(), loopback.Session{Run: run})
			if err != nil {
				t.Error(err)
				return
			}
			for s := range 20 {
				f.must(a, "runs/log-metric", object{"run_id": run.ID, "key": "x", "value": i, "timestamp": s, "step": s})
			}
			if err := f.listener.End(t.Context(), a.Token, track.Finished); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if points, err := f.runs.History(t.Context(), run.ID, "x"); err != nil || len(points) != 160 {
		t.Errorf("%d points, %v", len(points), err)
	}
}
