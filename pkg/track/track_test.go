package track

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"loss", "val/loss", "params.yaml:train.lr", "Größe 2", "a-b_c.d", ".hidden", "...", strings.Repeat("é", MaxKey)} {
		if err := CheckKey("metric", key); err != nil {
			t.Errorf("%q: %v", key, err)
		}
		if FitKey(key) != key {
			t.Errorf("%q became %q", key, FitKey(key))
		}
	}
	for key, fit := range map[string]string{
		"": "_", "/abs": "abs", "../up": "up", "a//b": "a/b", "a/": "a", ".": "_", "..": "_", "acc@5": "acc_5", "f1 (macro)": "f1 _macro_",
		"layers[0].units": "layers.0.units", "m[0][12]": "m.0.12", "m[x]": "m_x_", "m[": "m_", "a\nb": "a_b", "\xff": "_",
		strings.Repeat("x", MaxKey+1): strings.Repeat("x", MaxKey),
	} {
		if err := CheckKey("metric", key); errs.KindOf(err) != errs.Usage {
			t.Errorf("%q: %v", key, err)
		}
		if got := FitKey(key); got != fit {
			t.Errorf("%q fits as %q, want %q", key, got, fit)
		}
	}
}

func FuzzFitKey(f *testing.F) {
	f.Add("a[0]/../b")
	f.Fuzz(func(t *testing.T, s string) {
		if err := CheckKey("metric", FitKey(s)); err != nil {
			t.Error(err)
		}
	})
}

func TestBatches(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", MaxParam+1)
	b := Batch{Params: []Param{{"a[1]", long}}, Metrics: []Metric{{Key: "x%"}}, Tags: []Tag{{Key: "t", Value: strings.Repeat("x", MaxTag+1)}}}
	if b.Check() == nil {
		t.Error("a long param is accepted")
	}
	fit := b.Fit()
	if err := fit.Check(); err != nil {
		t.Error(err)
	}
	if fit.Params[0].Key != "a.1" || len([]rune(fit.Params[0].Value)) != MaxParam || b.Params[0].Key != "a[1]" {
		t.Errorf("%q of %d, before %q", fit.Params[0].Key, len(fit.Params[0].Value), b.Params[0].Key)
	}
	twice := Batch{Params: []Param{{"a", "1"}, {"a", "2"}}}
	if errs.KindOf(twice.Check()) != errs.Usage {
		t.Error("two values of one param are accepted")
	}
}

func TestValuesInJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v    float64
		want string
	}{{0.1, "0.1"}, {1e21, "1e+21"}, {math.NaN(), `"NaN"`}, {math.Inf(1), `"Infinity"`}, {math.Inf(-1), `"-Infinity"`}, {-2, "-2"}} {
		got, err := json.Marshal(Value(c.v))
		if err != nil || string(got) != c.want {
			t.Errorf("%v: %s %v", c.v, got, err)
		}
		var back Value
		if err := json.Unmarshal(got, &back); err != nil || Value(c.v).String() != back.String() {
			t.Errorf("%s: %v %v", got, back, err)
		}
	}
	var v Value
	for _, bad := range []string{`"x"`, `true`, `[1]`, `"1" 2`} {
		if json.Unmarshal([]byte(bad), &v) == nil {
			t.Errorf("%s is read as %v", bad, v)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	id := NewID()
	if err := CheckID(id); err != nil {
		t.Error(err)
	}
	if name := NameOf(id); name != NameOf(id) || strings.Count(name, "-") != 2 || CheckName("run", name, MaxName) != nil {
		t.Errorf("name %q", name)
	}
	for _, bad := range []string{"", " ", "a\nb", strings.Repeat("x", MaxName+1)} {
		if CheckName("run", bad, MaxName) == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestLookups(t *testing.T) {
	t.Parallel()
	r := Run{Params: []Param{{"a", "1"}, {"b", "2"}}, Metrics: []Summary{{Key: "x", Value: 3}}}
	if v, ok := r.Param("b"); v != "2" || !ok {
		t.Error(v, ok)
	}
	if _, ok := r.Param("c"); ok {
		t.Error("found what is not there")
	}
	if m, ok := r.Metric("x"); m.Value != 3 || !ok {
		t.Error(m, ok)
	}
	if _, ok := r.Metric("y"); ok {
		t.Error("found what is not there")
	}
	if !Killed.Over() || Running.Over() || len(Statuses()) != 5 {
		t.Error("statuses")
	}
}

func FuzzDecodeRecord(f *testing.F) {
	good, err := Record{
		Run:    Run{ID: NewID(), Name: "n", Experiment: "e", Status: Finished, Params: []Param{}, Tags: []Tag{}},
		Points: []Curve{{"loss", []int64{1}, []int64{2}, []Value{3}}},
	}.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := DecodeRecord(data)
		if err != nil {
			return
		}
		first, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeRecord(first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := again.Encode()
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("not canonical: %v\n%s%s", err, first, second)
		}
	})
}
