package dvc

import (
	"crypto/md5"
	"encoding/hex"
	"testing"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

func sumOfText(text string) Sum {
	h := md5.Sum([]byte(text))
	return Sum{MD5, hex.EncodeToString(h[:])}
}

// The keys are those of DVC's own tests, and of what DVC 3.67.1 wrote.
func TestRunCacheKey(t *testing.T) {
	t.Parallel()
	const script = `open("out", "w+").write("out"); `
	odd := paramfile.NewMap()
	odd.Set("ü", []any{1e-5, 100000.0, true, nil, int64(3)})
	odd.Set("size", int64(9))
	for name, c := range map[string]struct {
		stage Stage
		want  string
	}{
		"deps": {
			Stage{
				Cmd:  []string{"python script.py"},
				Deps: []Out{{Path: "script.py", Sum: sumOfText(script), Size: 31}, {Path: "dep", Sum: sumOfText("dep"), Size: 3}},
				Outs: []Out{{Path: "out", Sum: sumOfText("out"), Size: 3}},
			},
			"runs/c7/c7a85d71de1912c43d9c5b6218c71630d6277e8fc11e4ccf5e12b3c202234838/5e2824029f8da9ef6c57131a638ceb65f27c02f16c85d71e85671c27daed0501",
		},
		"params": {
			Stage{
				Cmd:    []string{"python script.py"},
				Params: map[string]map[string]any{"params.yaml": {"foo": int64(1), "bar": int64(2)}, "myparams.yaml": {"baz": int64(3), "qux": int64(4)}},
				Outs:   []Out{{Path: "out", Sum: sumOfText("out"), Size: 3}},
			},
			"runs/8f/8fdb377d1b4c0a303b788771b122dfba9bbbbc43f14ce41d35715cf4fea08459/9ce1963a69beb1299800188647cd960b7afff101be19fd46226e32bb8be8ee44",
		},
		"wdir": {
			Stage{
				Cmd:  []string{"python ../script.py"},
				Deps: []Out{{Path: "../script.py", Sum: sumOfText(script), Size: 31}, {Path: "../dep", Sum: sumOfText("dep"), Size: 3}},
				Outs: []Out{{Path: "out", Sum: sumOfText("out"), Size: 3}},
			},
			"runs/6a/6ad5cce3347e9e96c77d4353d84e5c8cae8c9151c486c4ea3d3d79e9051800f1/1fa3e1a9f785f8364ad185d62bd0813ce8794afcfc79410e985eac0443cc5462",
		},
	} {
		if got := c.stage.RunCacheKey(); got != c.want {
			t.Errorf("%s: key is\n%s, want\n%s", name, got, c.want)
		}
	}
	// What json.dumps makes of odd values.
	if got, want := string(appendJSON(nil, odd)), `{"\u00fc": [1e-05, 100000.0, true, null, 3]}`; got != want {
		t.Errorf("JSON is %s, want %s", got, want)
	}
}
