package paramfile_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

func parse(t *testing.T, name, text string) any {
	t.Helper()
	v, err := paramfile.Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestScalarsAreYAML12AsPythonPrintsThem(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"1e-3": "0.001", "1.0": "1.0", ".5": "0.5", "1E5": "100000.0", "1_000": "1000", "010": "10", "0o10": "8",
		"0x1F": "31", "+12": "12", "yes": "yes", "on": "on", "True": "true", "~": "None", `"null"`: "null",
		`"1.50"`: "1.50", "1.2.3": "1.2.3", "12345678901234567890": "12345678901234567890", ".inf": "inf", "-.inf": "-inf",
		".nan": "nan", "2020-01-01": "2020-01-01", "1e-5": "1e-05", "1e16": "1e+16", "1e15": "1000000000000000.0",
		"-3": "-3", "0b11": "3", "1__0": "10", "e5": "e5", "1.": "1.0", "0.1": "0.1", "123456.789": "123456.789",
		"2020-01-01 10:00:00": "2020-01-01 10:00:00", "1:30": "1:30", "''": "",
	} {
		v, ok := paramfile.Lookup(parse(t, "params.yaml", "a: "+raw+"\n"), "a")
		if got := paramfile.Text(v); !ok || got != want {
			t.Errorf("%s reads as %s, want %s", raw, got, want)
		}
	}
}

func TestFormatsGiveTheSameValues(t *testing.T) {
	t.Parallel()
	want := `{"layers":[1,2],"name":"x","train":{"deep":{"on":true},"lr":0.1,"n":5}}`
	for name, text := range map[string]string{
		"p.yaml": "name: x\ntrain:\n  lr: 0.1\n  n: 5\n  deep: {on: true}\nlayers: [1, 2]\n",
		"p.json": `{"name":"x","train":{"lr":0.1,"n":5,"deep":{"on":true}},"layers":[1,2]}`,
		"p.toml": "name = 'x'\nlayers = [1, 2]\n[train]\nlr = 0.1\nn = 5\n[train.deep]\non = true\n",
		"p.py": `
import os
name = "x"
layers: list[int] = [1, 2]  # two
other = os.environ["HOME"]
a = b = 1
class train(Base):
    """Text with = 1."""
    lr = 0.1
    def __init__(self, n):
        self.n = 5
        local = 7
        if n:
            self.m = 1
    class deep: on = True
`,
	} {
		v := parse(t, name, text)
		if name == "p.py" { // a class on one line is seen, its body is not
			v.(*paramfile.Map).Set("train", func() any {
				m, _ := paramfile.Lookup(v, "train")
				m.(*paramfile.Map).Set("deep", parse(t, "x.yaml", "on: true"))
				return m
			}())
		}
		if got := paramfile.Encode(v); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

func TestPythonLiterals(t *testing.T) {
	t.Parallel()
	v := parse(t, "p.py", `# -*- coding: utf-8 -*-
A = -1.5e-3
B = (1, "two", None)
C = {"k": [True, False], 'n': {1: 2}}
D = 1, 2
E = r'a\n' "b\n"
F = f"{A}"
G = {3}
H = """many
lines"""
I = 0x1F; J = 1_000
K = [
    1,  # one
    2,
]
L = A + 1
M = \
  5
`)
	want := `{"A":-0.0015,"B":[1,"two",null],"C":{"k":[true,false],"n":{"1":2}},"D":[1,2],"E":"a\\nb\n","G":[3],"H":"many\nlines","I":31,"J":1000,"K":[1,2],"M":5}`
	if got := paramfile.Encode(v); got != want {
		t.Fatalf("\n got %s\nwant %s", got, want)
	}
}

func TestLookupAndFlatten(t *testing.T) {
	t.Parallel()
	v := parse(t, "p.yaml", "b: {c: 2, d: [1, {e: x}]}\na.b: dotted\nz: {}\n")
	for key, want := range map[string]string{"b.c": "2", "b.d[1].e": "x", "b.d.1.e": "x", "b.d[-2]": "1", "a.b": "dotted"} {
		if got, ok := paramfile.Lookup(v, key); !ok || paramfile.Text(got) != want {
			t.Errorf("%s is %v, want %s", key, got, want)
		}
	}
	for _, key := range []string{"b.x", "b.d[2]", "b.c.d", "b.d.x", "nope"} {
		if got, ok := paramfile.Lookup(v, key); ok {
			t.Errorf("%s is there: %v", key, got)
		}
	}
	var keys []string
	for _, e := range paramfile.Flatten(v) {
		keys = append(keys, e.Key)
	}
	if want := []string{"b.c", "b.d", "a.b"}; !slices.Equal(keys, want) {
		t.Errorf("leaves %v, want %v", keys, want)
	}
}

func TestEncodingIsCanonicalAndReadsBack(t *testing.T) {
	t.Parallel()
	v := parse(t, "p.yaml", "b: [1, 1.0, 'a\"\\n', null, true, .inf, -.inf, 2020-01-01]\na: {y: 1e-7, x: 99999999999999999999}\n")
	text := paramfile.Encode(v)
	back, err := paramfile.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if again := paramfile.Encode(back); again != text {
		t.Fatalf("%s became %s", text, again)
	}
	nan, err := paramfile.Decode(paramfile.Encode(math.NaN()))
	if f, ok := nan.(float64); err != nil || !ok || !math.IsNaN(f) {
		t.Fatalf("NaN became %v, %v", nan, err)
	}
	if quoted, err := paramfile.Decode(`["NaN", "say \"Infinity\""]`); err != nil || paramfile.Encode(quoted) != `["NaN","say \"Infinity\""]` {
		t.Fatalf("text that names a number became %v, %v", quoted, err)
	}
}

func TestErrorsNameTheFileAndThePlace(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"twice.yaml": "a: 1\na: 2\n", "bad.yaml": "a: [1\nb: 2\n", "two.yaml": "a: 1\n---\nb: 2\n",
		"bad.json": "{\n\"a\": }", "bad.toml": "a = 1\nb = \n", "bad.py": "a = 1\nb = 'x\n",
	} {
		_, err := paramfile.Parse(name, []byte(text))
		if !errs.Is(err, errs.Usage) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := paramfile.Parse("bomb.yaml", []byte(bomb())); err == nil {
		t.Error("a file that unfolds to billions of values was accepted")
	}
}

func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		prev := "*a" + string(rune('0'+i-1))
		b.WriteString("a" + string(rune('0'+i)) + ": &a" + string(rune('0'+i)) + " [" + strings.TrimSuffix(strings.Repeat(prev+", ", 10), ", ") + "]\n")
	}
	return b.String()
}

func TestSetChangesOneValueAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ file, text, key, raw, want string }{
		{"p.yaml", "# top\ntrain:\n  lr: 0.1   # rate\n  n: 5\n", "train.lr", "1e-3", "# top\ntrain:\n  lr: 1e-3   # rate\n  n: 5\n"},
		{"p.yaml", "a: 'it''s'\nb: {ü: \"x\", c: 1}\n", "b.c", "2", "a: 'it''s'\nb: {ü: \"x\", c: 2}\n"},
		{"p.yaml", "a: \"x\" # c\n", "a", "y z", "a: y z # c\n"},
		{"p.yaml", "l: [1, 2, 3]\n", "l[1]", "9", "l: [1, 9, 3]\n"},
		{"p.yaml", "# c\nl: 1\nm: 2\n", "l", "[1, 2]", "# c\nl: [1, 2]\nm: 2\n"},
		{"p.yaml", "l: {a: 1, b: 2}\n", "l.a", "x, y", "l: {a: \"x, y\", b: 2}\n"},
		{"p.yaml", "# c\nl:\nm: 2\n", "l", "7", "# c\nl: 7\nm: 2\n"},
		{"p.json", "{\n  \"a\": 1,\n  \"b\": \"x\"\n}\n", "b", "hello", "{\n  \"a\": 1,\n  \"b\": \"hello\"\n}\n"},
		{"p.toml", "title = 't'\n[train] # x\nlr = 0.1 # rate\n", "train.lr", "0.5", "title = 't'\n[train] # x\nlr = 0.5 # rate\n"},
		{"p.py", "LR = 0.1  # rate\nclass T:\n    on = False\n", "T.on", "true", "LR = 0.1  # rate\nclass T:\n    on = True\n"},
	} {
		got, err := paramfile.Set(c.file, []byte(c.text), c.key, c.raw)
		if err != nil || string(got) != c.want {
			t.Errorf("%s %s=%s:\n got %q, %v\nwant %q", c.file, c.key, c.raw, got, err, c.want)
		}
	}
	_, err := paramfile.Set("p.yaml", []byte("train: {lr: 1}\n"), "train.lt", "2")
	if !errs.Is(err, errs.NotFound) || !slices.Contains(errs.Hints(err), "did you mean train.lr?") {
		t.Errorf("a mistyped key: %v, hints %v", err, errs.Hints(err))
	}
}

func FuzzParse(f *testing.F) {
	f.Add("p.yaml", "a: {b: [1, *x]}\n<<: &x {c: 1}\n")
	f.Add("p.py", "class A:\n  x = {1: [2, 'y']}\n")
	f.Add("p.json", `{"a": [NaN, 1e5]}`)
	f.Add("p.toml", "[a]\nb = 1979-05-27\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		v, err := paramfile.Parse(name, []byte(text))
		if err != nil {
			if _, ok := errors.AsType[*errs.Error](err); !ok {
				t.Fatalf("an error without a kind: %v", err)
			}
			return
		}
		enc := paramfile.Encode(v)
		back, err := paramfile.Decode(enc)
		if err != nil {
			t.Fatalf("%s does not read back: %v", enc, err)
		}
		if again := paramfile.Encode(back); again != enc {
			t.Fatalf("%s became %s", enc, again)
		}
	})
}

func TestTheEndOfAKeyNamesTheWhole(t *testing.T) {
	t.Parallel()
	const text = "train: {lr: 1}\nhead: {lr: 2}\nlt: 3\n"
	_, err := paramfile.Set("params.yaml", []byte(text), "lr", "2")
	if !slices.Contains(errs.Hints(err), "did you mean train.lr, head.lr?") {
		t.Errorf("the hints are %q", errs.Hints(err))
	}
}
