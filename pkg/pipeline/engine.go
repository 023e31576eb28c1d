package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"time"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fsx"
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Files is what the engine changes in a repository besides data.
type Files interface {
	// PipelineFiles returns the paths of all pipeline files and pointers.
	PipelineFiles(ctx context.Context) ([]string, error)
	// Tracked returns what pointers and locks name, by path.
	Tracked(ctx context.Context) (map[string]stagefile.Asset, error)
	// Ignore adds paths to .gitignore.
	Ignore(ctx context.Context, paths ...string) error
	// UpdateLock edits the lock in a directory under a file lock.
	UpdateLock(ctx context.Context, dir string, edit func(*stagefile.Lock)) error
}

// Config is what an Engine is made of.
type Config struct {
	Root  string // of the repository, absolute
	Read  stagefile.ReadFunc
	Files Files
	Data  Data
	Index func(ctx context.Context) (*db.DB, error)
	// Track opens the records of runs; asked for only when something runs.
	Track func(ctx context.Context) (track.Recorder, error)
	// Fetch brings assets from a remote into the store; nil: there is none.
	Fetch func(ctx context.Context, assets []stagefile.Asset) error
	// Foreign returns what another tool recorded of stages of which the lock has
	// no record, by their names and without fingerprints; nil: nothing.
	Foreign func(ctx context.Context, lock string, stages []*stagefile.Stage) (map[string]stagefile.Record, error)
	// Recorded hears of stages whose new records are in the lock; nil: nobody.
	Recorded func(ctx context.Context, done []Done) error
	// LookUp finds what is below a directory by its listing, which may be
	// fetched; nil: nothing is found.
	LookUp func(ctx context.Context, dir stagefile.Asset, below string, fetch bool) (tree.Entry, error)
	// Code asks git about the code, and for its ids of files; nil: nothing of
	// the code is kept with runs.
	Code func(ctx context.Context, files []string) (CodeState, error)
	// Identify asks for the version of what is at a URL; nil: no stage may
	// depend on one.
	Identify func(ctx context.Context, url string) (stagefile.Asset, error)
	// Describe returns what is known of the surroundings of a run: git, user.
	Describe func(ctx context.Context) (track.Run, error)
	// Tmp is for logs of running stages and for claims on stages. Copies of a
	// workspace share it.
	Tmp string
	// Machine is what stages share; nil: what is found.
	Machine *Machine
	Clock   clock.Clock
}

// Done is a stage that ran or was restored, with what it read and made.
type Done struct {
	Stage  *stagefile.Stage
	Record stagefile.Record
}

// Engine plans and runs pipelines.
type Engine struct{ Config }

// New returns an engine.
func New(c Config) *Engine { return &Engine{c} }

// PlanRequest chooses stages.
type PlanRequest struct {
	Stages     []string         // none: all
	Dir        string           // the directory that names are relative to, "" for the root
	Single     bool             // only the stages named, not what they depend on
	Downstream bool             // the stages named and all that depend on them
	Force      bool             // run also what is up to date
	Pull       bool             // missing objects can be fetched
	Executor   string           // in the place of those that stages name; "" for none
	SetParams  []paramfile.Edit // made first; without a file they are of params.yaml
	// AllowMissing takes what is not on disk, but is named by a pointer or the
	// lock, for unchanged.
	AllowMissing bool
}

// Plan decides what a run would do. It changes nothing.
func (e *Engine) Plan(ctx context.Context, q PlanRequest) ([]Step, error) {
	read, err := e.overlay(q.SetParams)
	if err != nil {
		return nil, err
	}
	project, err := e.projectAndLocks(ctx, read)
	if err != nil {
		return nil, err
	}
	return e.plan(ctx, project, read, q)
}

// PlanProject is Plan for a project that was read already, without parameters
// to be set.
func (e *Engine) PlanProject(ctx context.Context, project *Project, q PlanRequest) ([]Step, error) {
	return e.plan(ctx, project, e.Read, q)
}

func (e *Engine) plan(ctx context.Context, project *Project, read stagefile.ReadFunc, q PlanRequest) ([]Step, error) {
	chosen, err := project.choose(q)
	if err != nil {
		return nil, err
	}
	d, err := e.decider(ctx, read, project, chosen, q)
	if err != nil {
		return nil, err
	}
	steps := make([]Step, 0, len(chosen))
	for _, address := range chosen {
		if d.unexpanded[project.itemOf[address]] {
			continue // said of its map stage
		}
		step, err := d.decide(ctx, project.byAddress[address])
		if err != nil {
			return nil, err
		}
		d.foresee(&step)
		steps = append(steps, step)
	}
	return steps, nil
}

// foresee changes the view as the step would change the workspace.
func (d *decider) foresee(step *Step) {
	if step.Action == Restore {
		d.view.foreseeRestored(step)
	}
	if step.stage.Map != "" && step.Action == Run && step.Fingerprint == "" {
		d.foreseeMap(step)
	}
	if step.Action == Run {
		for _, o := range step.stage.Outs {
			d.view.unknown.set(o.Path, step.Name)
		}
	}
}

// foreseeRestored notes what a restore will put in place. What is in a
// directory then is known only where it is the recorded one.
func (v *view) foreseeRestored(step *Step) {
	var old map[string]stagefile.Asset
	if lock, ok := v.locks[step.stage.Lock()]; ok {
		r, _ := lock.Stage(step.stage.Name)
		old = assetsByPath(r.Outs)
	}
	for _, a := range step.needed {
		if old[a.Path].ID == a.ID {
			v.settled.set(a.Path, step.Name)
		} else {
			v.partly.set(a.Path, step.Name)
		}
		v.forgetAround(a.Path)
	}
	v.restored(step)
}

// restored notes what a restore puts in place.
func (v *view) restored(step *Step) {
	for _, a := range step.record.Outs {
		if old, had := v.assets[a.Path]; !had || old.ID != a.ID {
			v.changed.set(a.Path, step.Name)
		}
		v.assets[a.Path] = a
	}
	for _, file := range sortedKeys(v.params) {
		if v.changed.around(file) != "" {
			delete(v.params, file)
		}
	}
}

func (e *Engine) decider(ctx context.Context, read stagefile.ReadFunc, p *Project, chosen []string, q PlanRequest) (*decider, error) {
	v := newView(e.Root, read, e.Data, e.Files)
	v.identify = e.identifier(p)
	v.others = e.Foreign
	v.early = p.early
	if e.LookUp != nil {
		v.lookUp = func(ctx context.Context, dir stagefile.Asset, below string) (tree.Entry, error) {
			return e.LookUp(ctx, dir, below, q.Pull)
		}
	}
	stages := make([]*stagefile.Stage, len(chosen))
	for i, a := range chosen {
		stages[i] = p.byAddress[a]
	}
	if err := v.look(ctx, stages); err != nil {
		return nil, err
	}
	if q.AllowMissing {
		v.listed = p.listed(e.Root)
	}
	cache := &stageCache{open: e.Index, now: func() int64 { return e.Clock.Now().UnixMilli() }}
	d := &decider{
		view: v, cache: cache, force: q.Force, fetch: q.Pull && e.Fetch != nil, allowMissing: q.AllowMissing, executor: q.Executor,
		project: p, chosen: map[string]bool{}, claims: newClaims(e.Tmp, e.Root),
	}
	v.project = func() *Project { return d.project } // it grows with the items of map stages
	for _, a := range chosen {
		d.chosen[a] = true
	}
	var err error
	d.marks, err = d.claims.marks()
	return d, err
}

// Project reads every pipeline file through read, nil for the workspace.
func (e *Engine) Project(ctx context.Context, read stagefile.ReadFunc) (*Project, error) {
	if read == nil {
		read = e.Read
	}
	names, err := e.Files.PipelineFiles(ctx)
	if err != nil {
		return nil, err
	}
	return ReadProject(read, names)
}

// projectAndLocks is Project for a plan: the locks are read at the same time.
func (e *Engine) projectAndLocks(ctx context.Context, read stagefile.ReadFunc) (*Project, error) {
	names, err := e.Files.PipelineFiles(ctx)
	if err != nil {
		return nil, err
	}
	locks := e.readLocks(names)
	p, err := ReadProject(read, names)
	if p != nil {
		p.early = locks
	}
	return p, err
}

// ProjectWith is Project of the workspace as it would be with params set.
func (e *Engine) ProjectWith(ctx context.Context, edits []paramfile.Edit) (*Project, error) {
	read, err := e.overlay(edits)
	if err != nil {
		return nil, err
	}
	return e.Project(ctx, read)
}

// choose returns the addresses that a request means, in the order of the graph.
func (p *Project) choose(q PlanRequest) ([]string, error) {
	if len(q.Stages) == 0 {
		if q.Single || q.Downstream {
			return nil, errs.New(errs.Usage, "--single and --downstream want the name of a stage").Hint("see the stages: mlops stage ls")
		}
		return p.Order, nil
	}
	named, err := p.Targets(q.Stages, q.Dir)
	if err != nil {
		return nil, err
	}
	switch {
	case q.Single:
		return named, nil
	case q.Downstream:
		return p.only(p.waits.Above(named...)), nil
	default:
		return p.only(p.waits.Below(named...)), nil
	}
}

func (p *Project) only(chosen map[string]bool) []string {
	return slices.DeleteFunc(slices.Clone(p.Order), func(a string) bool { return !chosen[a] })
}

// edited returns parameter files with edits made, in their order.
func (e *Engine) edited(edits []paramfile.Edit) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, edit := range edits {
		edit.File = cmp.Or(edit.File, paramfile.DefaultName)
		text, ok := out[edit.File]
		if !ok {
			var err error
			if text, err = e.Read(edit.File); err != nil {
				failed := errs.New(errs.NotFound, "set %s:%s: %w", edit.File, edit.Key, err)
				if errors.Is(err, fs.ErrNotExist) {
					failed.Hint("name a file elsewhere from the root of the repository: --set-param DIR/%s:%s=VALUE", edit.File, edit.Key)
				}
				return nil, failed
			}
		}
		changed, err := edit.Apply(text)
		if err != nil {
			return nil, err
		}
		out[edit.File] = changed
	}
	return out, nil
}

// overlay reads the workspace as it would be with params set.
func (e *Engine) overlay(edits []paramfile.Edit) (stagefile.ReadFunc, error) {
	if len(edits) == 0 {
		return e.Read, nil
	}
	files, err := e.edited(edits)
	if err != nil {
		return nil, err
	}
	return func(p string) ([]byte, error) {
		if text, ok := files[p]; ok {
			return text, nil
		}
		return e.Read(p)
	}, nil
}

// setParams makes edits in the parameter files.
func (e *Engine) setParams(edits []paramfile.Edit) error {
	files, err := e.edited(edits)
	if err != nil {
		return err
	}
	for _, file := range sortedKeys(files) {
		if err := fsx.WriteFile(e.path(file), files[file], 0o666); err != nil {
			return fmt.Errorf("set parameters: %w", err)
		}
	}
	return nil
}

// RunRequest is a plan to carry out.
type RunRequest struct {
	PlanRequest
	Jobs       int // stages at once; 0: one for each processor
	KeepGoing  bool
	ID         string // of a run that was scheduled, or that is to get it; "" for a new one
	Parent     string // id of the run that this one belongs to
	Kind       track.Kind
	Assets     []track.Asset // known before anything ran
	Name       string
	Experiment string
	Tags       []track.Tag
	Command    []string      // the command line, for the record
	Output     io.Writer     // what stages print; nil: nowhere
	Grace      time.Duration // that interrupted stages get; 0: ten seconds
	GPUs       int           // how many devices there are; 0: as the system says
	// Environ returns variables that the processes of a stage get, below those
	// that the stage itself sets. It is asked side by side; nil: none.
	Environ func(ctx context.Context, run *track.Run, stage *stagefile.Stage) (map[string]string, error)
	// Group returns the lines that begin and end what a stage prints, where the
	// reader can fold it. Nil: each line says which stage it is from.
	Group func(stage string) (begin, end string)
}

// Result is how a run ended.
type Result struct {
	RunID    string
	Name     string // of the run
	Status   track.Status
	Ran      int
	Restored int
	Skipped  int
	Failed   int
	Seconds  float64
}

func (q *RunRequest) defaults() {
	if q.Jobs <= 0 {
		q.Jobs = runtime.NumCPU()
	}
	if q.Grace <= 0 {
		q.Grace = 10 * time.Second
	}
	if q.Output == nil {
		q.Output = io.Discard
	}
}
