package mlmodel_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registry/mlmodel"
)

// TestBytesAreThoseOfPyYAML: files that PyYAML wrote, of all kinds of values, are
// read and written again byte for byte.
func TestBytesAreThoseOfPyYAML(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/pyyaml.json")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	if err := json.Unmarshal(text, &files); err != nil {
		t.Fatal(err)
	}
	bad := 0
	for _, want := range files {
		m, err := mlmodel.Parse([]byte(want))
		if err != nil {
			t.Fatalf("%v\n%s", err, want)
		}
		if got := string(m.Encode()); got != want {
			if bad++; bad < 4 {
				t.Errorf("wrote\n%q\nwant\n%q", got, want)
			}
		}
	}
	if bad > 0 {
		t.Errorf("%d of %d files differ", bad, len(files))
	}
}

func TestFileOfMLflow(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/sklearn.MLmodel")
	if err != nil {
		t.Fatal(err)
	}
	m, err := mlmodel.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(m.Encode()); got != string(text) {
		t.Errorf("wrote\n%s\nwant\n%s", got, text)
	}
	if !slices.Equal(m.FlavorNames(), []string{"python_function", "sklearn"}) || m.Example() != "input_example.json" || m.Text("mlflow_version") != "3.17.2" || m.Text("model_id") != "" {
		t.Errorf("flavors %q, example %q", m.FlavorNames(), m.Example())
	}
	var fields []string
	for _, f := range m.Signature.Fields() {
		fields = append(fields, f.Part+" "+f.Name+" "+f.Type)
	}
	if len(fields) != 6 || fields[0] != "input tenure in months double" || fields[4] != "parameter threshold double" {
		t.Errorf("signature is %q", fields)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                             "not a mapping",
		"- a":                          "not a mapping",
		"a: [":                         "not YAML",
		"a: &a [*a]":                   "nested too deeply",
		"signature: {inputs: 'x'}":     "inputs of the signature is no JSON",
		"signature: {outputs: [1, 2]}": "outputs of the signature is no JSON",
	} {
		if _, err := mlmodel.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	m, err := mlmodel.Parse([]byte("signature: {inputs: '[]', outputs: null}\nflavors: x\n"))
	if err != nil || m.Signature == nil || m.Signature.Outputs != nil || m.FlavorNames() != nil {
		t.Errorf("%+v (%v)", m, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("flavors: {a: {b: 1}}\nsignature: {inputs: '[{\"type\": \"long\"}]'}")
	f.Add("a: &x [1]\nb: *x")
	f.Fuzz(func(_ *testing.T, text string) {
		m, err := mlmodel.Parse([]byte(text))
		if err != nil {
			return
		}
		m.Encode()
		registry.SignatureDiff(m.Signature, nil)
	})
}

func TestMake(t *testing.T) {
	t.Parallel()
	got := string(mlmodel.Make(mlmodel.Description{
		Data: "model.pkl", Flavors: []string{"sklearn"}, RunID: "abc", ID: "def", Created: time.UnixMilli(0), Licence: "MIT", Example: "x.json",
		Signature: &registry.Signature{Inputs: []byte(`[{"type":"double","name":"a, b: \"c\"","required":true}]`)},
	}).Encode())
	const want = `flavors:
  sklearn:
    data: model.pkl
metadata:
  licence: MIT
model_uuid: def
run_id: abc
saved_input_example_info:
  artifact_path: x.json
signature:
  inputs: '[{"type": "double", "name": "a, b: \"c\"", "required": true}]'
  outputs: null
  params: null
utc_time_created: '1970-01-01 00:00:00.000000'
`
	if got != want {
		t.Errorf("wrote\n%s\nwant\n%s", got, want)
	}
	if m, err := mlmodel.Parse([]byte(got)); err != nil || m.Text("model_uuid") != "def" || len(m.Signature.Fields()) != 1 {
		t.Errorf("read back %+v (%v)", m, err)
	}
}
