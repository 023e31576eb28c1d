package pipeline

import (
	"slices"
	"testing"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

func TestParamReasonsNameWhatChanged(t *testing.T) {
	t.Parallel()
	values := func(text string) map[string]any {
		v, err := paramfile.Parse("params.yaml", []byte(text))
		m, ok := v.(*paramfile.Map)
		if err != nil || !ok {
			t.Fatalf("%T, %v", v, err)
		}
		out := map[string]any{}
		for _, key := range m.Keys() {
			out[key], _ = m.Get(key)
		}
		return out
	}
	for _, c := range []struct {
		old, now string
		want     []string
	}{
		{"lr: 0.1", "lr: 0.1", nil},
		{"lr: 0.1", "lr: 0.2", []string{"p:lr changed 0.1 → 0.2"}},
		{"lr: 0.1", "depth: 3", []string{"p:depth is new (3)", "p:lr was removed"}},
		{
			"train: {lr: 0.1, opt: {name: sgd, beta: 1}}", "train: {lr: 0.1, opt: {name: adam, eps: 2}}",
			[]string{`p:train.opt.eps is new (2)`, `p:train.opt.name changed "sgd" → "adam"`, `p:train.opt.beta was removed`},
		},
		{"train: 1", "train: {lr: 1}", []string{`p:train changed 1 → {"lr":1}`}},
		{"train: {lr: 1}", "train: {}", []string{`p:train changed {"lr":1} → {}`}},
	} {
		old, now := map[string]map[string]any{"p": values(c.old)}, map[string]map[string]any{"p": values(c.now)}
		if got := paramReasons(old, now); !slices.Equal(got, c.want) {
			t.Errorf("%s → %s: %q, want %q", c.old, c.now, got, c.want)
		}
	}
}
