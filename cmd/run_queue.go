package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/isolate"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/queue"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/track"
)

// queued is a job of the queue: a run, with the code that it was queued with.
type queued struct {
	Plan      pipeline.PlanRequest `json:"plan"`
	Jobs      int                  `json:"jobs,omitempty"`
	KeepGoing bool                 `json:"keep_going,omitempty"`
	GPUs      int                  `json:"gpus,omitempty"`
	Kind      track.Kind           `json:"kind"`
	Tags      []track.Tag          `json:"tags,omitempty"`
	Command   []string             `json:"command"`
	Snapshot  isolate.Snapshot     `json:"snapshot"`
	Git       track.Git            `json:"git"`
	Patch     oid.ID               `json:"patch"` // object; zero for none
	// Of the run, for when it is queued again.
	Name       string `json:"name"`
	Experiment string `json:"experiment"`
}

// jobQueue opens the queue.
func (a *app) jobQueue(ctx context.Context) (*queue.Queue, error) {
	r, err := a.repo(ctx)
	if err != nil {
		return nil, err
	}
	index, err := r.Index(ctx)
	if err != nil {
		return nil, err
	}
	return queue.New(index, filepath.Join(r.MetaDir(), "queue"), a.clock), nil
}

// queuedLine is a job in the JSON lines of run --queue.
type queuedLine struct {
	Type   string            `json:"type"` // queued
	Job    int64             `json:"job"`
	RunID  string            `json:"run_id"`
	Name   string            `json:"name"`
	Params map[string]string `json:"params"`
}

// enqueue puts the run, or the trials of a sweep, into the queue.
func (o *runOptions) enqueue(ctx context.Context, w *isolation) error {
	tracker, err := o.app.tracking(ctx)
	if err != nil {
		return err
	}
	jobs, err := o.app.jobQueue(ctx)
	if err != nil {
		return err
	}
	base := queued{
		Jobs: o.Jobs, KeepGoing: o.KeepGoing, GPUs: o.GPUs, Kind: track.Pipeline, Tags: o.Tags, Experiment: o.Experiment,
		Command: append([]string{"mlops"}, os.Args[1:]...), Snapshot: w.snap, Git: w.git,
	}
	assets := w.snap.Assets()
	if base.Patch, err = w.keepPatch(ctx); err != nil {
		return err
	}
	if !base.Patch.IsZero() {
		assets = append(assets, track.Asset{Path: track.CodePatch, Role: track.Artifact, Kind: "file", ID: base.Patch, Size: int64(len(w.code.Patch)), Files: 1})
	}
	parent := track.Run{ID: o.Parent}
	if len(o.trials) > 1 {
		base.Kind = track.Trial
		if parent, err = tracker.Create(ctx, o.groupRun(w, track.Scheduled)); err != nil {
			return err
		}
	}
	list := make([]queue.Job, 0, len(o.trials))
	for n, trial := range o.trials {
		q := base
		q.Plan, q.Name = o.PlanRequest, o.Name
		q.Plan.SetParams = trial.Edits
		if len(o.trials) > 1 {
			q.Name = trialName(parent.Name, n, len(o.trials))
		}
		run, err := tracker.Create(ctx, q.scheduled(parent.ID, assets))
		if err != nil {
			return err
		}
		q.Name = run.Name
		text, err := json.Marshal(q)
		if err != nil {
			return err
		}
		job := queue.Job{Run: run.ID, Name: run.Name, Request: text, Params: sweptParams(trial)}
		if len(o.trials) == 1 {
			job.Params = paramsOf(trial.Edits)
		}
		if len(o.trials) > 1 {
			job.Parent = parent.ID
		}
		list = append(list, job)
	}
	if list, err = jobs.Add(ctx, list); err != nil {
		return err
	}
	for _, j := range list {
		if err := o.app.showQueued(j); err != nil {
			return err
		}
	}
	h, err := jobs.Supervisor()
	if h == nil && err == nil {
		o.app.io.Hint("nothing works on the queue: mlops queue start")
	}
	return err
}

func (a *app) showQueued(j queue.Job) error {
	if a.io.JSON {
		return a.io.JSONLine(queuedLine{Type: "queued", Job: j.ID, RunID: j.Run, Name: j.Name, Params: j.Params})
	}
	text := ""
	if len(j.Params) > 0 {
		text = "  " + paramsText(sortedParams(j.Params))
	}
	_, err := fmt.Fprintf(a.io.Out, "queued job %d, %s%s\n", j.ID, j.Name, text)
	return err
}

// scheduled is the record of a run that waits.
func (q queued) scheduled(parent string, assets []track.Asset) track.Run {
	return track.Run{
		Name: q.Name, Experiment: q.Experiment, Kind: q.Kind, Status: track.Scheduled, Parent: parent, Tags: q.Tags,
		Command: q.Command, Git: q.Git, Assets: assets,
	}
}

// keepPatch stores what differs from the commit; the id is zero for nothing.
func (n *isolation) keepPatch(ctx context.Context) (id oid.ID, err error) {
	if len(n.code.Patch) == 0 {
		return id, nil
	}
	st, err := n.repo.Store(ctx)
	if err != nil {
		return id, err
	}
	batch, err := st.NewBatch(ctx)
	if err != nil {
		return id, err
	}
	defer func() { err = errors.Join(err, batch.Close()) }()
	if id, err = batch.PutBytes(n.code.Patch); err != nil {
		return id, err
	}
	return id, batch.Commit()
}

// workOn does a job of the queue: it is what a worker does.
func (a *app) workOn(ctx context.Context, number int64) error {
	jobs, err := a.jobQueue(ctx)
	if err != nil {
		return err
	}
	return jobs.Work(ctx, number, func(inner context.Context, j queue.Job) error {
		err := a.doJob(inner, j)
		state, why := queue.Finished, ""
		switch {
		case inner.Err() != nil:
			state, why = queue.Killed, context.Cause(inner).Error()
		case err != nil:
			state, why = queue.Failed, err.Error()
		}
		after := context.WithoutCancel(ctx)
		if ferr := a.finish(after, j.Run, state); ferr != nil {
			return errors.Join(err, ferr)
		}
		_, eerr := jobs.End(after, j, state, why)
		return errors.Join(err, eerr, a.closeSweep(after, jobs, j.Parent))
	})
}

// doJob runs a job in a copy of the workspace as it was when it was queued.
func (a *app) doJob(ctx context.Context, j queue.Job) error {
	var q queued
	if err := json.Unmarshal(j.Request, &q); err != nil {
		return errs.New(errs.Corrupt, "job %d: %w", j.ID, err)
	}
	r, err := a.repo(ctx)
	if err != nil {
		return err
	}
	if err := a.holdStore(ctx); err != nil {
		return err
	}
	w := &isolation{app: a, repo: r, snap: q.Snapshot, git: q.Git, blobs: map[string]map[string]string{}}
	w.code.Commit = q.Git.Commit
	if !q.Patch.IsZero() {
		if w.code.Patch, err = readObject(ctx, r, q.Patch); err != nil {
			return err
		}
	}
	if j.Parent != "" {
		if err := a.startSweep(ctx, j.Parent, q.Git); err != nil {
			return err
		}
	}
	o := &runOptions{app: a}
	o.PlanRequest, o.Jobs, o.KeepGoing, o.GPUs = q.Plan, q.Jobs, q.KeepGoing, q.GPUs
	o.ID, o.Name, o.Experiment, o.Kind, o.Command, o.Parent = j.Run, q.Name, q.Experiment, q.Kind, q.Command, j.Parent
	return w.in(ctx, o.ID, false, func(e *pipeline.Engine) error { return o.execute(ctx, e) })
}

func readObject(ctx context.Context, r *repo.Repo, id oid.ID) ([]byte, error) {
	st, err := r.Store(ctx)
	if err != nil {
		return nil, err
	}
	return st.Get(ctx, id)
}

// startSweep has the run of a sweep run when its first trial does. No process
// works on it, so none is missed.
func (a *app) startSweep(ctx context.Context, id string, git track.Git) error {
	tracker, err := a.tracking(ctx)
	if err != nil {
		return err
	}
	run, err := tracker.Run(ctx, id)
	if err != nil || run.Status != track.Scheduled {
		return err
	}
	_, err = tracker.Create(ctx, track.Run{ID: id, Kind: track.Script, Git: git})
	if errs.Is(err, errs.Conflict) { // another worker was faster
		return nil
	}
	return err
}

// closeSweep ends the run of a sweep when its last trial is over.
func (a *app) closeSweep(ctx context.Context, jobs *queue.Queue, parent string) error {
	if parent == "" {
		return nil
	}
	left, worst, err := jobs.Left(ctx, parent)
	if err != nil || left > 0 {
		return err
	}
	tracker, err := a.tracking(ctx)
	if err != nil {
		return err
	}
	run, err := tracker.Run(ctx, parent)
	if err != nil {
		return err
	}
	if run.Status == track.Scheduled { // no trial began
		worst = queue.Killed
	}
	return a.finish(ctx, parent, worst)
}

// finish ends a run as its job did, unless it is over.
func (a *app) finish(ctx context.Context, id string, state queue.State) error {
	tracker, err := a.tracking(ctx)
	if err != nil {
		return err
	}
	status := map[queue.State]track.Status{queue.Finished: track.Finished, queue.Failed: track.Failed, queue.Killed: track.Killed}[state]
	err = tracker.Finish(ctx, id, status, track.Batch{})
	if errs.Is(err, errs.Conflict) || errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}
