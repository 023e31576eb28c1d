package registry_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/registry"
)

func TestRefs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]registry.Ref{
		"churn":                    {Name: "churn"},
		"churn/3":                  {Name: "churn", Number: 3},
		"churn/v3":                 {Name: "churn", Number: 3},
		"churn@production":         {Name: "churn", Alias: "production"},
		"models:/churn":            {Name: "churn"},
		"models:/churn/12":         {Name: "churn", Number: 12},
		"models:/churn@candidate":  {Name: "churn", Alias: "candidate"},
		"models:/churn/Production": {Name: "churn", Alias: "Production"},
		"models:///churn/1":        {Name: "churn", Number: 1},
		"a b@c@d":                  {Name: "a b@c", Alias: "d"},
		"@x":                       {Name: "@x"},
	} {
		got, err := registry.ParseRef(text)
		if err != nil || got != want {
			t.Errorf("%s is %+v (%v), want %+v", text, got, err, want)
		}
		if again, err := registry.ParseRef(got.String()); err != nil || again != got {
			t.Errorf("%s is read back as %+v (%v)", got, again, err)
		}
	}
	for text, rule := range map[string]registry.Rule{
		"": registry.EmptyName, "/3": registry.EmptyName, "churn/": registry.EmptyAlias, "churn@": registry.EmptyAlias,
		"churn/0": registry.VersionNumber, "churn/-1": registry.VersionNumber, "a:b": registry.NameChars,
	} {
		_, err := registry.ParseRef(text)
		var invalid *registry.InvalidError
		if !errors.As(err, &invalid) || invalid.Rule != rule {
			t.Errorf("%q: %v, want %s", text, err, rule)
		}
	}
}

func signature(inputs, outputs, params string) *registry.Signature {
	return &registry.Signature{Inputs: []byte(inputs), Outputs: []byte(outputs), Params: []byte(params)}
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	const (
		age      = `{"type": "double", "name": "age", "required": true}`
		ageLong  = `{"type": "long", "name": "age"}`
		ageInt   = `{"type": "integer", "name": "age"}`
		plan     = `{"type": "string", "name": "plan"}`
		planMay  = `{"type": "string", "name": "plan", "required": false}`
		tensor   = `{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 28]}}`
		tensor64 = `{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 28]}}`
		cut      = `{"name": "cut", "type": "double", "default": 0.5, "shape": null}`
	)
	for _, c := range []struct {
		name      string
		old, next *registry.Signature
		want      string
		differs   bool
	}{
		{"equal, written differently", signature("["+age+"]", "", "null"), signature(`[{"name":"age","type":"double"}]`, "", ""), "", false},
		{"order does not matter", signature("["+age+","+plan+"]", "", ""), signature("["+plan+","+age+"]", "", ""), "", false},
		{"a new input", signature("["+age+"]", "", ""), signature("["+age+","+plan+"]", "", ""), "it needs the input plan", true},
		{"a new optional input", signature("["+age+"]", "", ""), signature("["+age+","+planMay+"]", "", ""), "", true},
		{"an input less", signature("["+age+","+plan+"]", "", ""), signature("["+age+"]", "", ""), "", true},
		{"wider", signature("["+ageInt+"]", "", ""), signature("["+ageLong+"]", "", ""), "", true},
		{"narrower", signature("["+age+"]", "", ""), signature("["+ageLong+"]", "", ""), "the input age is long, was double", true},
		{"no longer optional", signature("["+planMay+"]", "", ""), signature("["+plan+"]", "", ""), "the input plan is no longer optional", true},
		{"tensors", signature("["+tensor+"]", "["+tensor+"]", ""), signature("["+tensor+"]", "["+tensor64+"]", ""), "the output 1 is", true},
		{"an output less", signature("", "["+age+","+plan+"]", ""), signature("", "["+age+"]", ""), "the output plan is gone", true},
		{"a parameter less", signature("", "", "["+cut+"]"), signature("", "", ""), "the parameter cut is gone", true},
		{"none before", nil, signature("["+age+"]", "", ""), "", true},
		{"none now", signature("["+age+"]", "", ""), nil, "it has no signature", true},
		{"none at all", nil, nil, "", false},
	} {
		got := registry.Incompatible(c.old, c.next)
		if text := strings.Join(got, "; "); c.want == "" && text != "" || !strings.Contains(text, c.want) {
			t.Errorf("%s: %q, want %q", c.name, text, c.want)
		}
		if diff := registry.SignatureDiff(c.old, c.next); (len(diff) > 0) != c.differs {
			t.Errorf("%s: difference is %q", c.name, diff)
		}
	}
}

func TestRecordsReadBack(t *testing.T) {
	t.Parallel()
	// Bytes that were written once are read for ever.
	const model = `{"mlops_model":1,"name":"churn","creation_time":5,"deleted":3,"floor":2,"description":{"value":"a <b>","time":6},` +
		`"tags":[{"key":"k","value":"","time":7,"removed":true}],"aliases":[{"alias":"production","version":"0123456789abcdef0123456789abcdef","by":"ada","time":8}]}` + "\n"
	const version = `{"mlops_model_version":1,"name":"churn","version":3,"placed":5,"id":"0123456789abcdef0123456789abcdef","creation_time":5,"user":"ada",` +
		`"stage":{"value":"Staging","time":9},"status":"READY","source":"m.pkl","run_id":"0123456789abcdef0123456789abcdef","description":{"value":"","time":0},` +
		`"tags":[],"approvals":[{"by":"bob","time":10,"alias":"production"}],"details":{"object":"1b465fa6b6bcbc06a3199e3d2d8aec35d37494a712f888b6d5536684dd89d0f0",` +
		`"kind":"file","path":"m.pkl","size":8,"files":1,"git":{"commit":"abc"},"metrics":[{"key":"loss","value":"NaN"}],"signature":{"inputs":[{"type":"double"}]}}}` + "\n"
	m, _, err := registry.DecodeRecord([]byte(model))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.Encode(); err != nil || string(got) != model {
		t.Errorf("model is\n%s(%v), want\n%s", got, err, model)
	}
	_, v, err := registry.DecodeRecord([]byte(version))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := v.Encode(); err != nil || string(got) != version {
		t.Errorf("version is\n%s(%v), want\n%s", got, err, version)
	}
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add([]byte(`{"mlops_model":1,"name":"m","aliases":[{"alias":"a"}]}`))
	f.Add([]byte(`{"mlops_model_version":1,"name":"m","version":1,"id":"0123456789abcdef0123456789abcdef","stage":{"value":"None"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, v, err := registry.DecodeRecord(data)
		if err == nil && (m == nil) == (v == nil) {
			t.Error("a record is one of two")
		}
	})
}
