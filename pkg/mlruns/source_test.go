package mlruns_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/db/dbtest"
	"github.com/mlops-cli/mlops/pkg/mlruns"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/trackdb"
)

// unpack writes the files that a golden file holds below dir.
func unpack(t *testing.T, golden, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", golden))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	if err := json.Unmarshal(text, &files); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// makeDatabase makes a database of a dump.
func makeDatabase(t *testing.T, golden, file string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", golden))
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), file, db.Options{Migrations: fstest.MapFS{"0001_dump.sql": {Data: text}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// goldens makes each source anew, as MLflow of a version wrote it but at another
// place of the disk, and returns its name.
func goldens() map[string]func(t *testing.T) string {
	folder := func(v string) func(t *testing.T) string {
		return func(t *testing.T) string {
			t.Helper()
			dir := t.TempDir()
			unpack(t, "files"+v+".json", filepath.Join(dir, "mlruns"))
			return dir
		}
	}
	database := func(v string) func(t *testing.T) string {
		return func(t *testing.T) string {
			t.Helper()
			dir := t.TempDir()
			unpack(t, "artifacts"+v+".json", filepath.Join(dir, "mlartifacts"))
			makeDatabase(t, "db"+v+".sql", filepath.Join(dir, "mlflow.db"))
			return "sqlite:///" + filepath.Join(dir, "mlflow.db")
		}
	}
	postgres := func(t *testing.T) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join("testdata", "postgres3.sql"))
		if err != nil {
			t.Fatal(err)
		}
		address := dbtest.PostgresURL(t)
		d, err := db.OpenPostgres(t.Context(), address, db.Options{Migrations: fstest.MapFS{"0001_dump.sql": {Data: text}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		return strings.Replace(address, "postgres://", "postgresql+psycopg2://", 1)
	}
	return map[string]func(t *testing.T) string{"postgres of 3.17": postgres, "folder of 2.22": folder("2"), "folder of 3.17": folder("3"), "database of 2.22": database("2"), "database of 3.17": database("3")}
}

// here is a place to import to.
type here struct {
	mlruns.Target
	runs *trackdb.Service
}

func newHere(t *testing.T) here {
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
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
		if err := index.Close(); err != nil {
			t.Error(err)
		}
	})
	runs := trackdb.New(index, clock.System{})
	return here{runs: runs, Target: mlruns.Target{Tracking: runs, Registry: registrydb.New(index, clock.System{}), Objects: st}}
}

func (h here) take(t *testing.T, name string, q mlruns.ImportRequest) mlruns.ImportResult {
	t.Helper()
	o := mlruns.OpenOptions{}
	if strings.HasPrefix(name, "postgres") { // which has no place that files could be beside of
		o.Artifacts = t.TempDir()
		unpack(t, "artifacts3p.json", o.Artifacts)
	}
	s, err := mlruns.Open(t.Context(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	res, err := mlruns.NewImporter(s, h.Target, progress.Nop{}).Import(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func (h here) runNamed(t *testing.T, name string) track.Run {
	t.Helper()
	all, err := h.runs.Runs(t.Context(), track.Query{Deleted: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if r.Name == name {
			r, err := h.runs.Run(t.Context(), r.ID)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
	}
	t.Fatalf("there is no run %s", name)
	return track.Run{}
}

func tagOf(r track.Run, key string) string {
	for _, tag := range r.Tags {
		if tag.Key == key {
			return tag.Value
		}
	}
	return ""
}

func (h here) content(t *testing.T, r track.Run, path string) string {
	t.Helper()
	for _, a := range r.Assets {
		if a.Path == path && a.Role == track.Artifact {
			data, err := h.Objects.Get(t.Context(), a.ID)
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		}
	}
	t.Fatalf("run %s has no file %s", r.Name, path)
	return ""
}

func TestSourcesOfAllKindsAreTakenOverWhole(t *testing.T) {
	t.Parallel()
	for name, make := range goldens() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHere(t)
			source := make(t)
			dry := h.take(t, source, mlruns.ImportRequest{DryRun: true})
			if all, err := h.runs.Runs(t.Context(), track.Query{Deleted: true}); err != nil || len(all) > 0 || dry.Runs.New != 6 {
				t.Fatalf("a dry run left %d runs, %v, and said %+v", len(all), err, dry.Runs)
			}
			res := h.take(t, source, mlruns.ImportRequest{})
			is3 := strings.HasSuffix(name, "3.17")
			res.Problems = slices.DeleteFunc(res.Problems, func(p mlruns.Problem) bool { // it stood elsewhere, and had no files
				return p.What == "run "+h.runNamed(t, "lost").ID
			})
			if len(res.Problems) > 0 || res.Runs.New != 6 || res.Experiments != (mlruns.Count{New: 2, Same: 1}) || res.Registered.New != 2 || is3 != (res.Models.New == 1) {
				t.Errorf("%+v", res)
			}
			if dry.Files != res.Files || dry.Bytes != res.Bytes || dry.Points != res.Points || dry.Versions != res.Versions {
				t.Errorf("a dry run said\n%+v, not\n%+v", dry, res)
			}
			h.check(t, is3)
			h.checkRegistry(t, is3)

			again := h.take(t, source, mlruns.ImportRequest{})
			if again.Runs.Same != 5 || again.Runs.New+again.Runs.Updated > 0 || again.Files > 0 || again.Versions.New > 0 || again.Registered.New > 0 || again.Models.New > 0 {
				t.Errorf("again: %+v", again)
			}
			h.check(t, is3)
			h.checkRegistry(t, is3)
		})
	}
}

// check looks at what make.py wrote.
func (h here) check(t *testing.T, is3 bool) {
	t.Helper()
	ctx := t.Context()
	wine, err := h.runs.ExperimentByName(ctx, "wine")
	if err != nil || len(wine.Tags) != 1 || wine.Tags[0].Value != "cellar" || wine.Location != "" {
		t.Errorf("%+v, %v", wine, err)
	}
	if gone, err := h.runs.ExperimentByName(ctx, "gone"); err != nil || !gone.Deleted {
		t.Errorf("%+v, %v", gone, err)
	}
	parent := h.runNamed(t, "search")
	if parent.Status != track.Killed || parent.EndTime != 1700000090000 || parent.User != "ann" || parent.Note != "# Search\nThe *best* so far." ||
		parent.Source != "train.py" || parent.Git.Commit == "" || parent.Kind != track.Script || len(parent.Params) != 1 {
		t.Errorf("%+v", parent)
	}
	for i, name := range []string{"try-0", "try-1"} {
		r := h.runNamed(t, name)
		status := track.Finished
		if i == 1 {
			status = track.Failed
		}
		if r.Parent != parent.ID || r.Status != status || r.ExperimentID != wine.ID || r.StartTime != 1700000001000+int64(i)*1000 || r.EndTime != 1700000060000 {
			t.Errorf("%+v", r)
		}
		for key, want := range map[string]string{"lr": "0.1", "model/depth": string(rune('3' + i)), "note": "naïve: ü\nline 2", "empty": ""} {
			if got, ok := r.Param(key); !ok || got != want {
				t.Errorf("param %s is %q, %v", key, got, ok)
			}
		}
		if tagOf(r, "quoted") != `a "b" 'c'` || tagOf(r, "stage/name") != "tune" {
			t.Errorf("%+v", r.Tags)
		}
		loss, err := h.runs.History(ctx, r.ID, "loss")
		if err != nil || len(loss) != 5 || loss[2].Value != 1.0/3+float64(i) || loss[4].Step != 4 || loss[4].Timestamp != 1700000000004 {
			t.Errorf("%+v, %v", loss, err)
		}
		acc, err := h.runs.History(ctx, r.ID, "val/acc")
		if err != nil || len(acc) != 2 || !math.IsNaN(acc[1].Value) {
			t.Errorf("%+v, %v", acc, err)
		}
		odd, err := h.runs.History(ctx, r.ID, "odd")
		if err != nil || len(odd) != 2 || !slices.ContainsFunc(odd, func(m track.Metric) bool { return m.Step == -3 && m.Value > 1e308 }) ||
			!slices.ContainsFunc(odd, func(m track.Metric) bool { return m.Step == 1<<40 && m.Value == 1e-300 }) {
			t.Errorf("%+v, %v", odd, err)
		}
		if got := h.content(t, r, "reports/daily/report.txt"); got != "the same for all\n" {
			t.Errorf("%q", got)
		}
		if len(r.Datasets) != 1 || r.Datasets[0].Name != "wine-data" || r.Datasets[0].SourceType != "code" || len(r.Datasets[0].Tags) != 1 || r.Datasets[0].Tags[0].Value != "train" {
			t.Errorf("%+v", r.Datasets)
		}
	}
	if r := h.runNamed(t, "still"); r.Status != track.Running || r.EndTime != 0 {
		t.Errorf("%+v", r)
	}
	if r := h.runNamed(t, "trash"); !r.Deleted || r.Status != track.Finished {
		t.Errorf("%+v", r)
	}
	if r := h.runNamed(t, "lost"); !r.Deleted {
		t.Errorf("%+v", r)
	}
	if is3 {
		h.checkModel(t, wine)
	}
}

func (h here) checkModel(t *testing.T, wine track.Experiment) {
	t.Helper()
	models, err := h.runs.LoggedModels(t.Context(), track.ModelQuery{Experiments: []string{wine.ID}})
	if err != nil || len(models) != 1 {
		t.Fatalf("%+v, %v", models, err)
	}
	m, best := models[0], h.runNamed(t, "try-0")
	if m.Name != "tree" || m.Status != track.ModelReady || m.Run != best.ID || m.Type != "classifier" || len(m.Params) != 1 || len(m.Tags) == 0 {
		t.Errorf("%+v", m)
	}
	if len(m.Metrics) != 1 || m.Metrics[0].Value != 0.9 || m.Metrics[0].Dataset != "wine-data" || m.Metrics[0].Run != best.ID {
		t.Errorf("%+v", m.Metrics)
	}
	if len(best.ModelOutputs) != 1 || best.ModelOutputs[0] != (track.ModelOutput{Model: m.ID, Step: 4}) {
		t.Errorf("%+v", best.ModelOutputs)
	}
	if other := h.runNamed(t, "try-1"); len(other.ModelInputs) != 1 || other.ModelInputs[0] != m.ID {
		t.Errorf("%+v", other.ModelInputs)
	}
	if auc, err := h.runs.History(t.Context(), best.ID, "auc"); err != nil || len(auc) != 1 {
		t.Errorf("%+v, %v", auc, err)
	}
	if files, err := h.runs.ListArtifacts(t.Context(), track.Owner{Model: true, ID: m.ID}, ""); err != nil || len(files) != 1 || files[0].Path != "MLmodel" {
		t.Errorf("%+v, %v", files, err)
	}
}

func (h here) checkRegistry(t *testing.T, is3 bool) {
	t.Helper()
	m, err := h.Registry.Model(t.Context(), "wine-model")
	if err != nil || m.Description != "Quality of wine" || len(m.Tags) != 1 || len(m.Aliases) != 1 || m.Aliases[0].Name != "champion" || m.Aliases[0].Version != 2 {
		t.Errorf("%+v, %v", m, err)
	}
	best := h.runNamed(t, "try-0")
	root := "mlflow-artifacts:/" + best.ExperimentID
	v1, err := h.Registry.Version(t.Context(), "wine-model", 1)
	if err != nil || v1.Stage != registry.Production || v1.Description != "first" || v1.RunID != best.ID || len(v1.Tags) != 1 || v1.Storage != root+"/"+best.ID+"/artifacts/model" {
		t.Errorf("%+v, %v", v1, err)
	}
	want := []int{2, 1}
	if is3 {
		want = []int{4, 2, 1}
		v4, err := h.Registry.Version(t.Context(), "wine-model", 4)
		if err != nil || v4.LoggedModel == "" || v4.Source != "models:/"+v4.LoggedModel || v4.Storage != root+"/models/"+v4.LoggedModel+"/artifacts" {
			t.Errorf("%+v, %v", v4, err)
		}
	}
	all, err := h.Registry.Versions(t.Context(), registry.Query{})
	var numbers []int
	for _, v := range all {
		numbers = append(numbers, v.Number)
	}
	if err != nil || !slices.Equal(numbers, want) {
		t.Errorf("versions %v, %v", numbers, err)
	}
	if _, err := h.Registry.Model(t.Context(), "empty-model"); err != nil {
		t.Error(err)
	}
}
