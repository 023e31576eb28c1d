//go:build unix

package pipeline_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
)

const chain = `
stages:
  prepare:
    cmd: tr a-z A-Z < raw.txt > data/clean.txt
    deps: [raw.txt]
    outs: [data/clean.txt]
  train:
    cmd: echo "model $(cat data/clean.txt) $LR" > model.txt; echo "{\"acc\":0.5}" > metrics.json
    deps: [data/clean.txt]
    params: [lr]
    env: {LR: "1"}
    outs: [model.txt]
    metrics: [{metrics.json: {cache: false}}]
  report:
    cmd: cat model.txt > report.txt
    deps: [model.txt]
    outs: [report.txt]
`

func chainBed(t *testing.T) *bed {
	t.Helper()
	return newBed(t, map[string]string{"mlops.yaml": chain, "raw.txt": "one", "params.yaml": "lr: 0.1 # rate\n"})
}

func TestRunDoesWhatIsNeededAndSaysWhy(t *testing.T) {
	t.Parallel()
	b := chainBed(t)
	all := pipeline.RunRequest{}
	b.expect(all, "prepare ran: never ran", "report ran: never ran", "train ran: never ran")
	if got := b.read("report.txt"); got != "model ONE 1\n" {
		t.Fatalf("report %q", got)
	}
	if want := []string{"data/clean.txt", "model.txt", "report.txt"}; !slices.Equal(b.data.ignored, want) {
		t.Fatalf("git ignores %v, want %v", b.data.ignored, want)
	}
	b.expect(all, "prepare skipped", "report skipped", "train skipped")

	b.write("params.yaml", "lr: 0.2\n")
	b.expect(all, "prepare skipped", "report skipped", "train ran: params.yaml:lr changed 0.1 → 0.2")

	b.write("params.yaml", "lr: 0.1\n")
	b.expect(all, "prepare skipped", "report skipped", "train restored: params.yaml:lr changed 0.2 → 0.1")

	b.write("raw.txt", "two")
	b.expect(all,
		"prepare ran: dependency raw.txt changed",
		"report ran: stage train (upstream) ran and changed model.txt",
		"train ran: stage prepare (upstream) ran and changed data/clean.txt")

	b.remove("model.txt")
	b.expect(all, "prepare skipped", "report skipped", "train restored: output model.txt is missing")
	if got := b.read("model.txt"); got != "model TWO 1\n" {
		t.Fatalf("model %q", got)
	}
	b.write("model.txt", "by hand")
	b.expect(all, "prepare skipped", "report skipped", "train restored: output model.txt changed")

	b.write("mlops.yaml", strings.Replace(chain, "cat model.txt >", "cat < model.txt >", 1))
	b.expect(all, "prepare skipped", "report ran: command changed", "train skipped")
	b.write("mlops.yaml", strings.Replace(chain, `LR: "1"`, `LR: "2"`, 1))
	got, _, err := b.run(all)
	if err != nil || !slices.Contains(got, "train ran: environment LR changed 1 → 2") {
		t.Fatalf("%v, %v", got, err)
	}
	b.expect(pipeline.RunRequest{PlanRequest: pipeline.PlanRequest{Stages: []string{"prepare"}, Force: true}}, "prepare ran: forced")
}

func TestEarlyCutoff(t *testing.T) {
	t.Parallel()
	b := chainBed(t)
	b.expect(pipeline.RunRequest{}, "prepare ran: never ran", "report ran: never ran", "train ran: never ran")
	b.write("raw.txt", "ONE") // other input, same output
	b.expect(pipeline.RunRequest{}, "prepare ran: dependency raw.txt changed", "report skipped", "train skipped")
}

func TestPlanForeseesRestoresAndChangesNothing(t *testing.T) {
	t.Parallel()
	b := chainBed(t)
	b.expect(pipeline.RunRequest{}, "prepare ran: never ran", "report ran: never ran", "train ran: never ran")
	b.write("raw.txt", "two")
	b.expect(pipeline.RunRequest{PlanRequest: pipeline.PlanRequest{}},
		"prepare ran: dependency raw.txt changed", "report ran: stage train (upstream) ran and changed model.txt",
		"train ran: stage prepare (upstream) ran and changed data/clean.txt")
	b.write("raw.txt", "one")
	lock := b.read("mlops.lock")
	want := []string{
		"prepare restore: dependency raw.txt changed",
		"train restore: stage prepare (upstream) ran and changed data/clean.txt",
		"report restore: stage train (upstream) ran and changed model.txt",
	}
	if got := b.plan(pipeline.PlanRequest{}); !slices.Equal(got, want) {
		t.Fatalf("\n got %v\nwant %v", got, want)
	}
	b.write("raw.txt", "three")
	want = []string{
		"prepare run: dependency raw.txt changed",
		"train run: stage prepare (upstream) will run and may change data/clean.txt",
		"report run: stage train (upstream) will run and may change model.txt",
	}
	if got := b.plan(pipeline.PlanRequest{}); !slices.Equal(got, want) {
		t.Fatalf("\n got %v\nwant %v", got, want)
	}
	if b.read("mlops.lock") != lock || b.read("report.txt") != "model TWO 1\n" {
		t.Fatal("a plan changed something")
	}
	set := []paramfile.Edit{{Key: "lr", Value: "0.7"}}
	b.write("raw.txt", "two")
	if got := b.plan(pipeline.PlanRequest{SetParams: set}); !slices.Contains(got, "train run: params.yaml:lr changed 0.1 → 0.7") {
		t.Fatalf("plan with another value: %v", got)
	}
	if b.read("params.yaml") != "lr: 0.1 # rate\n" {
		t.Fatal("a plan wrote params.yaml")
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	b := chainBed(t)
	one := func(q pipeline.PlanRequest) []string {
		var names []string
		for _, line := range b.plan(q) {
			names = append(names, strings.Fields(line)[0])
		}
		return names
	}
	for _, c := range []struct {
		q    pipeline.PlanRequest
		want []string
	}{
		{pipeline.PlanRequest{Stages: []string{"train"}}, []string{"prepare", "train"}},
		{pipeline.PlanRequest{Stages: []string{"train"}, Single: true}, []string{"train"}},
		{pipeline.PlanRequest{Stages: []string{"train"}, Downstream: true}, []string{"train", "report"}},
		{pipeline.PlanRequest{Stages: []string{"model.txt"}}, []string{"prepare", "train"}},
		{pipeline.PlanRequest{Stages: []string{"mlops.yaml"}}, []string{"prepare", "train", "report"}},
		{pipeline.PlanRequest{Stages: []string{"mlops.yaml:train"}, Single: true}, []string{"train"}},
	} {
		if got := one(c.q); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.q, got, c.want)
		}
	}
	_, err := b.engine.Plan(t.Context(), pipeline.PlanRequest{Stages: []string{"trian"}})
	if !errs.Is(err, errs.NotFound) || !slices.Contains(errs.Hints(err), "did you mean train?") {
		t.Errorf("mistyped: %v %v", err, errs.Hints(err))
	}
}

func TestFailedStageIsNotRecorded(t *testing.T) {
	t.Parallel()
	b := newBed(t, map[string]string{"mlops.yaml": `
stages:
  bad: {cmd: "echo half > bad.txt; exit 3", outs: [bad.txt]}
  lazy: {cmd: "true", outs: [lazy.txt]}
  after: {cmd: cp bad.txt after.txt, deps: [bad.txt], outs: [after.txt]}
  good: {cmd: echo fine > good.txt, outs: [good.txt]}
`})
	got, result, err := b.run(pipeline.RunRequest{KeepGoing: true, Jobs: 1})
	if !errs.Is(err, errs.StageFailed) || !strings.Contains(err.Error(), "exit code 3") || !strings.Contains(err.Error(), "did not make the output lazy.txt") {
		t.Fatalf("error %v", err)
	}
	want := []string{"after skipped: stage bad (upstream) failed", "bad failed: never ran", "good ran: never ran", "lazy failed: never ran"}
	if !slices.Equal(got, want) {
		t.Fatalf("\n got %v\nwant %v", got, want)
	}
	if lock := b.read("mlops.lock"); strings.Contains(lock, "bad") || strings.Contains(lock, "lazy") || !strings.Contains(lock, "good.txt") {
		t.Fatalf("lock:\n%s", lock)
	}
	run, err := b.tracker.Run(t.Context(), result.RunID)
	if err != nil || run.Status != track.Failed || result.Failed != 2 || len(run.Stages) != 4 {
		t.Fatalf("%+v, %v", run, err)
	}
	for _, s := range run.Stages {
		if s.Name == "bad" && s.ExitCode != 3 {
			t.Errorf("exit code %d", s.ExitCode)
		}
	}
	if got, _, _ := b.run(pipeline.RunRequest{Jobs: 1}); !slices.Contains(got, "bad failed: never ran") || slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "after") }) {
		t.Fatalf("without --keep-going: %v", got)
	}
}

func TestRunRecordHoldsWhatIsKnown(t *testing.T) {
	t.Parallel()
	b := chainBed(t)
	b.write("mlops.yaml", strings.Replace(chain, "cat model.txt > report.txt", "cat model.txt > report.txt; echo printed", 1)+"    plots: [{curve.csv: {cache: false}}]\n")
	b.write("mlops.yaml", strings.Replace(b.read("mlops.yaml"), "echo printed", `echo printed; printf 'step,loss\n0,3\n1,2\n' > curve.csv`, 1))
	result := b.expect(pipeline.RunRequest{Name: "first", Experiment: "exp", Tags: []track.Tag{{Key: "k", Value: "v"}}, Command: []string{"mlops", "run"}},
		"prepare ran: never ran", "report ran: never ran", "train ran: never ran")
	run, err := b.tracker.Run(t.Context(), result.RunID)
	if err != nil {
		t.Fatal(err)
	}
	if run.Status != track.Finished || run.Name != "first" || run.Experiment != "exp" || run.User != "tester" || run.EndTime == 0 {
		t.Errorf("%+v", run)
	}
	if lr, ok := run.Param("lr"); !ok || lr != "0.1" {
		t.Errorf("params %v", run.Params)
	}
	if acc, ok := run.Metric("acc"); !ok || acc.Value != 0.5 {
		t.Errorf("metrics %+v", run.Metrics)
	}
	if loss, ok := run.Metric("loss"); !ok || loss.Value != 2 || loss.Count != 2 {
		t.Errorf("metrics %+v", run.Metrics)
	}
	roles := map[string]track.Role{}
	for _, a := range run.Assets {
		roles[a.Path] = a.Role
	}
	if roles["raw.txt"] != track.Input || roles["model.txt"] != track.Output || roles["data/clean.txt"] != track.Output {
		t.Errorf("assets %v", roles)
	}
	for _, s := range run.Stages {
		if s.Name == "report" && string(b.data.objects[s.Log]) != "printed\n" {
			t.Errorf("log of report: %q", b.data.objects[s.Log])
		}
	}
	for _, names := range []string{"*-*", "claims/stage-*", "claims/print-*"} {
		if left, err := filepath.Glob(filepath.Join(b.engine.Tmp, filepath.FromSlash(names))); err != nil || len(left) > 0 {
			t.Errorf("left over: %v, %v", left, err)
		}
	}
	again := b.expect(pipeline.RunRequest{}, "prepare skipped", "report skipped", "train skipped")
	if run, err = b.tracker.Run(t.Context(), again.RunID); err != nil || len(run.Assets) != len(roles) || len(run.Metrics) != 2 {
		t.Errorf("a run that had nothing to do: %+v, %v", run, err)
	}
}

func TestSetParamKeepsTheFile(t *testing.T) {
	t.Parallel()
	b := chainBed(t)
	b.expect(pipeline.RunRequest{}, "prepare ran: never ran", "report ran: never ran", "train ran: never ran")
	q := pipeline.RunRequest{PlanRequest: pipeline.PlanRequest{SetParams: []paramfile.Edit{{File: "params.yaml", Key: "lr", Value: "0.5"}}}}
	b.expect(q, "prepare skipped", "report skipped", "train ran: params.yaml:lr changed 0.1 → 0.5")
	if got := b.read("params.yaml"); got != "lr: 0.5 # rate\n" {
		t.Fatalf("params.yaml %q", got)
	}
	q.SetParams = []paramfile.Edit{{Key: "lrr", Value: "1"}}
	if _, _, err := b.run(q); !errs.Is(err, errs.NotFound) || !slices.Contains(errs.Hints(err), "did you mean lr?") {
		t.Fatalf("%v", err)
	}
}

func TestGraphErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"stages:\n  a: {cmd: x, deps: [c], outs: [a]}\n  b: {cmd: x, deps: [a], outs: [b]}\n  c: {cmd: x, deps: [b], outs: [c]}\n": "a → c → b → a",
		"stages:\n  a: {cmd: x, outs: [m]}\n  b:\n    cmd: x\n    outs: [./m/]\n":                                                  "output m is declared twice: mlops.yaml:2 (stage a) and mlops.yaml:5 (stage b)",
		"stages:\n  a: {cmd: x, outs: [m]}\n  b: {cmd: x, outs: [m/n]}\n":                                                          "output m/n of mlops.yaml:3 (stage b) is inside output m of mlops.yaml:2 (stage a)",
		"stages:\n  a: {cmd: x, outs: [.git/x]}\n":                                                                                 "cannot be written",
		"stages:\n  a: {cmd: x, deps: [m], outs: [m]}\n":                                                                           "a → a",
	} {
		b := newBed(t, map[string]string{"mlops.yaml": text})
		_, err := b.engine.Plan(t.Context(), pipeline.PlanRequest{})
		if !errs.Is(err, errs.Usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestSpecialStages(t *testing.T) {
	t.Parallel()
	b := newBed(t, map[string]string{"in.txt": "1", "mlops.yaml": `
stages:
  always: {cmd: date > always.txt, outs: [always.txt], always_changed: true}
  bare: {cmd: echo bare}
  frozen: {cmd: exit 9, deps: [in.txt], outs: [never.txt], frozen: true}
  grows: {cmd: "cat in.txt >> log.txt", deps: [in.txt], outs: [{log.txt: {persist: true}}]}
  lines:
    cmd: |
      echo one > lines.txt
      echo two >> lines.txt
    outs: [lines.txt]
  wdir: {cmd: 'echo "$MLOPS_STAGE $DVC_STAGE" > out.txt; test "$MLOPS_ROOT" = "$(dirname $PWD)"; test -n "$MLOPS_RUN_ID"', wdir: sub, outs: [out.txt]}
  slow: {cmd: sleep 30, timeout: 100ms}
`})
	got, _, err := b.run(pipeline.RunRequest{KeepGoing: true})
	want := []string{
		"always ran: always_changed", "bare ran: it has neither dependencies nor outputs", "frozen skipped: frozen", "grows ran: never ran",
		"lines ran: never ran", "slow failed: it has neither dependencies nor outputs", "wdir ran: never ran",
	}
	if !slices.Equal(got, want) || !strings.Contains(err.Error(), "timeout of 100ms") {
		t.Fatalf("\n got %v\nwant %v\n%v", got, want, err)
	}
	if b.read("lines.txt") != "one\ntwo\n" || b.read("sub/out.txt") != "wdir wdir\n" {
		t.Fatalf("lines %q, wdir %q", b.read("lines.txt"), b.read("sub/out.txt"))
	}
	b.write("in.txt", "2")
	if got, _, _ = b.run(pipeline.RunRequest{KeepGoing: true}); !slices.Contains(got, "grows ran: dependency in.txt changed") || b.read("log.txt") != "12" {
		t.Fatalf("%v, log %q", got, b.read("log.txt"))
	}
}

func TestUnsavedOutputIsKeptBeforeItIsReplaced(t *testing.T) {
	t.Parallel()
	b := chainBed(t)
	b.write("model.txt", "made by hand, nowhere else")
	b.expect(pipeline.RunRequest{}, "prepare ran: never ran", "report ran: never ran", "train ran: never ran")
	for _, text := range b.data.objects {
		if string(text) == "made by hand, nowhere else" {
			return
		}
	}
	t.Fatal("the old bytes are gone")
}

func TestDataThatIsNotHereIsDecidedByItsID(t *testing.T) {
	t.Parallel()
	b := chainBed(t)
	b.expect(pipeline.RunRequest{}, "prepare ran: never ran", "report ran: never ran", "train ran: never ran")
	saved, err := b.data.Save(t.Context(), []string{"raw.txt"})
	if err != nil {
		t.Fatal(err)
	}
	b.data.tracked["raw.txt"] = saved["raw.txt"]
	b.remove("raw.txt")
	if got := b.plan(pipeline.PlanRequest{}); got[0] != "prepare skip" {
		t.Fatalf("%v", got)
	}
	b.expect(pipeline.RunRequest{PlanRequest: pipeline.PlanRequest{Force: true}}, "prepare ran: forced", "report ran: forced", "train ran: forced")
	if b.read("raw.txt") != "one" {
		t.Fatal("the input was not restored")
	}
	delete(b.data.tracked, "raw.txt")
	b.remove("raw.txt")
	_, _, err = b.run(pipeline.RunRequest{})
	if !errs.Is(err, errs.StageFailed) || !strings.Contains(err.Error(), "dependency raw.txt is missing") {
		t.Fatalf("%v", err)
	}
}

func TestMissingObjectsAreFetched(t *testing.T) {
	t.Parallel()
	b := chainBed(t)
	b.expect(pipeline.RunRequest{}, "prepare ran: never ran", "report ran: never ran", "train ran: never ran")
	far := map[string][]byte{}
	for id, text := range b.data.objects {
		far[id.String()] = text
	}
	clear(b.data.objects)
	b.remove("data")
	b.remove("model.txt")
	b.engine.Fetch = func(_ context.Context, assets []stagefile.Asset) error {
		for _, a := range assets {
			b.data.objects[a.ID] = far[a.ID.String()]
		}
		return nil
	}
	b.expect(pipeline.RunRequest{PlanRequest: pipeline.PlanRequest{Pull: true}},
		"prepare restored: output data/clean.txt is missing", "report skipped", "train restored: output model.txt is missing")
}

func TestStagesRunSideBySideWithPrefix(t *testing.T) {
	t.Parallel()
	b := newBed(t, map[string]string{"mlops.yaml": `
stages:
  left: {cmd: "touch l; until test -e r; do sleep 0.01; done; echo done left", timeout: 20s}
  right: {cmd: "touch r; until test -e l; do sleep 0.01; done; printf 'no end'", timeout: 20s}
`})
	if _, _, err := b.run(pipeline.RunRequest{Jobs: 2}); err != nil {
		t.Fatal(err)
	}
	if out := b.output.String(); !strings.Contains(out, "left | done left\n") || !strings.Contains(out, "right | no end\n") {
		t.Fatalf("output %q", out)
	}
}

func TestInterruptedRunKeepsWhatFinished(t *testing.T) {
	t.Parallel()
	b := newBed(t, map[string]string{"mlops.yaml": `
stages:
  quick: {cmd: echo 1 > quick.txt, outs: [quick.txt]}
  slow: {cmd: "cp quick.txt slow.txt; touch ready; sleep 30", deps: [quick.txt], outs: [slow.txt]}
`})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(b.root, "ready")); err == nil {
				cancel()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	result, err := b.engine.Run(ctx, pipeline.RunRequest{Grace: time.Second}, func(pipeline.Event) {})
	if !errs.Is(err, errs.Canceled) || result.Status != track.Killed {
		t.Fatalf("%+v, %v", result, err)
	}
	if lock := b.read("mlops.lock"); !strings.Contains(lock, "quick.txt") || strings.Contains(lock, "slow") {
		t.Fatalf("lock:\n%s", lock)
	}
	run, err := b.tracker.Run(t.Context(), result.RunID)
	if err != nil || run.Status != track.Killed {
		t.Fatalf("%+v, %v", run, err)
	}
}

func TestDoubledRecordIsRestored(t *testing.T) {
	t.Parallel()
	b := chainBed(t)
	b.expect(pipeline.RunRequest{}, "prepare ran: never ran", "report ran: never ran", "train ran: never ran")
	lock := b.read("mlops.lock")
	_, line, _ := strings.Cut(lock, "\nprepare fingerprint")
	line, _, _ = strings.Cut(line, "\n")
	line = "prepare fingerprint" + line + "\n"
	b.write("mlops.lock", strings.Replace(lock, line, line+strings.Replace(line, "fingerprint ", "fingerprint 00", 1), 1))
	b.expect(pipeline.RunRequest{}, "prepare restored: mlops.lock holds lines of two runs, from a git merge", "report skipped", "train skipped")
	if b.read("mlops.lock") != lock {
		t.Fatal("the lock is not whole again")
	}
}

func TestDrawings(t *testing.T) {
	t.Parallel()
	b := newBed(t, map[string]string{"mlops.yaml": `
stages:
  eval: {cmd: x, deps: [m, c], outs: [r]}
  train: {cmd: x, deps: [c], outs: [m]}
  clean: {cmd: x, outs: [c]}
  other: {cmd: x, outs: ['a"b']}
`})
	p, err := b.engine.Project(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	g, err := p.Subgraph(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if want := "clean\n└─ train\n   └─ eval  ← clean\nother\n"; g.Text() != want {
		t.Errorf("text:\n%swant:\n%s", g.Text(), want)
	}
	if want := "digraph {\n  \"clean\";\n  \"train\";\n  \"eval\";\n  \"other\";\n  \"clean\" -> \"train\";\n  \"clean\" -> \"eval\";\n  \"train\" -> \"eval\";\n}\n"; g.Dot() != want {
		t.Errorf("dot:\n%s", g.Dot())
	}
	if want := "flowchart TD\n  n1[\"clean\"]\n  n2[\"train\"]\n  n3[\"eval\"]\n  n4[\"other\"]\n  n1 --> n2\n  n1 --> n3\n  n2 --> n3\n"; g.Mermaid() != want {
		t.Errorf("mermaid:\n%s", g.Mermaid())
	}
	if g, err = p.Subgraph([]string{"train"}, ""); err != nil || len(g.Edges()) != 1 || !slices.Equal(g.Edges()["train"], []string{"clean"}) {
		t.Errorf("edges %v, %v", g.Edges(), err)
	}
	list, err := p.List([]string{"train", "eval"}, "")
	if err != nil || len(list) != 2 || list[0].Name != "eval" {
		t.Errorf("list %v, %v", list, err)
	}
}

func TestAddStageChecksTheWholeProject(t *testing.T) {
	t.Parallel()
	b := newBed(t, nil)
	add := func(dir string, s stagefile.NewStage) error {
		_, err := b.engine.AddStage(t.Context(), pipeline.AddRequest{Dir: dir, Stage: s})
		return err
	}
	if err := add("", stagefile.NewStage{Name: "train", Cmd: "x", Outs: []string{"m"}, MetricsNoCache: []string{"j"}}); err != nil {
		t.Fatal(err)
	}
	before := b.read("mlops.yaml")
	if !slices.Equal(b.data.ignored, []string{"m"}) {
		t.Errorf("ignored %v", b.data.ignored)
	}
	if err := add("", stagefile.NewStage{Name: "again", Cmd: "x", Outs: []string{"m"}}); !errs.Is(err, errs.Usage) || !strings.Contains(err.Error(), "declared twice") {
		t.Errorf("the same output again: %v", err)
	}
	if err := add("", stagefile.NewStage{Name: "circle", Cmd: "x", Deps: []string{"n"}, Outs: []string{"n"}}); !errs.Is(err, errs.Usage) {
		t.Errorf("a circle: %v", err)
	}
	if b.read("mlops.yaml") != before {
		t.Error("a refused stage was written")
	}
	if err := os.MkdirAll(filepath.Join(b.root, "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := add("sub", stagefile.NewStage{Name: "deep", Cmd: "x", Deps: []string{"../m"}}); err != nil {
		t.Fatal(err)
	}
	p, err := b.engine.Project(t.Context(), nil)
	if err != nil || !slices.Equal(p.Graph.Deps("sub/mlops.yaml:deep"), []string{"train"}) {
		t.Errorf("%v %v", p.Order, err)
	}
}
