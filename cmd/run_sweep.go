package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/sweep"
	"github.com/mlops-cli/mlops/pkg/term"
	"github.com/mlops-cli/mlops/pkg/track"
)

// trialLine is a trial in the JSON lines of run.
type trialLine struct {
	Type    string            `json:"type"` // trial
	RunID   string            `json:"run_id"`
	Name    string            `json:"name"`
	Status  track.Status      `json:"status"`
	Params  map[string]string `json:"params"` // those that differ between the trials
	Seconds float64           `json:"seconds"`
	Error   string            `json:"error,omitempty"`
}

// sweepLine is the end of a sweep in the JSON lines of run.
type sweepLine struct {
	Type     string       `json:"type"` // sweep
	RunID    string       `json:"run_id"`
	Name     string       `json:"name"`
	Status   track.Status `json:"status"`
	Finished int          `json:"finished"`
	Failed   int          `json:"failed"`
	Left     int          `json:"left"` // not finished: stopped, or not begun
	Seconds  float64      `json:"seconds"`
}

// sweeping is a sweep that is worked on.
type sweeping struct {
	*runOptions
	where   *isolation
	tracker track.Recorder
	parent  track.Run

	mu     sync.Mutex // of all below, and of what is printed
	next   int
	failed []failedTrial
	done   []string // ids of the runs that ended
	ok     int
	stop   bool
}

type failedTrial struct {
	name string
	err  error
}

// sweep runs the trials of a sweep, each in a copy of the workspace, as
// children of one run.
func (o *runOptions) sweep(ctx context.Context, w *isolation) error {
	if err := o.learn(ctx); err != nil {
		return err
	}
	tracker, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	s := &sweeping{runOptions: o, where: w, tracker: tracker}
	if s.parent, err = tracker.Create(ctx, o.groupRun(w, track.Running)); err != nil {
		return err
	}
	start := o.app.clock.Now()
	atOnce := o.Jobs
	if atOnce == 0 {
		atOnce = runtime.NumCPU()
	}
	workers := min(atOnce, len(o.trials))
	o.app.io.Note("%d trials in %s, %d at once", len(o.trials), s.parent.Name, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for s.one(ctx, max(1, atOnce/workers)) {
			}
		})
	}
	wg.Wait()
	status := track.Finished
	switch {
	case ctx.Err() != nil:
		status = track.Killed
	case len(s.failed) > 0:
		status = track.Failed
	}
	after := context.WithoutCancel(ctx)
	if err := tracker.Finish(after, s.parent.ID, status, track.Batch{}); err != nil {
		return err
	}
	line := sweepLine{
		Type: "sweep", RunID: s.parent.ID, Name: s.parent.Name, Status: status, Finished: s.ok, Failed: len(s.failed),
		Left: len(o.trials) - s.ok - len(s.failed), Seconds: o.app.clock.Now().Sub(start).Seconds(),
	}
	if err := s.summary(after, line); err != nil {
		return err
	}
	return s.err(ctx)
}

// groupRun is the run that the trials of a sweep belong to.
func (o *runOptions) groupRun(w *isolation, status track.Status) track.Run {
	return track.Run{
		Name: o.Name, Experiment: o.Experiment, Kind: track.Pipeline, Status: status, Parent: o.Parent, Tags: o.Tags,
		Command: append([]string{"mlops"}, os.Args[1:]...), Git: w.git,
	}
}

// trialName is the name of the nth trial, from 0, of a sweep.
func trialName(parent string, n, of int) string {
	return fmt.Sprintf("%s-%0*d", parent, len(fmt.Sprint(of)), n+1)
}

// one runs the next trial, and reports whether it may be followed by another.
func (s *sweeping) one(ctx context.Context, jobs int) bool {
	s.mu.Lock()
	n := s.next
	if s.stop || n >= len(s.trials) || ctx.Err() != nil {
		s.mu.Unlock()
		return false
	}
	s.next++
	s.mu.Unlock()
	trial := s.trials[n]
	q := s.RunRequest
	q.ID, q.Parent, q.Kind, q.Name, q.SetParams, q.Jobs = track.NewID(), s.parent.ID, track.Trial, trialName(s.parent.Name, n, len(s.trials)), trial.Edits, jobs
	q.Command, q.Assets = append([]string{"mlops"}, os.Args[1:]...), s.where.assets()
	out := &prefixed{mu: &s.mu, to: s.app.io.Err, prefix: q.Name + " "}
	q.Output = out
	var result pipeline.Result
	tell, err := s.app.lineage(ctx)
	if err != nil {
		s.app.io.Warn("%v", err)
	}
	in := newInside(ctx, s.app)
	q.Environ = in.environ
	err = s.where.in(ctx, q.ID, s.keep, func(e *pipeline.Engine) (err error) {
		result, err = e.Run(ctx, q, func(ev pipeline.Event) {
			in.event(ev)
			if tell != nil {
				tell.event(ev)
			}
			if ev.Type == pipeline.Warning {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.app.io.Warn("%s: %v", q.Name, ev.Err)
			}
		})
		return err
	})
	if lerr := in.end(result, err); lerr != nil {
		s.app.io.Warn("%s: %v", q.Name, lerr)
	}
	if tell != nil {
		if lerr := tell.end(result, err); lerr != nil {
			s.app.io.Warn("%s: %v", q.Name, lerr)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out.flush()
	s.ended(ctx, trialLine{Type: "trial", RunID: q.ID, Name: q.Name, Status: result.Status, Params: sweptParams(trial), Seconds: result.Seconds}, result, err)
	return true
}

// ended counts and shows a trial.
func (s *sweeping) ended(ctx context.Context, line trialLine, result pipeline.Result, err error) {
	if result.RunID != "" {
		s.done = append(s.done, result.RunID)
	}
	switch {
	case err == nil:
		s.ok++
	case ctx.Err() != nil: // stopped with the sweep
		line.Error = err.Error()
	default:
		line.Error = err.Error()
		if line.Status == "" {
			line.Status = track.Failed
		}
		s.failed = append(s.failed, failedTrial{line.Name, err})
		s.stop = s.stop || !s.KeepGoing
	}
	if line.Status == "" {
		line.Status = track.Killed
	}
	if s.app.io.JSON {
		if jerr := s.app.io.JSONLine(line); jerr != nil {
			s.stop = true
		}
		return
	}
	s.app.io.Raw(fmt.Sprintf("%s %s: %s in %.1fs", line.Name, strings.ToLower(string(line.Status)), paramsText(sortedParams(line.Params)), line.Seconds))
}

// summary shows the runs with the params that differ and the metrics.
func (s *sweeping) summary(ctx context.Context, line sweepLine) error {
	if s.app.io.JSON {
		return s.app.io.JSONLine(line)
	}
	if len(s.done) > 0 {
		tracking, err := s.app.tracking(ctx)
		if err != nil {
			return err
		}
		r, err := compare.New(tracking, revisions{Repo: s.where.repo}).Compare(ctx, compare.Request{
			Refs: s.done, Sort: "name", Maximize: s.where.repo.Config.Compare.Maximize, Minimize: s.where.repo.Config.Compare.Minimize,
		})
		if err != nil {
			return err
		}
		r.Data = nil
		if err := s.app.compareTable(s.app.io.Out, r, nil); err != nil {
			return err
		}
	}
	text := fmt.Sprintf("sweep %s %s: %d finished", line.Name, strings.ToLower(string(line.Status)), line.Finished)
	if line.Failed > 0 {
		text += fmt.Sprintf(", %d failed", line.Failed)
	}
	if line.Left > 0 {
		text += fmt.Sprintf(", %d not done", line.Left)
	}
	_, err := fmt.Fprintf(s.app.io.Out, "%s in %.1fs\n", text, line.Seconds)
	return err
}

// err is the error of the whole sweep.
func (s *sweeping) err(ctx context.Context) error {
	if ctx.Err() != nil {
		return errs.New(errs.Canceled, "sweep %s stopped: %w", s.parent.Name, context.Cause(ctx)).
			Hint("finished trials are recorded and their stages cached: type the same command to go on")
	}
	if len(s.failed) == 0 {
		return nil
	}
	first := s.failed[0]
	e := errs.New(errs.KindOf(first.err), "trial %s: %w", first.name, first.err)
	if len(s.failed) > 1 {
		e = errs.New(errs.KindOf(first.err), "%d trials failed; the first, %s: %w", len(s.failed), first.name, first.err)
	}
	if s.next < len(s.trials) {
		e.Hint("to go on after a failed trial: --keep-going")
	}
	return e.Hint("what its stages printed: mlops runs show %s", first.name)
}

// sweptParams are the params that differ between trials.
func sweptParams(t sweep.Trial) map[string]string { return paramsOf(t.Swept) }

func paramsOf(edits []paramfile.Edit) map[string]string {
	out := map[string]string{}
	for _, e := range edits {
		out[paramName(e)] = e.Value
	}
	return out
}

// paramName is how an edited param is shown.
func paramName(e paramfile.Edit) string {
	if e.File == paramfile.DefaultName {
		return string(e.Op) + e.Key
	}
	return string(e.Op) + e.File + ":" + e.Key
}

func sortedParams(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+m[k])
	}
	return out
}

func paramsText(list []string) string {
	if len(list) == 0 {
		return "as it is"
	}
	return strings.Join(list, " ")
}

// prefixed writes whole lines behind a prefix.
type prefixed struct {
	mu     *sync.Mutex
	to     io.Writer
	prefix string
	rest   []byte
}

func (p *prefixed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest = append(p.rest, b...)
	var out bytes.Buffer
	for {
		n := bytes.IndexByte(p.rest, '\n')
		if n < 0 {
			break
		}
		out.WriteString(p.prefix)
		out.Write(p.rest[:n+1])
		p.rest = p.rest[n+1:]
	}
	if _, err := p.to.Write(out.Bytes()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// flush writes a last line without end; mu is held.
func (p *prefixed) flush() {
	if len(p.rest) > 0 {
		fmt.Fprintf(p.to, "%s%s\n", p.prefix, p.rest) //nolint:errcheck // stderr is gone: nobody to tell
		p.rest = nil
	}
}

// showTrials writes what a sweep would run.
func showTrials(io *term.IO, trials []sweep.Trial) error {
	for i, t := range trials {
		var err error
		if io.JSON {
			err = io.JSONLine(struct {
				Type   string            `json:"type"`
				Params map[string]string `json:"params"`
			}{"trial", sweptParams(t)})
		} else {
			_, err = fmt.Fprintf(io.Out, "trial %d  %s\n", i+1, paramsText(sortedParams(sweptParams(t))))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
