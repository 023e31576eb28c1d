package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/track"
)

type runOptions struct {
	app *app
	pipeline.RunRequest
	dryRun    bool
	exitCode  bool
	junit     string // file for a report
	watch     bool
	parent    string
	setParams []string
	elsewhere
	projectOptions
	tags []string
}

func newRunCmd(a *app) *cobra.Command {
	o := &runOptions{app: a}
	c := &cobra.Command{
		Use:        "run [STAGE... | PROJECT]",
		SuggestFor: []string{"repro"},
		Short:      "Run the stages that are out of date, or an MLflow project, and record the run",
		Long: `Run the stages of mlops.yaml that are out of date, and those they depend on.
What is up to date is skipped, what was computed before is restored. Every
decision has a reason. The run is recorded with its parameters, metrics, inputs
and outputs: see 'mlops runs' and 'mlops compare'.

A STAGE is the name of a stage or of a foreach or matrix group, a pipeline file,
or an output. What stages print goes to stderr.

With --isolated the work is done in a copy of the workspace, and no file of yours
changes. --set-param takes the overrides of Hydra: several values, as in lr=0.1,0.01
or 'depth=range(2,8)', make a sweep, whose trials run isolated, --jobs at once.

A PROJECT is the directory of an MLflow project (one with a file MLproject) or the
URL of a git repository, with #SUBDIR behind it where it is not at the root. Its
entry point is run in the environment that it asks for; a stage of the same name
comes first. See docs/projects.md.`,
		Example: `  mlops run                              everything that is out of date
  mlops run train --set-param train.lr=0.3
  mlops run --dry-run                    what would be done, and why
  mlops run evaluate --single --force
  mlops run --jobs 4 --keep-going --tag gpu=a100
  mlops run --isolated --set-param train.lr=0.3
  mlops run --jobs 2 --set-param train.lr=0.1,0.01 --set-param 'train.depth=range(2,8)'
  mlops run --queue --set-param train.lr=0.1,0.01
  mlops run . -P alpha=0.5                   the MLflow project of this directory
  mlops run https://github.com/mlflow/mlflow-example -P alpha=0.4 --version main`,
		Args: cobra.ArbitraryArgs,
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.Stages = args
			source, isProject, err := o.project(ctx, args)
			if err != nil {
				return err
			}
			if isProject {
				return o.runProject(ctx, source)
			}
			return runRun(ctx, o)
		}),
		ValidArgsFunction: completeStages(a),
	}
	f := c.Flags()
	o.limitFlags(f)
	f.BoolVarP(&o.Force, "force", "f", false, "run also what is up to date")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, and do nothing")
	f.BoolVar(&o.dryRun, "dry", false, "the same as --dry-run")
	f.BoolVarP(&o.Single, "single", "s", false, "only the stages named, not what they depend on")
	f.BoolVar(&o.Single, "single-item", false, "the same as --single")
	f.BoolVar(&o.Downstream, "downstream", false, "the stages named and all that depends on them")
	f.BoolVarP(&o.KeepGoing, "keep-going", "k", false, "after a failure go on with what does not depend on it")
	listVar(f, &o.setParams, "set-param", "S", "write `[FILE:]KEY=VALUE` into a parameter file first; also +KEY, ~KEY, a,b and range(): see docs/experiments.md")
	f.StringVarP(&o.Name, "name", "n", "", "name of the run")
	f.StringVar(&o.Experiment, "experiment", "", "experiment that the run belongs to")
	listVar(f, &o.tags, "tag", "", "tag of the run, `KEY=VALUE`")
	f.BoolVar(&o.Pull, "pull", false, "fetch missing objects from the default remote")
	f.StringVar(&o.junit, "junit", "", "write a JUnit report with a test case for each stage to `FILE`")
	o.planFlags(f)
	o.isolatedFlags(f)
	o.parentFlag(f)
	o.projectFlags(f)
	c.MarkFlagsMutuallyExclusive("single", "downstream")
	c.MarkFlagsMutuallyExclusive("single-item", "downstream")
	for _, name := range []string{"dry", "single-item"} { // as DVC calls them
		if err := f.MarkHidden(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return c
}

func runRun(ctx context.Context, o *runOptions) error {
	if err := errors.Join(o.parse(), o.checkPlan(), o.checkElsewhere()); err != nil {
		return err
	}
	if err := o.limits(ctx); err != nil {
		return err
	}
	switch {
	case o.dryRun && len(o.trials) > 1:
		return showTrials(o.app.io, o.trials)
	case o.isElsewhere() && !o.dryRun:
		return o.runElsewhere(ctx)
	}
	e, dir, err := o.app.engine(ctx)
	if err != nil {
		return err
	}
	o.Dir = dir
	if o.dryRun {
		return o.plan(ctx, e)
	}
	if o.watch {
		return o.watchAndRun(ctx, e)
	}
	if err := errors.Join(o.nest(ctx), o.app.holdStore(ctx)); err != nil {
		return err
	}
	return o.execute(ctx, e)
}

// execute runs, and shows and tells how it goes.
func (o *runOptions) execute(ctx context.Context, e *pipeline.Engine) error {
	if err := o.learn(ctx); err != nil {
		return err
	}
	if err := o.fetchForeign(ctx, e); err != nil {
		return err
	}
	listeners, err := o.listeners(ctx)
	if err != nil {
		return err
	}
	in := newInside(ctx, o.app)
	o.Environ, listeners = in.environ, append(listeners, in)
	o.Output = o.app.io.Err
	o.Command = append([]string{"mlops"}, os.Args[1:]...)
	if inGitHub() && !o.app.io.JSON {
		o.Group = githubGroup
	}
	show := &runView{io: o.app.io}
	result, err := e.Run(ctx, o.RunRequest, func(ev pipeline.Event) {
		show.event(ev)
		for _, l := range listeners {
			l.event(ev)
		}
	})
	if result.RunID != "" {
		show.end(result)
	}
	for _, l := range listeners {
		if lerr := l.end(result, err); lerr != nil {
			o.app.io.Warn("%v", lerr)
		}
	}
	if show.err != nil {
		return show.err
	}
	return err
}

// parse reads the flags that are pairs.
func (o *runOptions) parse() error {
	if err := o.parseParams(); err != nil {
		return err
	}
	for _, t := range o.tags {
		key, value, ok := strings.Cut(t, "=")
		if !ok || key == "" {
			return errs.New(errs.Usage, "--tag %q is not KEY=VALUE", t).Hint("mlops run --tag gpu=a100")
		}
		o.Tags = append(o.Tags, track.Tag{Key: key, Value: value})
	}
	return nil
}

// stageLine is a stage in the JSON lines of run.
type stageLine struct {
	Type    string          `json:"type"`
	Name    string          `json:"name"`
	Action  pipeline.Action `json:"action,omitempty"`
	Reasons []string        `json:"reasons"`
	Seconds float64         `json:"seconds"`
	Error   string          `json:"error,omitempty"`
}

// runView shows a run while it goes on.
type runView struct {
	io  *term.IO
	err error
}

func (v *runView) event(e pipeline.Event) {
	if e.Type == pipeline.Warning {
		v.io.Warn("%v", e.Err)
		return
	}
	if v.io.JSON && e.Type != pipeline.RunStarted {
		line := stageLine{Type: string(e.Type), Name: e.Name, Action: e.Action, Reasons: notNil(e.Reasons), Seconds: e.Seconds}
		if e.Err != nil {
			line.Error = e.Err.Error()
		}
		v.keep(v.io.JSONLine(line))
		return
	}
	if e.Type == pipeline.StageWaiting || e.Type == pipeline.StageRetried {
		v.io.Note("stage %s: %s", e.Name, strings.Join(e.Reasons, "; "))
		return
	}
	if e.Type != pipeline.StageEnded {
		return
	}
	v.keep(printStage(v.io, e.Action, e.Name, e.Reasons, e.Seconds))
}

func (v *runView) keep(err error) {
	if v.err == nil {
		v.err = err
	}
}

func (v *runView) end(r pipeline.Result) {
	if v.io.JSON {
		v.keep(v.io.JSONLine(struct {
			Type     string       `json:"type"`
			RunID    string       `json:"run_id"`
			Name     string       `json:"name"`
			Status   track.Status `json:"status"`
			Ran      int          `json:"ran"`
			Restored int          `json:"restored"`
			Skipped  int          `json:"skipped"`
			Failed   int          `json:"failed"`
			Seconds  float64      `json:"seconds"`
		}{"run", r.RunID, r.Name, r.Status, r.Ran, r.Restored, r.Skipped, r.Failed, r.Seconds}))
		return
	}
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{r.Ran, "ran"}, {r.Restored, "restored"}, {r.Skipped, "skipped"}, {r.Failed, "failed"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	_, err := fmt.Fprintf(v.io.Out, "run %s %s: %s in %.1fs\n", r.Name, strings.ToLower(string(r.Status)), strings.Join(parts, ", "), r.Seconds)
	v.keep(err)
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// printStage writes one line for a stage: what happened, its name, why.
func printStage(io *term.IO, action pipeline.Action, name string, reasons []string, seconds float64) error {
	line := fmt.Sprintf("%-9s %s", action, name)
	if len(reasons) > 0 {
		line += "  " + strings.Join(reasons, "; ")
	}
	if seconds > 0 {
		line += fmt.Sprintf("  (%.1fs)", seconds)
	}
	_, err := fmt.Fprintln(io.Out, line)
	return err
}

// showPlan writes what would be done.
func showPlan(io *term.IO, steps []pipeline.Step) error {
	for _, s := range steps {
		var err error
		if io.JSON {
			err = io.JSONLine(stageLine{Type: "plan", Name: s.Name, Action: s.Action, Reasons: notNil(s.Reasons)})
		} else {
			err = printStage(io, s.Action, s.Name, s.Reasons, 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
