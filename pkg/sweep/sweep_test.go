package sweep_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/sweep"
)

// recorded is what Hydra itself makes of an override; values are JSON.
type recorded struct {
	In     string   `json:"in"`
	Op     string   `json:"op"`
	Key    string   `json:"key"`
	Values []string `json:"values"`
	Error  bool     `json:"error"`
}

// TestParsesAsHydra compares with recorded answers of hydra-core 1.3.8.
func TestParsesAsHydra(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/hydra-1.3.8.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []recorded
	if err := json.Unmarshal(text, &all); err != nil || len(all) < 100 {
		t.Fatalf("%d answers: %v", len(all), err)
	}
	meant := map[string]string{
		"a=range(0,1,0.1)":                   "0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9", // Hydra has 0.7000000000000001
		"a=sort(range(0,10,3),reverse=true)": "9 6 3 0",                                 // Hydra: 7 4 1 -2, which the range does not hold
	}
	for _, want := range all {
		if want.In == "=1" { // Hydra's empty package
			continue
		}
		got, err := sweep.Parse(want.In)
		if want.Error {
			if err == nil {
				t.Errorf("%s: Hydra refuses it, we read %q", want.In, got.Values)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", want.In, err)
			continue
		}
		if string(got.Op) != want.Op || got.Key != want.Key || got.File != "" {
			t.Errorf("%s: %q %q of %q, want %q %q", want.In, got.Op, got.Key, got.File, want.Op, want.Key)
		}
		var values []string
		for _, v := range got.Values {
			values = append(values, decoded(t, "x: "+v))
		}
		var wanted []string
		for _, v := range want.Values {
			wanted = append(wanted, decoded(t, "x: "+strings.NewReplacer("-Infinity", "-.inf", "Infinity", ".inf", "NaN", ".nan").Replace(v)))
		}
		if text, ok := meant[want.In]; ok {
			wanted = strings.Fields(text)
		}
		if want.In == "a=2020-01-01" {
			wanted = []string{paramfile.Encode(paramfile.Date("2020-01-01"))} // text to Hydra, a date to YAML
		}
		if !slices.Equal(values, wanted) {
			t.Errorf("%s: %q (as %q), want %q", want.In, got.Values, values, wanted)
		}
	}
}

// decoded is the value of the YAML line "x: …" in one spelling.
func decoded(t *testing.T, line string) string {
	t.Helper()
	v, err := paramfile.Parse("x.yaml", []byte(line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	x, _ := paramfile.Lookup(v, "x")
	return paramfile.Encode(x)
}

func TestTargetsAndSpelling(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"train.lr=1e-3":                "params.yaml:train.lr=0.001",
		"lr=1e-7":                      "params.yaml:lr=1.0e-07",
		"+conf/p.json:a.b=x":           "+conf/p.json:a.b=x",
		"conf/p.json:+a.b=x":           "+conf/p.json:a.b=x",
		"~old":                         "~params.yaml:old",
		"url=http://host/x":            "params.yaml:url=http://host/x",
		"name=Zoë":                     "params.yaml:name=Zoë",
		"when=2020-01-31":              "params.yaml:when=2020-01-31",
		"layers=[1, 2]":                "params.yaml:layers=[1, 2]",
		"zip=007":                      `params.yaml:zip="007"`,
		"text='a: b'":                  `params.yaml:text="a: b"`,
		"params.toml:train.depth=True": "params.toml:train.depth=true",
	} {
		list, err := sweep.ParseAll([]string{in}, "params.yaml")
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		trials, err := sweep.Trials(list)
		if err != nil || len(trials) != 1 || len(trials[0].Swept) != 0 {
			t.Errorf("%s: %v %v", in, trials, err)
			continue
		}
		if got := trials[0].Edits[0].String(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestTrialsAreAllCombinations(t *testing.T) {
	t.Parallel()
	list, err := sweep.ParseAll([]string{"lr=0.1,0.01", "seed=7", "depth=range(2,5)"}, "params.yaml")
	if err != nil {
		t.Fatal(err)
	}
	trials, err := sweep.Trials(list)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, trial := range trials {
		got = append(got, trial.Swept[0].Value+" "+trial.Swept[1].Value+" "+trial.Edits[1].Value)
	}
	want := []string{"0.1 2 7", "0.1 3 7", "0.1 4 7", "0.01 2 7", "0.01 3 7", "0.01 4 7"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	list, err = sweep.ParseAll([]string{"a=range(1000)", "b=range(1000)"}, "params.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sweep.Trials(list); err == nil {
		t.Error("a million trials pass")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a=1,2", "+a.b=[1,{x:'y'}]", "~a", `a="\\"`, "a=sort(range(1,3),reverse=true)", "a=${b}", "a=\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := sweep.Parse(s)
		if err == nil && o.Key == "" {
			t.Errorf("%q has no key", s)
		}
	})
}
