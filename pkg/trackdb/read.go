package trackdb

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/track"
)

const runColumns = `r.seq, r.id, r.name, e.name, r.kind, r.status, r.start_time, r.end_time, r.deleted > 0, r.parent, r.user, r.source,
	r.git_commit, r.git_branch, r.git_dirty, r.git_remote, r.note, r.command`

func scanRun(scan func(...any) error, extra ...any) (seq int64, run track.Run, err error) {
	var command string
	dest := append([]any{&seq, &run.ID, &run.Name, &run.Experiment, &run.Kind, &run.Status, &run.StartTime, &run.EndTime, &run.Deleted,
		&run.Parent, &run.User, &run.Source, &run.Git.Commit, &run.Git.Branch, &run.Git.Dirty, &run.Git.Remote, &run.Note, &command}, extra...)
	if err := scan(dest...); err != nil {
		return 0, run, err
	}
	if command != "[]" {
		err = json.Unmarshal([]byte(command), &run.Command)
	}
	run.Params, run.Metrics, run.Tags = []track.Param{}, []track.Summary{}, []track.Tag{}
	return seq, run, err
}

// Run implements track.Reader.
func (s *Service) Run(ctx context.Context, id string) (track.Run, error) {
	if err := s.reap(ctx); err != nil {
		return track.Run{}, err
	}
	_, run, _, err := wholeRun(ctx, s.db, id)
	return run, err
}

// wholeRun reads all of a run but the points of its series.
func wholeRun(ctx context.Context, q querier, id string) (seq int64, run track.Run, edited int64, err error) {
	var environment string
	if err := each(ctx, q, func(scan func(...any) error) error {
		seq, run, err = scanRun(scan, &environment, &edited)
		return err
	}, "SELECT "+runColumns+", r.environment, r.edited FROM runs r JOIN experiments e ON e.id = r.experiment WHERE r.id = ?", id); err != nil {
		return 0, run, 0, err
	}
	if seq == 0 {
		return 0, run, 0, notFound(id)
	}
	if environment != "{}" {
		if err := json.Unmarshal([]byte(environment), &run.Environment); err != nil {
			return 0, run, 0, err
		}
	}
	if err := fill(ctx, q, map[int64]*track.Run{seq: &run}); err != nil {
		return 0, run, 0, err
	}
	if err := fillAssets(ctx, q, map[int64]*track.Run{seq: &run}); err != nil {
		return 0, run, 0, err
	}
	run.Stages, err = stages(ctx, q, seq)
	return seq, run, edited, err
}

// Runs implements track.Reader.
func (s *Service) Runs(ctx context.Context, q track.Query) ([]track.Run, error) {
	if err := s.reap(ctx); err != nil {
		return nil, err
	}
	var where []string
	var args []any
	if q.IDs != nil {
		where = append(where, "r.id IN ("+marks(len(q.IDs))+")")
		for _, id := range q.IDs {
			args = append(args, id)
		}
	}
	if q.Experiment != "" {
		where, args = append(where, "r.experiment = (SELECT id FROM experiments WHERE name = ?)"), append(args, q.Experiment)
	}
	if len(q.Statuses) > 0 {
		where = append(where, "r.status IN ("+marks(len(q.Statuses))+")")
		for _, status := range q.Statuses {
			args = append(args, status)
		}
	}
	if !q.Deleted {
		where = append(where, "r.deleted = 0")
	}
	query := "SELECT " + runColumns + " FROM runs r CROSS JOIN experiments e ON e.id = r.experiment"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	query += " ORDER BY r.start_time DESC, r.id"
	if q.Limit > 0 {
		query += " LIMIT " + strconv.Itoa(q.Limit)
	}
	var seqs []int64
	runs := []track.Run{}
	if err := each(ctx, s.db, func(scan func(...any) error) error {
		seq, run, err := scanRun(scan)
		seqs, runs = append(seqs, seq), append(runs, run)
		return err
	}, query, args...); err != nil {
		return nil, err
	}
	if q.Bare {
		return runs, nil
	}
	bySeq := make(map[int64]*track.Run, len(runs))
	for i, seq := range seqs {
		bySeq[seq] = &runs[i]
	}
	if err := fill(ctx, s.db, bySeq); err != nil || !q.Assets {
		return runs, err
	}
	return runs, fillAssets(ctx, s.db, bySeq)
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

// fewRuns is up to where runs are looked up one by one; above, a table is read
// from the first to the last run, which is faster for each.
const fewRuns = 500

// fill adds params, metrics and tags, each by key.
func fill(ctx context.Context, q querier, runs map[int64]*track.Run) error {
	return errors.Join(
		rowsOf(ctx, q, runs, "SELECT run, key, value FROM params", "", "key", func(scan func(...any) error) (seq int64, add func(*track.Run), err error) {
			var p track.Param
			err = scan(&seq, &p.Key, &p.Value)
			return seq, func(r *track.Run) { r.Params = append(r.Params, p) }, err
		}),
		rowsOf(ctx, q, runs, "SELECT run, key, value, timestamp, step, min, max, count FROM series", "", "key", func(scan func(...any) error) (seq int64, add func(*track.Run), err error) {
			var m track.Summary
			var value, low, high real
			err = scan(&seq, &m.Key, &value, &m.Timestamp, &m.Step, &low, &high, &m.Count)
			m.Value, m.Min, m.Max = track.Value(value), track.Value(low), track.Value(high)
			return seq, func(r *track.Run) { r.Metrics = append(r.Metrics, m) }, err
		}),
		rowsOf(ctx, q, runs, "SELECT run, key, value, time FROM tags", "AND deleted = 0", "key", func(scan func(...any) error) (seq int64, add func(*track.Run), err error) {
			var t track.Tag
			err = scan(&seq, &t.Key, &t.Value, &t.Time)
			return seq, func(r *track.Run) { r.Tags = append(r.Tags, t) }, err
		}))
}

// fillAssets adds assets, by role and path.
func fillAssets(ctx context.Context, q querier, runs map[int64]*track.Run) error {
	return rowsOf(ctx, q, runs, "SELECT run, path, role, kind, id, size, files FROM assets", "", "role, path", func(scan func(...any) error) (seq int64, add func(*track.Run), err error) {
		var a track.Asset
		var id []byte
		if err := scan(&seq, &a.Path, &a.Role, &a.Kind, &id, &a.Size, &a.Files); err != nil {
			return 0, nil, err
		}
		a.ID, err = oid.FromBytes(id)
		return seq, func(r *track.Run) { r.Assets = append(r.Assets, a) }, err
	})
}

// rowsOf reads the rows of some runs from a table that has a column run.
func rowsOf(ctx context.Context, q querier, runs map[int64]*track.Run, query, and, order string,
	read func(scan func(...any) error) (seq int64, add func(*track.Run), err error),
) error {
	if len(runs) == 0 {
		return nil
	}
	seqs := slices.Collect(maps.Keys(runs))
	where, args := "run BETWEEN ? AND ?", []any{slices.Min(seqs), slices.Max(seqs)}
	if len(runs) <= fewRuns {
		where, args = "run IN ("+marks(len(runs))+")", make([]any, 0, len(runs))
		for _, seq := range seqs {
			args = append(args, seq)
		}
	}
	return each(ctx, q, func(scan func(...any) error) error {
		seq, add, err := read(scan)
		if run := runs[seq]; run != nil && err == nil {
			add(run)
		}
		return err
	}, query+" WHERE "+where+" "+and+" ORDER BY run, "+order, args...)
}

func stages(ctx context.Context, q querier, seq int64) ([]track.StageRecord, error) {
	var stages []track.StageRecord
	return stages, each(ctx, q, func(scan func(...any) error) error {
		var r track.StageRecord
		var reasons string
		var log []byte
		if err := scan(&r.Name, &r.Action, &reasons, &r.Seconds, &r.CPUSeconds, &r.MaxRSS, &r.ExitCode, &log, &r.Fingerprint); err != nil {
			return err
		}
		err := json.Unmarshal([]byte(reasons), &r.Reasons)
		if log != nil && err == nil {
			r.Log, err = oid.FromBytes(log)
		}
		stages = append(stages, r)
		return err
	}, "SELECT name, action, reasons, seconds, cpu_seconds, max_rss, exit_code, log, fingerprint FROM stages WHERE run = ? ORDER BY position", seq)
}

// History implements track.Reader.
func (s *Service) History(ctx context.Context, id, key string) ([]track.Metric, error) {
	points := []track.Metric{}
	return points, each(ctx, s.db, func(scan func(...any) error) error {
		m := track.Metric{Key: key}
		var value real
		err := scan(&m.Timestamp, &m.Step, &value)
		m.Value = float64(value)
		points = append(points, m)
		return err
	}, `SELECT p.timestamp, p.step, p.value FROM runs r JOIN series s ON s.run = r.seq AND s.key = ? JOIN points p ON p.series = s.id
		WHERE r.id = ? ORDER BY p.timestamp, p.step, p.value`, key, id)
}

// Experiments implements track.Reader.
func (s *Service) Experiments(ctx context.Context) ([]track.Experiment, error) {
	list := []track.Experiment{}
	return list, each(ctx, s.db, func(scan func(...any) error) error {
		var e track.Experiment
		err := scan(&e.ID, &e.Name, &e.Created, &e.Updated, &e.Runs)
		list = append(list, e)
		return err
	}, `SELECT id, name, created, updated, (SELECT count(*) FROM runs WHERE experiment = e.id AND deleted = 0)
		FROM experiments e WHERE deleted = 0 ORDER BY name`)
}
