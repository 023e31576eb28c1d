package mlruns_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/mlflow"
	"github.com/mlops-cli/mlops/pkg/mlruns"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/track"
)

// serve makes a server of what is here.
func (h here) serve(t *testing.T) string {
	t.Helper()
	local := artifact.NewLocal(h.Objects)
	files := artifact.New(h.Tracking, local, local)
	mux, err := route.Mux(mlflow.New(h.Tracking, h.Registry, files).Routes(), mlflow.FileRoutes(files, h.Registry, clock.System{}))
	if err != nil {
		t.Fatal(err)
	}
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "ann" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})
	s := httptest.NewServer(guarded)
	t.Cleanup(func() {
		s.Close()
		if err := files.Close(); err != nil {
			t.Error(err)
		}
	})
	return strings.Replace(s.URL, "://", "://ann:secret@", 1)
}

func (h here) give(t *testing.T, server string, q mlruns.ExportRequest) mlruns.ExportResult {
	t.Helper()
	x, err := mlruns.NewExporter(server, mlruns.Origin{Tracking: h.Tracking, Registry: h.Registry, Objects: h.Objects}, mlruns.OpenOptions{}, progress.Nop{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}()
	res, err := x.Export(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// What was taken over is served, taken over from the server, and is the same.
func TestServerIsASourceLikeOthers(t *testing.T) {
	t.Parallel()
	first := newHere(t)
	first.take(t, goldens()["folder of 3.17"](t), mlruns.ImportRequest{})
	server := first.serve(t)
	second := newHere(t)
	res := second.take(t, server, mlruns.ImportRequest{})
	if len(res.Problems) > 0 || res.Runs.New != 6 || res.Models.New != 1 || res.Versions.New != 3 || res.Files != 6 {
		t.Errorf("%+v", res)
	}
	if strings.Contains(res.Source, "secret") {
		t.Errorf("the password is shown: %s", res.Source)
	}
	second.check(t, true)
	second.checkRegistry(t, true)
	if again := second.take(t, server, mlruns.ImportRequest{}); again.Runs.New+again.Runs.Updated+again.Versions.New > 0 || again.Files > 0 {
		t.Errorf("again: %+v", again)
	}
	wrong := strings.Replace(server, "secret", "guess", 1)
	s, err := mlruns.Open(t.Context(), wrong, mlruns.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mlruns.NewImporter(s, second.Target, progress.Nop{}).Import(t.Context(), mlruns.ImportRequest{}); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("with a wrong password: %v", err)
	}
}

func TestExportKeepsAllButIDs(t *testing.T) {
	t.Parallel()
	from := newHere(t)
	from.take(t, goldens()["database of 3.17"](t), mlruns.ImportRequest{})
	to := newHere(t)
	server := to.serve(t)
	runs, err := from.runs.Runs(t.Context(), track.Query{Bare: true})
	if err != nil {
		t.Fatal(err)
	}
	q := mlruns.ExportRequest{Models: true}
	for _, r := range runs {
		q.Runs = append(q.Runs, r.ID)
	}
	dry := q
	dry.DryRun = true
	if res := from.give(t, server, dry); res.Runs.New != 4 {
		t.Errorf("a dry run: %+v", res)
	}
	if all, err := to.runs.Runs(t.Context(), track.Query{}); err != nil || len(all) > 0 {
		t.Fatalf("a dry run left %d runs, %v", len(all), err)
	}
	res := from.give(t, server, q)
	if len(res.Problems) > 0 || res.Runs.New != 4 || res.Models.New != 1 || res.Versions.New != 3 || res.Files != 6 {
		t.Errorf("%+v", res)
	}
	for _, name := range []string{"search", "try-0", "try-1", "still"} {
		old, made := from.runNamed(t, name), to.runNamed(t, name)
		if made.ID == old.ID || tagOf(made, "mlops.origin") != old.ID {
			t.Errorf("%s is %s, of %s", old.ID, made.ID, tagOf(made, "mlops.origin"))
		}
		if made.Status != old.Status || made.StartTime != old.StartTime || made.EndTime != old.EndTime || made.Note != old.Note || made.User != old.User || len(made.Params) != len(old.Params) {
			t.Errorf("%+v, not %+v", made, old)
		}
		for _, s := range old.Metrics {
			got, ok := made.Metric(s.Key)
			if !ok || got.Count != s.Count || got.Value.String() != s.Value.String() {
				t.Errorf("%s of %s: %+v, not %+v", s.Key, name, got, s)
			}
		}
		for _, a := range old.Assets {
			if got := to.content(t, made, a.Path); got != from.content(t, old, a.Path) {
				t.Errorf("%s of %s: %q", a.Path, name, got)
			}
		}
		if old.Parent != "" && made.Parent != to.runNamed(t, "search").ID {
			t.Errorf("the parent of %s is %q", name, made.Parent)
		}
		if len(made.Datasets) != len(old.Datasets) || len(made.ModelOutputs) != len(old.ModelOutputs) {
			t.Errorf("%+v", made)
		}
	}
	m, err := to.Registry.Model(t.Context(), "wine-model")
	if err != nil || m.Versions != 3 || len(m.Aliases) != 1 {
		t.Errorf("%+v, %v", m, err)
	}
	if again := from.give(t, server, q); again.Runs.Same != 4 || again.Files+again.Points > 0 || again.Versions.Same != 3 {
		t.Errorf("again: %+v", again)
	}
	// A stage that is not set there, as after a kill, comes later.
	if _, err := from.Registry.SetStage(t.Context(), "wine-model", 2, registry.Staging, false); err != nil {
		t.Fatal(err)
	}
	from.give(t, server, q)
	if v, err := to.Registry.Version(t.Context(), "wine-model", 2); err != nil || v.Stage != registry.Staging {
		t.Errorf("the stage there is %q, %v", v.Stage, err)
	}
	// Taken over from there, all is here already.
	if back := from.take(t, server, mlruns.ImportRequest{}); back.Runs != (mlruns.Count{Same: 4}) || back.Models != (mlruns.Count{Same: 1}) || back.Versions != (mlruns.Count{Same: 3}) || len(back.Problems) > 0 {
		t.Errorf("back: %+v", back)
	}
	// One that changed is brought up to date, in its place.
	try := from.runNamed(t, "try-0")
	if err := from.runs.SetTags(t.Context(), try.ID, []track.Tag{{Key: "later", Value: "yes"}}); err != nil {
		t.Fatal(err)
	}
	if again := from.give(t, server, mlruns.ExportRequest{Runs: []string{try.ID}}); again.Runs.Updated != 1 || tagOf(to.runNamed(t, "try-0"), "later") != "yes" {
		t.Errorf("after a change: %+v", again)
	}
}

// Experiments without runs, logged models that no run made, prompts and versions
// whose files are elsewhere go along with everything; versions keep their numbers.
func TestExportGivesWhatBelongsToNoRun(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	from, to := newHere(t), newHere(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	e, err := from.runs.CreateExperiment(ctx, track.Experiment{Name: "empty", Tags: []track.Tag{{Key: "team", Value: "cellar"}}})
	must(err)
	_, err = from.runs.CreateLoggedModel(ctx, track.LoggedModel{Name: "agent", ExperimentID: e.ID, Status: track.ModelReady})
	must(err)
	_, err = from.Registry.CreateModel(ctx, registry.Model{Name: "greet", Tags: []registry.Tag{{Key: registry.PromptTag, Value: "true"}}})
	must(err)
	_, err = from.Registry.CreateModel(ctx, registry.Model{Name: "far"})
	must(err)
	for _, v := range []registry.Version{
		{Model: "greet", Source: "dummy-source", Tags: []registry.Tag{{Key: registry.PromptTag, Value: "true"}}},
		{Model: "far", Source: "s3://elsewhere/1"},
		{Model: "far", Source: "s3://elsewhere/2"},
	} {
		_, err := from.Registry.CreateVersion(ctx, v)
		must(err)
	}
	must(from.Registry.Delete(ctx, registry.Ref{Name: "far", Number: 1}))

	server := to.serve(t)
	q := mlruns.ExportRequest{Models: true}
	if dry := from.give(t, server, mlruns.ExportRequest{Models: true, DryRun: true}); dry.Models.New != 1 || dry.Versions.New != 2 {
		t.Errorf("a dry run: %+v", dry)
	}
	if res := from.give(t, server, q); len(res.Problems) > 0 || res.Models.New != 1 || res.Versions.New != 2 {
		t.Errorf("%+v", res)
	}
	if again := from.give(t, server, q); len(again.Problems) > 0 || again.Models.Same != 1 || again.Versions.Same != 2 || again.Versions.New > 0 {
		t.Errorf("again: %+v", again)
	}
	if e, err := to.runs.ExperimentByName(ctx, "empty"); err != nil || len(e.Tags) != 1 {
		t.Errorf("%+v, %v", e, err)
	}
	if v, err := to.Registry.Version(ctx, "far", 2); err != nil || v.Source != "s3://elsewhere/2" {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := to.Registry.Version(ctx, "far", 1); !errs.Is(err, errs.NotFound) {
		t.Errorf("the number that was not used: %v", err)
	}
}

// put stores an object.
func (h here) put(t *testing.T, text string) oid.ID {
	t.Helper()
	b, err := h.Objects.NewBatch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id, err := b.PutBytes([]byte(text))
	if err := errors.Join(err, b.Commit(), b.Close()); err != nil {
		t.Fatal(err)
	}
	return id
}

// Files that were not here when a run was exported go with the next export.
func TestExportSendsFilesThatWereMissing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	from, to, elsewhere := newHere(t), newHere(t), newHere(t)
	id := elsewhere.put(t, "hello")
	r, err := from.runs.Create(ctx, track.Run{Name: "one"})
	if err != nil {
		t.Fatal(err)
	}
	if err := from.runs.PutArtifacts(ctx, track.Owner{ID: r.ID}, []track.Asset{{Path: "a.txt", Role: track.Artifact, Kind: "file", ID: id, Size: 5, Files: 1}}); err != nil {
		t.Fatal(err)
	}
	server := to.serve(t)
	q := mlruns.ExportRequest{Runs: []string{r.ID}}
	if res := from.give(t, server, q); len(res.Problems) != 1 || res.Runs.New != 1 || res.Files != 0 {
		t.Errorf("%+v", res)
	}
	from.put(t, "hello")
	if res := from.give(t, server, q); len(res.Problems) > 0 || res.Runs.Updated != 1 || res.Files != 1 {
		t.Errorf("when they came: %+v", res)
	}
	if res := from.give(t, server, q); res.Runs.Same != 1 {
		t.Errorf("again: %+v", res)
	}
}
