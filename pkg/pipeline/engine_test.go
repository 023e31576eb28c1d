//go:build unix

package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/pipeline"
)

// copyOf is a bed over another workspace with the same pipeline, store, cache
// and claims: as an isolated run has it.
func (b *bed) copyOf(files map[string]string) *bed {
	b.t.Helper()
	c := &bed{t: b.t, root: b.t.TempDir(), tracker: b.tracker, output: &lockedBuffer{}}
	shared := b.data
	c.data = &fakeData{root: c.root, objects: shared.objects, tracked: shared.tracked, shared: shared}
	for name, text := range files {
		c.write(name, text)
	}
	config := b.engine.Config
	config.Root, config.Files, config.Data = c.root, c.data, c.data
	config.Read = func(p string) ([]byte, error) { return os.ReadFile(filepath.Join(c.root, filepath.FromSlash(p))) }
	c.engine = pipeline.New(config)
	return c
}

func TestEqualStagesOfCopiesAreComputedOnce(t *testing.T) {
	t.Parallel()
	count := filepath.Join(t.TempDir(), "count")
	files := map[string]string{"in": "1", "mlops.yaml": fmt.Sprintf(`
stages:
  slow:
    cmd: echo x >> %s; sleep 0.3; cp in out
    deps: [in]
    outs: [out]
  next: {cmd: cp out last, deps: [out], outs: [last]}
`, count)}
	first := newBed(t, files)
	beds := []*bed{first, first.copyOf(files), first.copyOf(files), first.copyOf(files)}
	var wg sync.WaitGroup
	for _, b := range beds {
		wg.Go(func() {
			if _, _, err := b.run(pipeline.RunRequest{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, b := range beds {
		if got := b.read("last"); got != "1" {
			t.Errorf("a copy has %q", got)
		}
	}
	if text, err := os.ReadFile(count); err != nil || string(text) != "x\n" {
		t.Errorf("it ran %d times, %v", strings.Count(string(text), "x"), err)
	}
}

func TestTwoRunsOfOneWorkspaceDoEachStageOnce(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("stages:\n")
	for i := range 12 {
		fmt.Fprintf(&text, "  s%d: {cmd: [echo %d >> count, sleep 0.0%d, echo %d > o%d], outs: [o%d]}\n", i, i, i%5, i, i, i)
		fmt.Fprintf(&text, "  t%d: {cmd: [echo t%d >> count, cp o%d p%d], deps: [o%d], outs: [p%d]}\n", i, i, i, i, i, i)
	}
	b := newBed(t, map[string]string{"mlops.yaml": text.String()})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			result, err := b.engine.Run(t.Context(), pipeline.RunRequest{Jobs: 3}, func(pipeline.Event) {})
			if err != nil || result.Failed > 0 {
				t.Errorf("%+v: %v", result, err)
			}
		})
	}
	wg.Wait()
	lines := strings.Fields(b.read("count"))
	slices.Sort(lines)
	if len(lines) != 24 || len(slices.Compact(lines)) != 24 {
		t.Errorf("stages ran %v", lines)
	}
	_, result, err := b.run(pipeline.RunRequest{})
	if err != nil || result.Skipped != 24 {
		t.Errorf("not up to date after: %+v, %v", result, err)
	}
}

func TestStagesShareTheMachine(t *testing.T) {
	t.Parallel()
	b := newBed(t, map[string]string{"mlops.yaml": `
stages:
  wide:
    foreach: [1, 2, 3]
    do: {cmd: 'echo +4 >> load; sleep 0.1; echo -4 >> load; echo > w${item}', resources: {cpus: 4}, outs: ['w${item}']}
  narrow:
    foreach: [1, 2, 3, 4, 5, 6]
    do: {cmd: 'echo +1 >> load; sleep 0.05; echo -1 >> load; echo > n${item}', outs: ['n${item}']}
  heavy:
    foreach: [1, 2, 3]
    do: {cmd: 'echo +0.5 >> load; sleep 0.05; echo -0.5 >> load; echo > h${item}', resources: {cpus: 0.5, memory: 600MiB}, outs: ['h${item}']}
`})
	b.engine.Machine = &pipeline.Machine{CPUs: 5, Memory: 1 << 30}
	if _, _, err := b.run(pipeline.RunRequest{Jobs: 5}); err != nil {
		t.Fatal(err)
	}
	load, most, heavy := 0.0, 0.0, 0
	for line := range strings.FieldsSeq(b.read("load")) {
		var d float64
		if _, err := fmt.Sscanf(line, "%g", &d); err != nil {
			t.Fatal(err)
		}
		switch d {
		case 0.5:
			heavy++
		case -0.5:
			heavy--
		}
		if heavy > 1 {
			t.Error("more memory is in use than there is")
		}
		load += d
		most = max(most, load)
	}
	if most > 5 || most < 4 || load != 0 {
		t.Errorf("up to %g CPUs of 5 at once, %g at the end", most, load)
	}
	b.engine.Machine = &pipeline.Machine{CPUs: 2}
	_, result, err := b.run(pipeline.RunRequest{Jobs: 1, PlanRequest: pipeline.PlanRequest{Force: true}})
	if errs.KindOf(err) != errs.Usage || result.RunID != "" || !strings.Contains(err.Error(), "stage wide@1 (mlops.yaml:3) wants 4 CPUs, there are 2") {
		t.Errorf("%+v, %v", result, err)
	}
	b.expect(pipeline.RunRequest{}, skippedAll("wide@1 wide@2 wide@3 narrow@1 narrow@2 narrow@3 narrow@4 narrow@5 narrow@6 heavy@1 heavy@2 heavy@3")...)
}

func skippedAll(names string) []string {
	list := strings.Fields(names)
	for i, n := range list {
		list[i] = n + " skipped"
	}
	slices.Sort(list)
	return list
}

func TestWaitingEndsWithTheRun(t *testing.T) {
	t.Parallel()
	b := newBed(t, map[string]string{"mlops.yaml": "stages:\n  a: {cmd: exit 1, retries: {count: 3, backoff: 1h}}\n  b: {cmd: sleep 0.2; exit 2}\n"})
	start := time.Now()
	_, result, err := b.run(pipeline.RunRequest{Jobs: 2})
	if errs.KindOf(err) != errs.StageFailed || result.Failed != 2 {
		t.Errorf("%+v, %v", result, err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, errors.New("enough"))
	defer cancel()
	result, err = b.engine.Run(ctx, pipeline.RunRequest{PlanRequest: pipeline.PlanRequest{Stages: []string{"a"}}}, func(pipeline.Event) {})
	if errs.KindOf(err) != errs.Canceled || result.Failed != 1 || time.Since(start) > time.Minute {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestOutsThatPersistAreKeptAndMadeWritable(t *testing.T) {
	t.Parallel()
	b := newBed(t, map[string]string{"in": "1", "mlops.yaml": "stages:\n  grow: {cmd: cat in >> state, deps: [in], outs: [{state: {persist: true}}]}\n"})
	b.expect(pipeline.RunRequest{}, "grow ran: never ran")
	b.write("in", "2")
	b.expect(pipeline.RunRequest{}, "grow ran: dependency in changed")
	if got := b.read("state"); got != "12" || !slices.Contains(b.data.loosened, "state") {
		t.Errorf("state %q, made writable %v", got, b.data.loosened)
	}
	b.expect(pipeline.RunRequest{}, "grow skipped")
}
