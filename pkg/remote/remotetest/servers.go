package remotetest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// S3 starts an S3 server and returns the URL of an empty bucket in it, and the
// variables that must be set to use it: see S3URL for tests in this process.
func S3(t testing.TB) (url string, env []string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		Skip(t, "versitygw", "it needs a POSIX file system")
	}
	dir := filepath.Join(t.TempDir(), "s3")
	if err := os.MkdirAll(filepath.Join(dir, "data", "bucket"), 0o755); err != nil {
		t.Fatal(err)
	}
	args := []string{}
	addr := fmt.Sprintf("127.0.0.1:%d", Port(t))
	args = append(args, "--port", addr, "--quiet", "posix")
	if err := os.Mkdir(filepath.Join(dir, "meta"), 0o755); err != nil {
		t.Fatal(err)
	}
	// Metadata beside the data: temporary directories often lack xattrs.
	args = append(args, "--sidecar", filepath.Join(dir, "meta"), filepath.Join(dir, "data"))
	Serve(t, addr, Tool(t, "github.com/versity/versitygw/cmd/versitygw"), args,
		[]string{"ROOT_ACCESS_KEY_ID=test", "ROOT_SECRET_ACCESS_KEY=testtest"})
	return "s3://bucket?endpoint=http://" + addr + "&use_path_style=true",
		[]string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=testtest", "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true"}
}

// S3URL is S3 with the variables set in this process. All its servers take the
// same ones, so parallel tests do not disturb each other.
func S3URL(t testing.TB) string {
	t.Helper()
	url, env := S3(t)
	Setenv(t, env)
	return url
}

// Setenv sets variables for the rest of the process, which t.Setenv refuses in
// parallel tests.
func Setenv(t testing.TB, env []string) {
	t.Helper()
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		if err := os.Setenv(name, value); err != nil { //nolint:usetesting // see above
			t.Fatal(err)
		}
	}
}

// GCS starts a server that speaks Google Cloud Storage and returns the URL of
// an empty bucket in it. One process can use one such server, because its
// address is a variable that the client library reads: call it once, not in parallel.
func GCS(t *testing.T) string {
	t.Helper()
	addr := fmt.Sprintf("127.0.0.1:%d", Port(t))
	Serve(t, addr, Tool(t, "github.com/fsouza/fake-gcs-server"), []string{
		"-scheme", "http", "-host", "127.0.0.1", "-port", addr[strings.LastIndexByte(addr, ':')+1:],
		"-public-host", addr, "-external-url", "http://" + addr, "-backend", "memory", "-log-level", "error",
	}, nil)
	t.Setenv("STORAGE_EMULATOR_HOST", addr)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/storage/v1/b?project=test", strings.NewReader(`{"name":"bucket"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("create bucket: %s", resp.Status)
	}
	return "gs://bucket?anonymous=true"
}
