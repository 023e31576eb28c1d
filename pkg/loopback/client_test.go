package loopback_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/loopback"
	"github.com/mlops-cli/mlops/pkg/remote/remotetest"
	"github.com/mlops-cli/mlops/pkg/track"
)

// TestUnmodifiedScriptsLandInTheRun runs a script of MLflow's clients as a stage
// would.
func TestUnmodifiedScriptsLandInTheRun(t *testing.T) {
	t.Parallel()
	for _, client := range []string{"mlflow2", "mlflow3"} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			program := remotetest.Python(t, client)
			f := newFixture(t)
			run := f.run("main")
			a := f.start(loopback.Session{Run: run})
			cmd := exec.CommandContext(t.Context(), program, "-W", "ignore", filepath.Join("testdata", "train.py"))
			home := t.TempDir()
			cmd.Env = append(os.Environ(), "MLFLOW_TRACKING_URI="+a.URL, "MLFLOW_TRACKING_TOKEN="+a.Token, "MLFLOW_RUN_ID="+a.RunID, "MLFLOW_EXPERIMENT_ID="+run.ExperimentID,
				"HOME="+home, "TMPDIR="+home, "MLFLOW_DISABLE_TELEMETRY=true", "MLFLOW_HTTP_REQUEST_MAX_RETRIES=0", "MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT=1",
				"GIT_PYTHON_REFRESH=quiet", "PYTHONDONTWRITEBYTECODE=1")
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Run(); err != nil || !strings.Contains(out.String(), "run "+run.ID) {
				t.Fatalf("%v\n%s", err, out.String())
			}
			got, err := f.runs.Run(t.Context(), run.ID)
			if err != nil || got.Status != track.Running || got.Name != "main" {
				t.Errorf("%+v, %v", got, err)
			}
			if v, ok := got.Param("max_iter"); !ok || v != "200" {
				t.Errorf("what was logged by itself: %+v", got.Params)
			}
			if loss, ok := got.Metric("loss"); !ok || loss.Count != 3 {
				t.Errorf("%+v", got.Metrics)
			}
			if _, ok := got.Metric("training_accuracy_score"); !ok {
				t.Errorf("%+v", got.Metrics)
			}
			if !slices.ContainsFunc(got.Assets, func(a track.Asset) bool { return a.Path == "notes/hello.txt" && a.Role == track.Artifact }) {
				t.Errorf("%+v", got.Assets)
			}
			if len(got.Datasets) == 0 {
				t.Error("the dataset is missing")
			}
			if client == "mlflow3" && len(got.ModelOutputs) != 1 {
				t.Errorf("%+v", got.ModelOutputs)
			}
			children, err := f.runs.Runs(t.Context(), track.Query{Parent: run.ID})
			if err != nil || len(children) != 2 {
				t.Errorf("%+v, %v", children, err)
			}
			for _, c := range children {
				if c.Status != track.Finished {
					t.Errorf("%+v", c)
				}
			}
		})
	}
}
