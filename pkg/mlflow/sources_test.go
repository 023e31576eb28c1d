package mlflow_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestSourcesStayInside tries what reached files and hosts of MLflow servers by
// the source of a version or the location of an experiment.
func TestSourcesStayInside(t *testing.T) {
	t.Parallel()
	base, _ := startService(t)
	api := base + "/api/2.0/mlflow/"
	run := lookUp(ask(t, "POST", api+"runs/create", `{"experiment_id": "0"}`), "run.info.run_id").(string)
	other := lookUp(ask(t, "POST", api+"runs/create", `{"experiment_id": "0"}`), "run.info.run_id").(string)
	root := "mlflow-artifacts:/0/" + run + "/artifacts"
	ask(t, "POST", api+"registered-models/create", `{"name": "m"}`)
	for name, sources := range map[string][]string{
		"CVE-2023-1177 local paths":              {"/etc/passwd", "file:///etc/passwd", "file:/etc", "etc/passwd", "./x", "C:/windows", `C:\windows`, `\\host\share`},
		"CVE-2023-2356 relative parts":           {root + "/../../x", "s3://b/a/../../c", "s3://b/..", "runs:/" + run + "/../x", "mlflow-artifacts:/../x"},
		"CVE-2023-2780 backslashes":              {root + `/..\..\x`, `s3://b\..\x`, root + `\..\x`},
		"CVE-2023-6977 local by another name":    {"//proc/self/root", "file://localhost/etc", "file://./etc", "///etc/passwd", "FILE:///etc"},
		"CVE-2024-1560 encoded twice":            {root + "/%2e%2e/x", root + "/%252e%252e/x", root + "/..%2fx", "s3://b/%252525252e%252525252e/x", root + "%00"},
		"CVE-2024-3848 fragments":                {"file:///etc#" + root, root + "/%2e%2e#x"},
		"CVE-2025-11201 of another run":          {"mlflow-artifacts:/0/" + other + "/artifacts/model", "runs:/" + other + "/model", root + "x/model", "mlflow-artifacts:/0"},
		"CVE-2026-2393 hosts":                    {"http://169.254.169.254/latest", "https://host/x", "ftp://host/x", "sftp://host/x", "mlflow-artifacts://host/x", "HTTP://host/x"},
		"versions and models that are not there": {"models:/nobody/1", "models:/m-00000000000000000000000000000000", "models:/", "models:", "models://m/1", "runs:/", "runs://h/x", "runs:"},
	} {
		for _, source := range sources {
			body, err := json.Marshal(map[string]string{"name": "m", "source": source, "run_id": run})
			if err != nil {
				t.Fatal(err)
			}
			if status := statusOf(t, "POST", api+"model-versions/create", string(body)); status != http.StatusBadRequest && status != http.StatusNotFound {
				t.Errorf("%s: %s is answered with %d", name, source, status)
			}
		}
	}
	for _, source := range []string{root, root + "/model", root + "/", "runs:/" + run + "/model", "s3://bucket/a b/model", "gs://bucket/model", "abfss://c@account.dfs.core.windows.net/x", "dbfs:/x"} {
		body, err := json.Marshal(map[string]string{"name": "m", "source": source, "run_id": run})
		if err != nil {
			t.Fatal(err)
		}
		ask(t, "POST", api+"model-versions/create", string(body))
	}
	for _, location := range []string{"http://host/x", "mlflow-artifacts://host/x", "s3://b/x#f", "s3://b/x?a=%2e%2e/b", "runs:/x", "mlflow-artifacts:/../x", "s3://b/" + strings.Repeat("x", 600)} {
		body, err := json.Marshal(map[string]string{"name": "at " + location, "artifact_location": location})
		if err != nil {
			t.Fatal(err)
		}
		if status := statusOf(t, "POST", api+"experiments/create", string(body)); status != http.StatusBadRequest {
			t.Errorf("CVE-2024-1483: the location %s is answered with %d", location, status)
		}
	}
}

func statusOf(t *testing.T, method, url, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}
