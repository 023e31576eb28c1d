package mlflow_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/remote/remotetest"
)

// script runs a script of testdata/client against a fresh server.
func script(t *testing.T, python, name string) {
	t.Helper()
	run(t, startServer(t), python, "-W", "ignore", filepath.Join("testdata", "client", name))
}

// run runs a program of a client and returns what it prints.
func run(t *testing.T, server, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	home := t.TempDir()
	cmd.Env = append(os.Environ(),
		"MLFLOW_TRACKING_URI="+server, "HOME="+home, "TMPDIR="+home, "MLFLOW_DISABLE_TELEMETRY=true", "DO_NOT_TRACK=true",
		"MLFLOW_HTTP_REQUEST_MAX_RETRIES=0", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR=false", "GIT_PYTHON_REFRESH=quiet",
		"PYTHONDONTWRITEBYTECODE=1", "MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT=1", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT=true")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	t.Logf("%s %s\n%s", filepath.Base(program), strings.Join(args, " "), out.String())
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestClients(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ client, script string }{
		{"mlflow2", "tracking.py"},
		{"mlflow2", "models2.py"},
		{"mlflow3", "tracking.py"},
		{"mlflow3", "models.py"},
		{"mlflow3", "cli.py"},
	} {
		t.Run(c.client+" "+c.script, func(t *testing.T) {
			t.Parallel()
			script(t, remotetest.Python(t, c.client), c.script)
		})
	}
}
