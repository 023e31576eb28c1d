package cmd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/watch"
)

// watching is a run that is repeated when somebody saves a file.
type watching struct {
	*runOptions
	repo    *repo.Repo
	engine  *pipeline.Engine
	watcher *watch.Watcher
	project *pipeline.Project // as last read without error
	broken  bool              // it cannot be read now
	told    string            // the last error that was shown
	stale   string            // what was out of date after the last run, while blind
}

// watchAndRun runs, and again when what the stages read changes, until ctx is done.
func (o *runOptions) watchAndRun(ctx context.Context, e *pipeline.Engine) (err error) {
	r, err := o.app.repo(ctx)
	if err != nil {
		return err
	}
	w := &watching{runOptions: o, repo: r, engine: e, watcher: watch.New()}
	defer func() { err = errors.Join(err, w.watcher.Close()) }()
	for first := true; ; first = false {
		// Watch first, look then: what is saved in between is not missed.
		if err := w.set(ctx); err != nil {
			w.tell(err)
		} else if err := w.once(ctx, first); err != nil {
			if ctx.Err() != nil {
				return err
			}
			w.tell(err)
		}
		if !w.broken {
			w.told = ""
		}
		o.SetParams, o.Force = nil, false // they were meant once
		if w.watcher.Blind() {
			w.stale = w.plans(ctx)
		}
		if first {
			o.app.io.Note("waiting for changes; Ctrl-C ends")
		}
		if stop := w.wait(ctx); stop {
			return nil
		}
	}
}

// set reads the project and watches what its stages read. While it cannot be
// read, its pipeline files and all beside them are watched.
func (w *watching) set(ctx context.Context) error {
	project, err := w.engine.Project(ctx, nil)
	w.broken = err != nil
	var sources []string
	if err == nil {
		w.project = project
		sources, err = project.Sources(w.PlanRequest)
	}
	s := watch.Set{Flat: []string{w.repo.Root}, Ignore: w.ignores}
	if err != nil {
		files, ferr := w.repo.Pipelines(ctx, "")
		if ferr != nil {
			return errors.Join(err, ferr)
		}
		for _, f := range files {
			s.Flat = append(s.Flat, w.repo.Path(path.Dir(f)))
		}
	}
	for _, p := range sources {
		if stagefile.IsExternal(p) {
			if !strings.Contains(p, "://") {
				s.Paths = append(s.Paths, filepath.FromSlash(p))
			}
			continue
		}
		s.Paths = append(s.Paths, w.repo.Path(p))
	}
	if err == nil {
		s.Flat = nil
		for _, name := range []string{stagefile.FileName, stagefile.DVCFileName} {
			s.Paths = append(s.Paths, w.repo.Path(name))
		}
	}
	return errors.Join(err, w.watcher.Watch(s))
}

// ignores leaves out what stages and mlops itself write.
func (w *watching) ignores(name string) bool {
	rel, err := filepath.Rel(w.repo.Root, name)
	if err != nil || strings.HasPrefix(rel, "..") {
		return false
	}
	rel = filepath.ToSlash(rel)
	switch first, _, _ := strings.Cut(rel, "/"); first {
	case ".git", ".mlops":
		return true
	}
	base := path.Base(rel)
	if strings.HasPrefix(base, ".mlops-") && strings.HasSuffix(base, ".tmp") {
		return true // being written by us
	}
	if base == stagefile.LockName || base == ".gitignore" || base == "__pycache__" {
		return true
	}
	if w.broken {
		// Only what a pipeline can be made of may mend it.
		switch path.Ext(rel) {
		case ".yaml", ".yml", ".json", ".toml", ".py", "":
		default:
			return true
		}
	}
	if w.project == nil {
		return false
	}
	_, made := w.project.Producer(rel)
	return made
}

// once runs what is out of date. Nothing is recorded when nothing is, but for
// the first time.
func (w *watching) once(ctx context.Context, first bool) error {
	if !first {
		steps, err := w.engine.Plan(ctx, w.PlanRequest)
		if err != nil {
			return err
		}
		if countStale(steps) == 0 {
			w.app.io.Note("everything is up to date")
			return nil
		}
	}
	st, err := w.repo.Store(ctx)
	if err != nil {
		return err
	}
	release, err := st.Hold(ctx)
	if err != nil {
		return err
	}
	return errors.Join(w.execute(ctx, w.engine), release())
}

// wait waits for a change, and says which.
func (w *watching) wait(ctx context.Context) (stop bool) {
	for {
		changed, err := w.watcher.Wait(ctx)
		if err != nil {
			return true
		}
		if len(changed) > 0 {
			if changed = w.meant(ctx, changed); len(changed) == 0 {
				continue
			}
			const few = 3
			names := make([]string, 0, few+1)
			for i, name := range changed {
				if i == few {
					names = append(names, "…")
					break
				}
				if rel, err := w.repo.Rel(w.repo.Root, name); err == nil {
					name = rel
				}
				names = append(names, name)
			}
			w.app.io.Note("changed: %s", strings.Join(names, ", "))
			return false
		}
		if now := w.plans(ctx); now != w.stale {
			w.stale = now
			return false
		}
	}
}

// meant are the changes that stages did not make themselves: what a map stage
// makes is known when its run is over. Files of a moment that stand beside a
// broken pipeline file do not mend it.
func (w *watching) meant(ctx context.Context, changed []string) []string {
	if project, err := w.engine.Project(ctx, nil); err == nil {
		w.project = project
	}
	return slices.DeleteFunc(changed, func(name string) bool {
		if w.ignores(name) {
			return true
		}
		_, err := os.Lstat(name)
		return w.broken && errors.Is(err, fs.ErrNotExist)
	})
}

// plans is what is out of date, and why: the same text while nothing changes.
func (w *watching) plans(ctx context.Context) string {
	steps, err := w.engine.Plan(ctx, w.PlanRequest)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, s := range steps {
		if s.Action != pipeline.Skip {
			b.WriteString(s.Name + " " + s.Fingerprint + " " + strings.Join(s.Reasons, ";") + "\n")
		}
	}
	return b.String()
}

// tell shows an error that is waited out.
func (w *watching) tell(err error) {
	if w.broken && err.Error() == w.told {
		return
	}
	w.told = err.Error()
	w.app.io.Error("%v", err)
	if errs.KindOf(err) == errs.StageFailed {
		return
	}
	for _, h := range errs.Hints(err) {
		w.app.io.Hint("%s", h)
	}
}

func countStale(steps []pipeline.Step) int {
	n := 0
	for _, s := range steps {
		if s.Action != pipeline.Skip {
			n++
		}
	}
	return n
}
