package main_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// faultWork is a command that is killed at each of its points, with what must
// stand before and after it.
type faultWork struct {
	points  string // what the names of its points begin with
	command []string
	prepare func(*sandbox)
	check   func(*sandbox) // after the command was repeated
}

// faultWorks says how each family of points is reached.
func faultWorks() []faultWork {
	return []faultWork{
		{
			points: "add.", command: []string{"mlops", "add", "data", "one.bin"},
			check: func(s *sandbox) {
				s.run("mlops", "status", "--exit-code")
				if got := s.run("git", "check-ignore", "data", "one.bin"); got != "data\none.bin\n" {
					s.Errorf("git ignores %q, want both", got)
				}
			},
		},
		{
			points: "checkout.", command: []string{"mlops", "checkout"},
			prepare: func(s *sandbox) {
				s.commitData()
				s.write("data/a", "a, second version\n")
				s.remove("data/sub/b")
				s.write("data/new", "only in the second version\n")
				s.run("mlops", "add", "data")
				s.run("git", "checkout", "-q", "--", "data.mlops") // back to the first version
			},
			check: func(s *sandbox) {
				s.run("mlops", "status", "--exit-code")
				s.same("data/a", "a\n")
				s.same("data/sub/b", "b\n")
				s.missing("data/new")
			},
		},
		{
			points: "push.", command: []string{"mlops", "push"},
			prepare: func(s *sandbox) {
				s.commitData()
				s.run("mlops", "remote", "add", "origin", s.path("../remote"))
				s.run("git", "add", "-A")
				s.run("git", "commit", "-qm", "remote")
			},
			check: func(s *sandbox) {
				s.run("git", "clone", "-q", ".", "../clone")
				s.run("mlops", "-C", "../clone", "pull")
				s.same("../clone/data/a", "a\n")
				s.same("../clone/one.bin", s.read("one.bin"))
			},
		},
		{
			points: "pull.", command: []string{"mlops", "-C", "../clone", "pull"},
			prepare: func(s *sandbox) {
				s.commitData()
				s.run("mlops", "remote", "add", "origin", s.path("../remote"))
				s.run("git", "add", "-A")
				s.run("git", "commit", "-qm", "remote")
				s.run("mlops", "push")
				s.run("git", "clone", "-q", ".", "../clone")
			},
			check: func(s *sandbox) {
				s.run("mlops", "-C", "../clone", "status", "--exit-code")
				s.run("mlops", "-C", "../clone", "fsck")
				s.same("../clone/data/sub/b", "b\n")
				s.same("../clone/one.bin", s.read("one.bin"))
			},
		},
		{
			points: "run.", command: []string{"mlops", "run"},
			prepare: preparePipeline,
			check: func(s *sandbox) {
				s.same("out.txt", "1\n")
				s.run("mlops", "status", "--exit-code")
				if out := s.run("mlops", "run", "--json"); strings.Contains(out, `"action":"ran"`) {
					s.Errorf("a stage ran again although nothing changed:\n%s", out)
				}
			},
		},
		{
			points: "stage.", command: []string{"mlops", "stage", "rm", "second"},
			prepare: func(s *sandbox) {
				preparePipeline(s)
				s.run("mlops", "run")
			},
			check: func(s *sandbox) {
				if out := s.run("mlops", "stage", "ls", "--json"); strings.Contains(out, "second") {
					s.Errorf("the stage is still there:\n%s", out)
				}
				if strings.Contains(s.read("mlops.lock"), "second") {
					s.Errorf("the lock knows the stage:\n%s", s.read("mlops.lock"))
				}
				s.run("mlops", "status", "--exit-code")
			},
		},
		{
			points: "isolate.", command: []string{"mlops", "run", "--isolated"},
			prepare: preparePipeline,
			check: func(s *sandbox) {
				s.missing("mid.txt")
				s.missing("mlops.lock")
				s.untouched()
			},
		},
		{
			points: "queue.", command: []string{"mlops", "queue", "start", "--foreground"},
			prepare: func(s *sandbox) {
				preparePipeline(s)
				s.run("mlops", "run", "--queue")
				// A job that was lost is begun again.
				s.kill("queue.taken", "mlops", "queue", "start", "--foreground")
			},
			check: func(s *sandbox) {
				if out := s.run("mlops", "queue", "ls", "--json"); !strings.Contains(out, `"finished"`) {
					s.Errorf("the job is not finished:\n%s", out)
				}
				s.missing("mid.txt")
				s.untouched()
			},
		},
		{
			points: "apply.", command: []string{"mlops", "runs", "apply", "first"},
			prepare: func(s *sandbox) {
				s.write("params.yaml", "x: 1\n")
				s.write("mlops.yaml", "stages:\n  make:\n    cmd: cp params.yaml out.txt\n    params: [x]\n    outs: [out.txt]\n")
				s.run("git", "add", "-A")
				s.run("git", "commit", "-qm", "pipeline")
				s.run("mlops", "run", "--name", "first")
				s.write("params.yaml", "x: 2\n")
				s.run("mlops", "run", "--name", "second")
			},
			check: func(s *sandbox) {
				s.same("params.yaml", "x: 1\n")
				s.same("out.txt", "x: 1\n")
				s.run("mlops", "status", "--exit-code")
			},
		},
		{
			points: "archive.", command: []string{"mlops", "runs", "import", "../runs.tar"},
			prepare: func(s *sandbox) {
				s.run("mlops", "log", "start", "--name", "travels")
				s.run("mlops", "log", "artifact", "one.bin", "--run", "travels")
				s.run("mlops", "log", "end", "--run", "travels")
				s.run("mlops", "runs", "export", "-o", "../runs.tar")
				s.run("mlops", "runs", "rm", "travels")
				s.run("git", "init", "-q", "../other")
				s.run("mlops", "-C", "../other", "init")
				s.dir = s.path("../other")
			},
			check: func(s *sandbox) {
				if out := s.run("mlops", "runs", "show", "travels"); !strings.Contains(out, "one.bin") {
					s.Errorf("the run came without its artifact:\n%s", out)
				}
			},
		},
		{
			points: "dvc.", command: []string{"mlops", "import", "dvc"},
			prepare: func(s *sandbox) {
				if err := os.Mkdir(s.path(".dvc"), 0o755); err != nil {
					s.Fatal(err)
				}
				s.write("x", "a\n")
				s.write("x.dvc", "outs:\n- md5: 60b725f10c9c85c70d97880dfe8191b3\n  size: 2\n  hash: md5\n  path: x\n")
			},
			check: func(s *sandbox) {
				s.run("mlops", "status", "--exit-code")
				s.run("mlops", "fsck")
				s.read("x.mlops")
			},
		},
		{
			points: "mlruns.", command: []string{"mlops", "import", "mlflow", "../mlruns"},
			prepare: prepareMLruns,
			check: func(s *sandbox) {
				if out := s.run("mlops", "runs", "show", "theirs"); !strings.Contains(out, "FINISHED") || !strings.Contains(out, "artifact  notes/a.txt") || !strings.Contains(out, "loss") {
					s.Errorf("the run is not whole:\n%s", out)
				}
				if out := s.run("mlops", "model", "versions", "wine", "--json"); !strings.Contains(out, `"version": 2`) || strings.Count(out, `"version": `) != 1 {
					s.Errorf("the versions of the model:\n%s", out)
				}
				if out := s.run("mlops", "import", "mlflow", "../mlruns", "--json"); strings.Contains(out, `"new": 1`) {
					s.Errorf("something was taken over twice:\n%s", out)
				}
			},
		},
		{
			points: "artifact.", command: []string{uploadName},
			check: func(s *sandbox) {
				var files int
				for _, id := range regexp.MustCompile(`"run_id": "([0-9a-f]+)"`).FindAllStringSubmatch(s.run("mlops", "runs", "ls", "--json"), -1) {
					files += strings.Count(s.run("mlops", "runs", "show", id[1]), "dir/model.bin")
				}
				if files != 1 {
					s.Errorf("%d runs have the file, want the second", files)
				}
			},
		},
		{
			points: "import.", command: []string{"mlops", "import", "../theirs", "x"},
			prepare: func(s *sandbox) {
				s.run("git", "init", "-q", "../theirs")
				s.write("../theirs/x", "a\n")
				s.run("git", "-C", "../theirs", "add", "x")
				s.run("git", "-C", "../theirs", "commit", "-qm", "x")
			},
			check: func(s *sandbox) {
				s.run("mlops", "status", "--exit-code")
				s.same("x", "a\n")
			},
		},
		{
			points: "register.", command: []string{"mlops", "model", "register", "logged:data", "churn", "--alias", "candidate"},
			prepare: prepareModel,
			check: func(s *sandbox) {
				s.run("mlops", "model", "get", "churn@candidate", "../got")
				s.same("../got/a", "a\n")
				if out := s.run("mlops", "model", "versions", "churn", "--json"); strings.Contains(out, `"version": 2`) {
					s.Errorf("it was registered twice:\n%s", out)
				}
			},
		},
		{
			points: "promote.", command: []string{"mlops", "model", "promote", "churn/1", "production"},
			prepare: func(s *sandbox) {
				prepareModel(s)
				s.run("mlops", "model", "register", "logged:data", "churn")
			},
			check: func(s *sandbox) {
				if out := s.run("mlops", "model", "show", "churn@production"); !strings.Contains(out, "churn/1") {
					s.Errorf("the alias did not move:\n%s", out)
				}
			},
		},
		{
			points: "deliver.", command: []string{"mlops", "model", "get", "churn", "out/got"},
			prepare: func(s *sandbox) {
				prepareModel(s)
				s.run("mlops", "model", "register", "logged:data", "churn")
			},
			check: func(s *sandbox) {
				s.same("out/got/a", "a\n")
				if left, err := filepath.Glob(s.path("out/.mlops-get-*")); err != nil || len(left) > 0 {
					s.Errorf("left is %q (%v)", left, err)
				}
			},
		},
		{
			points: "gc.", command: []string{"mlops", "gc", "--force", "--min-age", "0s", "--removed-runs", "0s"},
			prepare: func(s *sandbox) {
				s.commitData()
				s.run("mlops", "log", "start", "--name", "gone")
				s.run("mlops", "runs", "rm", "--force", "gone")
				s.write("data/dead", "nothing will name this\n")
				s.run("mlops", "add", "data")
				s.run("git", "checkout", "-q", "--", "data.mlops")
				s.run("mlops", "checkout", "--force")
				s.write(".mlops/tmp/checkout-1", "left by a command that died")
				s.write(".mlops/tmp/checkout-1.lease", "")
			},
			check: func(s *sandbox) {
				s.missing(".mlops/tmp/checkout-1")
				s.run("mlops", "status", "--exit-code")
				s.remove("data/a")
				s.run("mlops", "checkout")
				s.same("data/a", "a\n")
			},
		},
	}
}

// prepareModel logs the files of a model.
func prepareModel(s *sandbox) {
	s.run("mlops", "log", "start", "--name", "logged")
	s.run("mlops", "log", "artifact", "data/a", "data/sub/b", "--run", "logged")
	s.run("mlops", "log", "end", "--run", "logged")
}

// prepareMLruns writes what MLflow would: a run with a file and a model.
func prepareMLruns(s *sandbox) {
	run := "../mlruns/1/0123456789abcdef0123456789abcdef/"
	for name, text := range map[string]string{
		"../mlruns/0/meta.yaml": "experiment_id: '0'\nname: Default\nlifecycle_stage: active\n",
		"../mlruns/1/meta.yaml": "experiment_id: '1'\nname: wine\nlifecycle_stage: active\n",
		run + "meta.yaml": "run_id: 0123456789abcdef0123456789abcdef\nrun_name: theirs\nexperiment_id: '1'\nstatus: 3\n" +
			"start_time: 1700000000000\nend_time: 1700000001000\nlifecycle_stage: active\nartifact_uri: file:///gone/artifacts\n",
		run + "params/lr":             "0.1",
		run + "metrics/loss":          "1700000000000 1.0 0\n1700000000001 0.5 1\n",
		run + "artifacts/notes/a.txt": "hello\n",
		"../mlruns/1/models/m-0123456789abcdef0123456789abcdef/meta.yaml": "model_id: m-0123456789abcdef0123456789abcdef\nname: tree\nexperiment_id: '1'\nstatus: 2\n" +
			"creation_timestamp: 1700000000000\nlast_updated_timestamp: 1700000000000\nartifact_location: file:///gone/tree\n",
		"../mlruns/models/wine/meta.yaml": "name: wine\ncreation_timestamp: 1700000000000\nlast_updated_timestamp: 1700000000000\n",
		"../mlruns/models/wine/version-2/meta.yaml": "name: wine\nversion: 2\ncreation_timestamp: 1700000000000\ncurrent_stage: None\nstatus: READY\n" +
			"run_id: 0123456789abcdef0123456789abcdef\nsource: runs:/0123456789abcdef0123456789abcdef/notes\n",
	} {
		if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
			s.Fatal(err)
		}
		s.write(name, text)
	}
}

// preparePipeline commits two stages.
func preparePipeline(s *sandbox) {
	s.write("in.txt", "1\n")
	s.write("mlops.yaml", "stages:\n  first:\n    cmd: cp in.txt mid.txt\n    deps: [in.txt]\n    outs: [mid.txt]\n"+
		"  second:\n    cmd: cp mid.txt out.txt\n    deps: [mid.txt]\n    outs: [out.txt]\n")
	s.run("mlops", "add", "data", "one.bin")
	s.run("git", "add", "-A")
	s.run("git", "commit", "-qm", "pipeline")
}

// untouched says that nothing changed since the commit, and no copy is left.
func (s *sandbox) untouched() {
	s.Helper()
	if out := s.run("git", "status", "--porcelain"); out != "" {
		s.Errorf("the workspace was changed:\n%s", out)
	}
	if left, err := filepath.Glob(s.path(".mlops/isolated/*")); err != nil || len(left) > 0 {
		s.Errorf("copies are left: %q (%v)", left, err)
	}
}

// TestKilledAtEveryPoint ends a command with SIGKILL at each named step: the
// repository must then be sound and the same command, repeated, must finish.
func TestKilledAtEveryPoint(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED: no SIGKILL on Windows")
	}
	works := faultWorks()
	for _, point := range faultPoints(t) {
		i := slices.IndexFunc(works, func(w faultWork) bool { return strings.HasPrefix(point, w.points) })
		if i < 0 {
			t.Errorf("no test reaches point %s: add its command to faultWorks", point)
			continue
		}
		w := works[i]
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t)
			if w.prepare != nil {
				w.prepare(s)
			}
			s.kill(point, w.command...)
			s.run("mlops", "fsck")
			s.run(w.command...)
			s.run("mlops", "fsck")
			w.check(s)
		})
	}
}

// TestBadDiskAtEveryPoint has each named step fail as on a full and on a
// read-only disk: the command says so with a hint, and nothing is lost.
func TestBadDiskAtEveryPoint(t *testing.T) {
	t.Parallel()
	t.Run("ENOSPC", func(t *testing.T) { t.Parallel(); badDisk(t, "ENOSPC", "no space left on device") })
	t.Run("EROFS", func(t *testing.T) { t.Parallel(); badDisk(t, "EROFS", "read-only file system") })
}

func badDisk(t *testing.T, errno, message string) {
	t.Helper()
	works := faultWorks()
	for _, point := range faultPoints(t) {
		i := slices.IndexFunc(works, func(w faultWork) bool { return strings.HasPrefix(point, w.points) })
		if i < 0 {
			continue // said above
		}
		w := works[i]
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t)
			if w.prepare != nil {
				w.prepare(s)
			}
			out, err := s.start([]string{faultEnv + "=" + errno + " " + point + " 1"}, w.command...)
			if _, ok := errors.AsType[*exec.ExitError](err); !ok {
				t.Fatalf("it succeeded although %s failed:\n%s", point, out)
			}
			if !strings.Contains(out, message) || !strings.Contains(out, "hint") {
				t.Errorf("the message must say %q and what to do: %v\n%s", message, err, out)
			}
			s.run("mlops", "fsck")
			s.run(w.command...)
			w.check(s)
		})
	}
}

// faultPoints lists the points named in the code.
func faultPoints(t *testing.T) []string {
	t.Helper()
	call := regexp.MustCompile(`fault\.At\([^,]+, "([^"]+)"\)`)
	var points []string
	err := filepath.WalkDir("pkg", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range call.FindAllSubmatch(text, -1) {
			points = append(points, string(m[1]))
		}
		return err
	})
	if err != nil || len(points) == 0 {
		t.Fatalf("no points found: %v", err)
	}
	slices.Sort(points)
	return slices.Compact(points)
}
