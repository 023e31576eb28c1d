package cmd

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/mlproject"
	"github.com/mlops-cli/mlops/pkg/mlproject/local"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/pipeline/executor"
	"github.com/mlops-cli/mlops/pkg/proc"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// projectOptions are the options of run that are about an MLflow Project.
type projectOptions struct {
	entry      string
	given      []string // KEY=VALUE
	version    string
	envManager string
	flags      *pflag.FlagSet // to see which were given
}

// forProjects are the flags that a run of a project takes: its own first.
func forProjects() (own, shared []string) {
	return []string{"entry-point", "param", "version", "env-manager"},
		[]string{"name", "experiment", "tag", "parent", "dry-run", "dry", "directory", "json", "quiet", "verbose", "no-color"}
}

func (o *projectOptions) projectFlags(f *pflag.FlagSet) {
	f.StringVarP(&o.entry, "entry-point", "e", mlproject.DefaultEntry, "of an MLflow project: the entry point, or a script of it")
	listVar(f, &o.given, "param", "P", "of an MLflow project: a parameter, `KEY=VALUE`")
	f.StringVar(&o.version, "version", "", "of an MLflow project: branch, tag or commit")
	f.StringVar(&o.envManager, "env-manager", "", "of an MLflow project: local, venv or conda (default what it asks for)")
	o.flags = f
}

// project finds the MLflow project that the arguments name. A stage of that name
// comes first.
func (o *runOptions) project(ctx context.Context, args []string) (local.Source, bool, error) {
	own, _ := forProjects()
	flag := ""
	o.flags.Visit(func(f *pflag.Flag) {
		if slices.Contains(own, f.Name) {
			flag = f.Name
		}
	})
	if len(args) == 1 {
		if s, ok := local.ParseSource(args[0], flag != ""); ok && (flag != "" || !o.isStage(ctx, args[0])) {
			s.Version = o.version
			return s, true, o.checkProject()
		}
	}
	if flag == "" {
		return local.Source{}, false, nil
	}
	return local.Source{}, false, errs.New(errs.Usage, "--%s is about an MLflow project, and %s", flag, noProject(args)).
		Hint("mlops run DIR -e main -P alpha=0.5; for parameters of stages: --set-param")
}

func noProject(args []string) string {
	switch len(args) {
	case 0:
		return "none is named"
	case 1:
		return args[0] + " is none"
	default:
		return "only one can be run at once"
	}
}

// isStage reports whether a word names a stage rather than a directory.
func (o *runOptions) isStage(ctx context.Context, word string) bool {
	if word == "." || strings.ContainsAny(word, "#:") {
		return false
	}
	e, dir, err := o.app.engine(ctx)
	if err != nil {
		return false
	}
	p, err := e.Project(ctx, nil)
	if err != nil {
		return false
	}
	_, err = p.Targets([]string{word}, dir)
	return err == nil
}

// checkProject refuses flags that are about stages.
func (o *runOptions) checkProject() error {
	own, shared := forProjects()
	var err error
	o.flags.Visit(func(f *pflag.Flag) {
		if err == nil && !slices.Contains(own, f.Name) && !slices.Contains(shared, f.Name) {
			err = errs.New(errs.Usage, "--%s is about the stages of a pipeline, not about an MLflow project", f.Name)
		}
	})
	return err
}

// projectRun is an MLflow project on its way.
type projectRun struct {
	*runOptions

	source  local.Source
	check   *local.Checkout
	entry   mlproject.Entry
	values  []mlproject.Value // as they are recorded
	env     local.Environment
	tmp     *fsx.TempDir
	tracker interface {
		track.Recorder
		track.Reader
	}
	run track.Run
}

func (o *runOptions) runProject(ctx context.Context, s local.Source) (err error) {
	manager, err := local.ParseManager(o.envManager)
	if err != nil {
		return err
	}
	if err := o.parse(); err != nil {
		return err
	}
	given, err := parseGiven(o.given)
	if err != nil {
		return err
	}
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	tmp, err := r.TmpDir()
	if err != nil {
		return err
	}
	p := &projectRun{runOptions: o, source: s}
	if p.tmp, err = fsx.MakeTempDir(tmp, "project-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.tmp.Remove()) }()
	if s.IsURL() {
		o.app.io.Note("fetching %s", s.Place)
	}
	if p.check, err = local.Open(ctx, s, tmp); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.check.Close()) }()
	if p.entry, err = p.check.Project.Entry(o.entry, p.check.Has); err != nil {
		return err
	}
	if p.values, err = p.entry.Values(given); err != nil {
		return err
	}
	if o.dryRun {
		return p.plan()
	}
	return p.execute(ctx, manager)
}

// parseGiven reads -P KEY=VALUE.
func parseGiven(list []string) ([][2]string, error) {
	out := make([][2]string, 0, len(list))
	for _, kv := range list {
		key, value, ok := strings.Cut(kv, "=")
		if !ok || key == "" {
			return nil, errs.New(errs.Usage, "-P %q is not KEY=VALUE", kv).Hint("mlops run . -P alpha=0.5")
		}
		out = append(out, [2]string{key, value})
	}
	return out, nil
}

// plan says what would run.
func (p *projectRun) plan() error {
	line, err := p.entry.Line(p.values)
	if err != nil {
		return err
	}
	plan := struct {
		Type        string            `json:"type"`
		Name        string            `json:"name"`
		Entry       string            `json:"entry_point"`
		Environment mlproject.EnvKind `json:"environment"`
		Command     string            `json:"command"`
	}{"project", p.name(), p.entry.Name, cmp.Or(p.check.Project.Env.Kind, mlproject.EnvKind(local.Local)), line}
	return p.app.io.Result(plan, func(w io.Writer) error {
		_, err := io.WriteString(w, line+"\n")
		return err
	})
}

// name is what the project is called.
func (p *projectRun) name() string {
	return cmp.Or(p.check.Project.Name, filepath.Base(strings.TrimSuffix(p.source.Name(), ".git")))
}

func (p *projectRun) execute(ctx context.Context, manager local.Manager) (err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return errs.New(errs.Usage, "where environments are kept: %w", err).Hint("set XDG_CACHE_HOME")
	}
	p.env, err = p.check.Prepare(ctx, local.EnvRequest{
		Manager: manager, Cache: filepath.Join(cache, "mlops", "envs"), Output: p.app.io.Err, Note: p.app.io.Note,
	})
	if err != nil {
		return err
	}
	located, err := p.check.Locate(ctx, p.values, p.tmp.Path, p.app.fetchURI)
	if err != nil {
		return err
	}
	line, err := p.entry.Line(located)
	if err != nil {
		return err
	}
	if err := errors.Join(p.nest(ctx), p.app.holdStore(ctx)); err != nil {
		return err
	}
	tracking, err := p.app.tracking(ctx)
	if err != nil {
		return err
	}
	p.tracker = tracking
	if p.run, err = tracking.Create(ctx, p.record(tracking.By())); err != nil {
		return err
	}
	vars, closeListener, err := p.listen(ctx)
	if err != nil {
		return errors.Join(err, p.end(ctx, executor.Result{ExitCode: -1, Err: err}, "", p.app.clock.Now()))
	}
	defer func() { err = errors.Join(err, closeListener()) }()
	p.app.io.Note("run %s: %s", p.run.Name, line)
	file := filepath.Join(p.tmp.Path, "log")
	log, err := os.Create(file)
	if err != nil {
		return err
	}
	start := p.app.clock.Now()
	res := p.check.Run(ctx, local.Task{
		Line: line, Env: p.env, Vars: vars, Output: io.MultiWriter(p.app.io.Err, log), Grace: 10 * time.Second,
	})
	if err := log.Close(); err != nil {
		return err
	}
	return p.end(ctx, res, file, start)
}

// record is the run as MLflow would tag it; by is who runs it.
func (p *projectRun) record(by string) track.Run {
	g := p.check.Git
	host, _ := os.Hostname() // "" is as good as any other name
	self := proc.Self()
	run := track.Run{
		Name: p.Name, Experiment: p.Experiment, Kind: track.Script, Parent: p.Parent, Source: p.source.Name(),
		Command: append([]string{"mlops"}, os.Args[1:]...),
		Git:     track.Git{Commit: g.Commit, Branch: g.Branch, Dirty: g.Dirty, Remote: g.Remote},
		Process: track.Process{Host: host, PID: self.PID, Started: self.Started},
		Tags:    slices.Clone(p.Tags),
	}
	for _, t := range [][2]string{
		{"mlflow.user", by},
		{"mlflow.source.name", p.check.SourceName(p.source)},
		{"mlflow.source.type", "PROJECT"},
		{"mlflow.project.entryPoint", p.entry.Name},
		{"mlflow.project.backend", "local"},
		{"mlflow.project.env", p.env.Tag()},
		{"mlflow.source.git.commit", g.Commit},
		{"mlflow.source.git.repoURL", g.Remote},
		{"mlflow.source.git.branch", g.Branch},
		{"mlflow.gitRepoURL", g.Remote},
		{"mlflow.gitBranchName", g.Branch},
		{"mlflow.parentRunId", p.Parent},
	} {
		if t[1] != "" && !slices.ContainsFunc(run.Tags, func(had track.Tag) bool { return had.Key == t[0] }) {
			run.Tags = append(run.Tags, track.Tag{Key: t[0], Value: t[1]})
		}
	}
	for _, v := range p.values {
		run.Params = append(run.Params, track.Param{Key: v.Key, Value: v.Text})
	}
	fit := track.Batch{Params: run.Params, Tags: run.Tags}.Fit()
	run.Params, run.Tags = fit.Params, fit.Tags
	return run
}

// end records how the command ended, and says so.
func (p *projectRun) end(ctx context.Context, res executor.Result, log string, start time.Time) error {
	stopped := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx) // what was done is recorded also when the run was interrupted
	seconds := p.app.clock.Now().Sub(start).Seconds()
	rec := track.StageRecord{
		Name: p.entry.Name, Action: string(pipeline.Ran), Reasons: []string{"entry point of " + p.name()}, Seconds: seconds,
		CPUSeconds: res.CPU.Seconds(), MaxRSS: res.MaxRSS, ExitCode: res.ExitCode, Attempts: 1,
	}
	result := pipeline.Result{RunID: p.run.ID, Name: p.run.Name, Status: track.Finished, Ran: 1, Seconds: seconds}
	if res.Err != nil {
		rec.Action, result.Status, result.Ran, result.Failed = string(pipeline.Failed), track.Failed, 0, 1
	}
	if stopped {
		result.Status = track.Killed
	}
	if log != "" {
		r, err := p.app.repo(ctx)
		if err != nil {
			return err
		}
		ids, err := workspace.New(r, progress.Nop{}).Keep(ctx, []string{log})
		if err != nil {
			return err
		}
		rec.Log = ids[0]
	}
	if err := p.tracker.Finish(ctx, p.run.ID, result.Status, track.Batch{Stages: []track.StageRecord{rec}}); err != nil {
		return err
	}
	show := &runView{io: p.app.io}
	show.end(result)
	switch {
	case show.err != nil:
		return show.err
	case stopped:
		return errs.New(errs.Canceled, "run %s stopped", p.run.Name)
	case res.Err != nil:
		return errs.New(errs.StageFailed, "entry point %s of %s failed: %w", p.entry.Name, p.name(), res.Err).Hint("see what it printed: mlops runs show %s --log", p.run.Name)
	}
	return nil
}
