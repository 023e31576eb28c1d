package pipeline_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/pipeline"
)

// TestGraphOfGroupsThatNeedOneAnother: what is a circle of groups is none of
// stages, and everything is drawn once.
func TestGraphOfGroupsThatNeedOneAnother(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("stages:\n  first: {cmd: x, outs: [b-0]}\n")
	text.WriteString("  a:\n    foreach: {'1': '0', '2': '1'}\n    do: {cmd: 'x ${key}', deps: ['b-${item}'], outs: ['a-${key}']}\n")
	text.WriteString("  b:\n    foreach: ['1', '2']\n    do: {cmd: 'x ${item}', deps: ['a-${item}'], outs: ['b-${item}']}\n")
	text.WriteString("  many: {cmd: x, deps: [a-1, b-1")
	for i := range 9 {
		fmt.Fprintf(&text, ", d-%d", i)
	}
	text.WriteString("]}\n")
	for i := range 9 {
		fmt.Fprintf(&text, "  d%d: {cmd: x, outs: [d-%d]}\n", i, i)
	}
	b := newBed(t, map[string]string{"mlops.yaml": text.String()})
	p, err := b.engine.Project(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	g, err := p.Collapsed(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	drawn := g.Text()
	for _, want := range []string{"first\n└─ a ×2  ← b\n   └─ b ×2\n", "many  ← a, b, d0, d1, 6 more\n"} {
		if !strings.Contains(drawn, want) {
			t.Errorf("no %q in\n%s", want, drawn)
		}
	}
	if n := strings.Count(drawn, "\n"); n != 13 {
		t.Errorf("%d lines, want one for each node:\n%s", n, drawn)
	}
	steps, err := b.engine.PlanProject(t.Context(), p, pipeline.PlanRequest{})
	if err != nil {
		t.Fatal(err)
	}
	g.Mark(p, steps)
	if s := g.Standings()["a"]; s.Run != 2 || s.Reasons[0] != "never ran" {
		t.Errorf("a stands %+v", s)
	}
}

func TestLayersHaveALineEach(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("stages:\n")
	for i := range 60 {
		fmt.Fprintf(&text, "  a%02d: {cmd: x, outs: [a%02d]}\n  b%02d: {cmd: x, deps: [a%02d], outs: [b%02d]}\n", i, i, i, i, i)
	}
	text.WriteString("  last: {cmd: x, deps: [a00, b07]}\n  five: {foreach: [1, 2, 3, 4, 5], do: {cmd: \"x ${item}\", deps: [b01]}}\n")
	p, err := pipeline.ReadProject(func(name string) ([]byte, error) {
		if name != "mlops.yaml" {
			return nil, fs.ErrNotExist
		}
		return []byte(text.String()), nil
	}, []string{"mlops.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	g, err := p.Collapsed(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	const want = "1  a00, a01, a02, a03, 56 more\n2  b00, b01, b02, b03, 56 more\n3  last, five ×5\n"
	if got := g.Layers(); got != want || g.Len() != 122 {
		t.Errorf("%d nodes:\n%s", g.Len(), got)
	}
}
