package reproduce_test

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/reproduce"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// lab is a repository with a commit, and the runs that were made in it, newest
// first.
type lab struct {
	*testing.T
	root string
	repo *repo.Repo
	work *workspace.Workspace
	runs []track.Run
}

var _ reproduce.Runs = (*lab)(nil)

func newLab(t *testing.T, withGit bool) *lab {
	t.Helper()
	l := &lab{T: t, root: t.TempDir()}
	if withGit {
		if _, err := exec.LookPath("git"); err != nil {
			t.Skip("SKIPPED: git is not installed")
		}
		l.git("init", "-q", "-b", "main")
		l.git("config", "user.name", "ada")
		l.git("config", "user.email", "ada@example.com")
		l.git("config", "core.autocrlf", "false")
	}
	if _, err := repo.Init(t.Context(), l.root, repo.InitOptions{NoGit: !withGit}); err != nil {
		t.Fatal(err)
	}
	var err error
	if l.repo, err = repo.Find(t.Context(), l.root); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.repo.Close(); err != nil {
			t.Error(err)
		}
	})
	l.work = workspace.New(l.repo, progress.Nop{})
	l.write("train.sh", "echo one\n")
	l.write("params.yaml", "lr: 1\n")
	l.write(".gitignore", "/out\n/data\n")
	if withGit {
		l.git("add", "-A")
		l.git("commit", "-qm", "one")
	}
	return l
}

func (l *lab) path(name string) string { return filepath.Join(l.root, filepath.FromSlash(name)) }

func (l *lab) write(name, text string) {
	l.Helper()
	if err := os.MkdirAll(filepath.Dir(l.path(name)), 0o755); err != nil {
		l.Fatal(err)
	}
	if err := os.WriteFile(l.path(name), []byte(text), 0o644); err != nil {
		l.Fatal(err)
	}
}

// has checks what stands in a file; "" for nothing at all.
func (l *lab) has(name, want string) {
	l.Helper()
	got, err := os.ReadFile(l.path(name))
	if want == "" && os.IsNotExist(err) {
		return
	}
	if err != nil || string(got) != want {
		l.Errorf("%s has %q, want %q (%v)", name, got, want, err)
	}
}

func (l *lab) git(args ...string) string {
	l.Helper()
	c := exec.Command("git", append([]string{"-C", l.root}, args...)...)
	out, err := c.CombinedOutput()
	if err != nil {
		l.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (l *lab) put(text string) oid.ID {
	l.Helper()
	st, err := l.repo.Store(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	batch, err := st.NewBatch(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	id, err := batch.PutBytes([]byte(text))
	if err != nil {
		l.Fatal(err)
	}
	if err := batch.Commit(); err != nil {
		l.Fatal(err)
	}
	if err := batch.Close(); err != nil {
		l.Fatal(err)
	}
	return id
}

// record makes a run of what stands in the workspace: its params are kept, and
// out and data as outputs where they are there.
func (l *lab) record(name string) *track.Run {
	l.Helper()
	run := track.Run{ID: strings.Repeat(string("0123456789abcdef"[len(l.runs)%16]), 32), Name: name, Status: track.Finished}
	keep := func(asset, text string) {
		run.Assets = append(run.Assets, track.Asset{Path: asset, Role: track.Artifact, Kind: "file", ID: l.put(text), Size: int64(len(text)), Files: 1})
	}
	params, err := os.ReadFile(l.path("params.yaml"))
	if err != nil {
		l.Fatal(err)
	}
	keep(track.ParamsPrefix+"params.yaml", string(params))
	run.Params = []track.Param{{Key: "lr", Value: strings.TrimSpace(strings.TrimPrefix(string(params), "lr:"))}}
	if l.repo.Git().Exists() {
		run.Git.Commit = strings.TrimSpace(l.git("rev-parse", "HEAD"))
		if patch := l.git("diff", "--", "train.sh"); patch != "" {
			run.Git.Dirty = true
			keep(track.CodePatch, patch)
		}
	}
	found, err := l.work.Save(l.Context(), []string{"out", "data"})
	if err != nil {
		l.Fatal(err)
	}
	rec := stagefile.Record{Stage: "make", Fingerprint: strings.Repeat("0", 64), Cmd: []string{"make"}}
	for _, at := range []string{"data", "out"} {
		if o, ok := found[at]; ok {
			rec.Outs = append(rec.Outs, stagefile.Asset{Path: at, Kind: stagefile.Kind(o.Kind.String()), ID: o.ID, Size: o.Size, Files: o.Files})
			run.Assets = append(run.Assets, track.Asset{Path: at, Role: track.Output, Kind: o.Kind.String(), ID: o.ID, Size: o.Size, Files: o.Files})
		}
	}
	lock := stagefile.NewLock()
	lock.Set(rec)
	keep(track.LockPrefix+stagefile.LockName, string(lock.Encode()))
	l.write(stagefile.LockName, string(lock.Encode()))
	l.runs = slices.Insert(l.runs, 0, run)
	return &run
}

func (l *lab) Runs(_ context.Context, q track.Query) ([]track.Run, error) {
	return l.runs[:min(len(l.runs), q.Limit)], nil
}

func (l *lab) Run(_ context.Context, id string) (track.Run, error) {
	for _, r := range l.runs {
		if r.ID == id {
			return r, nil
		}
	}
	return track.Run{}, errs.New(errs.NotFound, "no run %s", id)
}

func (l *lab) HasAsset(_ context.Context, path string, id oid.ID) (bool, error) {
	return slices.ContainsFunc(l.runs, func(r track.Run) bool {
		return slices.ContainsFunc(r.Assets, func(a track.Asset) bool { return a.Path == path && a.ID == id })
	}), nil
}

var everything = reproduce.ApplyRequest{Code: true, Params: true, Data: true}

func (l *lab) apply(run *track.Run, q reproduce.ApplyRequest) (reproduce.Applied, error) {
	l.Helper()
	return reproduce.New(l.repo, l.work, l).Apply(l.Context(), run, q)
}

func (l *lab) mustApply(run *track.Run, q reproduce.ApplyRequest) reproduce.Applied {
	l.Helper()
	res, err := l.apply(run, q)
	if err != nil {
		l.Fatal(err)
	}
	return res
}

// two makes two runs that differ in code, params and data; the workspace is as
// the second left it.
func (l *lab) two() (one, two *track.Run) {
	l.Helper()
	l.write("out", "1\n")
	l.write("data/a", "a1\n")
	l.write("data/same", "same\n")
	one = l.record("first")
	l.write("train.sh", "echo two\n")
	l.write("params.yaml", "lr: 2\n")
	l.write("out", "2\n")
	l.write("data/a", "a2\n")
	l.write("data/b", "b\n")
	return one, l.record("second")
}

func TestApply(t *testing.T) {
	t.Parallel()
	l := newLab(t, true)
	one, two := l.two()
	head := l.git("rev-parse", "HEAD")
	l.mustApply(one, everything)
	l.has("train.sh", "echo one\n")
	l.has("params.yaml", "lr: 1\n")
	l.has("out", "1\n")
	l.has("data/a", "a1\n")
	l.has("data/b", "")
	// Again there is nothing to do; and forth.
	if res := l.mustApply(one, everything); len(res.Written)+len(res.Removed) > 0 {
		t.Errorf("it wrote %q and removed %q again", res.Written, res.Removed)
	}
	l.mustApply(two, everything)
	l.has("train.sh", "echo two\n")
	l.has("data/b", "b\n")
	if l.git("rev-parse", "HEAD") != head || l.git("diff", "--cached", "--name-only") != "" {
		t.Error("the commit or git's index were touched")
	}
	// Some of it.
	l.mustApply(one, reproduce.ApplyRequest{Params: true})
	l.has("params.yaml", "lr: 1\n")
	l.has("train.sh", "echo two\n")
	l.mustApply(one, reproduce.ApplyRequest{Data: true})
	l.has("out", "1\n")
	l.has("train.sh", "echo two\n")
}

// What neither git nor a run has is not lost, and then nothing else is touched.
func TestApplyRefusesToOverwrite(t *testing.T) {
	t.Parallel()
	l := newLab(t, true)
	one, _ := l.two()
	for name, mine := range map[string]string{"train.sh": "echo mine\n", "params.yaml": "lr: 99\n"} {
		t.Run(name, func(t *testing.T) {
			before, err := os.ReadFile(l.path(name))
			if err != nil {
				t.Fatal(err)
			}
			l.write(name, mine)
			_, err = l.apply(one, everything)
			if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), name) {
				t.Errorf("the error is %v", err)
			}
			l.has(name, mine)
			l.has("out", "2\n")
			l.has("data/a", "a2\n")
			l.write(name, string(before))
		})
	}
	l.write("out", "mine\n")
	if _, err := l.apply(one, everything); !errs.Is(err, errs.Conflict) {
		t.Errorf("an output that is not saved: %v", err)
	}
	l.has("out", "mine\n")
	force := everything
	force.Force = true
	l.write("train.sh", "echo mine\n")
	l.mustApply(one, force)
	l.has("train.sh", "echo one\n")
	l.has("out", "1\n")
}

// Data that is not on this machine is named, the rest is in place; with somebody
// to ask it is fetched.
func TestApplyOfDataThatIsElsewhere(t *testing.T) {
	t.Parallel()
	l := newLab(t, true)
	one, _ := l.two()
	const text = "of another machine\n"
	far := stagefile.Asset{Path: "far", Kind: stagefile.KindFile, ID: oid.Sum([]byte(text)), Size: int64(len(text)), Files: 1}
	for i, a := range one.Assets {
		if a.Path == track.LockPrefix+stagefile.LockName {
			lock := stagefile.NewLock()
			lock.Set(stagefile.Record{Stage: "far", Fingerprint: strings.Repeat("1", 64), Cmd: []string{"far"}, Outs: []stagefile.Asset{far}})
			one.Assets[i].ID = l.put(string(lock.Encode()))
		}
	}
	one.Assets = append(one.Assets, track.Asset{Path: "far", Role: track.Output, Kind: "file", ID: far.ID, Size: far.Size, Files: 1})
	res, err := l.apply(one, everything)
	if !errs.Is(err, errs.Partial) || !slices.Equal(res.Missing, []string{"far"}) {
		t.Errorf("missing is %q, the error %v", res.Missing, err)
	}
	l.has("params.yaml", "lr: 1\n")
	p := reproduce.New(l.repo, l.work, l)
	p.Fetch = func(_ context.Context, objects []repo.Object) error {
		for _, o := range objects {
			if o.Path != "far" || o.Kind != tree.File {
				t.Errorf("%s is fetched", o.Path)
			}
		}
		l.put(text)
		return nil
	}
	if _, err := p.Apply(t.Context(), one, everything); err != nil {
		t.Fatal(err)
	}
	l.has("far", text)
}

// Without git, what a run kept comes back.
func TestApplyWithoutGit(t *testing.T) {
	t.Parallel()
	l := newLab(t, false)
	one, two := l.two()
	l.mustApply(one, everything)
	l.has("params.yaml", "lr: 1\n")
	l.has("out", "1\n")
	l.has("train.sh", "echo two\n") // nobody kept it
	l.write("params.yaml", "lr: 99\n")
	if _, err := l.apply(two, everything); !errs.Is(err, errs.Conflict) {
		t.Errorf("the error is %v", err)
	}
	l.has("params.yaml", "lr: 99\n")
	if _, err := reproduce.New(l.repo, l.work, l).Branch(t.Context(), one, ""); !errs.Is(err, errs.Usage) {
		t.Errorf("a branch without git: %v", err)
	}
}

// A record that came from elsewhere cannot write outside of the workspace, nor
// into what mlops keeps.
func TestApplyStaysInside(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../out.txt", "/etc/x", "a/../../x", ".git/hooks/post-checkout", ".mlops/config.yaml", "a//b"} {
		l := newLab(t, true)
		one, _ := l.two()
		one.Assets = append(one.Assets, track.Asset{Path: track.ParamsPrefix + name, Role: track.Artifact, Kind: "file", ID: l.put("bad\n"), Size: 4, Files: 1})
		if _, err := l.apply(one, everything); !errs.Is(err, errs.Corrupt) {
			t.Errorf("%s: the error is %v", name, err)
		}
		l.has("train.sh", "echo two\n")
	}
}

// A commit that is not in this clone, changes that were not kept: it is said.
func TestApplyOfIncompleteCode(t *testing.T) {
	t.Parallel()
	l := newLab(t, true)
	one, two := l.two()
	away := *one
	away.Git = track.Git{Commit: strings.Repeat("a", 40), Remote: "https://example.com/x"}
	if _, err := l.apply(&away, everything); !errs.Is(err, errs.NotFound) || !strings.Contains(err.Error(), "not in this clone") {
		t.Errorf("the error is %v", err)
	}
	lost := *two
	lost.Assets = slices.DeleteFunc(slices.Clone(two.Assets), func(a track.Asset) bool { return a.Path == track.CodePatch })
	if res := l.mustApply(&lost, everything); !res.Incomplete {
		t.Error("it is not said that changes are missing")
	}
}

func TestBranch(t *testing.T) {
	t.Parallel()
	l := newLab(t, true)
	_, two := l.two()
	two.Note = "the good one"
	p := reproduce.New(l.repo, l.work, l)
	res, err := p.Branch(t.Context(), two, "")
	if err != nil {
		t.Fatal(err)
	}
	if res.Branch != "second" || res.Parent != two.Git.Commit || strings.TrimSpace(l.git("rev-parse", "second")) != res.Commit {
		t.Errorf("made %+v", res)
	}
	if got := l.git("show", "second:train.sh") + l.git("show", "second:params.yaml"); got != "echo two\nlr: 2\n" {
		t.Errorf("the branch has %q", got)
	}
	if message := l.git("log", "-1", "--format=%B", "second"); !strings.Contains(message, "the good one") || !strings.Contains(message, "lr: 2") || !strings.Contains(message, two.ID) {
		t.Errorf("the commit says %q", message)
	}
	if l.git("branch", "--show-current") != "main\n" {
		t.Error("another branch is checked out")
	}
	l.has("train.sh", "echo two\n")
	if _, err := p.Branch(t.Context(), two, ""); !errs.Is(err, errs.Conflict) {
		t.Errorf("a second time: %v", err)
	}
	if _, err := p.Branch(t.Context(), two, "bad..name"); !errs.Is(err, errs.Usage) {
		t.Errorf("a bad name: %v", err)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	l := newLab(t, true)
	one, two := l.two()
	nan := track.Value(math.NaN())
	one.Metrics = []track.Summary{{Key: "acc", Value: 0.5}, {Key: "nan", Value: nan}, {Key: "old", Value: 1}}
	two.Metrics = []track.Summary{{Key: "acc", Value: 0.75}, {Key: "nan", Value: nan}, {Key: "new", Value: 2}}
	d, err := reproduce.New(l.repo, l.work, l).Diff(t.Context(), one, two, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Params) != 1 || *d.Params[0].Old != "1" || *d.Params[0].New != "2" {
		t.Errorf("params: %+v", d.Params)
	}
	if len(d.Metrics) != 3 || d.Metrics[0].Key != "acc" || *d.Metrics[0].Diff != 0.25 || d.Metrics[1].Old != nil || d.Metrics[2].New != nil {
		t.Errorf("metrics: %+v", d.Metrics)
	}
	if !d.Code.Known || len(d.Code.Files) != 3 || !strings.Contains(d.Code.Patch, "+echo two") {
		t.Errorf("code: %+v", d.Code)
	}
	var data []string
	for _, f := range d.Data {
		data = append(data, f.Change+" "+f.Path)
	}
	if want := []string{"modified data/a", "added data/b", "modified out"}; !slices.Equal(data, want) {
		t.Errorf("data: %q, want %q", data, want)
	}
	if d.Totals != (reproduce.DataTotals{Added: 1, Modified: 2, Bytes: 2}) {
		t.Errorf("totals: %+v", d.Totals)
	}
	// What is in a directory that is not here is not known, and no error.
	for i := range two.Assets {
		if two.Assets[i].Path == "data" {
			two.Assets[i].ID = oid.Sum([]byte("elsewhere"))
		}
	}
	two.Git.Commit = strings.Repeat("a", 40)
	d, err = reproduce.New(l.repo, l.work, l).Diff(t.Context(), one, two, false)
	if err != nil {
		t.Fatal(err)
	}
	if d.Code.Known || !strings.Contains(d.Code.Why, "not in this clone") {
		t.Errorf("code: %+v", d.Code)
	}
	if !slices.ContainsFunc(d.Data, func(f reproduce.FileDiff) bool { return f.Path == "data" && f.Change == "modified" }) {
		t.Errorf("data: %+v", d.Data)
	}
}
