package stagefile_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

const schemaFile = "../../docs/mlops.schema.json"

// stricter are projects that DVC takes and that the schema, which is that of
// mlops.yaml, does not.
func stricter() map[string]string {
	return map[string]string{
		"yaml-directive-11": "YAML 1.1 is refused",
		"cmd-empty":         "a command must say something", "cmd-list-empty": "a command must say something",
		"cmd-list-ints": "commands are texts", "cmd-list-nested": "commands are texts", "cmd-list-null": "commands are texts",
	}
}

// looser are files that DVC's schema refuses and that ours cannot tell.
func looser() map[string]string {
	const keys = "JSON has only texts as keys"
	const binary = "JSON has no binary values"
	return map[string]string{
		"yaml-bytes-cmd": binary, "yaml-bytes-dep": binary, "yaml-bytes-desc": binary, "yaml-bytes-outs": binary, "yaml-bytes-wdir": binary, "yaml-bytes-stage-name": keys,
		"artifacts-int-name": keys, "matrix-key-types": keys, "stage-name-types": keys, "stage-name-bool": keys, "outs-int-key": keys, "name-null": keys,
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := stagefile.JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("MLOPS_UPDATE") != "" {
		if err := os.WriteFile(schemaFile, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	published, err := os.ReadFile(schemaFile)
	if err != nil || !bytes.Equal(published, text) {
		t.Errorf("%s is not up to date (%v): MLOPS_UPDATE=1 go test ./pkg/stagefile", schemaFile, err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mlops.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("mlops.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestJSONSchema checks that the schema takes what DVC takes, and refuses what
// DVC's own schema refuses.
func TestJSONSchema(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	checked := 0
	check := func(name string, files map[string][]byte) {
		var answer struct {
			Error      string
			FileErrors map[string]any `json:"file_errors"`
		}
		if err := json.Unmarshal(files["expected.json"], &answer); err != nil {
			t.Fatal(err)
		}
		for file, text := range files {
			if path.Base(file) != "dvc.yaml" || answer.Error != "" {
				continue
			}
			wrong := fmt.Sprint(answer.FileErrors[file])
			refused := strings.Contains(wrong, "YAMLValidationError") && strings.Contains(wrong, file+"'")
			if answer.FileErrors[file] != nil && !refused {
				continue // refused for what the schema does not see
			}
			checked++
			err := validate(schema, file, text)
			switch {
			case refused && err == nil && looser()[name] == "":
				t.Errorf("%s: %s passes, DVC says %v", name, file, wrong)
			case !refused && err != nil && stricter()[name] == "":
				t.Errorf("%s: %s does not pass: %v", name, file, err)
			}
		}
	}
	made, err := filepath.Glob("../pipeline/testdata/dvc/*.txtar")
	if err != nil || len(made) == 0 {
		t.Fatal("no projects", err)
	}
	for _, file := range made {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{}
		for _, f := range a.Files {
			files[f.Name] = f.Data
		}
		check(strings.TrimSuffix(filepath.Base(file), ".txtar"), files)
	}
	cases, err := filepath.Glob("../../../shared/corpus/dvc/*/expected.json")
	if err != nil || len(cases) == 0 {
		t.Log("SKIPPED: the corpus of real DVC projects is not beside this repository")
	}
	for _, file := range cases {
		check(filepath.Base(filepath.Dir(file)), readTree(t, filepath.Dir(file)))
	}
	if checked < 300 {
		t.Errorf("only %d files were checked", checked)
	}
}

func readTree(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, rerr := filepath.Rel(dir, p)
			if rerr != nil {
				return rerr
			}
			files[filepath.ToSlash(name)], err = os.ReadFile(p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func validate(schema *jsonschema.Schema, name string, text []byte) error {
	v, err := paramfile.Parse(name, text)
	if err != nil || v == nil {
		return err
	}
	b, err := json.Marshal(paramfile.JSON(v))
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return err
	}
	return schema.Validate(doc)
}

func TestJSONSchemaOfOurKeys(t *testing.T) {
	t.Parallel()
	schema := compileSchema(t)
	good := []string{
		"stages: {a: {cmd: x, retries: 3, resources: {cpus: 0.5, memory: 4GiB, gpus: 1}, pool: db, mutex: [m], executor: local, image: i}}",
		"stages: {a: {cmd: x, retries: {count: 3, backoff: 10s, on: [137]}, pool: {db: 2}, env: {A: 1}, shell: bash, timeout: 1h}}",
		"pools: {db: 4}\nstages: {a: {map: items.json, do: {cmd: 'x ${item}'}}}",
		"stages: {a: {cmd: x, retries: '${n}', resources: {gpus: '${g}'}}}",
	}
	bad := []string{
		"stages: {a: {cmd: x, retries: many}}",
		"stages: {a: {cmd: x, resources: {cores: 2}}}",
		"stages: {a: {cmd: x, pool: {db: -1}}}",
		"stages: {a: {map: items.json}}",
		"stages: {a: {map: items.json, foreach: [1], do: {cmd: x}}}",
		"stages: {a: {cmd: x, dep: [y]}}",
		"stage: {a: {cmd: x}}",
	}
	for _, text := range slices.Concat(good, bad) {
		if err := validate(schema, "mlops.yaml", []byte(text)); (err == nil) != slices.Contains(good, text) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
