package mlflow_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/mlflow"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/server"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/trackdb"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// filesServer is the whole server, guards included, over a fresh store.
type filesServer struct {
	t   *testing.T
	url string
	dir string

	store  *store.Store
	models *registrydb.Service
}

func startFiles(t *testing.T) *filesServer {
	t.Helper()
	return startFilesAt(t, mlflow.Places{})
}

func startFilesAt(t *testing.T, places mlflow.Places) *filesServer {
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
	st, err := store.Open(t.Context(), dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	local := artifact.NewLocal(st)
	tracking, models := trackdb.New(index, clock.System{}), registrydb.New(index, clock.System{})
	files := artifact.New(tracking, local, local)
	s, err := server.New(server.Options{Routes: append(mlflow.New(tracking, models, files).At(places).Routes(), mlflow.FileRoutes(files, models, clock.System{})...)})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(s)
	t.Cleanup(func() {
		listener.Close()
		for _, c := range []io.Closer{files, st, index} {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return &filesServer{t: t, url: listener.URL, dir: dir, store: st, models: models}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request whose path goes out as it is written here.
func (s *filesServer) do(method, target, body string, headers ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	p, query, _ := strings.Cut(target, "?")
	r.URL.Opaque = "//" + r.URL.Host + p // no cleaning
	r.URL.RawQuery = query
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		s.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(data)}
}

func (s *filesServer) post(path, body string) answer {
	s.t.Helper()
	return s.do(http.MethodPost, path, body, "Content-Type", "application/json")
}

// run makes a run and returns its id and the path of its root in the proxy.
func (s *filesServer) run() (id, root string) {
	s.t.Helper()
	a := s.post("/api/2.0/mlflow/runs/create", `{"experiment_id": "0"}`)
	var out struct {
		Run struct {
			Info struct {
				ID  string `json:"run_id"`
				URI string `json:"artifact_uri"`
			}
		}
	}
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.status != 200 {
		s.t.Fatal(a, err)
	}
	return out.Run.Info.ID, proxy + strings.TrimPrefix(out.Run.Info.URI, "mlflow-artifacts:/")
}

const proxy = "/api/2.0/mlflow-artifacts/artifacts/"

func (s *filesServer) expect(a answer, status int, in string) {
	s.t.Helper()
	if a.status != status || !strings.Contains(a.body, in) {
		s.t.Errorf("%d %s; want %d with %q", a.status, a.body, status, in)
	}
}

func TestArtifactProxy(t *testing.T) {
	t.Parallel()
	s := startFiles(t)
	id, root := s.run()
	for _, name := range []string{"/model/MLmodel", "/model/data/weights.bin", "/a b+ü%25.txt", "/empty"} {
		body := "content of " + name
		if name == "/empty" {
			body = ""
		}
		if a := s.do(http.MethodPut, root+strings.ReplaceAll(strings.ReplaceAll(name, " ", "%20"), "ü", "%C3%BC"), body); a.status != 200 || a.body != "" {
			t.Errorf("%s: %+v", name, a)
		}
	}
	a := s.do(http.MethodGet, root+"/model/MLmodel", "")
	s.expect(a, 200, "content of /model/MLmodel")
	for name, want := range map[string]string{
		"Content-Type": "text/plain", "X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment; filename=MLmodel",
		"Content-Security-Policy": "sandbox; default-src 'none'",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	s.expect(s.do(http.MethodGet, root+"/a%20b+%C3%BC%25.txt", ""), 200, "content of /a b+ü%25.txt")
	list := strings.TrimSuffix(proxy, "/") + "?path=" + strings.TrimPrefix(root, proxy)
	s.expect(s.do(http.MethodGet, list, ""), 200,
		`{"files":[{"path":"a b+ü%.txt","is_dir":false,"file_size":25},{"path":"empty","is_dir":false},{"path":"model","is_dir":true}]}`)
	s.expect(s.do(http.MethodGet, list+"/model", ""), 200, `{"path":"MLmodel","is_dir":false,"file_size":25}`)
	s.expect(s.do(http.MethodGet, list+"/model/MLmodel", ""), 200, "{}")
	s.expect(s.do(http.MethodGet, list+"/nothing", ""), 200, "{}")
	s.expect(s.do(http.MethodGet, root+"/nothing", ""), 404, `"RESOURCE_DOES_NOT_EXIST"`)
	s.expect(s.do(http.MethodGet, root+"/model", ""), 400, "directory")
	s.expect(s.do(http.MethodPut, root+"/model", "x"), 400, "directory")
	s.expect(s.do(http.MethodPut, root+"/model/MLmodel/below", "x"), 400, "INVALID_PARAMETER_VALUE")
	s.expect(s.do(http.MethodGet, "/get-artifact?run_id="+id+"&path=model/MLmodel", ""), 200, "content of")
	s.expect(s.do(http.MethodGet, "/get-artifact?run_uuid="+id+"&path=model/MLmodel", ""), 200, "content of")
	s.expect(s.do(http.MethodGet, "/api/2.0/mlflow/artifacts/list?run_id="+id+"&path=model", ""), 200, `"path":"model/MLmodel"`)
	s.expect(s.do(http.MethodDelete, root+"/nothing", ""), 200, "{}")
	s.expect(s.do(http.MethodDelete, root+"/model", ""), 200, "{}")
	s.expect(s.do(http.MethodGet, root+"/model/data/weights.bin", ""), 404, "No such artifact")
	s.expect(s.do(http.MethodGet, strings.Replace(root, "/artifacts/", "/presigned/", 1)+"/empty", ""), 501, "Multipart download")
	s.expect(s.do(http.MethodPut, proxy+"0/"+strings.Repeat("0", 32)+"/artifacts/x", "x"), 404, "not found")
}

// What stands at a path that leads to no run and no model is kept by its path
// alone, and has nothing to do with runs.
func TestFilesOfNothingInParticular(t *testing.T) {
	t.Parallel()
	s := startFiles(t)
	_, root := s.run()
	experiment, _, _ := strings.Cut(strings.TrimPrefix(root, proxy), "/")
	s.expect(s.do(http.MethodPut, root+"/f", "of the run"), 200, "")
	for _, name := range []string{"a.txt", "dir/b.txt", experiment + "/notes.md"} {
		s.expect(s.do(http.MethodPut, proxy+name, "at "+name), 200, "")
		a := s.do(http.MethodGet, proxy+name, "")
		s.expect(a, 200, "at "+name)
		if a.header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%v", a.header)
		}
	}
	list := strings.TrimSuffix(proxy, "/")
	s.expect(s.do(http.MethodGet, list, ""), 200, `{"path":"a.txt","is_dir":false,"file_size":8},{"path":"dir","is_dir":true}`)
	s.expect(s.do(http.MethodGet, list+"?path=dir", ""), 200, `{"files":[{"path":"b.txt","is_dir":false,"file_size":12}]}`)
	s.expect(s.do(http.MethodGet, proxy+"dir", ""), 400, "directory")
	s.expect(s.do(http.MethodPut, proxy+"a.txt/below", "x"), 400, "INVALID_PARAMETER_VALUE")
	s.expect(s.do(http.MethodDelete, proxy, ""), 400, "Invalid path")
	s.expect(s.do(http.MethodDelete, proxy+experiment, ""), 200, "{}")
	s.expect(s.do(http.MethodGet, proxy+experiment+"/notes.md", ""), 404, "No such artifact")
	s.expect(s.do(http.MethodGet, root+"/f", ""), 200, "of the run")
	s.expect(s.do(http.MethodDelete, proxy+"dir", ""), 200, "{}")
	s.expect(s.do(http.MethodGet, proxy+"dir/b.txt", ""), 404, "No such artifact")
	s.expect(s.do(http.MethodGet, "/get-artifact?path=a.txt", ""), 404, "")
}

func TestRangesAndConditions(t *testing.T) {
	t.Parallel()
	s := startFiles(t)
	_, root := s.run()
	for _, size := range []int{1000, 200_000} { // in a pack, and a file of its own
		data := strings.Repeat("0123456789", size/10)
		target := fmt.Sprintf("%s/f%d.bin", root, size)
		s.expect(s.do(http.MethodPut, target, data), 200, "")
		a := s.do(http.MethodGet, target, "", "Range", "bytes=995-1004")
		want := data[995:min(1005, size)]
		if a.status != 206 || a.body != want || !strings.HasPrefix(a.header.Get("Content-Range"), "bytes 995-") {
			t.Errorf("%d %q %v", a.status, a.body, a.header)
		}
		tag := a.header.Get("ETag")
		if tag != fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(data))) {
			t.Errorf("ETag %s", tag)
		}
		if a := s.do(http.MethodGet, target, "", "Range", "bytes=5-9", "If-Range", tag); a.status != 206 || a.body != "56789" {
			t.Errorf("%d %q", a.status, a.body)
		}
		if a := s.do(http.MethodGet, target, "", "Range", "bytes=5-9", "If-Range", `"other"`); a.status != 200 || len(a.body) != size {
			t.Errorf("%d, %d bytes", a.status, len(a.body))
		}
		if a := s.do(http.MethodGet, target, "", "If-None-Match", tag); a.status != 304 {
			t.Errorf("%d", a.status)
		}
		if a := s.do(http.MethodGet, target, "", "Range", "bytes=9999999-"); a.status != 416 {
			t.Errorf("%d", a.status)
		}
		if a := s.do(http.MethodHead, target, ""); a.status != 200 || a.body != "" || a.header.Get("Content-Length") != fmt.Sprint(size) {
			t.Errorf("%d %v", a.status, a.header)
		}
	}
}

// Every way in which a path of a request led out of the artifact root in
// MLflow's record, for every route that takes one.
func TestPathsOfMLflowsSecurityRecord(t *testing.T) {
	t.Parallel()
	s := startFiles(t)
	id, root := s.run()
	s.expect(s.do(http.MethodPut, root+"/f.txt", "fine"), 200, "")
	secret := filepath.Join(s.dir, "secret.txt")
	if err := os.WriteFile(secret, []byte("SECRET"), 0o600); err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{
		"Issue7166_dots":                   "../../../../secret.txt",
		"CVE-2023-2780_backslashes":        `..%5C..%5Csecret.txt`,
		"CVE-2023-6977_double_slash":       "//proc/self/root" + secret,
		"CVE-2023-6831_absolute":           secret,
		"CVE-2023-6909_file_URL":           "file://" + secret,
		"CVE-2024-1560_encoded":            "%2e%2e/%2e%2e/%2e%2e/secret.txt",
		"CVE-2024-1560_encoded_slashes":    "..%2f..%2f..%2fsecret.txt",
		"CVE-2024-1560_encoded_twice":      "%252e%252e%252fsecret.txt",
		"CVE-2024-1483_fragment":           "x%23/../../secret.txt",
		"CVE-2024-3848_encoded_fragment":   "x%2523/..%252f/secret.txt",
		"CVE-2025-11201_drive":             "C:/Windows/win.ini",
		"CVE-2025-11201_drive_backslashes": "C:%5CWindows%5Cwin.ini",
		"CVE-2026-2614_NUL":                "f.txt%00.png",
		"NUL_twice":                        "f.txt%2500.png",
	}
	for name, p := range paths {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &filesServer{t: t, url: s.url, dir: s.dir}
			mpu := strings.Replace(root, "/artifacts/", "/mpu/create/", 1)
			for what, a := range map[string]answer{
				"get":          s.do(http.MethodGet, root+"/"+p, ""),
				"put":          s.do(http.MethodPut, root+"/"+p, "evil"),
				"delete":       s.do(http.MethodDelete, root+"/"+p, ""),
				"list":         s.do(http.MethodGet, strings.TrimSuffix(proxy, "/")+"?path="+p, ""),
				"list of run":  s.do(http.MethodGet, "/api/2.0/mlflow/artifacts/list?run_id="+id+"&path="+p, ""),
				"get-artifact": s.do(http.MethodGet, "/get-artifact?run_id="+id+"&path="+p, ""),
				"upload":       s.do(http.MethodPost, "/ajax-api/2.0/mlflow/upload-artifact?run_uuid="+id+"&path="+p, "evil"),
				"parts":        s.do(http.MethodPost, mpu+"/"+p, `{"path":"x","num_parts":1}`, "Content-Type", "application/json"),
				"presigned":    s.do(http.MethodGet, strings.Replace(root, "/artifacts/", "/presigned/", 1)+"/"+p, ""),
				"ajax":         s.do(http.MethodGet, "/ajax-api"+strings.TrimPrefix(root, "/api")+"/"+p, ""),
			} {
				if a.status != http.StatusBadRequest || !strings.Contains(a.body, "INVALID_PARAMETER_VALUE") || strings.Contains(a.body, "SECRET") {
					t.Errorf("%s: %d %s", what, a.status, a.body)
				}
			}
		})
	}
}

// A DELETE for which only the right to change was asked must not reach other
// runs (CVE-2023-6831, CVE-2024-4263): ids, not paths, say what is deleted.
func TestCVE_2023_6831_DeleteStaysInItsRun(t *testing.T) {
	t.Parallel()
	s := startFiles(t)
	_, a := s.run()
	_, b := s.run()
	s.expect(s.do(http.MethodPut, a+"/f", "a"), 200, "")
	s.expect(s.do(http.MethodPut, b+"/f", "b"), 200, "")
	s.expect(s.do(http.MethodDelete, a, ""), 200, "{}")
	s.expect(s.do(http.MethodGet, a+"/f", ""), 404, "")
	s.expect(s.do(http.MethodGet, b+"/f", ""), 200, "b")
	for _, p := range []string{"", "0", "0/", "0/" + strings.Repeat("0", 31)} {
		s.do(http.MethodDelete, proxy+p, "")
	}
	s.expect(s.do(http.MethodGet, b+"/f", ""), 200, "b")
}

// HTML of a run must never run as a page of this server.
func TestCVE_2024_27133_PagesAreNotShown(t *testing.T) {
	t.Parallel()
	s := startFiles(t)
	id, root := s.run()
	for _, name := range []string{"x.html", "x.svg", "x.xhtml", "x.htm"} {
		s.expect(s.do(http.MethodPut, root+"/"+name, "<script>alert(1)</script>"), 200, "")
		for _, target := range []string{root + "/" + name, "/get-artifact?run_id=" + id + "&path=" + name} {
			a := s.do(http.MethodGet, target, "")
			if !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") || a.header.Get("X-Content-Type-Options") != "nosniff" ||
				!strings.Contains(a.header.Get("Content-Security-Policy"), "sandbox") {
				t.Errorf("%s: %v", target, a.header)
			}
		}
	}
}

func TestUploadOfPages(t *testing.T) {
	t.Parallel()
	s := startFiles(t)
	id, root := s.run()
	const up = "/ajax-api/2.0/mlflow/upload-artifact"
	s.expect(s.do(http.MethodPost, up+"?run_uuid="+id+"&path=d/x.txt", "hello"), 200, "{}")
	s.expect(s.do(http.MethodGet, root+"/d/x.txt", ""), 200, "hello")
	s.expect(s.do(http.MethodPost, up+"?path=x", "hello"), 400, "Request must specify run_uuid.")
	s.expect(s.do(http.MethodPost, up+"?run_uuid="+id, "hello"), 400, "Request must specify path.")
	s.expect(s.do(http.MethodPost, up+"?run_uuid="+id+"&path=x", ""), 400, "Request must specify data.")
	s.expect(s.do(http.MethodPost, up+"?run_uuid="+id+"&path=x", strings.Repeat("x", 10<<20+1)), 400, "Artifact size is too large. Max size is 10MB.")
}

func TestUploadInParts(t *testing.T) {
	t.Parallel()
	s := startFiles(t)
	_, root := s.run()
	at := func(verb string) string { return strings.Replace(root, "/artifacts/", "/mpu/"+verb+"/", 1) + "/dir" }
	a := s.post(at("create"), `{"path": "/home/ann/big.bin", "num_parts": 3}`)
	var begun struct {
		ID          string `json:"upload_id"`
		Credentials []struct {
			URL    string
			Number int `json:"part_number"`
		}
	}
	if err := json.Unmarshal([]byte(a.body), &begun); err != nil || len(begun.Credentials) != 3 {
		t.Fatal(a, err)
	}
	type part struct {
		Number int    `json:"part_number"`
		Tag    string `json:"etag"`
	}
	var parts []part
	var whole string
	for _, c := range begun.Credentials {
		body := strings.Repeat(fmt.Sprint(c.Number), 70_000)
		whole += body
		a := s.do(http.MethodPut, strings.TrimPrefix(c.URL, s.url), body)
		parts = append(parts, part{c.Number, a.header.Get("ETag")})
	}
	s.expect(s.do(http.MethodGet, root+"/dir/big.bin", ""), 404, "")
	finish := func(p []part) string {
		data, err := json.Marshal(map[string]any{"path": "big.bin", "upload_id": begun.ID, "parts": p})
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	s.expect(s.post(at("complete"), finish(parts[:2])), 400, "3 parts")
	s.expect(s.post(strings.Replace(at("complete"), "/dir", "/other", 1), finish(parts)), 400, "another file")
	s.expect(s.post(at("complete"), finish(parts)), 200, "{}")
	if a := s.do(http.MethodGet, root+"/dir/big.bin", ""); a.body != whole {
		t.Errorf("%d, %d bytes", a.status, len(a.body))
	}
	s.expect(s.post(at("abort"), finish(nil)), 404, "no such upload")
	s.expect(s.do(http.MethodPut, strings.TrimPrefix(begun.Credentials[0].URL, s.url), "late"), 404, "no such upload")
	s.expect(s.post(at("create"), `{"path": "x", "num_parts": 0}`), 400, "")
	s.expect(s.post(at("create"), `{"num_parts": 2}`), 400, "Invalid path")
}

// An upload whose client dies is not there, and what was there before is.
func TestAnUploadThatEndsEarly(t *testing.T) {
	t.Parallel()
	s := startFiles(t)
	_, root := s.run()
	s.expect(s.do(http.MethodPut, root+"/f", "before"), 200, "")
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "PUT %s/f HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n%s", root, bytes.Repeat([]byte("x"), 500_000))
	time.Sleep(50 * time.Millisecond)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		left, err := filepath.Glob(filepath.Join(s.dir, "tmp", "upload-*", "file-*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("left: %v", left)
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.expect(s.do(http.MethodGet, root+"/f", ""), 200, "before")
}

func TestFilesOfLoggedModels(t *testing.T) {
	t.Parallel()
	s := startFiles(t)
	a := s.post("/api/2.0/mlflow/logged-models", `{"experiment_id": "0", "name": "m"}`)
	var out struct {
		Model struct {
			Info struct {
				ID  string `json:"model_id"`
				URI string `json:"artifact_uri"`
			}
		}
	}
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || !track.IsModelID(out.Model.Info.ID) {
		t.Fatal(a, err)
	}
	root := proxy + strings.TrimPrefix(out.Model.Info.URI, "mlflow-artifacts:/")
	s.expect(s.do(http.MethodPut, root+"/MLmodel", "flavors:"), 200, "")
	s.expect(s.do(http.MethodGet, root+"/MLmodel", ""), 200, "flavors:")
	files := "/ajax-api/2.0/mlflow/logged-models/" + out.Model.Info.ID + "/artifacts/files"
	s.expect(s.do(http.MethodGet, files+"?artifact_file_path=MLmodel", ""), 200, "flavors:")
	s.expect(s.do(http.MethodGet, files, ""), 400, "artifact_file_path")
	s.expect(s.post("/api/2.0/mlflow/registered-models/create", `{"name": "M"}`), 200, "")
	s.expect(s.post("/api/2.0/mlflow/model-versions/create",
		fmt.Sprintf(`{"name": "M", "source": "models:/%s", "model_id": %q}`, out.Model.Info.ID, out.Model.Info.ID)), 200, "")
	if v, err := s.models.Version(t.Context(), "M", 1); err != nil || v.Details.Files != 1 || v.Details.Size != 8 {
		t.Errorf("what the files say is not kept: %+v %v", v.Details, err)
	}
	s.expect(s.do(http.MethodGet, "/model-versions/get-artifact?name=M&version=1&path=MLmodel", ""), 200, "flavors:")
	s.expect(s.do(http.MethodGet, "/model-versions/get-artifact?name=M&version=1&path=../MLmodel", ""), 400, "Invalid path")
	s.expect(s.do(http.MethodGet, "/model-versions/get-artifact?name=M&version=x&path=MLmodel", ""), 400, "integer")
}

// What was registered on the command line can be loaded by MLflow's clients.
func TestFilesOfVersionsThatWereRegisteredElsewhere(t *testing.T) {
	t.Parallel()
	s := startFiles(t)
	ctx := t.Context()
	batch, err := s.store.NewBatch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	file, err := batch.PutBytes([]byte("flavors:"))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := tree.Build(batch, []tree.Entry{{Name: "MLmodel", Kind: tree.File, Size: 8, ID: file}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(batch.Commit(), batch.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.models.CreateModel(ctx, registry.Model{Name: "churn"}); err != nil {
		t.Fatal(err)
	}
	for _, d := range []registry.Details{
		{Object: dir.ID, Kind: "dir", Path: "models/churn", Size: 8, Files: 1},
		{Object: file, Kind: "file", Path: "models/MLmodel", Size: 8, Files: 1},
	} {
		v, err := s.models.CreateVersion(ctx, registry.Version{Model: "churn", Source: d.Path, Details: d})
		if err != nil {
			t.Fatal(err)
		}
		uri := fmt.Sprintf("registered-models/churn/%d/artifacts", v.Number)
		s.expect(s.do(http.MethodGet, fmt.Sprintf("/api/2.0/mlflow/model-versions/get-download-uri?name=churn&version=%d", v.Number), ""), 200, "mlflow-artifacts:/"+uri)
		s.expect(s.do(http.MethodGet, strings.TrimSuffix(proxy, "/")+"?path="+uri, ""), 200, `{"files":[{"path":"MLmodel","is_dir":false,"file_size":8}]}`)
		s.expect(s.do(http.MethodGet, proxy+uri+"/MLmodel", ""), 200, "flavors:")
		s.expect(s.do(http.MethodGet, proxy+uri+"/other", ""), 404, "No such artifact")
		s.expect(s.do(http.MethodPut, proxy+uri+"/MLmodel", "x"), 400, "do not change")
		s.expect(s.do(http.MethodDelete, proxy+uri, ""), 400, "do not change")
		s.expect(s.do(http.MethodGet, fmt.Sprintf("/model-versions/get-artifact?name=churn&version=%d&path=MLmodel", v.Number), ""), 200, "flavors:")
	}
}
