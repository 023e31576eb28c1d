package migrate_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/migrate"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/remote/cloud"
	"github.com/mlops-cli/mlops/pkg/remote/file"
	"github.com/mlops-cli/mlops/pkg/remote/remotetest"
	"github.com/mlops-cli/mlops/pkg/remote/web"
)

// connector opens buckets as the program does, and closes them at the end.
func connector(t *testing.T) migrate.Connect {
	return func(ctx context.Context, place string) (*remote.Conn, error) {
		c, err := remote.Open(ctx, place, remote.Options{}, file.Driver(), cloud.Driver(), web.Driver())
		if err == nil {
			t.Cleanup(func() {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		return c, err
	}
}

// webServer serves a directory and notes what was asked for.
type webServer struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func serve(t *testing.T, dir string) *webServer {
	t.Helper()
	s := &webServer{}
	files := http.FileServer(http.Dir(dir))
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.URL.Path)
		s.mu.Unlock()
		switch {
		case strings.HasPrefix(r.URL.Path, "/denied/"):
			http.Error(w, "no", http.StatusForbidden)
		default:
			files.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// paths are those that were asked for since the last call.
func (s *webServer) paths() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.asked
	s.asked = nil
	return list
}

// fill makes a remote: in dir, with what theirs tracks.
func fill(t *testing.T) (d *theirs, dir string) {
	t.Helper()
	d = newTheirs(t)
	dir = t.TempDir()
	d.cache = filepath.Join(dir, "store")
	d.track("x", d.keep(dvc.MD5, "x\n"))
	d.track("old", d.keep(dvc.Legacy, "old\r\n"))
	d.track("dir", d.keepDir(dvc.MD5, "a", "a\n", "sub/b", strings.Repeat("b", 100_000)))
	return d, dir
}

func (d *theirs) fetch(connect migrate.Connect, paths ...string) (migrate.Fetched, error) {
	d.Helper()
	return migrate.Fetch(d.Context(), d.open(), d.origin(), paths, connect, progress.Nop{})
}

func names(res migrate.Fetched) []string {
	var list []string
	for _, o := range res.Objects {
		list = append(list, o.Path)
	}
	slices.Sort(list)
	return list
}

// A remote of a web server is read in the layouts of DVC 2 and 3; what was
// fetched is not asked for again.
func TestFetchFromWeb(t *testing.T) {
	t.Parallel()
	d, dir := fill(t)
	server := serve(t, dir)
	d.write(".dvc/config", "[core]\nremote = r\n['remote \"r\"']\nurl = "+server.URL+"/store\n")
	connect := connector(t)
	res, err := d.fetch(connect)
	if err != nil {
		t.Fatal(err)
	}
	d.same("fetched", names(res), []string{"dir", "old", "x"})
	if res.Files != 4 || res.Remote != 2+5+2+100_000 {
		t.Errorf("%d files, %d bytes of the remote", res.Files, res.Remote)
	}
	if twice := server.paths(); len(slices.Compact(slices.Sorted(slices.Values(twice)))) != len(twice) {
		t.Errorf("something was asked for twice: %q", twice)
	}
	r := d.open()
	for _, text := range []string{"x\n", "old\r\n", "a\n", strings.Repeat("b", 100_000)} {
		d.holds(r, text)
	}
	d.fsck(r)
	// Again: nothing. A directory with one file more: that file and the manifest.
	if _, err := d.fetch(connect); err != nil {
		t.Fatal(err)
	}
	d.same("asked again", server.paths(), nil)
	d.track("dir", d.keepDir(dvc.MD5, "a", "a\n", "sub/b", strings.Repeat("b", 100_000), "new", "new\n"))
	res, err = d.fetch(connect, "dir/new")
	if err != nil {
		t.Fatal(err)
	}
	if res.Files != 1 || len(server.paths()) != 2 {
		t.Errorf("%d files were fetched for one that is new", res.Files)
	}
}

// Wrong bytes are refused, and what nobody has is named, beside what is there.
func TestFetchOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	d, dir := fill(t)
	server := serve(t, dir)
	d.write(".dvc/config", "[core]\nremote = r\n['remote \"r\"']\nurl = "+server.URL+"/store\n['remote \"no\"']\nurl = "+server.URL+"/denied\n")
	wrong := dvc.Sum{Algorithm: dvc.MD5, Hex: "60b725f10c9c85c70d97880dfe8191b4"}
	d.keepAs(wrong, "something else\n")
	d.track("wrong", wrong)
	d.track("nowhere", dvc.Sum{Algorithm: dvc.MD5, Hex: "60b725f10c9c85c70d97880dfe8191b5"})
	res, err := d.fetch(connector(t))
	if !errs.Is(err, errs.Corrupt) || !strings.Contains(err.Error(), wrong.Hex[2:]) {
		t.Errorf("the error is %v", err)
	}
	d.same("fetched", names(res), []string{"dir", "old", "x"})
	d.same("absent", res.Absent, []string{"nowhere", "wrong"})
	d.lacks(d.open(), "something else\n")
	// An out may name another remote; one that may not be read says so.
	d.write("wrong.dvc", "outs:\n- md5: "+wrong.Hex+"\n  hash: md5\n  path: wrong\n  remote: no\n")
	_, err = d.fetch(connector(t), "wrong")
	if err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("the error is %v", err)
	}
	// No remote at all, and one that is not spoken.
	for config, want := range map[string]string{
		"":                                     "names no remote",
		"['remote \"g\"']\nurl = gdrive://x\n": "gdrive:// is not spoken",
		"['remote \"g\"']\nurl = s3://x\nversion_aware = true\n": "version_aware",
	} {
		d.write(".dvc/config", config)
		d.write("wrong.dvc", "outs:\n- md5: "+wrong.Hex+"\n  hash: md5\n  path: wrong\n")
		if _, err := d.fetch(connector(t), "wrong"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want one of %q", config, err, want)
		}
	}
}

// A remote in S3 is read with the keys of the environment and the endpoint that
// DVC's configuration names.
func TestFetchFromS3(t *testing.T) {
	t.Parallel()
	place := remotetest.S3URL(t)
	d, dir := fill(t)
	conn, err := connector(t)(t.Context(), strings.Replace(place, "s3://bucket", "s3://bucket/team/store", 1))
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(filepath.Join(dir, "store"), func(p string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(filepath.Join(dir, "store"), p)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		return conn.Put(t.Context(), filepath.ToSlash(rel), int64(len(text)), remote.Bytes(text), remote.PutOptions{})
	})
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ := strings.Cut(place, "endpoint=")
	endpoint, _, _ := strings.Cut(query, "&")
	d.write(".dvc/config", "[core]\nremote = r\n['remote \"base\"']\nurl = s3://bucket/team\nendpointurl = "+endpoint+"\n['remote \"r\"']\nurl = remote://base/store\n")
	res, err := d.fetch(connector(t))
	if err != nil {
		t.Fatal(err)
	}
	d.same("fetched", names(res), []string{"dir", "old", "x"})
	d.holds(d.open(), "old\r\n")
}
