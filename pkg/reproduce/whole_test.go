package reproduce_test

import (
	"os"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/reproduce"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// keepCode has a run keep all its code, and neither commit nor patch.
func (l *lab) keepCode(run *track.Run, files map[string]string) {
	l.Helper()
	edits := map[string]*tree.Entry{}
	for name, text := range files {
		edits[name] = &tree.Entry{Kind: tree.File, Exec: strings.HasSuffix(name, ".sh"), Size: int64(len(text)), Files: 1, ID: l.put(text)}
	}
	st, err := l.repo.Store(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	batch, err := st.NewBatch(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	root, err := tree.Update(l.Context(), st, batch, oid.ID{}, edits)
	if err != nil {
		l.Fatal(err)
	}
	if err := batch.Commit(); err != nil {
		l.Fatal(err)
	}
	if err := batch.Close(); err != nil {
		l.Fatal(err)
	}
	run.Assets = append(run.Assets, track.Asset{Path: track.CodeTree, Role: track.Artifact, Kind: tree.Dir.String(), ID: root.ID, Size: root.Size, Files: root.Files})
	for i := range l.runs {
		if l.runs[i].ID == run.ID {
			l.runs[i] = *run
		}
	}
}

// codeRuns are two runs that kept their code whole.
func (l *lab) codeRuns() (one, two *track.Run) {
	l.Helper()
	one, two = l.two()
	l.keepCode(one, map[string]string{"train.sh": "echo one\n", "lib/a.py": "a = 1\n", "params.yaml": "lr: 0\n", ".gitignore": "/out\n/data\n"})
	l.keepCode(two, map[string]string{"train.sh": "echo two\n", "lib/a.py": "a = 2\n", "params.yaml": "lr: 0\n", ".gitignore": "/out\n/data\n"})
	l.write("lib/a.py", "a = 2\n")
	if err := os.Chmod(l.path("train.sh"), 0o755); err != nil {
		l.Fatal(err)
	}
	return one, two
}

func TestApplyOfWholeCodeWithoutGit(t *testing.T) {
	t.Parallel()
	l := newLab(t, false)
	one, two := l.codeRuns()
	l.mustApply(one, everything)
	l.has("train.sh", "echo one\n")
	l.has("lib/a.py", "a = 1\n")
	l.has("params.yaml", "lr: 1\n") // as the run had it, not as the code had it before
	l.has("out", "1\n")
	if res := l.mustApply(one, everything); len(res.Written) > 0 {
		t.Errorf("it wrote %q again", res.Written)
	}
	l.mustApply(two, reproduce.ApplyRequest{Params: true})
	l.has("train.sh", "echo one\n")
	l.mustApply(two, everything)
	l.has("train.sh", "echo two\n")

	l.write("lib/a.py", "mine\n")
	if _, err := l.apply(one, everything); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "lib/a.py") {
		t.Errorf("the error is %v", err)
	}
	l.has("lib/a.py", "mine\n")
	l.has("train.sh", "echo two\n")
}

// Before the first commit git has nothing, and a patch that was too large is
// not there: the code that the run kept whole comes back.
func TestApplyOfWholeCodeWithGit(t *testing.T) {
	t.Parallel()
	for _, unborn := range []bool{true, false} {
		l := newLab(t, true)
		one, two := l.codeRuns()
		one.Git, two.Git.Dirty = track.Git{}, true
		l.runs[1], l.runs[0] = *one, *two
		for _, run := range []*track.Run{one, two} {
			for i, a := range run.Assets {
				if a.Path == track.CodePatch {
					run.Assets = append(run.Assets[:i:i], run.Assets[i+1:]...)
					break
				}
			}
		}
		l.runs[1], l.runs[0] = *one, *two
		p := reproduce.New(l.repo, l.work, l)
		made, err := p.Branch(t.Context(), one, "")
		if err != nil {
			t.Fatal(err)
		}
		if made.Parent != "" || l.git("show", "first:lib/a.py") != "a = 1\n" || l.git("rev-list", "--count", "first") != "1\n" {
			t.Errorf("made %+v", made)
		}
		if d, err := p.Diff(t.Context(), one, two, true); err != nil || !d.Code.Known || !strings.Contains(d.Code.Patch, "+a = 2") {
			t.Errorf("the difference of code is %+v, %v", d.Code, err)
		}
		if unborn {
			l.git("update-ref", "-d", "HEAD")
			l.git("rm", "-rfq", "--cached", ".")
		}
		if res := l.mustApply(one, everything); res.Incomplete {
			t.Error("the code is said to lack changes")
		}
		l.has("train.sh", "echo one\n")
		l.has("lib/a.py", "a = 1\n")
		l.has("params.yaml", "lr: 1\n")
		l.mustApply(two, everything)
		l.has("lib/a.py", "a = 2\n")
		l.write("train.sh", "mine\n")
		if _, err := l.apply(one, everything); !errs.Is(err, errs.Conflict) {
			t.Errorf("unborn %v: the error is %v", unborn, err)
		}
		l.has("train.sh", "mine\n")
	}
}

func TestWholeCodeStaysInside(t *testing.T) {
	t.Parallel()
	for _, name := range []string{".git/hooks/post-checkout", "lib/.git/config", ".mlops/config.yaml"} {
		for _, withGit := range []bool{true, false} {
			l := newLab(t, withGit)
			one, _ := l.two()
			one.Git = track.Git{}
			l.keepCode(one, map[string]string{"train.sh": "echo one\n", name: "bad\n"})
			if _, err := l.apply(one, everything); !errs.Is(err, errs.Corrupt) {
				t.Errorf("%s, git %v: the error is %v", name, withGit, err)
			}
			l.has("train.sh", "echo two\n")
		}
	}
}
