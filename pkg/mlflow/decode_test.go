package mlflow

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a": [1, -2.5e3, true, null, "x"]}`: `{"a":[1,-2.5e3,true,null,"x"]}`,
		`"\u00fc\ud83d\ude00\n\"\\\/"`:        `"\u00fc\ud83d\ude00\n\"\\/"`,
		`9007199254740993`:                    `9007199254740993`,
		`[NaN, Infinity, -Infinity]`:          `[NaN,Infinity,-Infinity]`,
		" {\t}\r\n":                           `{}`,
		`{"a":1,"a":2}`:                       `{"a":1,"a":2}`,
		`"\ud800"`:                            `"\ufffd"`,
	} {
		v, err := parseJSON([]byte(text))
		if got := v.json(); err != nil || got != want {
			t.Errorf("%s: %s (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "{", "[1,", `{"a"}`, `{"a":}`, "01", "1.", "--1", `"\x"`, `"a`, "nul", "[1] 2", "\"a\nb\"", `"\u12"`, `{1:2}`, strings.Repeat("[", 1000),
	} {
		if v, err := parseJSON([]byte(text)); err == nil {
			t.Errorf("%q is read as %s", text, v.json())
		}
	}
	later, err := parseJSON([]byte(`{"a": 1, "a": "2", "b": null}`))
	if err != nil || later.str("a") != "2" || later.get("b") != nil {
		t.Errorf("of two fields of one name the later counts, null is absent: %+v (%v)", later, err)
	}
	if v, err := parseJSON([]byte(`{"a": 1, "b": [1.5, "x, y: z"]}`)); err != nil || v.python() != `{"a": 1, "b": [1.5, "x, y: z"]}` {
		t.Errorf("as Python writes it: %s (%v)", v.python(), err)
	}
}

func FuzzParseJSON(f *testing.F) {
	f.Add(`{"a": [1, -2.5e3, true, null, "\u00fc\ud83d\ude00"], "b": {"c": ""}}`)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := parseJSON([]byte(text))
		if err != nil || !utf8.ValidString(text) {
			return
		}
		if words := strings.NewReplacer("NaN", "0", "-Infinity", "0", "Infinity", "0"); words.Replace(text) != text {
			return // Python's numbers, not JSON's
		}
		read := func(text string) (v any) {
			d := json.NewDecoder(strings.NewReader(text))
			d.UseNumber()
			if err := d.Decode(&v); err != nil {
				t.Fatalf("%q is no JSON: %v", text, err)
			}
			return v
		}
		if !reflect.DeepEqual(read(v.json()), read(text)) {
			t.Errorf("%q became %s", text, v.json())
		}
	})
}

func TestEncoder(t *testing.T) {
	t.Parallel()
	var e encoder
	e.open()
	e.str("s", "a\"\\\n\x01\xffü")
	e.list("l")
	e.item("x")
	e.open()
	e.boolean("b", false)
	e.close()
	e.endList()
	for name, v := range map[string]float64{"f": 1} {
		e.float(name, v)
	}
	e.object("o")
	e.close()
	e.optional("none", "")
	e.integer("i", math.MinInt64)
	e.close()
	if want := "{\"s\":\"a\\\"\\\\\\n\\u0001\uFFFDü\",\"l\":[\"x\",{\"b\":false}],\"f\":1.0,\"o\":{},\"i\":-9223372036854775808}"; string(e.buf) != want {
		t.Errorf("%s\nwant\n%s", e.buf, want)
	}
	for v, want := range map[float64]string{
		0: "0.0", 1e300: "1e+300", 0.1: "0.1", math.Inf(1): "1.7976931348623157e+308", math.Inf(-1): "-1.7976931348623157e+308", 1e15: "1000000000000000.0", -1e-7: "-1e-07",
	} {
		if got := pythonFloat(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
	if got := pythonFloat(math.NaN()); got != "NaN" {
		t.Errorf("NaN is written %s", got)
	}
}
