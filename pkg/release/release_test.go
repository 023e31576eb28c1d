package release_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/release"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/trackdb"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// site is a repository with what this package works on.
type site struct {
	*testing.T
	repo   *repo.Repo
	runs   *trackdb.Service
	models *registrydb.Service
	*release.Releaser
}

func newSite(t *testing.T) *site {
	t.Helper()
	root := t.TempDir()
	_, err := repo.Init(t.Context(), root, repo.InitOptions{NoGit: true})
	check(t, err)
	r, err := repo.Find(t.Context(), root)
	check(t, err)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	index, err := r.Index(t.Context())
	check(t, err)
	s := &site{T: t, repo: r, runs: trackdb.New(index, clock.System{}), models: registrydb.New(index, clock.System{}).As("ada")}
	s.Releaser = release.New(r, workspace.New(r, progress.Nop{}), s.runs, s.models)
	s.Logged = s.runs
	st, err := r.Store(t.Context())
	check(t, err)
	local := artifact.NewLocal(st)
	s.Files = artifact.New(s.runs, local, local)
	return s
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// store keeps bytes and returns them as an asset at a path.
func (s *site) store(path, text string) track.Asset {
	s.Helper()
	st, err := s.repo.Store(s.Context())
	check(s.T, err)
	b, err := st.NewBatch(s.Context())
	check(s.T, err)
	id, err := b.PutBytes([]byte(text))
	check(s.T, err)
	check(s.T, b.Commit())
	check(s.T, b.Close())
	return track.Asset{Path: path, Role: track.Artifact, Kind: "file", ID: id, Size: int64(len(text)), Files: 1}
}

func (s *site) run(name string, b track.Batch) track.Run {
	s.Helper()
	run, err := s.runs.Create(s.Context(), track.Run{Name: name, Kind: track.Script})
	check(s.T, err)
	check(s.T, s.runs.Finish(s.Context(), run.ID, track.Finished, b))
	return run
}

func (s *site) write(path, text string) {
	s.Helper()
	full := s.repo.Path(path)
	check(s.T, os.MkdirAll(filepath.Dir(full), 0o755))
	check(s.T, os.WriteFile(full, []byte(text), 0o644))
}

const mlmodelText = "flavors:\n  sklearn: {}\nsignature:\n  inputs: '[{\"type\": \"double\", \"name\": \"age\"}]'\n"

// TestVersionsOfClients: what a client of MLflow registered is shown, compared
// and written like any other version.
func TestVersionsOfClients(t *testing.T) {
	t.Parallel()
	s, ctx := newSite(t), t.Context()
	run := s.run("trained", track.Batch{
		Params: []track.Param{{Key: "C", Value: "1"}}, Metrics: []track.Metric{{Key: "acc", Value: 0.9}},
		Assets: []track.Asset{s.store("model/MLmodel", mlmodelText), s.store("model/sub/weights", "w")},
	})
	logged, err := s.runs.CreateLoggedModel(ctx, track.LoggedModel{ExperimentID: "0", Name: "m", Run: run.ID})
	check(t, err)
	check(t, s.runs.PutArtifacts(ctx, track.Owner{Model: true, ID: logged.ID}, []track.Asset{s.store("MLmodel", mlmodelText), s.store("sub/weights", "w")}))
	_, err = s.models.CreateModel(ctx, registry.Model{Name: "churn"})
	check(t, err)
	for i, v := range []registry.Version{
		{Source: "models:/" + logged.ID, LoggedModel: logged.ID},
		{Source: "mlflow-artifacts:/0/models/" + logged.ID + "/artifacts", LoggedModel: logged.ID},
		{Source: "runs:/" + run.ID + "/model", RunID: run.ID},
		{Source: "mlflow-artifacts:/0/" + run.ID + "/artifacts/model", RunID: run.ID},
	} {
		v.Model = "churn"
		made, err := s.models.CreateVersion(ctx, v)
		check(t, err)
		listed := made
		check(t, s.Complete(ctx, &listed, false))
		if d := listed.Details; listed.RunID != run.ID || d.RunName != "trained" || d.Metrics[0].Value != 0.9 || d.Files != 2 || d.Size != int64(len(mlmodelText)+1) ||
			d.Flavors[0] != "sklearn" || len(d.Signature.Fields()) != 1 {
			t.Errorf("%s: in lists %+v", v.Source, listed)
		}
		check(t, s.Complete(ctx, &made, true))
		d := made.Details
		if made.RunID != run.ID || d.RunName != "trained" || d.Metrics[0].Value != 0.9 || d.Files != 2 || d.Flavors[0] != "sklearn" || len(d.Signature.Fields()) != 1 {
			t.Errorf("%s: completed to %+v", v.Source, made)
		}
		to := filepath.Join(t.TempDir(), "got")
		got, err := s.Get(ctx, made.Ref(), to, false)
		check(t, err)
		if text, err := os.ReadFile(filepath.Join(to, "sub", "weights")); err != nil || string(text) != "w" || got.Files != 2 {
			t.Errorf("%s: wrote %q, %+v (%v)", v.Source, text, got, err)
		}
		if i > 0 {
			d, err := s.Diff(ctx, registry.Ref{Name: "churn", Number: 1}, made.Ref())
			if err != nil || len(d.Files) != 0 || !d.Known || len(d.Signature) != 0 {
				t.Errorf("%s: differs in %+v (%v)", v.Source, d, err)
			}
		}
	}
	// A file by itself, and one that is no MLmodel.
	odd := s.run("odd", track.Batch{Assets: []track.Asset{s.store("odd/MLmodel", "- no\n- mapping\n"), s.store("odd/README.md", "---\nlicense: mit\n---\nGood."), s.store("one.pkl", "12345")}})
	for source, want := range map[string]string{"runs:/" + odd.ID + "/odd": "2 mit", "runs:/" + odd.ID + "/one.pkl": "1 ", "runs:/" + odd.ID + "/nothing": "0 ", "runs:/nobody/x": "0 "} {
		v := registry.Version{Model: "churn", Source: source}
		check(t, release.Describe(ctx, s.Files, &v))
		if got := fmt.Sprintf("%d %s", v.Details.Files, v.Details.Licence); got != want {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
	// What is elsewhere says so.
	far, err := s.models.CreateVersion(ctx, registry.Version{Model: "churn", Source: "s3://bucket/model"})
	check(t, err)
	if _, err := s.Get(ctx, far.Ref(), filepath.Join(t.TempDir(), "far"), false); !errs.Is(err, errs.NotFound) || !strings.Contains(err.Error(), "s3://bucket/model") {
		t.Errorf("files in a bucket of their own: %v", err)
	}
}

// TestLineageOfClients: what clients say that runs read is followed back and
// forward.
func TestLineageOfClients(t *testing.T) {
	t.Parallel()
	s, ctx := newSite(t), t.Context()
	first := s.run("base", track.Batch{Datasets: []track.DatasetInput{{
		Dataset: track.Dataset{Name: "rows", Digest: "d1", SourceType: "local", Source: "x"}, Tags: []track.Tag{{Key: track.ContextTag, Value: "training"}},
	}}})
	base, err := s.runs.CreateLoggedModel(ctx, track.LoggedModel{ExperimentID: "0", Name: "m", Run: first.ID})
	check(t, err)
	second := s.run("tuned", track.Batch{ModelInputs: []string{base.ID, "m-00000000000000000000000000000000"}})
	for _, v := range []registry.Version{
		{Model: "churn", Source: "models:/" + base.ID, LoggedModel: base.ID, RunID: first.ID}, {Model: "tuned", Source: "runs:/" + second.ID + "/x", RunID: second.ID},
	} {
		_, err := s.models.CreateModel(ctx, registry.Model{Name: v.Model})
		check(t, err)
		_, err = s.models.CreateVersion(ctx, v)
		check(t, err)
	}
	l, err := s.Why(ctx, registry.Ref{Name: "churn", Number: 1}, s.runs)
	check(t, err)
	if got := fmt.Sprintf("%+v %+v", l.Run.Datasets, l.UsedBy); !strings.Contains(got, "{Name:rows Digest:d1 Context:training Source:local}") ||
		!strings.Contains(got, "Name:tuned") || !strings.Contains(got, "{Model:tuned Version:1") {
		t.Error(got)
	}
	l, err = s.Why(ctx, registry.Ref{Name: "tuned", Number: 1}, s.runs)
	check(t, err)
	if m := l.Run.Models; len(m) != 2 || m[0].Name != "m" || m[0].Models[0].Model != "churn" || m[0].Made.Name != "base" || len(m[0].Made.Datasets) != 1 || m[1].Name != "" {
		t.Errorf("%+v", m)
	}
	check(t, s.runs.Delete(ctx, second.ID))
	l, err = s.Why(ctx, registry.Ref{Name: "churn", Number: 1}, s.runs)
	if err != nil || len(l.UsedBy) != 0 {
		t.Errorf("a run in the bin: %+v %v", l.UsedBy, err)
	}
}

// TestFetchesWhatIsMissing: objects that are not here are asked for once.
func TestFetchesWhatIsMissing(t *testing.T) {
	t.Parallel()
	s, ctx := newSite(t), t.Context()
	asset := track.Asset{Path: "model.bin", Kind: "file", ID: oid.Sum([]byte("far")), Size: 3, Files: 1}
	_, err := s.models.CreateModel(ctx, registry.Model{Name: "m"})
	check(t, err)
	v, err := s.models.CreateVersion(ctx, registry.Version{Model: "m", Details: registry.Details{Object: asset.ID, Kind: "file", Path: asset.Path, Size: 3, Files: 1}})
	check(t, err)
	to := filepath.Join(t.TempDir(), "model.bin")
	if _, err := s.Get(ctx, v.Ref(), to, false); !errs.Is(err, errs.NotFound) {
		t.Errorf("without a remote: %v", err)
	}
	asked := 0
	s.Fetch = func(_ context.Context, objects []repo.Object) error {
		asked += len(objects)
		s.store("model.bin", "far")
		return nil
	}
	_, err = s.Get(ctx, v.Ref(), to, false)
	check(t, err)
	if text, err := os.ReadFile(to); err != nil || string(text) != "far" || asked != 1 {
		t.Errorf("got %q, asked for %d (%v)", text, asked, err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(to), ".mlops-get-*")); err != nil || len(left) > 0 {
		t.Errorf("left is %q (%v)", left, err)
	}
}

func TestGates(t *testing.T) {
	t.Parallel()
	s, ctx := newSite(t), t.Context()
	s.write("mlops.yaml", `
models:
  m:
    gates:
      production:
        metrics:
          acc: {tolerance: 0.01}
          odd:
          near: {tolerance: 0.1, better: higher}
          size: {better: lower, max: 10}
        stages: [check]
        tags: {data: ok, any: ""}
        signature: same
        approvals: 2
`)
	version := func(name string, acc, size float64, action string, tags ...track.Tag) registry.Version {
		s.write("out", name)
		s.run(name, track.Batch{
			Metrics: []track.Metric{{Key: "eval.json:acc", Value: acc}, {Key: "odd", Value: acc}, {Key: "near", Value: acc}, {Key: "size", Value: size}},
			Tags:    tags, Stages: []track.StageRecord{{Name: "check", Action: "failed"}, {Name: "check", Action: action}},
			Assets: []track.Asset{s.store("out", name)},
		})
		res, err := s.Register(ctx, release.Request{Dir: s.repo.Root, Source: name + ":out", Model: "m"})
		check(t, err)
		return res.Version
	}
	one := version("one", 0.9, 9, "ran", track.Tag{Key: "data", Value: "ok"}, track.Tag{Key: "any", Value: "x"})
	two := version("two", 0.895, 11, "failed", track.Tag{Key: "data", Value: "no"})
	failed := func(v registry.Version) string {
		t.Helper()
		res, err := s.Promote(ctx, release.PromoteRequest{Ref: v.Ref(), Alias: "production"})
		check(t, err)
		var names []string
		for _, c := range res.Checks {
			if !c.Passed {
				names = append(names, strings.TrimSpace(c.Gate+" "+c.Name))
			}
		}
		if res.Moved != (len(names) == 0) {
			t.Errorf("%s moved is %v, not passed is %q", v.Ref(), res.Moved, names)
		}
		return strings.Join(names, ", ")
	}
	if got := failed(one); got != "approval" {
		t.Errorf("gates of one: %s", got)
	}
	for _, by := range []string{"ada", "ada", "bob"} {
		check(t, s.models.Approve(ctx, "m", 1, registry.Approval{By: by, Alias: map[string]string{"bob": "production"}[by]}))
	}
	if got := failed(one); got != "" {
		t.Errorf("gates of one: %s", got)
	}
	if got := failed(two); got != "metric odd, metric size, stage check, tag data, tag any, approval" {
		t.Errorf("gates of two: %s", got)
	}
	if err := s.SetAlias(ctx, "m", "production", 2, false); !errs.Is(err, errs.Conflict) {
		t.Errorf("an alias with gates was set: %v", err)
	}
	check(t, s.SetAlias(ctx, "m", "canary", 2, false))
	// A tag of the version comes before that of its run.
	check(t, s.models.SetTag(ctx, two.Ref(), "data", "ok"))
	check(t, s.models.SetTag(ctx, two.Ref(), "any", ""))
	if got := failed(two); got != "metric odd, metric size, stage check, approval" {
		t.Errorf("gates of two: %s", got)
	}
}
