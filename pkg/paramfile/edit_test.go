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
