package stagefile_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// load reads the pipeline at name among the files.
func load(files map[string]string, name string) (*stagefile.File, error) {
	tree := fstest.MapFS{}
	for p, text := range files {
		tree[p] = &fstest.MapFile{Data: []byte(text)}
	}
	return stagefile.Load(func(p string) ([]byte, error) { return fs.ReadFile(tree, p) }, name)
}

func TestErrorsShowTheLineAndTheNearestName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, place, message, hint string }{
		{"stages:\n  a:\n    cmd: x\n    dependencies: [y]\n", "mlops.yaml:4:5", `stage a: unknown key "dependencies"`, ""},
		{"stages:\n  a:\n    cmd: x\n    dep: [y]\n", "mlops.yaml:4:5", "unknown key", "did you mean deps?"},
		{"stages:\n  a:\n    cmd: x\n    retries: {times: 3}\n", "mlops.yaml:4:15", `unknown key "times"`, ""},
		{"stages:\n  a:\n    cmd: x\n    resources: {memory: lots}\n", "mlops.yaml:4:25", "is not a size", "4GiB"},
		{"stages:\n  a:\n    matrix: {m: [1]}\n    do: {cmd: x}\n", "mlops.yaml:3:13", "matrix and do do not go together", "write cmd, deps and outs beside matrix"},
		{"stages:\n  a:\n    map: x.json\n", "mlops.yaml:2:3", "map and do belong together", ""},
		{"stages:\n  a:\n    deps: [y]\n", "mlops.yaml:2:3", "no cmd", ""},
		{"stages:\n  a:\n    cmd: x\n    frozen: maybe\n", "mlops.yaml:4:13", "expected true or false", ""},
		{"stages:\n  a:\n    cmd: x\n    deps: y\n", "mlops.yaml:4:11", "expected a list, found the string y", ""},
		{"stages:\n  a:\n    cmd: 5\n", "mlops.yaml:3:10", "expected a text or a list", ""},
		{"stages:\n  a:\n    cmd: x\n    outs: [{m.pkl: {cach: false}}]\n", "mlops.yaml:4:21", `unknown key "cach"`, "did you mean cache?"},
		{"stages:\n  a:\n    cmd: echo ${train.lt}\n", "mlops.yaml:3:10", `nothing is named "lt"`, "did you mean lr?"},
		{"stages:\n  a:\n    cmd: echo ${}\n", "mlops.yaml:3:10", "does not name a value", ""},
		{"stages:\n  a@b:\n    cmd: x\n", "mlops.yaml:2:3", "may not hold @", ""},
		{"stages:\n  a: {cmd: x}\n  a: {cmd: y}\n", "mlops.yaml:3:3", `key "a" is there twice`, ""},
		{"stages:\n  a:\n    cmd: [x\n", "mlops.yaml:", "not valid YAML", ""},
		{"stages:\n  a:\n    cmd: x\n    timeout: 5 min\n", "mlops.yaml:4:14", "not a duration", "2h30m"},
		{"stages:\n  a:\n    foreach: [1]\n    doo: {cmd: x}\n", "mlops.yaml:4:5", `unknown key "doo"`, "did you mean do?"},
		{"stages:\n  a:\n    foreach: 7\n    do: {cmd: x}\n", "mlops.yaml:3:14", "expected a list or a mapping", ""},
		{"stages:\n", "mlops.yaml:1:8", "expected a mapping", ""},
		{"vars:\n- train: {lr: 5}\nstages: {}\n", "mlops.yaml:2:3", `cannot redefine "train.lr"`, ""},
		{"vars:\n- nope.yaml\n", "mlops.yaml:2:3", "nope.yaml does not exist", ""},
		{"stage:\n  a: {cmd: x}\n", "mlops.yaml:1:1", `unknown key "stage"`, "did you mean stages?"},
	} {
		_, err := load(map[string]string{"mlops.yaml": c.text, "params.yaml": "train: {lr: 0.1}\n"}, "mlops.yaml")
		if !errs.Is(err, errs.Usage) || !strings.HasPrefix(err.Error(), c.place) || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%q:\n%v\nwant %s … %s", c.text, err, c.place, c.message)
			continue
		}
		if hints := strings.Join(errs.Hints(err), "\n"); !strings.Contains(hints, c.hint) {
			t.Errorf("%q: hints %q, want %q", c.text, hints, c.hint)
		}
	}
}

func TestSnippetPointsAtTheColumn(t *testing.T) {
	t.Parallel()
	_, err := load(map[string]string{"mlops.yaml": "stages:\n  a:\n    cmd: x\n    dependencies: [y]\n  b:\n    cmd: ${nope}\n  c:\n    cmd: fine\n"}, "mlops.yaml")
	want := `mlops.yaml:4:5: stage a: unknown key "dependencies"
    4 |     dependencies: [y]
      |     ^
mlops.yaml:6:10: stage b: ${nope}: nothing is named "nope"
    6 |     cmd: ${nope}
      |          ^`
	if err == nil || err.Error() != want {
		t.Fatalf("\n got %v\nwant %s", err, want)
	}
}

func TestGoodStagesAreKeptBesideBadOnes(t *testing.T) {
	t.Parallel()
	f, err := load(map[string]string{"mlops.yaml": "stages:\n  bad: {cmd: '${x}'}\n  good: {cmd: fine}\n"}, "mlops.yaml")
	if err == nil || len(f.Stages) != 1 || f.Stages[0].Name != "good" {
		t.Fatalf("%v, %v", f.Stages, err)
	}
}

func TestOwnKeysAndPaths(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"sub/mlops.yaml": `
vars: [{out: m.pkl}]
stages:
  train:
    cmd:
    - python train.py
    - echo ${out}
    wdir: work
    deps: [../a.csv, s3://bucket/x, /abs/y, ./b/]
    outs: ["${out}", {log: {cache: false, persist: true}}]
    env: {SEED: 7, MODE: "${out}"}
    shell: bash -eu
    timeout: 1h30m
    params: [lr, {../p.json: [a.b]}, {q.toml: }]
    always_changed: true
`,
	}
	f, err := load(files, "sub/mlops.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := f.Stages[0]
	var deps []string
	for _, d := range s.Deps {
		deps = append(deps, d.Path)
	}
	if want := []string{"sub/a.csv", "s3://bucket/x", "/abs/y", "sub/work/b"}; !slices.Equal(deps, want) {
		t.Errorf("deps %v, want %v", deps, want)
	}
	if s.Outs[0].Path != "sub/work/m.pkl" || !s.Outs[1].NoCache || !s.Outs[1].Persist {
		t.Errorf("outs %+v", s.Outs)
	}
	if s.Env["SEED"] != "7" || s.Env["MODE"] != "m.pkl" || s.Shell != "bash -eu" || s.Timeout.Minutes() != 90 || !s.AlwaysChanged {
		t.Errorf("stage %+v", s)
	}
	if !slices.Equal(s.Params["sub/work/params.yaml"], []string{"lr"}) || !slices.Equal(s.Params["sub/p.json"], []string{"a.b"}) || s.Params["sub/work/q.toml"] != nil {
		t.Errorf("params %v", s.Params)
	}
	if s.Address() != "sub/mlops.yaml:train" || s.Lock() != "sub/mlops.lock" || !slices.Equal(s.Cmd, []string{"python train.py", "echo m.pkl"}) {
		t.Errorf("address %s, lock %s, cmd %v", s.Address(), s.Lock(), s.Cmd)
	}
}

func TestDVCFileRefusesOurKeys(t *testing.T) {
	t.Parallel()
	_, err := load(map[string]string{"dvc.yaml": "stages:\n  a:\n    cmd: x\n    env: {A: b}\n"}, "dvc.yaml")
	if err == nil || !slices.Contains(errs.Hints(err), "rename the file to mlops.yaml") {
		t.Fatalf("%v, hints %v", err, errs.Hints(err))
	}
}

func TestAddStageKeepsTheRestOfTheFile(t *testing.T) {
	t.Parallel()
	const before = `# top
vars:
- a: 1

stages:
  # the first
  prepare:
    cmd: python prepare.py  # slow

  train:
    cmd: |
      python train.py
# about metrics
metrics:
- m.json
`
	s := stagefile.NewStage{
		Name: "evaluate", Cmd: "python eval.py", Deps: []string{"model.pkl"}, Params: []string{"lr,n", "p.json:k", "q.yaml:"},
		MetricsNoCache: []string{"eval.json"}, Outs: []string{"1.0"}, OutsPersist: []string{"log"}, Plots: []string{"roc.csv"}, Desc: "how good", AlwaysChanged: true,
	}
	const added = `  evaluate:
    cmd: python eval.py
    desc: how good
    deps:
    - model.pkl
    params:
    - lr
    - n
    - p.json:
      - k
    - q.yaml:
    outs:
    - '1.0'
    - log:
        persist: true
    metrics:
    - eval.json:
        cache: false
    plots:
    - roc.csv
    always_changed: true
`
	got, err := stagefile.AddStage("mlops.yaml", []byte(before), s, false)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(before, "# about metrics", added+"# about metrics", 1)
	if string(got) != want {
		t.Fatalf("\n got %s\nwant %s", got, want)
	}
	f, err := load(map[string]string{"mlops.yaml": string(got)}, "mlops.yaml")
	if err != nil || len(f.Stages) != 3 || f.Stages[2].Outs[0].Path != "1.0" || f.Stages[2].Params["q.yaml"] != nil {
		t.Fatalf("%+v, %v", f, err)
	}
	if _, err := stagefile.AddStage("mlops.yaml", got, s, false); !errs.Is(err, errs.Conflict) {
		t.Fatalf("a stage of that name: %v", err)
	}
	short := stagefile.NewStage{Name: "prepare", Cmd: "true"}
	got, err = stagefile.AddStage("mlops.yaml", []byte(before), short, true)
	if want := strings.Replace(before, "cmd: python prepare.py  # slow", "cmd: 'true'", 1); err != nil || string(got) != want {
		t.Fatalf("replaced:\n%s\n%v", got, err)
	}
	for _, empty := range []string{"", "stages:\n", "# only a comment\n", "stages: {}"} {
		got, err := stagefile.AddStage("mlops.yaml", []byte(empty), short, false)
		if f, lerr := load(map[string]string{"mlops.yaml": string(got)}, "mlops.yaml"); err != nil || lerr != nil || len(f.Stages) != 1 {
			t.Errorf("%q became %q: %v, %v", empty, got, err, lerr)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("vars: [{a: [1, {b: 2}]}]\nstages:\n  x:\n    foreach: ${a}\n    do: {cmd: 'y ${item}', outs: ['${item}.z': {cache: false}]}\n  m:\n    matrix: {p: [1, 2], q: '${a}'}\n    cmd: ${item.p} ${key}\n", "t: {u: 1}\n")
	f.Add("stages: {a: {cmd: [x, '\\${y}'], params: [a, {p.json: [k]}, {q: }], plots: [{p: [{x: a}, {y: b}]}], meta: {a: [1]}}}\nplots: [a, {b: {x: c}}]\nartifacts: {m: {path: x, labels: [a]}}\n", "")
	f.Fuzz(func(t *testing.T, text, params string) {
		file, err := load(map[string]string{"mlops.yaml": text, "params.yaml": params}, "mlops.yaml")
		if err != nil && !errs.Is(err, errs.Usage) {
			t.Fatalf("an error of another kind: %v", err)
		}
		for i := range file.Stages {
			if s := &file.Stages[i]; s.Name == "" || len(s.Cmd) == 0 {
				t.Fatalf("a stage without name or command: %+v", s)
			}
		}
	})
}

func TestLimitsAndMapStages(t *testing.T) {
	t.Parallel()
	f, err := load(map[string]string{"sub/mlops.yaml": `
vars: [{n: 2}]
pools: {db: 4}
stages:
  a:
    cmd: x
    retries: {count: "${n}", backoff: 10s, max_backoff: 5m, on: [137, 75]}
    resources: {cpus: 0.5, memory: 4GiB, gpus: "${n}"}
    pool: db
    mutex: [one, two]
    executor: slurm
    image: python:3.13
  b: {cmd: x, retries: 3, resources: {memory: 1000}, pool: {db: 2}, mutex: one}
  each:
    map: items.json
    do:
      cmd: run ${item.name}
      deps: ["in/${item.name}"]
      outs: ["${item.name}.out"]
`}, "sub/mlops.yaml")
	if err != nil {
		t.Fatal(err)
	}
	a, b, each := f.Stages[0], f.Stages[1], f.Stages[2]
	if r := a.Retries; r.Count != 2 || r.Backoff.Seconds() != 10 || r.MaxBackoff.Minutes() != 5 || !slices.Equal(r.ExitCodes, []int{137, 75}) {
		t.Errorf("retries %+v", r)
	}
	if a.Resources != (stagefile.Resources{CPUs: 0.5, Memory: 4 << 30, GPUs: 2}) || a.Pool["db"] != 1 || !slices.Equal(a.Mutex, []string{"one", "two"}) || a.Executor != "slurm" || a.Image != "python:3.13" {
		t.Errorf("%+v", a)
	}
	if b.Retries.Count != 3 || b.Resources.Memory != 1000 || b.Pool["db"] != 2 || !slices.Equal(b.Mutex, []string{"one"}) || f.Pools["db"] != 4 {
		t.Errorf("%+v", b)
	}
	if each.Map != "sub/items.json" || each.Deps[0].Path != each.Map || each.Cmd[0] != "run ${item.name}" {
		t.Errorf("placeholder %+v", each)
	}
	items, err := f.Expand("each", []byte(`[{"name": "p"}, {"name": "q"}]`))
	if err != nil || len(items) != 2 || len(f.Stages) != 3 {
		t.Fatalf("%+v, %v", items, err)
	}
	if s := items[1]; s.Name != "each@1" || s.Group != "each" || s.Cmd[0] != "run q" || s.Outs[0].Path != "sub/q.out" || s.Map != "" {
		t.Errorf("%+v", s)
	}
	if _, err := f.Expand("each", []byte(`[{"nam": "p"}]`)); err == nil || !strings.Contains(err.Error(), `nothing is named "name"`) {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"7", "[", ""} {
		if items, err := f.Expand("each", []byte(bad)); bad != "" && (err == nil || len(items) > 0) {
			t.Errorf("list %q: %v, %v", bad, items, err)
		}
	}
}
