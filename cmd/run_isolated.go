package cmd

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/isolate"
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/sweep"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/workspace"
)

// elsewhere are the options of runs that are not done in the workspace itself.
type elsewhere struct {
	isolated bool
	keep     bool
	queue    bool
	trials   []sweep.Trial // one, or those of a sweep
}

// isolatedFlags are the flags of run that say where the work is done.
func (o *runOptions) isolatedFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.isolated, "isolated", false, "run in a copy of the workspace, which stays as it is")
	f.BoolVar(&o.keep, "keep", false, "with --isolated: keep the copy")
	f.BoolVar(&o.queue, "queue", false, "put the run, with the code as it is now, into the queue: see 'mlops queue'")
}

// parseParams reads --set-param: one trial, or those of a sweep.
func (o *runOptions) parseParams() error {
	overrides, err := sweep.ParseAll(o.setParams, paramfile.DefaultName)
	if err != nil {
		return err
	}
	if o.trials, err = sweep.Trials(overrides); err != nil {
		return err
	}
	o.SetParams = o.trials[0].Edits
	return nil
}

// isElsewhere reports whether the work is done outside of the workspace.
func (o *runOptions) isElsewhere() bool { return o.isolated || o.queue || len(o.trials) > 1 }

// checkElsewhere refuses flags that do not go together.
func (o *runOptions) checkElsewhere() error {
	switch {
	case o.watch && o.isElsewhere():
		return errs.New(errs.Usage, "--watch repeats one run in the workspace: it goes with neither --isolated, --queue nor a sweep")
	case o.keep && (o.queue || !o.isElsewhere()):
		return errs.New(errs.Usage, "--keep is about the copy of --isolated").Hint("mlops run --isolated --keep")
	case o.queue && o.isolated:
		return errs.New(errs.Usage, "what is queued runs isolated in any case: leave --isolated away")
	case o.dryRun && o.queue:
		return errs.New(errs.Usage, "--dry-run queues nothing")
	case o.junit != "" && (o.queue || len(o.trials) > 1):
		return errs.New(errs.Usage, "--junit reports one run that is done now")
	}
	return nil
}

// runElsewhere does what is asked for outside of the workspace.
func (o *runOptions) runElsewhere(ctx context.Context) error {
	w, err := o.isolate(ctx)
	if err != nil {
		return err
	}
	switch {
	case o.queue:
		return o.enqueue(ctx, w)
	case len(o.trials) > 1:
		return o.sweep(ctx, w)
	}
	o.ID, o.Assets = track.NewID(), w.assets()
	return w.in(ctx, o.ID, o.keep, func(e *pipeline.Engine) error { return o.execute(ctx, e) })
}

// isolation is a snapshot of the workspace and what runs in copies of it need.
type isolation struct {
	app  *app
	repo *repo.Repo
	snap isolate.Snapshot
	git  track.Git
	code pipeline.CodeState // without Blobs

	mu    sync.Mutex
	blobs map[string]map[string]string // git's ids, by what was asked for
}

// isolate takes a snapshot and finds out, side by side, what git knows of it.
func (o *runOptions) isolate(ctx context.Context) (*isolation, error) {
	r, err := o.app.repo(ctx)
	if err != nil {
		return nil, err
	}
	if r.IsCopy() {
		return nil, errs.New(errs.Usage, "this is a copy of the workspace of %s already", r.Home()).Hint("leave --isolated away")
	}
	if o.Dir, err = r.Rel(".", "."); err != nil {
		return nil, err
	}
	if err := errors.Join(o.nest(ctx), o.app.holdStore(ctx)); err != nil {
		return nil, err
	}
	also, err := o.needed(ctx, r)
	if err != nil {
		return nil, err
	}
	n := &isolation{app: o.app, repo: r, blobs: map[string]map[string]string{}}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		run, err := describeRun(gctx, r)
		n.git = run.Git
		return err
	})
	g.Go(func() (err error) {
		n.code, err = codeState(gctx, r, nil)
		return err
	})
	g.Go(func() (err error) {
		n.snap, err = isolate.Take(gctx, r, workspace.New(r, o.app.io.Progress()), also)
		return err
	})
	g.Go(func() error {
		removed, err := isolate.Tidy(gctx, r)
		if removed > 0 {
			o.app.io.Note("removed %s of runs that were killed", plural(removed, "copy of the workspace", "copies of the workspace"))
		}
		return err
	})
	return n, g.Wait()
}

// needed are the paths that stages read, or go on writing to, and that no stage
// makes anew. They are in a copy even where git ignores them. A pipeline or a
// parameter that is wrong is found here, before anything is copied.
func (o *runOptions) needed(ctx context.Context, r *repo.Repo) ([]string, error) {
	e, err := o.app.engineOf(r)
	if err != nil {
		return nil, err
	}
	project, err := e.ProjectWith(ctx, o.SetParams)
	if err != nil {
		return nil, err
	}
	if _, err := project.Targets(o.Stages, o.Dir); err != nil && len(o.Stages) > 0 {
		return nil, err
	}
	var outs, paths []string
	for _, s := range project.Stages {
		for _, out := range s.Outs {
			outs = append(outs, out.Path)
			if out.Persist {
				paths = append(paths, out.Path)
			}
		}
	}
	for _, s := range project.Stages {
		for _, d := range s.Deps {
			_, made := project.Producer(d.Path)
			around := slices.ContainsFunc(outs, func(out string) bool { return d.Path == "." || strings.HasPrefix(out, d.Path+"/") })
			if !made && !around && filepath.IsLocal(filepath.FromSlash(d.Path)) && !repo.Internal(d.Path) {
				paths = append(paths, d.Path)
			}
		}
	}
	return paths, nil
}

// assets are what a run names of the snapshot: all its code, where commit and
// patch do not say it.
func (n *isolation) assets() []track.Asset {
	if n.code.Commit != "" && (len(n.code.Patch) > 0 || !n.git.Dirty) {
		return nil
	}
	return n.snap.Assets()[:1]
}

// in makes a copy for the run, calls fn with its engine, and removes the copy.
func (n *isolation) in(ctx context.Context, run string, keep bool, fn func(*pipeline.Engine) error) error {
	c, err := isolate.Make(ctx, n.repo, n.snap, run[:12])
	if err != nil {
		return err
	}
	e, err := n.engine(c.Repo)
	if err == nil {
		err = fn(e)
	}
	// What was done is saved, and the copy removed, also when the run was interrupted.
	ctx = context.WithoutCancel(ctx)
	err = errors.Join(err, keepLarge(ctx, c.Repo))
	if keep {
		place, kerr := c.Keep()
		n.app.io.Note("the copy of the workspace is kept: %s", place)
		return errors.Join(err, kerr)
	}
	return errors.Join(err, c.Remove(ctx))
}

// engine is that of a copy: what it asks git was asked of the workspace.
func (n *isolation) engine(r *repo.Repo) (*pipeline.Engine, error) {
	e, err := n.app.engineOf(r)
	if err != nil {
		return nil, err
	}
	e.Describe = func(context.Context) (track.Run, error) { return track.Run{Git: n.git}, nil }
	e.Code = n.codeState
	return e, nil
}

// codeState is the code of the snapshot. All runs of a sweep ask for the same
// files: git is asked once.
func (n *isolation) codeState(ctx context.Context, files []string) (pipeline.CodeState, error) {
	s := n.code
	if s.Commit == "" {
		return s, nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	key := strings.Join(files, "\x00")
	known, ok := n.blobs[key]
	if !ok {
		var err error
		if known, err = n.repo.Git().Files(ctx, s.Commit, files...); err != nil {
			return s, err
		}
		n.blobs[key] = known
	}
	s.Blobs = known
	return s, nil
}

// keepLarge stores the outputs of a copy that belong into git, not the store,
// and that nothing else has kept: they go with the copy.
func keepLarge(ctx context.Context, r *repo.Repo) error {
	const kept = 1 << 20 // what is smaller the engine keeps
	tracked, err := r.Tracked(ctx)
	if err != nil {
		return err
	}
	var paths []string
	for _, t := range tracked {
		if t.Stage != "" && !t.Cached && t.Size > kept {
			paths = append(paths, t.Path)
		}
	}
	w := workspace.New(r, progress.Nop{})
	there, err := w.Hash(ctx, paths)
	if err != nil || len(there) == 0 {
		return err
	}
	paths = slices.DeleteFunc(paths, func(p string) bool { _, ok := there[p]; return !ok })
	_, err = w.Save(ctx, paths)
	return err
}
