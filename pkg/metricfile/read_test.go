package metricfile

import (
	"fmt"
	"strings"
	"testing"
)

func show(series []Series) string {
	var b strings.Builder
	for _, s := range series {
		fmt.Fprintf(&b, "%s", s.Key)
		for _, p := range s.Points {
			fmt.Fprintf(&b, " %d:%v", p.Step, p.Value)
			if p.Time != 0 {
				fmt.Fprintf(&b, "@%d", p.Time)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestMetricsFilesAreFlattened(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, data, want string }{
		{"m.json", `{"acc": 0.9, "train": {"loss": 1e-4, "steps": 3}, "name": "x", "list": [1, 2], "ok": true, "no": null}`, "acc 0:0.9\ntrain.loss 0:0.0001\ntrain.steps 0:3\n"},
		{"m.json", `{"a": NaN, "b": -Infinity, "c": "NaN in \" text", "d": Infinity}`, "a 0:NaN\nb 0:-Inf\nd 0:+Inf\n"},
		{"m.yaml", "acc: 0.9\nnested:\n  1: 2\n  loss: .nan\n  exp: 1e-5\n", "acc 0:0.9\nnested.1 0:2\nnested.exp 0:1e-05\nnested.loss 0:NaN\n"},
		{"m.toml", "acc = 0.9\n[train]\nloss = 1\n", "acc 0:0.9\ntrain.loss 0:1\n"},
		{"dir/score.json", "0.75", "score 0:0.75\n"},
		{"m.json", "\uFEFF{}", ""},
	} {
		got, problems := Read([]File{{Path: c.path, Data: []byte(c.data)}})
		if show(got) != c.want || len(problems) > 0 {
			t.Errorf("%s %s:\n%swant\n%s%v", c.path, c.data, show(got), c.want, problems)
		}
	}
}

func TestPlotFilesBecomeSeries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		file File
		want string
	}{
		{"step column", File{Path: "c.csv", Data: []byte("step,loss,acc,who\n10,0.5,0.1,ada\n20,0.25,0.2,bob\n")}, "acc 10:0.1 20:0.2\nloss 10:0.5 20:0.25\n"},
		{"rows", File{Path: "c.tsv", Data: []byte("loss\tval\n0.5\t\n0.25\tnan\n")}, "loss 0:0.5 1:0.25\nval 1:NaN\n"},
		{"epoch, timestamps", File{Path: "c.tsv", Data: []byte("timestamp\tEpoch\tloss\n1700000000000\t0\t1\n1700000001\t1\t2\n")}, "loss 0:1@1700000000000 1:2@1700000001000\n"},
		{"fractional steps are values", File{Path: "c.csv", Data: []byte("epoch,loss\n0.5,1\n1,2\n")}, "epoch 0:0.5 1:1\nloss 0:1 1:2\n"},
		{"named x and y", File{Path: "c.csv", X: "it", Y: []string{"b"}, Data: []byte("it,a,b\n5,1,2\n")}, "b 5:2\n"},
		{"x that is no step", File{Path: "roc.csv", X: "fpr", Data: []byte("fpr,tpr\n0.1,0.2\n")}, ""},
		{"no header", File{Path: "p/loss.csv", Data: []byte("0.5\n0.25\n")}, "loss 0:0.5 1:0.25\n"},
		{"no header, two columns", File{Path: "p/c.csv", Data: []byte("1,2\n")}, "c.0 0:1\nc.1 0:2\n"},
		{"JSON records", File{Path: "c.json", Data: []byte(`[{"step": 1, "loss": 0.5}, {"step": 2, "loss": "0.25", "late": 7}]`)}, "late 2:7\nloss 1:0.5 2:0.25\n"},
		{"JSON nested", File{Path: "c.json", Data: []byte(`{"prc": [{"precision": 1}, {"precision": NaN}]}`)}, "precision 0:1 1:NaN\n"},
		{"JSON lines", File{Path: "c.jsonl", Data: []byte("{\"loss\": 1}\n\n{\"loss\": 2}\n")}, "loss 0:1 1:2\n"},
		{"confusion", File{Path: "c.csv", Data: []byte("actual,predicted\n1,2\n")}, ""},
		{"confusion JSON", File{Path: "c.json", Data: []byte(`[{"y_true": 1, "y_pred": 2, "count": 4}]`)}, ""},
		{"confusion by template", File{Path: "c.csv", Template: "confusion_normalized", Data: []byte("a,b\n1,2\n")}, ""},
		{"image", File{Path: "c.png", Data: []byte("\x89PNG")}, ""},
		{"empty", File{Path: "c.csv"}, ""},
	} {
		c.file.Plot = true
		got, problems := Read([]File{c.file})
		if show(got) != c.want || len(problems) > 0 {
			t.Errorf("%s:\n%swant\n%s%v", c.name, show(got), c.want, problems)
		}
	}
}

func TestKeysNameTheirFileOnlyWhereNeeded(t *testing.T) {
	t.Parallel()
	got, problems := Read([]File{
		{Path: "train.json", Data: []byte(`{"loss": 1, "only": 2}`)},
		{Path: "eval.json", Data: []byte(`{"loss": 3, "acc": 4}`)},
		{Path: "plots/curve.csv", Plot: true, Data: []byte("acc,lr\n5,6\n")},
	})
	want := "acc 0:4\neval.json:loss 0:3\nlr 0:6\nonly 0:2\nplots/curve.csv:acc 0:5\ntrain.json:loss 0:1\n"
	if show(got) != want || len(problems) > 0 {
		t.Errorf("got\n%swant\n%s%v", show(got), want, problems)
	}
}

func TestATableIsNoMetricsFile(t *testing.T) {
	t.Parallel()
	_, problems := Read([]File{{Path: "m.csv", Data: []byte("epoch,loss\n0,1\n")}})
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "belongs under plots") {
		t.Errorf("problems are %v", problems)
	}
}

func TestABrokenFileIsReportedAndTheOthersAreRead(t *testing.T) {
	t.Parallel()
	got, problems := Read([]File{
		{Path: "broken.json", Data: []byte(`{"a": `)},
		{Path: "wide.csv", Plot: true, Data: []byte("a,b\n1,2\n1,2,3\n")},
		{Path: "good.json", Data: []byte(`{"a": 1}`)},
	})
	if show(got) != "a 0:1\n" || len(problems) != 2 || !strings.Contains(problems[0].Error(), "broken.json") || !strings.Contains(problems[1].Error(), "line 3") {
		t.Errorf("%s%v", show(got), problems)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("m.json", []byte(`{"a": NaN}`), false)
	f.Add("m.yaml", []byte("a:\n  1: 2\n"), false)
	f.Add("m.csv", []byte("step,a\n1,2\n"), true)
	f.Add("m.jsonl", []byte("{\"a\":1}\n"), true)
	f.Fuzz(func(t *testing.T, path string, data []byte, plot bool) {
		series, problems := Read([]File{{Path: path, Data: data, Plot: plot}})
		if len(problems) > 0 && len(series) > 0 {
			t.Error("one file gave both series and an error")
		}
		for _, s := range series {
			if len(s.Points) == 0 {
				t.Errorf("series %q without points", s.Key)
			}
		}
	})
}
