//go:build unix

package pipeline_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/pipeline"
)

func TestInputsThatChangeWhileAStageRunsAreNoticed(t *testing.T) {
	t.Parallel()
	b := newBed(t, map[string]string{"in": "1", "params.yaml": "lr: 1\nother: 1\n", "mlops.yaml": `
stages:
  a: {cmd: "cp in out; if test -f edit; then sh edit; rm edit; fi", deps: [in], params: [lr], outs: [out]}
  last: {cmd: cp out last, deps: [out], outs: [last]}
`})
	said := func(q pipeline.RunRequest) string {
		t.Helper()
		lines, _, err := b.run(q)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "a ") })
		return lines[i]
	}
	forced := pipeline.RunRequest{PlanRequest: pipeline.PlanRequest{Force: true}}
	for _, c := range []struct{ edit, want string }{
		{"echo 2 > in", "dependency in changed"},
		{"printf 'lr: 2\nother: 1\n' > params.yaml", "params.yaml:lr changed 1 → 2"},
		{"echo 3 > in", "dependency in changed"},
	} {
		b.write("edit", c.edit)
		if got, want := said(forced), "a ran: forced; "+c.want+" while it ran: it runs again next time"; got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.edit, got, want)
		}
		if got, want := said(pipeline.RunRequest{}), "a ran: "+c.want; got != want {
			t.Errorf("%s, next time:\n got %s\nwant %s", c.edit, got, want)
		}
		if got := said(pipeline.RunRequest{}); got != "a skipped" {
			t.Errorf("%s, when all is well: %s", c.edit, got)
		}
	}
	b.write("edit", "printf 'lr: 2\nother: 2\n' > params.yaml; touch in")
	if got := said(forced); got != "a ran: forced" {
		t.Errorf("what it does not read changed: %s", got)
	}
	// What it read is back: what was made meanwhile is not taken for made from it.
	b.write("edit", "echo 4 > in")
	said(forced)
	b.write("out", "garbage")
	b.write("in", "3\n")
	if got, want := said(pipeline.RunRequest{}), "a restored: what it reads changed while it last ran; output out changed"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got := b.read("out"); got != "3\n" {
		t.Errorf("out is %q", got)
	}
}
