package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/metricfile"
	"github.com/mlops-cli/mlops/pkg/paramfile"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
)

// journal writes down what a run did: lock, stage cache and run record. It
// works beside the stages and writes what gathered meanwhile in one go, so
// that a thousand short stages do not mean a thousand flushes.
type journal struct {
	engine  *Engine
	project *Project
	chosen  []string
	decider *decider
	tracker track.Recorder
	run     track.Run
	environ []string // of the process

	mu      sync.Mutex
	pending []entry
	events  []track.Event
	failure error
	grown   bool // stages were added since the run began
	wake    chan struct{}
	closing chan struct{}
	ended   chan struct{}
	assets  map[assetKey]struct{}

	sources  *sources
	warnings []error // known when the journal has ended
}

type assetKey struct {
	role track.Role
	path string
}

// entry is a stage that came to its end.
type entry struct {
	record  track.StageRecord
	stage   *stagefile.Stage
	assets  *stagefile.Record // what it read and made; nil when it failed or is not known
	changed bool              // assets belong into the lock
	log     string            // file with what it printed, "" for none
	claim   *claim            // given up when the stage is recorded; nil for none
	gone    []string          // records to be dropped from the lock
}

// After it wrote, the journal waits for more: so many times as long as it took
// to write, within these bounds.
const (
	gatherTimes = 5
	gatherLeast = 50 * time.Millisecond
	gatherMost  = time.Second
)

func newJournal(e *Engine, p *Project, chosen []string, d *decider) *journal {
	return &journal{
		engine: e, project: p, chosen: chosen, decider: d, environ: os.Environ(),
		wake: make(chan struct{}, 1), closing: make(chan struct{}), ended: make(chan struct{}), assets: map[assetKey]struct{}{},
	}
}

// begin creates the record of the run.
func (j *journal) begin(ctx context.Context, q RunRequest, known *surroundings) error {
	known.wait()
	if known.err != nil {
		return known.err
	}
	run := known.run
	j.tracker = known.tracker
	run.ID, run.Parent, run.Kind, run.Assets = q.ID, q.Parent, cmp.Or(q.Kind, track.Pipeline), q.Assets
	run.Name, run.Experiment, run.Tags, run.Command = q.Name, q.Experiment, q.Tags, q.Command
	run.Params = j.params()
	if run.Environment == nil {
		run.Environment = map[string]string{}
	}
	run.Environment["os"], run.Environment["arch"], run.Environment["cpus"] = runtime.GOOS, runtime.GOARCH, strconv.Itoa(runtime.NumCPU())
	if len(j.project.Files) > 0 {
		run.Source = j.project.Files[0].Path
	}
	var err error
	if j.run, err = j.tracker.Create(ctx, run); err != nil {
		return err
	}
	j.look(context.WithoutCancel(ctx))
	go j.loop(context.WithoutCancel(ctx))
	return nil
}

// params are the values of all parameters that the chosen stages use.
func (j *journal) params() []track.Param {
	byFile := map[string]map[string]string{}
	add := func(file string, values map[string]any) {
		if byFile[file] == nil {
			byFile[file] = map[string]string{}
		}
		for key, v := range values {
			if m, isMap := v.(*paramfile.Map); isMap {
				for _, e := range paramfile.Flatten(m) {
					byFile[file][key+"."+e.Key] = paramText(e.Value)
				}
				continue
			}
			byFile[file][key] = paramText(v)
		}
	}
	for _, address := range j.chosen {
		s := j.project.byAddress[address]
		for file, keys := range s.Params {
			if values, err := j.decider.view.values(file); err == nil {
				if some, err := pick(file, values, keys); err == nil {
					add(file, some)
				}
			}
		}
		for file, values := range s.Used {
			add(file, values)
		}
	}
	merged := metricfile.Merge(byFile, nil)
	out := make([]track.Param, 0, len(merged))
	for _, key := range sortedKeys(merged) {
		out = append(out, track.Param{Key: key, Value: merged[key]})
	}
	return track.Batch{Params: out}.Fit().Params
}

// adopt takes the graph with items that are known only now.
func (j *journal) adopt(p *Project, chosen []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.project, j.chosen, j.grown = p, chosen, true
}

// stages is the project as it is now.
func (j *journal) stages() *Project {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.project
}

// newParams are those of now that had not been there.
func newParams(had, now []track.Param) []track.Param {
	known := map[string]bool{}
	for _, p := range had {
		known[p.Key] = true
	}
	return slices.DeleteFunc(now, func(p track.Param) bool { return known[p.Key] })
}

// paramText is how a value is shown in a run.
func paramText(v any) string {
	switch v.(type) {
	case []any, *paramfile.Map, nil:
		return paramfile.Encode(v)
	default:
		return paramfile.Text(v)
	}
}

// stage hands in a stage that came to its end.
func (j *journal) stage(e entry) {
	j.mu.Lock()
	j.pending = append(j.pending, e)
	j.mu.Unlock()
	if e.record.Action == string(Skipped) {
		return // skipped stages can wait for the next that did something
	}
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// err is what went wrong while writing, if anything.
func (j *journal) err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failure
}

func (j *journal) take() []entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	entries := j.pending
	j.pending = nil
	return entries
}

func (j *journal) loop(ctx context.Context) {
	defer close(j.ended)
	for range j.wake {
		entries, events := j.take(), j.takeEvents()
		if len(entries)+len(events) == 0 || j.err() != nil {
			continue
		}
		start := j.engine.Clock.Now()
		batch, err := j.write(ctx, entries)
		batch.Events = events
		if err == nil {
			err = j.tracker.Log(ctx, j.run.ID, batch)
		}
		if err == nil {
			err = fault.At(ctx, "run.recorded")
		}
		if err != nil {
			j.mu.Lock()
			j.failure = err
			j.mu.Unlock()
		}
		select {
		case <-time.After(min(max(gatherTimes*j.engine.Clock.Now().Sub(start), gatherLeast), gatherMost)):
		case <-j.closing:
		}
	}
}

// end writes what is left and closes the record of the run.
func (j *journal) end(ctx context.Context, status track.Status) error {
	close(j.closing)
	close(j.wake)
	<-j.ended
	if err := j.err(); err != nil {
		return err
	}
	batch, err := j.write(ctx, j.take())
	if err != nil {
		return err
	}
	metrics, err := j.metrics()
	if err != nil {
		return err
	}
	kept, err := j.keep(ctx)
	if err != nil {
		return err
	}
	batch.Assets = append(batch.Assets, kept...)
	batch.Metrics, batch.Events = metrics, j.takeEvents()
	if j.grown {
		batch.Params = newParams(j.run.Params, j.params())
	}
	if err := j.tracker.Finish(ctx, j.run.ID, status, batch.Fit()); err != nil {
		return err
	}
	return fault.At(ctx, "run.recorded")
}

// write makes stages durable in the lock and the stage cache and returns what
// belongs into the run. Objects come first, then the lock, then the database.
func (j *journal) write(ctx context.Context, entries []entry) (track.Batch, error) {
	var batch track.Batch
	if err := j.keepLogs(ctx, entries); err != nil {
		return batch, err
	}
	byDir := map[string][]stagefile.Record{}
	var cached []stagefile.Record
	gone := map[string][]string{}
	var done []Done
	for _, e := range entries {
		batch.Stages = append(batch.Stages, e.record)
		if !e.changed {
			continue
		}
		dir := path.Dir(e.stage.File)
		byDir[dir] = append(byDir[dir], *e.assets)
		gone[dir] = append(gone[dir], e.gone...)
		if e.assets.Fingerprint == disturbedPrint {
			continue
		}
		done = append(done, Done{e.stage, *e.assets})
		if len(e.assets.Outs) > 0 {
			cached = append(cached, *e.assets)
		}
	}
	for _, dir := range sortedKeys(byDir) {
		file, foreign := path.Join(dir, stagefile.LockName), false
		if err := j.engine.Files.UpdateLock(ctx, dir, func(l *stagefile.Lock) {
			foreign = j.decider.view.lockStates.changed(file)
			for _, name := range gone[dir] {
				l.Remove(name)
			}
			for _, r := range byDir[dir] {
				l.Set(r)
			}
		}); err != nil {
			return batch, err
		}
		if !foreign {
			j.decider.view.lockStates.read(file) // what is new in it is ours
		}
	}
	if len(byDir) > 0 {
		if err := fault.At(ctx, "run.lock.written"); err != nil {
			return batch, err
		}
	}
	if len(done) > 0 && j.engine.Recorded != nil {
		if err := j.engine.Recorded(ctx, done); err != nil {
			return batch, err
		}
	}
	if err := j.decider.cache.store(ctx, cached); err != nil {
		return batch, err
	}
	for _, e := range entries {
		if e.claim == nil {
			continue
		}
		if err := e.claim.release(); err != nil {
			return batch, fmt.Errorf("stage %s: %w", e.record.Name, err)
		}
	}
	batch.Assets = j.newAssets(entries)
	return batch, nil
}

// keepLogs stores the logs of the stages as objects.
func (j *journal) keepLogs(ctx context.Context, entries []entry) error {
	var files []string
	var at []int
	for i, e := range entries {
		if e.log != "" {
			files, at = append(files, e.log), append(at, i)
		}
	}
	if len(files) == 0 {
		return nil
	}
	ids, err := j.engine.Data.Keep(ctx, files)
	if err != nil {
		return fmt.Errorf("keep the logs of the stages: %w", err)
	}
	for i, id := range ids {
		entries[at[i]].record.Log = id
		if err := os.Remove(files[i]); err != nil {
			return fmt.Errorf("remove log: %w", err)
		}
	}
	return nil
}

// newAssets are inputs and outputs that the run has not named yet.
func (j *journal) newAssets(entries []entry) []track.Asset {
	var out []track.Asset
	add := func(role track.Role, a stagefile.Asset) {
		key := assetKey{role, a.Path}
		if _, had := j.assets[key]; had {
			return
		}
		j.assets[key] = struct{}{}
		kind := string(a.Kind)
		if a.Kind == stagefile.KindExec {
			kind = string(stagefile.KindFile)
		}
		out = append(out, track.Asset{
			Path: a.Path, Role: role, Kind: kind, ID: a.ID, Size: a.Size, Files: a.Files,
			Local: role == track.Output && (a.NoPush || a.NoCache && a.Size > keepUncached),
		})
	}
	for _, e := range entries {
		if e.assets == nil {
			continue
		}
		for _, a := range e.assets.Deps {
			if _, made := j.stages().Producer(a.Path); !made {
				add(track.Input, a)
			}
		}
		for _, a := range e.assets.Outs {
			add(track.Output, a)
		}
	}
	return out
}

// metrics reads the metric and plot files of the chosen stages.
func (j *journal) metrics() ([]track.Metric, error) {
	files, err := j.metricFiles()
	if err != nil {
		return nil, err
	}
	series, problems := metricfile.Read(files)
	for _, problem := range problems {
		j.warnings = append(j.warnings, fmt.Errorf("no metrics of a file: %w", problem))
	}
	now := j.engine.Clock.Now().UnixMilli()
	var out []track.Metric
	for _, s := range series {
		for _, p := range s.Points {
			at := p.Time
			if at == 0 {
				at = now
			}
			out = append(out, track.Metric{Key: s.Key, Value: p.Value, Step: p.Step, Timestamp: at})
		}
	}
	return out, nil
}

// metricFiles gathers the files of metrics and plots that are on disk.
func (j *journal) metricFiles() ([]metricfile.File, error) {
	var out []metricfile.File
	seen := map[string]bool{}
	add := func(p string, like metricfile.File) error {
		if seen[p] || outside(p) {
			return nil
		}
		seen[p] = true
		found, err := readMetrics(j.engine.path(p), p, like)
		out = append(out, found...)
		return err
	}
	for _, address := range j.chosen {
		for _, o := range j.project.byAddress[address].Outs {
			if !o.Metric && !o.Plot {
				continue
			}
			like := metricfile.File{Plot: o.Plot}
			for _, props := range o.Props {
				like.X, like.Template = props.X, props.Template
				if props.Y != "" {
					like.Y = append(like.Y, props.Y)
				}
			}
			if err := add(o.Path, like); err != nil {
				return nil, err
			}
		}
	}
	for _, f := range j.project.Files {
		for _, p := range f.Metrics {
			if err := add(p, metricfile.File{}); err != nil {
				return nil, err
			}
		}
		for _, p := range f.Plots {
			if err := add(path.Join(f.Dir, p.ID), metricfile.File{Plot: true}); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(out, func(a, b metricfile.File) int { return cmp.Compare(a.Path, b.Path) })
	return out, nil
}
