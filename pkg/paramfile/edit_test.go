package paramfile_test

import (
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

func TestEditsKeepTheRest(t *testing.T) {
	t.Parallel()
	const yml = "# top\ntrain:\n  lr: 0.1 # rate\n  depth: 3\nseed: 1\n"
	for _, c := range []struct {
		file, text string
		edit       paramfile.Edit
		want       string
		kind       errs.Kind
	}{
		{"p.yaml", yml, paramfile.Edit{Key: "train.lr", Value: "0.5"}, "# top\ntrain:\n  lr: 0.5 # rate\n  depth: 3\nseed: 1\n", 0},
		{"p.yaml", yml, paramfile.Edit{Op: paramfile.OpAdd, Key: "train.drop", Value: "0.2"}, "# top\ntrain:\n  lr: 0.1 # rate\n  depth: 3\n  drop: 0.2\nseed: 1\n", 0},
		{"p.yaml", yml, paramfile.Edit{Op: paramfile.OpPut, Key: "seed", Value: "2"}, "# top\ntrain:\n  lr: 0.1 # rate\n  depth: 3\nseed: 2\n", 0},
		{"p.yaml", yml, paramfile.Edit{Op: paramfile.OpDelete, Key: "train.depth"}, "# top\ntrain:\n  lr: 0.1 # rate\nseed: 1\n", 0},
		{"p.yaml", yml, paramfile.Edit{Op: paramfile.OpPut, Key: "new.deep.key", Value: "[1, x]"}, yml + "new:\n  deep:\n    key: [1, x]\n", 0},
		{"p.yaml", "", paramfile.Edit{Op: paramfile.OpAdd, Key: "a", Value: "1"}, "a: 1\n", 0},
		{"p.yaml", yml, paramfile.Edit{Op: paramfile.OpAdd, Key: "seed", Value: "2"}, "", errs.Conflict},
		{"p.yaml", yml, paramfile.Edit{Op: paramfile.OpDelete, Key: "sed"}, "", errs.NotFound},
		{"p.yaml", yml, paramfile.Edit{Op: paramfile.OpDelete, Key: "seed", Value: "2"}, "", errs.Conflict},
		{"p.yaml", yml, paramfile.Edit{Key: "train.rate", Value: "1"}, "", errs.NotFound},
		{"p.yaml", yml, paramfile.Edit{Op: paramfile.OpAdd, Key: "seed.x", Value: "1"}, "", errs.Usage},
		{"p.json", "{\"b\": 1, \"a\": {\"x\": 2.0}}\n", paramfile.Edit{Op: paramfile.OpAdd, Key: "a.y", Value: "true"}, "{\n  \"b\": 1,\n  \"a\": {\n    \"x\": 2.0,\n    \"y\": true\n  }\n}\n", 0},
		{"p.toml", "a = 1\n\n[train]\nlr = 0.1 # rate\n\n[other]\nx = 1\n", paramfile.Edit{Op: paramfile.OpAdd, Key: "train.n", Value: "3"}, "a = 1\n\n[train]\nlr = 0.1 # rate\nn = 3\n\n[other]\nx = 1\n", 0},
		{"p.toml", "a = 1\n\n[train]\nlr = 0.1\n", paramfile.Edit{Op: paramfile.OpDelete, Key: "train.lr"}, "a = 1\n\n[train]\n", 0},
		{"p.py", "A = 1 # one\nB = 'x'\n", paramfile.Edit{Op: paramfile.OpAdd, Key: "C", Value: "true"}, "A = 1 # one\nB = 'x'\nC = True\n", 0},
		{"p.py", "A = 1 # one\nB = 'x'\n", paramfile.Edit{Op: paramfile.OpDelete, Key: "A"}, "B = 'x'\n", 0},
	} {
		c.edit.File = c.file
		got, err := c.edit.Apply([]byte(c.text))
		if c.kind != 0 || c.want == "" {
			if !errs.Is(err, c.kind) {
				t.Errorf("%s: %v, want kind %v", c.edit, err, c.kind)
			}
			continue
		}
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.edit, err, got, c.want)
		}
	}
}

// TestMappingsAreMerged holds what Hydra and 'dvc exp run -S' do with a mapping
// where there is one: keys that it does not name stay.
func TestMappingsAreMerged(t *testing.T) {
	t.Parallel()
	const before = "train:\n  lr: 0.3\n  opt: {name: adam, eps: 1}\n"
	for _, c := range []struct{ op, value, want string }{
		{"", "{lr: 1}", `{"train":{"lr":1,"opt":{"name":"adam","eps":1}}}`},
		{"", "{opt: {eps: 2}}", `{"train":{"lr":0.3,"opt":{"name":"adam","eps":2}}}`},
		{"", "{}", `{"train":{"lr":0.3,"opt":{"name":"adam","eps":1}}}`},
		{"", "{new: 1}", ""},
		{"", "7", `{"train":7}`},
		{"+", "{lr: 2, new: [1, {a: b}]}", `{"train":{"lr":2,"opt":{"name":"adam","eps":1},"new":[1,{"a":"b"}]}}`},
		{"++", "{new: 'x y'}", `{"train":{"lr":0.3,"opt":{"name":"adam","eps":1},"new":"x y"}}`},
	} {
		out, err := paramfile.Edit{Op: paramfile.Op(c.op), File: "params.yaml", Key: "train", Value: c.value}.Apply([]byte(before))
		if err != nil {
			if c.want != "" {
				t.Errorf("%strain=%s: %v", c.op, c.value, err)
			}
			continue
		}
		doc, err := paramfile.Parse("params.yaml", out)
		want, werr := paramfile.Parse("params.json", []byte(c.want))
		if err != nil || werr != nil || paramfile.Encode(doc) != paramfile.Encode(want) {
			t.Errorf("%strain=%s: %s, %v", c.op, c.value, out, err)
		}
	}
}
