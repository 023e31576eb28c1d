package migrate_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/migrate"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/upkeep"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// What the caches of DVC 3 and DVC 2 have comes into the store; the files of the
// workspace are not needed.
func TestImportOfBothLayouts(t *testing.T) {
	t.Parallel()
	d := newTheirs(t)
	d.track("new.txt", d.keep(dvc.MD5, "of DVC 3\r\n"))
	d.track("old.txt", d.keep(dvc.Legacy, "of DVC 2\r\n")) // its sum is that of one line feed
	d.track("sub/dir", d.keepDir(dvc.MD5, "a", "a\n", "ü/b", "b\n"))
	d.track("olddir", d.keepDir(dvc.Legacy, "a", "a\r\n"))
	r := d.open()
	res := d.take(r)
	d.same("paths", states(res), []string{"new.txt new", "old.txt new", "olddir new", "sub/dir new"})
	for _, text := range []string{"of DVC 3\r\n", "of DVC 2\r\n", "a\n", "b\n", "a\r\n"} {
		d.holds(r, text)
	}
	d.same("problems", res.Problems, nil)
	tracked, err := r.Tracked(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	objects := make([]repo.Object, len(tracked))
	for i, at := range tracked {
		if at.Foreign {
			t.Errorf("%s has no pointer", at.Path)
		}
		objects[i] = at.Object
	}
	if _, err := workspace.New(r, progress.Nop{}).Restore(t.Context(), objects, workspace.RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(d.path("sub/dir/ü/b")); err != nil || string(text) != "b\n" {
		t.Errorf("restored %q (%v)", text, err)
	}
}

// A second import does nothing and writes nothing; neither does DVC's side see
// a change.
func TestRepeatedImportChangesNothing(t *testing.T) {
	t.Parallel()
	d := newTheirs(t)
	d.track("x", d.keep(dvc.MD5, "x\n"))
	d.track("dir", d.keepDir(dvc.MD5, "a", "a\n"))
	d.write(".dvcignore", "*.tmp\n")
	before := snapshot(t, filepath.Join(d.root, ".dvc"))
	r := d.open()
	d.take(r)
	if after := snapshot(t, filepath.Join(d.root, ".dvc")); !slices.Equal(before, after) {
		t.Errorf("DVC's files were changed:\n%q\n%q", before, after)
	}
	before = snapshot(t, d.root)
	res := d.take(r)
	d.same("paths", states(res), []string{"dir same", "x same"})
	d.same("written", res.Written, nil)
	if res.Objects != 0 {
		t.Errorf("%d files were read again", res.Objects)
	}
	after := snapshot(t, d.root)
	if !slices.Equal(before, after) {
		t.Errorf("files were changed:\n%q\n%q", before, after)
	}
}

// snapshot lists the files below a directory, with their size and time of change.
func snapshot(t *testing.T, root string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.Contains(p, ".db") || strings.HasPrefix(e.Name(), "store.lock") {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		list = append(list, strings.TrimPrefix(p, root)+" "+info.ModTime().String())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// What is damaged is named and left out; the rest is taken over.
func TestImportOfADamagedCache(t *testing.T) {
	t.Parallel()
	d := newTheirs(t)
	d.track("good", d.keep(dvc.MD5, "good\n"))
	// Another content than its name says: small, and large.
	wrong := dvc.Sum{Algorithm: dvc.MD5, Hex: "60b725f10c9c85c70d97880dfe8191b3"}
	d.keepAs(wrong, "not a\n")
	d.track("wrong", wrong)
	large := dvc.Sum{Algorithm: dvc.MD5, Hex: "3b5d5c3712955042212316173ccf37be"}
	d.keepAs(large, strings.Repeat("not b\n", 20_000))
	d.track("large", large)
	// Manifests: no JSON, one with a path that leads out, one that was cut off.
	notJSON, err := dvc.SumOf(dvc.MD5, strings.NewReader("no JSON"))
	if err != nil {
		t.Fatal(err)
	}
	notJSON.Hex += dvc.DirSuffix
	d.keepAs(notJSON, "no JSON")
	d.track("broken", notJSON)
	out := `[{"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "../out"}]`
	leading, err := dvc.SumOf(dvc.MD5, strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	leading.Hex += dvc.DirSuffix
	d.keepAs(leading, out)
	d.track("leading", leading)
	cut := dvc.Sum{Algorithm: dvc.MD5, Hex: "8b3662b0d460701f7734cdf533c5aa85.dir"}
	d.keepAs(cut, `[{"md5": "60b7`)
	d.track("cut", cut)
	// A file of a directory is gone, and so is a whole one.
	dir := d.keepDir(dvc.MD5, "here", "here\n", "gone", "gone\n")
	gone, err := dvc.SumOf(dvc.MD5, strings.NewReader("gone\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(d.cache, filepath.FromSlash(gone.Key()))); err != nil {
		t.Fatal(err)
	}
	d.track("part", dir)
	d.track("absent", gone)
	d.write("nonsense.dvc", "outs: 1\n")

	r := d.open()
	res := d.take(r)
	d.same("paths", states(res), []string{
		"absent absent", "broken absent", "cut absent", "good new", "large absent", "leading absent", "part absent", "wrong absent",
	})
	all := strings.Join(res.Problems, "\n")
	for _, hint := range []string{wrong.Hex[2:], large.Hex[2:], "directory manifest", `"../out"`, cut.Hex[2:], "nonsense.dvc"} {
		if !strings.Contains(all, hint) {
			t.Errorf("no problem names %s:\n%s", hint, all)
		}
	}
	d.holds(r, "good\n")
	d.lacks(r, "not a\n")
	d.lacks(r, strings.Repeat("not b\n", 20_000))
	if _, err := os.Lstat(d.path("wrong.mlops")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a damaged file has a pointer (%v)", err)
	}
	// With the cache mended the same command does the rest.
	d.keep(dvc.MD5, "gone\n")
	d.same("paths", slices.DeleteFunc(states(d.take(r)), func(s string) bool { return !strings.HasSuffix(s, "new") }), []string{"absent new", "part new"})
}

// Large files of the cache are not copied where the file system can share them;
// one that may be written is never made one file with ours.
func TestImportLinks(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED: permissions are others on Windows")
	}
	d := newTheirs(t)
	protected, writable := strings.Repeat("protected", 20_000), strings.Repeat("writable", 20_000)
	d.track("protected", d.keep(dvc.MD5, protected))
	sum := d.keep(dvc.MD5, writable)
	d.track("writable", sum)
	if err := os.Chmod(filepath.Join(d.cache, filepath.FromSlash(sum.Key())), 0o644); err != nil {
		t.Fatal(err)
	}
	// Twice in one directory: it is brought once.
	d.track("twice", d.keepDir(dvc.MD5, "a", protected, "b", protected))
	r := d.open()
	res := d.take(r)
	d.same("paths", states(res), []string{"protected new", "twice new", "writable new"})
	st, err := r.Store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reflinks := fsx.Clone(d.path("clone"), d.path(".dvc/config")) == nil
	want := int64(len(protected))
	if reflinks {
		want += int64(len(writable))
	}
	if res.Linked != want || res.Objects != 2 {
		t.Errorf("%d bytes of %d files are linked, want %d of 2", res.Linked, res.Objects, want)
	}
	ours, loose := st.LoosePath(oid.Sum([]byte(writable)))
	if !loose {
		t.Fatal("the writable file is not in the store")
	}
	one, err := os.Stat(ours)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.Stat(filepath.Join(d.cache, filepath.FromSlash(sum.Key())))
	if err != nil || os.SameFile(one, other) {
		t.Errorf("a file that may be written is the store's, too (%v)", err)
	}
	left, err := filepath.Glob(d.path(".mlops/tmp/incoming-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %q (%v)", left, err)
	}
	d.fsck(r)
}

func (d *theirs) fsck(r *repo.Repo) {
	d.Helper()
	res, err := upkeep.New(r).Fsck(d.Context(), progress.Nop{})
	if err != nil || !res.OK {
		d.Errorf("fsck: %+v (%v)", res.Findings, err)
	}
}

// An import that ended between any two steps is finished by the same one.
func TestImportThatWasCutOff(t *testing.T) {
	t.Parallel()
	for stop := 1; ; stop++ {
		d := newTheirs(t)
		d.track("x", d.keep(dvc.MD5, "x\n"))
		d.track("dir", d.keepDir(dvc.MD5, "a", "a\n", "b", strings.Repeat("b", 100_000)))
		d.write("dvc.yaml", "stages:\n  s:\n    cmd: cp x y\n    deps: [x]\n    outs: [y]\n")
		d.write("dvc.lock", "schema: '2.0'\nstages:\n  s:\n    cmd: cp x y\n    deps:\n    - path: x\n      hash: md5\n      md5: "+d.keep(dvc.MD5, "x\n").Hex+
			"\n    outs:\n    - path: y\n      hash: md5\n      md5: "+d.keep(dvc.MD5, "x\n").Hex+"\n")
		r := d.open()
		passed := 0
		ctx := fault.WithHook(t.Context(), func(string) error {
			if passed++; passed == stop {
				return errCut
			}
			return nil
		})
		_, err := d.importer(r).Import(ctx, migrate.ImportRequest{})
		if err == nil {
			if stop < 5 {
				t.Fatalf("there are only %d points", passed)
			}
			return
		}
		if !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		d.take(r)
		again := d.take(r)
		d.same("paths after point", states(again), []string{"dir same", "x same"})
		if len(again.Stages) != 1 || again.Stages[0].State != migrate.StateSame {
			t.Errorf("stages are %+v", again.Stages)
		}
		d.holds(r, "x\n")
		d.fsck(r)
	}
}

var errCut = errors.New("cut off")

// Of a directory with a program in it two objects belong to one sum of DVC, which
// knows nothing of executable bits: the one counts that is in the store.
func TestImportOfExecutableFiles(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED: Windows has no executable bits")
	}
	d := newTheirs(t)
	d.track("dir", d.keepDir(dvc.MD5, "tool", "#!/bin/sh\n", "data", strings.Repeat("x", 200_000)))
	d.write("dir/tool", "#!/bin/sh\n")
	d.write("dir/data", strings.Repeat("x", 200_000))
	if err := os.Chmod(d.path("dir/tool"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := d.open()
	// Its id is learnt, and nothing is stored.
	if _, err := r.Tracked(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(d.path("dir")); err != nil {
		t.Fatal(err)
	}
	d.same("paths", states(d.take(r)), []string{"dir new"})
	d.fsck(r)
	o, err := r.ReadPointer("dir.mlops")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := workspace.New(r, progress.Nop{}).Restore(t.Context(), []repo.Object{o}, workspace.RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	// Where it stands with its bits, that is what is taken over.
	other := newTheirs(t)
	other.track("dir", other.keepDir(dvc.MD5, "tool", "#!/bin/sh\n", "data", strings.Repeat("x", 200_000)))
	other.write("dir/tool", "#!/bin/sh\n")
	other.write("dir/data", strings.Repeat("x", 200_000))
	if err := os.Chmod(other.path("dir/tool"), 0o755); err != nil {
		t.Fatal(err)
	}
	r = other.open()
	other.same("paths", states(other.take(r)), []string{"dir new"})
	other.fsck(r)
	exec, err := r.ReadPointer("dir.mlops")
	if err != nil || exec.ID == o.ID {
		t.Errorf("the executable bit was lost (%v)", err)
	}
}

// Both sides may move on: DVC's newer sum is taken over, ours is kept, and where
// both did so it is said.
func TestImportAfterBothMovedOn(t *testing.T) {
	t.Parallel()
	d := newTheirs(t)
	for _, name := range []string{"dvc", "ours", "both"} {
		d.track(name, d.keep(dvc.MD5, "one\n"))
		d.write(name, "one\n")
	}
	r := d.open()
	d.take(r)
	for _, name := range []string{"ours", "both"} {
		d.write(name, "mine\n")
		if _, err := workspace.New(r, progress.Nop{}).Add(t.Context(), workspace.AddRequest{Dir: d.root, Paths: []string{name}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"dvc", "both"} {
		d.track(name, d.keep(dvc.MD5, "two\n"))
	}
	d.same("paths", states(d.take(r)), []string{"both conflict", "dvc updated", "ours same"})
	d.holds(r, "mine\n")
	d.holds(r, "two\n")
}

// A preview writes nothing at all.
func TestPreview(t *testing.T) {
	t.Parallel()
	d := newTheirs(t)
	d.write(".dvc/config", "['remote \"a\"']\nurl = s3://bucket/x\n['remote \"b\"']\nurl = gdrive://x\n['remote \"c\"']\nurl = https://example.com/data\n")
	d.track("x", d.keep(dvc.MD5, "x\n"))
	d.track("gone", dvc.Sum{Algorithm: dvc.MD5, Hex: "60b725f10c9c85c70d97880dfe8191b3"})
	d.write("bad.dvc", "- x\n")
	before := snapshot(t, d.root)
	res, err := migrate.Preview(t.Context(), d.origin(), nil)
	if err != nil {
		t.Fatal(err)
	}
	d.same("paths", states(res), []string{"gone absent", "x new"})
	if len(res.Problems) != 1 || len(res.Remotes) != 3 {
		t.Errorf("problems %q, remotes %+v", res.Problems, res.Remotes)
	}
	if got := res.Remotes[0]; got.Ours != "s3://bucket/x/mlops" || got.State != migrate.StateNew {
		t.Errorf("remote is %+v", got)
	}
	for _, unspoken := range res.Remotes[1:] {
		if unspoken.Ours != "" || unspoken.Why == "" {
			t.Errorf("remote is %+v", unspoken)
		}
	}
	if after := snapshot(t, d.root); !slices.Equal(before, after) {
		t.Errorf("files were changed:\n%q\n%q", before, after)
	}
}

// Without a repository of DVC it is said where to go.
func TestFindOrigin(t *testing.T) {
	t.Parallel()
	_, err := migrate.FindOrigin(t.TempDir())
	if !errs.Is(err, errs.NotARepository) {
		t.Errorf("the error is %v", err)
	}
	d := newTheirs(t)
	d.write("sub/x", "")
	o, err := migrate.FindOrigin(d.path("sub"))
	if err != nil || o.Root != d.root {
		t.Errorf("found %+v (%v)", o, err)
	}
}

// Nothing hangs on a context that ended.
func TestImportEnds(t *testing.T) {
	t.Parallel()
	d := newTheirs(t)
	d.track("dir", d.keepDir(dvc.MD5, "a", "a\n"))
	r := d.open()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.importer(r).Import(ctx, migrate.ImportRequest{}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
