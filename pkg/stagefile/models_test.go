package stagefile_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

func loadText(text string) (*stagefile.File, error) {
	return stagefile.Load(func(name string) ([]byte, error) {
		if name != "mlops.yaml" {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	}, "mlops.yaml")
}

func TestGatesOfModels(t *testing.T) {
	t.Parallel()
	f, err := loadText(`
models:
  churn:
    gates:
      production:
        metrics:
          auc:
          loss: {better: lower, tolerance: 0.01, max: 2}
          fairness: {min: 0.8, absolute: true}
        stages: [check-data]
        tags: {data: passed, card: ""}
        signature: compatible
        approvals: {by: [ada, bob], count: 2}
      staging:
        approvals: 1
  "*":
    gates:
      production: {signature: same}
`)
	if err != nil {
		t.Fatal(err)
	}
	g, ok := f.GatesFor("churn", "production")
	if !ok || len(g.Metrics) != 3 || g.Metrics[1].Tolerance != 0.01 || *g.Metrics[1].Max != 2 || !g.Metrics[2].Absolute || *g.Metrics[2].Min != 0.8 ||
		g.Stages[0] != "check-data" || g.Tags[0] != (stagefile.TagGate{Key: "data", Value: "passed"}) || g.Signature != "compatible" || g.Approvals != 2 || g.Approvers[1] != "bob" {
		t.Errorf("gates are %+v, %v", g, ok)
	}
	if g, _ := f.GatesFor("churn", "staging"); g.Approvals != 1 || len(g.Approvers) != 0 {
		t.Errorf("staging: %+v", g)
	}
	if _, ok := f.GatesFor("churn", "canary"); ok {
		t.Error("an alias without an entry has gates")
	}
	if g, ok := f.GatesFor("other", "production"); !ok || g.Signature != "same" {
		t.Errorf("* does not stand for other models: %+v", g)
	}
}

func TestGatesThatAreWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"models: {m: {gate: {}}}":                                                      `did you mean gates`,
		"models: {m: {gates: {p: {metric: {}}}}}":                                      `unknown key "metric"`,
		"models: {m: {gates: {p: {metrics: {auc: {better: up}}}}}}":                    `expected higher or lower, found "up"`,
		"models: {m: {gates: {p: {metrics: {auc: {min: x}}}}}}":                        "expected a number",
		"models: {m: {gates: {p: {metrics: {auc: {tolerance: -1}}}}}}":                 "less than nothing",
		"models: {m: {gates: {p: {metrics: {auc: {absolute: true}}}}}}":                "neither min nor max",
		"models: {m: {gates: {p: {signature: compatable}}}}":                           "expected compatible or same",
		"models: {m: {gates: {p: {approvals: 0}}}}":                                    "a number of people",
		"models: {m: {gates: {p: {approvals: {by: [ada], count: 2}}}}}":                "2 people cannot approve when only 1 may",
		"models: {m: {gates: {latest: {}}}}":                                           "cannot be moved",
		"models: {m: {gates: {p: {tags: {a: [1]}}}}}":                                  "expected a text or a number",
		"models: {m: {gates: {p: {stages: 3}}}}":                                       "stages",
		"models: [m]":                                                                  "models",
		"vars: [{t: 1}]\nmodels: {m: {gates: {p: {metrics: {auc: {min: \"${t}\"}}}}}}": "expected a number",
	} {
		_, err := loadText(text)
		if err == nil || !strings.Contains(strings.Join(append([]string{err.Error()}, errs.Hints(err)...), "\n"), want) {
			t.Errorf("%s: error is %v, want %q", text, err, want)
		}
	}
}
