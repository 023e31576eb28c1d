package repo

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/tree"
)

func gitIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	c := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=b", "-c", "init.defaultBranch=main"}, args...)...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func newRepo(t *testing.T) *Repo {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("SKIP: git is not installed")
	}
	dir := t.TempDir()
	gitIn(t, dir, "init", "-q")
	if _, err := Init(t.Context(), dir, InitOptions{}); err != nil {
		t.Fatal(err)
	}
	r, err := Find(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const golden = `mlops: 1
path: train
kind: dir
id: sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb
size: 12
files: 3
`

func TestPointerIsReadForEver(t *testing.T) {
	t.Parallel()
	want := Object{Path: "data/train", Kind: tree.Dir, ID: oid.Sum([]byte("a")), Size: 12, Files: 3}
	got, err := ParsePointer("data/train.mlops", []byte(golden))
	if err != nil || got != want {
		t.Fatalf("read %+v, %v", got, err)
	}
	text, err := encodePointer(want, nil, nil)
	if err != nil || string(text) != golden {
		t.Fatalf("written as\n%s%v", text, err)
	}
}

func TestPointerKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	old := "# ours\n" + strings.Replace(golden, "size: 12", "size: 12 # bytes\nowner: ada", 1)
	text, err := encodePointer(Object{Path: "data/train", Kind: tree.Dir, ID: oid.Sum([]byte("b")), Size: 13, Files: 4}, []byte(old), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# ours\n", "size: 13 # bytes\n", "owner: ada\n", "files: 4\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is lost in\n%s", want, text)
		}
	}
}

func TestBrokenPointersNameTheLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to, want string }{
		{"kind: dir", "kind: heap", "x.mlops:3: kind"},
		{"size: 12", "size: -1", "x.mlops:5: size"},
		{"mlops: 1", "mlops: 2", "x.mlops:1: mlops: version 2"},
		{"path: x", "path: y", "does not match the name of the file"},
		{"sha256:", "md5:", "x.mlops:4: id"},
		{"files: 3\n", "files: 3\nfiles: 4\n", "x.mlops:7: files stands twice"},
		{"size: 12\n", "", "size is missing"},
	} {
		text := strings.Replace(strings.Replace(golden, "path: train", "path: x", 1), c.from, c.to, 1)
		_, err := ParsePointer("x.mlops", []byte(text))
		if !errs.Is(err, errs.Usage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s → %s: error is %v, want %q", c.from, c.to, err, c.want)
		}
	}
}

func TestIgnoreEntriesMeanTheirNameOnly(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	names := []string{"plain", "a b", "end ", "#hash", "!bang", "st*r", "q?", "[x]", `back\slash`, "new\nline", "ü", "\xff"}
	for _, n := range names {
		if err := os.MkdirAll(filepath.Join(r.Root, "d", n), 0o755); err != nil {
			t.Skipf("SKIP: this file system cannot have %q: %v", n, err)
		}
		if err := r.Ignore(t.Context(), "d/"+n); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Ignore(t.Context(), "d/plain"); err != nil {
		t.Fatal(err)
	}
	for _, n := range append(names, "other", "stXr", "sub/plain") {
		out, err := exec.Command("git", "-C", r.Root, "check-ignore", "-q", "--no-index", "d/"+n).CombinedOutput()
		if ignored, want := err == nil, len(n) > 0 && n != "other" && n != "stXr" && n != "sub/plain"; ignored != want {
			t.Errorf("%q: ignored %t, want %t %s", n, ignored, want, out)
		}
	}
	for _, n := range names {
		if err := r.Unignore(t.Context(), "d/"+n); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(r.Root, "d", ".gitignore")); !os.IsNotExist(err) {
		t.Fatalf("left in .gitignore: %q (%v)", text, err)
	}
}

func TestTrackedHereAndAtRevisions(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	o := Object{Path: "data/train", Kind: tree.Dir, ID: oid.Sum([]byte("1")), Size: 1, Files: 1}
	if err := os.MkdirAll(r.Path("data/train/inner"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := r.WritePointer(o); err != nil {
		t.Fatal(err)
	}
	// Inside a tracked directory pointers are data.
	if err := os.WriteFile(r.Path("data/train/inner/x.mlops"), []byte("no pointer"), 0o600); err != nil {
		t.Fatal(err)
	}
	gitIn(t, r.Root, "add", "data/train.mlops")
	staged, err := r.TrackedStaged(t.Context())
	if err != nil || len(staged) != 1 {
		t.Fatalf("staged: %v (%v)", staged, err)
	}
	gitIn(t, r.Root, "commit", "-qm", "one")
	newer := o
	newer.ID = oid.Sum([]byte("2"))
	if err := r.WritePointer(newer); err != nil {
		t.Fatal(err)
	}
	gitIn(t, r.Root, "stash", "-q")
	if err := r.WritePointer(newer); err != nil {
		t.Fatal(err)
	}
	now, err := r.Tracked(t.Context())
	if err != nil || len(now) != 1 || now[0].Object != newer || now[0].Source != "data/train.mlops" {
		t.Fatalf("tracked: %+v (%v)", now, err)
	}
	old, err := r.TrackedAt(t.Context(), "HEAD")
	if err != nil || len(old) != 1 || old[0].Object != o {
		t.Fatalf("tracked at HEAD: %+v (%v)", old, err)
	}
	refs, err := r.GitRefs(t.Context())
	if err != nil || len(refs) != 2 {
		t.Fatalf("refs %v (%v), want the commit and the stash", refs, err)
	}
	if _, err := r.TrackedAt(t.Context(), "mian"); !errs.Is(err, errs.NotFound) {
		t.Fatalf("unknown revision: %v", err)
	}
}

func TestEditConfigKeepsComments(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte("# top\nformat: 1 # version\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for _, step := range []struct {
		keys  []string
		value any
	}{
		{[]string{"remotes", "o.rigin"}, "s3://b"},
		{[]string{"core", "remote"}, "o.rigin"},
		{[]string{"core", "remote"}, nil},
	} {
		if err := EditConfig(ctx, file, step.keys, step.value); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if want := "# top\nformat: 1 # version\nremotes:\n  o.rigin: s3://b\n"; err != nil || string(text) != want {
		t.Fatalf("got\n%s(%v)", text, err)
	}
}

func TestTextKeepsEveryByte(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(map[string]Text{"p": "a\n\"\xff\\ü"})
	if want := `{"p":"a\n\"\udcff\\ü"}`; err != nil || string(got) != want {
		t.Fatalf("%s (%v), want %s", got, err, want)
	}
}

func FuzzPointer(f *testing.F) {
	f.Add([]byte(golden))
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := ParsePointer("data/train.mlops", text)
		if err != nil {
			return
		}
		again, err := encodePointer(o, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParsePointer("data/train.mlops", again); err != nil || back != o {
			t.Fatalf("%+v became %+v (%v)", o, back, err)
		}
	})
}
