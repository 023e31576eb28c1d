package compare

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/trackdb"
)

// repoFake is a repository of three commits in memory.
type repoFake map[string]map[string]string // commit, "" is the workspace → path → text

func (f repoFake) Commit(_ context.Context, rev string) (string, error) {
	if _, ok := f[rev]; ok && rev != "" {
		return rev, nil
	}
	return "", errs.New(errs.NotFound, "no %s", rev)
}

func (f repoFake) Open(_ context.Context, commit string) (Files, error) {
	return filesFake{f[commit], commit}, nil
}

type filesFake struct {
	files  map[string]string
	commit string
}

func (f filesFake) Read(_ context.Context, path string) ([]byte, error) {
	if text, ok := f.files[path]; ok {
		return []byte(text), nil
	}
	return nil, errs.New(errs.NotFound, "no %s", path)
}

func (f filesFake) List(_ context.Context, dir string) ([]string, error) {
	var below []string
	for p := range f.files {
		if strings.HasPrefix(p, dir+"/") {
			below = append(below, p)
		}
	}
	slices.Sort(below)
	return below, nil
}

func (f filesFake) Data(context.Context) (map[string]string, error) {
	return map[string]string{"data": oid.Sum([]byte(f.files["data"])).String()}, nil
}

func (f filesFake) Pipelines(context.Context) ([]string, error) {
	var names []string
	for p := range f.files {
		if base := path.Base(p); base == "mlops.yaml" || base == "dvc.yaml" {
			names = append(names, p)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (f filesFake) Close() error { return nil }

func (f repoFake) Changed(_ context.Context, commits []string) (map[string][]string, error) {
	changed := map[string][]string{}
	var ids []string
	for _, c := range commits {
		if _, ok := f[c]; !ok {
			return nil, errs.New(errs.NotFound, "no %s", c)
		}
		ids = append(ids, oid.Sum([]byte(f[c]["train.py"])).String())
	}
	if len(slices.Compact(slices.Clone(ids))) > 1 {
		changed["train.py"] = ids
	}
	return changed, nil
}

func (f repoFake) Names(context.Context) ([]string, error) { return []string{"main", "feature"}, nil }

const pipelineText = `
stages:
  train:
    cmd: python train.py ${name}
    params: [train, seed]
    outs: [model]
    metrics: [metrics.json]
    plots: [curve.csv: {cache: false}, plots]
plots: [picture.png]
`

func newRepo() repoFake {
	at := func(lr, acc, code, data string) map[string]string {
		return map[string]string{
			"mlops.yaml": pipelineText, "params.yaml": "seed: null\nunused: 9\nname: x" + lr + "\ntrain:\n  lr: " + lr + "\n  layers: [1, 2]\n",
			"metrics.json": `{"accuracy": ` + acc + `}`, "curve.csv": "step,loss\n0,1\n1," + lr + "\n", "train.py": code, "data": data,
		}
	}
	broken := at("0.1", "0.7", "a", "d")
	broken["metrics.json"], broken["curve.csv"] = `{"accuracy": `, "step,loss\n0,1,2,3\n"
	return repoFake{"broken": broken, "main": at("0.1", "0.8", "a", "d"), "feature": at("0.2", "0.9", "b", "d"), "": at("0.3", "NaN", "b", "e")}
}

func newRuns(tb testing.TB) *trackdb.Service {
	tb.Helper()
	migrations, err := db.Index()
	if err != nil {
		tb.Fatal(err)
	}
	d, err := db.Open(tb.Context(), filepath.Join(tb.TempDir(), "index.db"), db.Options{Migrations: migrations})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Error(err)
		}
	})
	return trackdb.New(d, clock.System{})
}

// addRuns makes n runs of an experiment: lr and loss differ, seed does not.
func addRuns(tb testing.TB, s *trackdb.Service, experiment string, n int) []string {
	tb.Helper()
	var ids []string
	for i := range n {
		r, err := s.Create(tb.Context(), track.Run{
			Name: fmt.Sprintf("%s-%d", experiment, i), Experiment: experiment, StartTime: int64(1_700_000_000_000 + i), Git: track.Git{Commit: []string{"main", "feature"}[i%2]},
			Params: []track.Param{{Key: "lr", Value: fmt.Sprint(float64(i+1) / 10)}, {Key: "seed", Value: "1"}},
		})
		if err != nil {
			tb.Fatal(err)
		}
		var batch track.Batch
		for step := range 20 {
			batch.Metrics = append(batch.Metrics, track.Metric{Key: "loss", Step: int64(step), Value: float64(i+1) / float64(step+1)})
		}
		batch.Metrics = append(batch.Metrics, track.Metric{Key: "acc", Value: float64(i) / 10}, track.Metric{Key: "what", Value: float64(i)})
		batch.Assets = []track.Asset{
			{Path: "data", Role: track.Input, Kind: "dir", ID: oid.Sum([]byte{byte(i / 2)})},
			{Path: track.LockPrefix + "mlops.lock", Role: track.Artifact, Kind: "file", ID: oid.Sum([]byte{byte(i)})}, // no data
		}
		if err := s.Finish(tb.Context(), r.ID, track.Finished, batch); err != nil {
			tb.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

func names(r *Result) string {
	var all []string
	for _, c := range r.Runs {
		all = append(all, c.Name)
	}
	return strings.Join(all, " ")
}

func rows(r *Result) string {
	var b strings.Builder
	for _, g := range r.Grid(time.UTC).Groups {
		if g.Name == "run" {
			continue
		}
		for _, row := range g.Rows {
			fmt.Fprintf(&b, "%s %s%s:", g.Name, row.Key, row.Mark)
			for _, c := range row.Cells {
				if c.Best {
					c.Text += "!"
				}
				b.WriteString(" " + c.Text)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func TestRunsSideBySide(t *testing.T) {
	t.Parallel()
	s := newRuns(t)
	ids := addRuns(t, s, "digits", 7)
	addRuns(t, s, "other", 0)
	c := New(s, newRepo())
	for _, x := range []struct {
		name string
		q    Request
		want string
	}{
		{"the last five by default", Request{}, "digits-2 digits-3 digits-4 digits-5 digits-6"},
		{"a limit", Request{Limit: 2}, "digits-5 digits-6"},
		{"an experiment", Request{Refs: []string{"digits"}, Limit: 3}, "digits-4 digits-5 digits-6"},
		{"ids, prefixes and names, each once", Request{Refs: []string{ids[1], ids[0][:12], "digits-1", "digits-5"}}, "digits-1 digits-0 digits-5"},
		{"a range", Request{Refs: []string{"digits-0..main"}}, "digits-0 main"},
		{"best first", Request{Sort: "acc"}, "digits-6 digits-5 digits-4 digits-3 digits-2"},
		{"worst first", Request{Sort: "acc", Reverse: true}, "digits-2 digits-3 digits-4 digits-5 digits-6"},
		{"by param", Request{Refs: []string{"digits-3", "digits-1"}, Sort: "lr"}, "digits-1 digits-3"},
		{"what has no value is last", Request{Refs: []string{"main", "digits-3", "digits-1"}, Sort: "acc", Reverse: true}, "digits-1 digits-3 main"},
	} {
		r, err := c.Compare(t.Context(), x.q)
		if err != nil {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		if names(r) != x.want {
			t.Errorf("%s: %s, want %s", x.name, names(r), x.want)
		}
	}
	r, err := c.Compare(t.Context(), Request{Refs: []string{"digits-1", "digits-2", "digits-3"}, Value: Best})
	if err != nil {
		t.Fatal(err)
	}
	want := "params lr: 0.2 0.3 0.4\nmetrics acc↑: 0.1 0.2 0.3!\nmetrics loss↓: 0.1! 0.15 0.2\nmetrics what: 1 2 3\n"
	if got := rows(r); !strings.HasPrefix(got, want+"data data: ") || r.Same != 1 || !strings.Contains(got, "code train.py:") {
		t.Errorf("%s(%d the same)\nwant\n%s", got, r.Same, want)
	}
	r, err = c.Compare(t.Context(), Request{Refs: []string{"digits-1", "digits-2"}, All: true, Metrics: []string{"w*"}, Minimize: []string{"what"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := rows(r); !strings.HasPrefix(got, "params lr: 0.2 0.3\nparams seed: 1 1\nmetrics what↓: 1! 2\n") {
		t.Error(got)
	}
}

func TestRevisionsAndTheWorkspace(t *testing.T) {
	t.Parallel()
	c := New(newRuns(t), newRepo())
	for _, refs := range [][]string{{"main..feature"}, {"main", "feature"}} {
		r, err := c.Compare(t.Context(), Request{Refs: refs})
		if err != nil {
			t.Fatal(err)
		}
		want := "params name: x0.1 x0.2\nparams train.lr: 0.1 0.2\nmetrics accuracy↑: 0.8 0.9!\nmetrics loss↓: 0.1! 0.2\ncode train.py:"
		if !strings.HasPrefix(rows(r), want) || r.Same != 3 {
			t.Errorf("%v:\n%s(%d the same)", refs, rows(r), r.Same)
		}
		curves, err := c.Curves(t.Context(), r, "loss", 100)
		if err != nil || len(curves) != 2 || len(curves[1].Points) != 2 || curves[1].Points[1].Y != 0.2 {
			t.Errorf("curves %+v %v", curves, err)
		}
	}
	r, err := c.Compare(t.Context(), Request{Refs: []string{"broken", "main"}})
	if err != nil || len(r.Problems) != 2 || !strings.Contains(r.Problems[0].String()+r.Problems[1].String(), "broken: read metrics file metrics.json") {
		t.Errorf("what cannot be read is not told: %v %v", err, r.Problems)
	}
	r, err = c.Compare(t.Context(), Request{Refs: []string{"main"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := rows(r); names(r) != "main workspace" || !strings.Contains(got, "metrics accuracy↑: 0.8 NaN\n") || !strings.Contains(got, "data data: ") {
		t.Errorf("%s\n%s", names(r), got)
	}
}

func TestWhatCannotBeCompared(t *testing.T) {
	t.Parallel()
	s := newRuns(t)
	_, err := New(s, newRepo()).Compare(t.Context(), Request{})
	if !errs.Is(err, errs.NotFound) || len(errs.Hints(err)) == 0 {
		t.Errorf("%v %q", err, errs.Hints(err))
	}
	addRuns(t, s, "digits", 2)
	for ref, hint := range map[string]string{"digit-1": "did you mean digits-1", "featur": "did you mean feature?", "digitz": "did you mean digits"} {
		_, err := New(s, newRepo()).Compare(t.Context(), Request{Refs: []string{ref}})
		if !errs.Is(err, errs.NotFound) || !strings.Contains(strings.Join(errs.Hints(err), "\n"), hint) {
			t.Errorf("%s: %v %q", ref, err, errs.Hints(err))
		}
	}
	if _, err := New(s, repoFake{}).Compare(t.Context(), Request{Sort: "los"}); !errs.Is(err, errs.NotFound) {
		t.Errorf("sort: %v", err)
	}
}

func TestJSONIsTheContract(t *testing.T) {
	t.Parallel()
	s := newRuns(t)
	addRuns(t, s, "digits", 2)
	r, err := New(s, newRepo()).Compare(t.Context(), Request{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Runs    []map[string]any
		Params  []struct{ Key, Values any }
		Metrics []struct{ Key, Values, Best any }
		Data    []map[string]any
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(got.Runs) != 2 || got.Params[0].Key != "lr" || got.Metrics[0].Key != "acc" || got.Metrics[0].Best != 1.0 || got.Metrics[2].Best != nil {
		t.Errorf("%s", text)
	}
}

func TestDirections(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]Direction{
		"loss": Down, "val/accuracy": Up, "top5_error": Down, "valLoss": Down, "metrics.json:f1": Up, "ROC-AUC": Up, "foo": Unknown,
		"train.rmse": Down, "loss_seconds": Down, "accuracy_error": Down, "epoch": Unknown, "": Unknown, "loss.csv:foo": Unknown, "r2": Up,
	} {
		if got := ByName(key); got != want {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
	nan, one, two := track.Value(math.NaN()), track.Value(1), track.Value(2)
	for _, c := range []struct {
		values []*track.Value
		d      Direction
		want   int
	}{
		{[]*track.Value{&one, &two}, Up, 1},
		{[]*track.Value{&two, &one, nil}, Down, 1},
		{[]*track.Value{&nan, &one, &two}, Up, 2},
		{[]*track.Value{&one, &one}, Up, -1},
		{[]*track.Value{&one, &two}, Unknown, -1},
		{[]*track.Value{&nan}, Up, -1},
		{[]*track.Value{nil, &one}, Up, -1},
	} {
		got := -1
		if b := best(c.values, c.d); b != nil {
			got = *b
		}
		if got != c.want {
			t.Errorf("%v: %d, want %d", c, got, c.want)
		}
	}
}

func BenchmarkCompare1000Runs(b *testing.B) {
	s := newRuns(b)
	addRuns(b, s, "digits", 1000)
	c := New(s, repoFake{})
	for b.Loop() {
		if _, err := c.Compare(b.Context(), Request{Refs: []string{"digits"}, Limit: 1000}); err != nil {
			b.Fatal(err)
		}
	}
}
