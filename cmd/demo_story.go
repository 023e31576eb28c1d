package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// tell runs the story from an empty repository to a colleague's copy.
func (d *demo) tell(ctx context.Context) error {
	for _, chapter := range []func(context.Context) error{
		d.start, d.versionData, d.runPipeline, d.vary, d.dataChanges, d.compareRuns, d.loseOutputs, d.share, d.colleague,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	d.next()
	return nil
}

func (d *demo) start(ctx context.Context) error {
	d.title("A project in git")
	d.explain("A pipeline of three Python scripts, its parameters, and images of handwritten digits.")
	d.show("cd", d.dir)
	if err := d.git(ctx, "init", "-q", "-b", "main"); err != nil {
		return err
	}
	if err := d.identity(ctx); err != nil {
		return err
	}
	if err := d.copyExample(); err != nil {
		return err
	}
	d.explain("Make it an mlops repository: a small directory .mlops, nothing else.")
	return d.mlops(ctx, "init")
}

func (d *demo) versionData(ctx context.Context) error {
	d.title("Version data")
	d.explain("Git gets a pointer of a few lines, mlops keeps the bytes, each only once.")
	if err := d.mlops(ctx, "add", "data"); err != nil {
		return err
	}
	if err := d.showFile("data.mlops"); err != nil {
		return err
	}
	if err := d.commit(ctx, "Start with two files of digits"); err != nil {
		return err
	}
	return d.expectStatus(ctx, d.dir, func(s statusView) bool { return len(s.Changes) == 0 }, "the data is versioned")
}

func (d *demo) runPipeline(ctx context.Context) error {
	d.title("Run a pipeline")
	d.explain("What depends on what, from mlops.yaml.")
	if err := d.mlops(ctx, "dag"); err != nil {
		return err
	}
	d.explain("Run it. The run is recorded: parameters, metrics, inputs, outputs, commit.")
	if err := d.mlops(ctx, "run", "--name", "first"); err != nil {
		return err
	}
	d.explain("Once more: nothing changed, so nothing runs.")
	if err := d.unchanged(d.dir, func() error { return d.mlops(ctx, "run") }); err != nil {
		return err
	}
	if err := d.commit(ctx, "Train a first model"); err != nil {
		return err
	}
	return d.expectStatus(ctx, d.dir, func(s statusView) bool { return s.Clean && len(s.Stages) == 0 }, "every stage is up to date")
}

func (d *demo) vary(ctx context.Context) error {
	d.title("Try another learning rate")
	d.explain("Only what depends on it runs: prepare is skipped, and each stage says why.")
	if err := d.mlops(ctx, "run", "--name", "faster", "--set-param", "params.yaml:train.lr=0.1"); err != nil {
		return err
	}
	return d.commit(ctx, "Learn faster")
}

func (d *demo) dataChanges(ctx context.Context) error {
	d.title("The data changes")
	d.explain("A third file arrives: 599 more images.")
	if err := d.copyLate(); err != nil {
		return err
	}
	if err := d.mlops(ctx, "status"); err != nil {
		return err
	}
	if err := d.expectStatus(ctx, d.dir, func(s statusView) bool {
		return slices.ContainsFunc(s.Changes, func(c changeView) bool { return strings.HasSuffix(c.Path, lateFile) })
	}, "status names the new file"); err != nil {
		return err
	}
	d.explain("Add it. The files that did not change are not read or stored again.")
	if err := d.mlops(ctx, "add", "data"); err != nil {
		return err
	}
	if err := d.mlops(ctx, "run", "--name", "more-data"); err != nil {
		return err
	}
	return d.commit(ctx, "Add a third file of digits")
}

func (d *demo) compareRuns(ctx context.Context) error {
	d.title("Compare")
	d.explain("What differed between the three runs, and what came of it.")
	if err := d.mlops(ctx, "compare", "first", "faster", "more-data"); err != nil {
		return err
	}
	d.explain("How the loss went down, step by step.")
	if err := d.mlops(ctx, "compare", "first", "faster", "more-data", "--plot", "loss"); err != nil {
		return err
	}
	var seen struct {
		Runs, Data []json.RawMessage
		Params     []struct{ Key string }
		Metrics    []struct {
			Key    string
			Values []json.RawMessage
		}
	}
	if err := d.ask(ctx, d.dir, &seen, "compare", "first", "faster", "more-data", "--json"); err != nil {
		return err
	}
	accuracy, lr := false, false
	for _, m := range seen.Metrics {
		accuracy = accuracy || m.Key == "test.accuracy" && len(m.Values) == 3
	}
	for _, p := range seen.Params {
		lr = lr || p.Key == "train.lr"
	}
	return d.expect(len(seen.Runs) == 3 && len(seen.Data) > 0 && accuracy && lr, "compare shows three runs with their parameters, metrics and data")
}

func (d *demo) loseOutputs(ctx context.Context) error {
	d.title("Lose something")
	d.explain("Outputs that were made once are not computed again: they come back from the store.")
	before, err := d.model(d.dir)
	if err != nil {
		return err
	}
	if err := d.remove("prepared", "model.json"); err != nil {
		return err
	}
	if err := d.mlops(ctx, "run"); err != nil {
		return err
	}
	after, err := d.model(d.dir)
	if err != nil {
		return err
	}
	return d.expect(before.text == after.text, "the model came back as it was")
}

func (d *demo) share(ctx context.Context) error {
	d.title("Share through a bucket")
	d.explain("A directory here; s3://, gs:// and azblob:// work the same.")
	if err := d.mlops(ctx, "remote", "add", "storage", d.remote); err != nil {
		return err
	}
	d.explain("Send data, models and runs.")
	if err := d.mlops(ctx, "push"); err != nil {
		return err
	}
	d.explain("Again: all is there already, and it takes at most three requests to know that.")
	if err := d.mlops(ctx, "push"); err != nil {
		return err
	}
	var summary struct {
		Type              string
		Objects, Requests int
	}
	if err := d.ask(ctx, d.dir, &summary, "push", "--json"); err != nil {
		return err
	}
	if err := d.expect(summary.Type == "summary" && summary.Objects == 0 && summary.Requests <= 3, "nothing is left to push"); err != nil {
		return err
	}
	return d.commit(ctx, "Name the shared storage")
}

func (d *demo) colleague(ctx context.Context) error {
	d.title("A colleague joins")
	d.explain("git clone brings code and pointers, pull brings data, models and runs.")
	if err := d.git(ctx, "clone", "-q", ".", d.clone); err != nil {
		return err
	}
	d.show("cd", d.clone)
	d.at = d.clone
	if err := d.mlops(ctx, "pull"); err != nil {
		return err
	}
	d.explain("Reproduce: everything is here and up to date, so nothing runs.")
	if err := d.unchanged(d.clone, func() error { return d.mlops(ctx, "run") }); err != nil {
		return err
	}
	ours, err := d.model(d.dir)
	if err != nil {
		return err
	}
	theirs, err := d.model(d.clone)
	if err != nil {
		return err
	}
	if err := d.expect(ours.text == theirs.text, "the colleague has the same model"); err != nil {
		return err
	}
	d.explain("The runs came along, with their metrics.")
	if err := d.mlops(ctx, "runs", "ls"); err != nil {
		return err
	}
	var runs []struct{ Name string }
	if err := d.ask(ctx, d.clone, &runs, "runs", "ls", "--json"); err != nil {
		return err
	}
	for _, name := range []string{"first", "faster", "more-data"} {
		known := slices.ContainsFunc(runs, func(r struct{ Name string }) bool { return r.Name == name })
		if err := d.expect(known, fmt.Sprintf("run %q came with pull", name)); err != nil {
			return err
		}
	}
	return d.expectStatus(ctx, d.clone, func(s statusView) bool { return s.Clean }, "the clone is clean")
}

func (d *demo) next() {
	d.title("It is yours")
	d.print("  your repository   %s\n  the colleague's   %s\n  the bucket        %s\n", d.dir, d.clone, d.remote)
	d.print("\nTry next, in your repository:\n")
	for _, line := range [][2]string{
		{"mlops run --set-param params.yaml:train.epochs=30", "another experiment"},
		{"mlops runs ls", "all runs so far"},
		{"mlops compare --html report.html", "a page to send to somebody"},
		{"git checkout HEAD~2 && mlops checkout", "the data and the model of that commit"},
	} {
		d.print("  %-52s # %s\n", line[0], line[1])
	}
	if _, err := exec.LookPath("mlops"); err != nil {
		d.print("\nmlops is not on your PATH yet: type `go install .` in its source tree, and have $(go env GOPATH)/bin on PATH.\n")
	}
}

// statusView is what the demo reads of `mlops status --json`.
type statusView struct {
	Clean   bool
	Changes []changeView
	Stages  []struct{ Name string }
}

type changeView struct{ Path, Kind, Target string }

func (d *demo) expectStatus(ctx context.Context, dir string, ok func(statusView) bool, claim string) error {
	var s statusView
	if err := d.ask(ctx, dir, &s, "status", "--json"); err != nil {
		return err
	}
	return d.expect(ok(s), claim)
}

// expect fails when a claim of the story is not true: the demo is a test too.
func (d *demo) expect(ok bool, claim string) error {
	if ok {
		return nil
	}
	return errs.New(errs.Internal, "demo in %s: this should be true and is not: %s", d.dir, claim).
		Hint("please report this with the output above; the repository is left as it is")
}
