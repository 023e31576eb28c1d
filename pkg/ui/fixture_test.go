package ui_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// Names of the fixture that tests look for.
const (
	runningID  = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1"
	richID     = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb2"
	deletedID  = "ddddddddddddddddddddddddddddddd4"
	pipelineID = "ccccccccccccccccccccccccccccccc3"
	sweepID    = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeee5"
)

const evil = `<script>window.evil=1</script><img src=x onerror="window.evil=1">`

// fixture is a repository with everything that pages show.
func fixture(t *testing.T) *place {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "digits")
	must(t, os.Mkdir(dir, 0o755))
	git(t, dir, "init", "-q", "-b", "main")
	_, err := repo.Init(t.Context(), dir, repo.InitOptions{})
	must(t, err)
	write(t, dir, "params.yaml", "train:\n  lr: 0.1\n  epochs: 12\n")
	write(t, dir, "mlops.yaml", fixturePipeline)
	write(t, dir, "train.py", "print('epoch 1')\n")
	for i := range 3 {
		write(t, dir, fmt.Sprintf("data/train/%d.txt", i), strings.Repeat("digit\n", 100+i))
	}
	p := open(t, dir)
	files := p.deps.Data.(*workspace.Workspace)
	commit := func(message string) {
		_, err := files.Add(t.Context(), workspace.AddRequest{Dir: dir, Paths: []string{filepath.Join(dir, "data/train")}})
		must(t, err)
		git(t, dir, "add", "-A")
		git(t, dir, "commit", "-q", "-m", message)
	}
	commit("First images")
	write(t, dir, "data/train/3.txt", strings.Repeat("more\n", 300))
	must(t, os.Remove(filepath.Join(dir, "data/train/0.txt")))
	commit("More images")
	p.pipeline(t, pipelineID, "pipeline-first", "")
	p.pipeline(t, "", "pipeline-slower", "0.05")
	p.rich(t)
	p.many(t)
	p.models(t)
	return p
}

const fixturePipeline = `stages:
  prepare:
    desc: split the images
    cmd: mkdir -p prepared && cat data/train/* > prepared/all.txt && echo prepared
    deps: [data/train]
    outs: [prepared]
  train:
    cmd: echo weights > model.bin && echo "epoch 1 loss 0.3"
    deps: [prepared, train.py]
    params: [train.lr, train.epochs]
    outs: [model.bin]
  evaluate:
    cmd: printf 'actual,predicted\ncat,cat\ncat,dog\ndog,dog\ndog,dog\n' > confusion.csv
    deps: [prepared, model.bin]
    outs: [confusion.csv]
models:
  digits:
    gates:
      production:
        metrics:
          accuracy: {better: higher}
        approvals: 1
`

// pipeline runs the stages.
func (p *place) pipeline(t *testing.T, id, name, lr string) {
	t.Helper()
	e := *p.engine
	e.Track = func(context.Context) (track.Recorder, error) { return p.runs, nil }
	e.Describe = func(context.Context) (track.Run, error) { return track.Run{User: "ada"}, nil }
	e.Code = func(context.Context, []string) (pipeline.CodeState, error) { return pipeline.CodeState{}, nil }
	q := pipeline.RunRequest{ID: id, Name: name, Experiment: "pipelines"}
	if lr != "" {
		q.SetParams = []paramfile.Edit{{File: "params.yaml", Key: "train.lr", Value: lr}}
	}
	_, err := e.Run(t.Context(), q, func(pipeline.Event) {})
	must(t, err)
}

// rich is a run with files of every kind, one that runs, and a deleted one.
func (p *place) rich(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	now := time.Now().UnixMilli()
	_, err := p.runs.Create(ctx, track.Run{
		ID: richID, Name: "rich", Experiment: "digits", Kind: track.Script, User: "ada", StartTime: now - 90_000, Source: "train.py",
		Command: []string{"python", "train.py", "--lr", "0.1"},
		Params:  []track.Param{{Key: "lr", Value: "0.1"}, {Key: "optimizer", Value: evil}},
		Tags:    []track.Tag{{Key: "team", Value: "vision"}, {Key: "mlflow.source.name", Value: "train.py"}, {Key: "mlflow.loggedArtifacts", Value: `[{"path": "t.json"}]`}, {Key: "mlflow.hint", Value: strings.Repeat("long ", 50)}},
	})
	must(t, err)
	must(t, p.runs.SetNote(ctx, richID, "# Baseline\n\nThe **first** good one, see [the board](https://example.com/b).\n\n- [x] data\n- [ ] report\n\n"+evil))
	var points []track.Metric
	for i := range 200 {
		x := float64(i)
		at := now - 90_000 + int64(i)*400
		points = append(points, track.Metric{Key: "train/loss", Value: 2*math.Exp(-x/40) + 0.1*math.Sin(x), Step: int64(i), Timestamp: at},
			track.Metric{Key: "accuracy", Value: 1 - math.Exp(-x/30), Step: int64(i), Timestamp: at},
			track.Metric{Key: "constant", Value: 1, Step: int64(i), Timestamp: at},
			track.Metric{Key: "margin", Value: math.Sin(x / 9), Step: int64(i), Timestamp: at},
			track.Metric{Key: "system/cpu_utilization_percentage", Value: 50 + 40*math.Sin(x/9), Step: int64(i), Timestamp: at})
	}
	points = append(points, track.Metric{Key: "margin", Value: math.Inf(1), Step: 200, Timestamp: now})
	points = append(points, track.Metric{Key: "diverged", Value: math.NaN(), Timestamp: now})
	must(t, p.runs.Log(ctx, richID, track.Batch{Metrics: points}))
	store := p.deps.Files.(*artifact.Store)
	for name, data := range fixtureFiles(t) {
		_, err := store.Put(ctx, track.Owner{ID: richID}, name, strings.NewReader(data))
		must(t, err)
	}
	run, err := p.runs.Run(ctx, richID)
	must(t, err)
	m, err := p.runs.CreateLoggedModel(ctx, track.LoggedModel{ID: "m-" + richID, Name: "digits-net", ExperimentID: run.ExperimentID, Run: richID})
	must(t, err)
	_, err = store.Put(ctx, track.Owner{Model: true, ID: m.ID}, "MLmodel", strings.NewReader("flavors:\n  sklearn: {}\n"))
	must(t, err)
	must(t, p.runs.Log(ctx, richID, track.Batch{ModelOutputs: []track.ModelOutput{{Model: m.ID}}}))
	must(t, p.runs.Finish(ctx, richID, track.Finished, track.Batch{}))

	_, err = p.runs.Create(ctx, track.Run{ID: runningID, Name: "still-running", Experiment: "digits", Kind: track.Script, User: "ada", StartTime: now - 5000})
	must(t, err)
	must(t, p.runs.Log(ctx, runningID, track.Batch{Metrics: []track.Metric{{Key: "accuracy", Value: 0.5, Step: 1, Timestamp: now}}}))
	_, err = p.runs.Create(ctx, track.Run{ID: deletedID, Name: "gone", Experiment: "digits", Kind: track.Script, StartTime: now - 8000})
	must(t, err)
	must(t, p.runs.Finish(ctx, deletedID, track.Failed, track.Batch{}))
	must(t, p.runs.Delete(ctx, deletedID))
}

func fixtureFiles(t *testing.T) map[string]string {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, 240, 160))
	for x := range 240 {
		for y := range 160 {
			picture.Set(x, y, color.RGBA{R: uint8(x), G: uint8(y), B: 160, A: 255})
		}
	}
	var pixels bytes.Buffer
	must(t, png.Encode(&pixels, picture))
	wave := "RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00data\x00\x00\x00\x00"
	table, err := os.ReadFile("testdata/rows.parquet")
	must(t, err)
	return map[string]string{
		"rows.parquet":        string(table),
		"damaged.parquet":     string(table[:len(table)-9]),
		"plots/matrix.csv":    ",cat,dog\ncat,40,2\ndog,5,33\n",
		"plots/heat.png":      pixels.String(),
		"plots/none.png":      "\x89PNG\r\n",
		"plots/confusion.csv": "actual,predicted\n" + strings.Repeat("cat,cat\ndog,dog\ndog,cat\nbird,bird\n", 30),
		"report.html":         "<!doctype html><title>r</title><body><h1>Report</h1><script>document.body.dataset.ran='yes';try{parent.evil=1}catch(e){document.body.dataset.kept='out'}</script>",
		"notes.md":            "# Notes\n\nA `model` of *digits*.\n\n" + evil,
		"config.json":         `{"layers":[64,10],"name":"mlp"}`,
		"log.txt":             "epoch 1\nepoch 2\n" + evil,
		"tone.wav":            wave,
		"weights.bin":         "\x00\x01\x02\xff",
		"evil.svg":            `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><script>parent.evil=1</script><circle cx="20" cy="20" r="15" fill="teal"/></svg>`,
		"dir/deep/x.yaml":     "a: 1\n",
		"dir/classes.csv":     "actual,predicted\na class with a rather long name,dog\ndog,dog\n",
		"dir/nothing.txt":     "",
	}
}

// many is a search: a parent with trials, and single runs of several people.
func (p *place) many(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	random := rand.New(rand.NewPCG(1, 2))
	now := time.Now().UnixMilli()
	_, err := p.runs.Create(ctx, track.Run{ID: sweepID, Name: "sweep", Experiment: "digits", Kind: track.Pipeline, User: "grace", StartTime: now - 4_000_000})
	must(t, err)
	for i := range 24 {
		lr := []string{"0.001", "0.01", "0.1"}[i%3]
		status, parent := track.Finished, sweepID
		if i%8 == 5 {
			status = track.Failed
		}
		if i >= 12 {
			parent = ""
		}
		run, err := p.runs.Create(ctx, track.Run{
			Name: fmt.Sprintf("trial-%02d", i), Experiment: "digits", Kind: track.Trial, Parent: parent, User: []string{"ada", "grace"}[i%2], StartTime: now - 3_900_000 + int64(i)*60_000,
			Params: []track.Param{{Key: "lr", Value: lr}, {Key: "batch", Value: []string{"32", "64"}[i%2]}, {Key: "seed", Value: "7"}},
		})
		must(t, err)
		var points []track.Metric
		best := 0.8 + 0.19*random.Float64()
		for s := range 30 {
			points = append(points, track.Metric{Key: "accuracy", Value: best * (1 - math.Exp(-float64(s)/6)), Step: int64(s), Timestamp: run.StartTime + int64(s)*1000},
				track.Metric{Key: "train/loss", Value: 2.3*math.Exp(-float64(s)/8) + 0.3*random.Float64(), Step: int64(s), Timestamp: run.StartTime + int64(s)*1000})
		}
		must(t, p.runs.Finish(ctx, run.ID, status, track.Batch{Metrics: points}))
	}
	must(t, p.runs.Finish(ctx, sweepID, track.Finished, track.Batch{}))
}

func (p *place) models(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	models := p.deps.Models.(*registrydb.Service)
	_, err := models.CreateModel(ctx, registry.Model{Name: "digits", Description: "Reads **digits**.", Tags: []registry.Tag{{Key: "task", Value: "classification"}}})
	must(t, err)
	for i := range 2 {
		_, err := models.CreateVersion(ctx, registry.Version{
			Model: "digits", RunID: richID, Source: "runs:/" + richID + "/model", User: "ada",
			Details: registry.Details{
				Size: 4096, Files: 3, RunName: "rich", Flavors: []string{"sklearn", "python_function"}, Licence: "Apache-2.0", Card: "# Digits\n\nFor digits only.",
				Git: track.Git{Commit: strings.Repeat("ab", 20)}, Inputs: []registry.Data{{Path: "data/train", Kind: "dir", Size: 2048, Files: 3}},
				Metrics:   []registry.Measure{{Key: "accuracy", Value: track.Value(0.9 + 0.05*float64(i))}},
				Signature: &registry.Signature{Inputs: []byte(`[{"type":"double","name":"pixel"}]`), Outputs: []byte(`[{"type":"long","name":"digit"}]`)},
			},
		})
		must(t, err)
	}
	must(t, models.SetAlias(ctx, "digits", "production", 1))
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"}, args...)...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	must(t, os.MkdirAll(filepath.Dir(file), 0o755))
	must(t, os.WriteFile(file, []byte(text), 0o600))
}
