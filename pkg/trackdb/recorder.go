package trackdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/track"
)

// Create implements track.Recorder. A run that is scheduled under the same id
// starts: it keeps its name, experiment, parent and tags. Unless the run is a script, which logs
// through many short processes, this process becomes the one that works on it.
func (s *Service) Create(ctx context.Context, run track.Run) (track.Run, error) {
	known := run.ID != ""
	if !known {
		run.ID = track.NewID()
	}
	if run.Name == "" {
		run.Name = track.NameOf(run.ID)
	}
	if run.Experiment == "" || run.ExperimentID != "" {
		run.Experiment = track.DefaultExperiment
	}
	if run.Kind == "" {
		run.Kind = track.Script
	}
	if run.Status == "" {
		run.Status = track.Running
	}
	if run.StartTime == 0 {
		run.StartTime = s.now()
	}
	if run.User == "" {
		run.User = s.user(ctx)
	}
	if run.Process == (track.Process{}) && run.Kind != track.Script && run.Status == track.Running {
		run.Process = thisProcess()
	}
	if err := errors.Join(track.CheckID(run.ID), track.CheckName("run", run.Name, track.MaxName),
		track.CheckName("experiment", run.Experiment, track.MaxExperiment)); err != nil {
		return run, err
	}
	first := batchOf(run)
	if err := first.Check(); err != nil {
		return run, err
	}
	given := run
	err := s.db.Update(ctx, func(tx *db.Tx) error {
		run = given // it may be the second try
		if known {  // it may be scheduled
			if started, err := s.startRun(ctx, tx, &run, first); started || err != nil {
				return err
			}
		}
		experiment, err := s.experimentOf(ctx, tx, &run)
		if err != nil {
			return err
		}
		r, err := s.insertRun(ctx, tx, &run, experiment)
		if err != nil {
			return err
		}
		if err := s.logBatch(ctx, tx, r, run.ID, first); err != nil {
			return err
		}
		return s.event(ctx, tx, track.RunCreated, run.ID, map[string]any{"name": run.Name, "experiment": run.Experiment, "kind": run.Kind})
	})
	return run, err
}

// startRun makes a run that is scheduled the one that runs now. It reports
// whether there is one.
func (s *Service) startRun(ctx context.Context, tx *db.Tx, run *track.Run, first track.Batch) (bool, error) {
	if run.Status != track.Running {
		return false, nil
	}
	r := row{status: track.Running}
	err := tx.QueryRowContext(ctx, `SELECT r.seq, r.name, r.parent, r.experiment, e.name FROM runs r JOIN experiments e ON e.id = r.experiment
		WHERE r.id = ? AND r.status = ? AND r.deleted = 0`, run.ID, track.Scheduled).Scan(&r.seq, &run.Name, &run.Parent, &r.experiment, &run.Experiment)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	environment, err := json.Marshal(run.Environment)
	if err != nil {
		return false, err
	}
	if run.Environment == nil {
		environment = []byte("{}")
	}
	if _, err := tx.ExecContext(ctx, `UPDATE runs SET status = ?, start_time = ?, source = ?, git_commit = ?, git_branch = ?, git_dirty = ?,
		git_remote = ?, host = ?, pid = ?, proc_start = ?, environment = ? WHERE seq = ?`, run.Status, run.StartTime, run.Source,
		run.Git.Commit, run.Git.Branch, run.Git.Dirty, run.Git.Remote, run.Process.Host, run.Process.PID, run.Process.Started, string(environment), r.seq); err != nil {
		return false, err
	}
	if err := s.logBatch(ctx, tx, r, run.ID, first); err != nil {
		return false, err
	}
	return true, s.event(ctx, tx, track.RunStarted, run.ID, map[string]any{"name": run.Name})
}

// experimentOf returns the number of the experiment that a run names by id or by
// name, and fills the name in.
func (s *Service) experimentOf(ctx context.Context, tx *db.Tx, run *track.Run) (int64, error) {
	if run.ExperimentID == "" {
		return s.experiment(ctx, tx, run.Experiment)
	}
	e, err := activeExperiment(ctx, tx, run.ExperimentID)
	run.Experiment = e.name
	return e.id, err
}

// batchOf is what a run has from the start.
func batchOf(run track.Run) track.Batch {
	return track.Batch{
		Params: run.Params, Tags: run.Tags, Assets: run.Assets, Stages: run.Stages,
		Datasets: run.Datasets, ModelInputs: run.ModelInputs, ModelOutputs: run.ModelOutputs,
	}
}

// insertRun stores a run without what it logged; the row says that it runs.
func (s *Service) insertRun(ctx context.Context, tx *db.Tx, run *track.Run, experiment int64) (_ row, err error) {
	run.ExperimentID = strconv.FormatInt(experiment, 10)
	command := []byte("[]")
	if len(run.Command) > 0 {
		if command, err = json.Marshal(run.Command); err != nil {
			return row{}, err
		}
	}
	environment := []byte("{}")
	if len(run.Environment) > 0 {
		if environment, err = json.Marshal(run.Environment); err != nil {
			return row{}, err
		}
	}
	r := row{experiment: experiment, kind: run.Kind, status: track.Running, start: run.StartTime}
	err = tx.QueryRowContext(ctx, `INSERT INTO runs (id, experiment, name, kind, status, start_time, end_time, parent, "user", source,
		git_commit, git_branch, git_dirty, git_remote, host, pid, proc_start, note, edited, command, environment)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING seq`,
		run.ID, experiment, run.Name, run.Kind, run.Status, run.StartTime, run.EndTime, run.Parent, run.User, run.Source,
		run.Git.Commit, run.Git.Branch, run.Git.Dirty, run.Git.Remote, run.Process.Host, run.Process.PID, run.Process.Started,
		run.Note, run.StartTime, string(command), string(environment)).Scan(&r.seq)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, errs.New(errs.Conflict, "%w", &track.ExistsError{What: track.OfRun, Name: run.ID})
	}
	return r, err
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Log implements track.Recorder.
func (s *Service) Log(ctx context.Context, id string, b track.Batch) error {
	if err := b.Check(); err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *db.Tx) error {
		r, err := s.open(ctx, tx, id)
		if err != nil {
			return err
		}
		return s.logBatch(ctx, tx, r, id, b)
	})
}

// Finish implements track.Recorder.
func (s *Service) Finish(ctx context.Context, id string, status track.Status, last track.Batch) error {
	if !status.Over() {
		return errs.New(errs.Usage, "run %s cannot end as %s", id, status)
	}
	if err := last.Check(); err != nil {
		return err
	}
	err := s.db.Update(ctx, func(tx *db.Tx) error {
		r, err := s.open(ctx, tx, id)
		if err != nil {
			return err
		}
		if r.status.Over() && r.kind == track.Script && !r.deleted {
			return errs.New(errs.Conflict, "run %s is %s already", id, r.status)
		}
		if r.status.Over() {
			return ended(id, r.status)
		}
		if err := s.logBatch(ctx, tx, r, id, last); err != nil {
			return err
		}
		return s.end(ctx, tx, r.seq, id, status, s.now())
	})
	if err != nil {
		return err
	}
	return fault.At(ctx, "run.finished")
}

func (s *Service) end(ctx context.Context, tx *db.Tx, seq int64, id string, status track.Status, at int64) error {
	if _, err := tx.ExecContext(ctx, "UPDATE runs SET status = ?, end_time = ?, host = '', pid = 0, proc_start = '' WHERE seq = ?",
		status, at, seq); err != nil {
		return err
	}
	return s.event(ctx, tx, track.RunFinished, id, map[string]any{"status": status})
}

func ended(id string, status track.Status) error {
	return errs.New(errs.Conflict, "%w", &track.EndedError{ID: id, Status: status}).
		Hint("tags and notes still can: mlops runs tag %.8s KEY=VALUE", id)
}
